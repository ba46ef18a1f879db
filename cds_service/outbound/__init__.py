"""Outbound calls that an attacker may try to steer: only listed origins, only checked addresses, no redirects."""

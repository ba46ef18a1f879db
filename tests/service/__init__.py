"""The service seen from outside: every row of the CDS Hooks conformance table that concerns it."""

"""Which network addresses may be called (decision 48, R-41, FHA-04)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import SOCK_STREAM, getaddrinfo

Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to the texts of addresses. Raises OSError."""

METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))
)
"""Where cloud machines read their own credentials; never called, whatever the site lists."""
TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""IPv6 forms that stand for the IPv4 address in their last four bytes (RFC 6052, RFC 8215)."""
TUNNELLED = (ip_network("2002::/16"), ip_network("2001::/32"), ip_network("::/96"))
"""IPv6 forms that carry an IPv4 address somewhere else (6to4, Teredo, IPv4-compatible); no server lives there."""


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, in the system's order, each once."""
    found = getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def may_be_called(text: str, private_networks: Iterable[Network]) -> bool:
    """True for a public address, or one in a listed private network. Link-local and metadata addresses never."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        inner = address.ipv4_mapped or _translated(address)
        if inner is not None:
            address = inner
    if address in METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if any(address.version == network.version and address in network for network in private_networks):
        return True
    if isinstance(address, IPv6Address) and (address.is_site_local or any(address in net for net in TUNNELLED)):
        return False
    return address.is_global and not address.is_reserved


def _translated(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None

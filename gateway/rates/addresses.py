"""Whose address a request comes from, and what of it is counted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# A home or an office has a /64, and every machine in it as many addresses as it likes.
IPV6_PREFIX = 64


class Proxies:
    """The networks whose X-Forwarded-For is believed; anybody else may write there what they like."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(network) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """The last address in the chain that is none of our proxies'. Each proxy appends who called it."""
        client = peer
        for claimed in reversed(forwarded_for.split(",") if forwarded_for else []):
            if not self.has(client):
                break
            address = parsed(claimed.strip())
            if address is None:
                break
            client = str(address)
        return client

    def has(self, text: str) -> bool:
        address = parsed(text)
        return address is not None and any(address in network for network in self._networks)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """None for what is no address; an IPv4 address that is written as IPv6 is the former."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=8192)
def counted_as(text: str) -> str:
    """An IPv4 address itself, the /64 of an IPv6 one."""
    address = parsed(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address) if address is not None else "unknown"

"""Where a brand may have its webhooks sent: to the public internet over TLS, and nowhere inside of ours.

A name is judged by what it resolves to at the moment of the connection, a URL by its shape before that.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from chassis.errors import ValidationFailed

LONGEST_URL = 2000
# What web servers of other people listen on; anything else would let us knock at doors of all kinds.
PORTS = frozenset({443, 8443})
DEFAULT_PORTS = {"https": 443, "http": 80}

PRINTABLE = re.compile(r"[\x21-\x7e]+")
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
# The C library takes 0x7f.1 and 2130706433 for addresses; nobody who means well writes them so.
LOOKS_NUMERIC = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class UrlRefused(ValidationFailed):
    code, title = "notification.webhook_url_refused", "Webhooks cannot be sent to this URL"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, {"url": [reason]})


def check_url(url: str, *, allow_local: bool) -> SplitResult:
    """The parts of an acceptable URL; `allow_local` is for a stack on one machine, without TLS."""
    if len(url) > LONGEST_URL or not PRINTABLE.fullmatch(url):
        raise UrlRefused(f"Must be at most {LONGEST_URL} printable ASCII characters without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlRefused("Not a valid URL.") from None
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        raise UrlRefused("Must begin with https://.")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise UrlRefused("Must hold neither a user nor a fragment.")
    check_host(parts.hostname or "", allow_local=allow_local)
    if not allow_local and (DEFAULT_PORTS[parts.scheme] if port is None else port) not in PORTS:
        raise UrlRefused(f"Its port must be one of {', '.join(map(str, sorted(PORTS)))}.")
    return parts


def check_host(host: str, *, allow_local: bool) -> None:
    """Addresses are judged here already; names once they are resolved."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not HOST.fullmatch(host) or LOOKS_NUMERIC.fullmatch(host):
            raise UrlRefused("Its host is not valid.") from None
        return
    if not (allow_local or is_public(address)):
        raise UrlRefused("Its address is not a public one.")


def is_public(address: IPAddress) -> bool:
    """True for what anybody on the internet can reach, whatever is wrapped into it.

    What NAT64 and Teredo wrap lies in ranges that are reserved or not global.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address.is_site_local:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def port_of(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS[parts.scheme]

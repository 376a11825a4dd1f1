"""What an AMQP address says about how its connection is secured.

    amqp://campaign:password@host:5672/vhost
    amqps://campaign@host:5671/vhost?cacertfile=ca.pem&certfile=campaign.pem&keyfile=campaign.key

The parameters are RabbitMQ's own (https://www.rabbitmq.com/docs/uri-query-parameters). All of it is in the
one address, so that whatever connects, an operator's command too, needs nothing else.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from chassis.config import ConfigurationError

PORTS = {"amqp": 5672, "amqps": 5671}
"""Where a broker listens when its address does not say."""


@dataclass(frozen=True)
class TlsFiles:
    """Paths of the files with which a client proves who it is, and of the authority that it trusts.

    Without an authority it is the machine's; without a certificate the client has to have a password.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @classmethod
    def of(cls, uri: str) -> Self | None:
        """None for a connection without TLS."""
        parts = urlsplit(uri)
        if parts.scheme != "amqps":
            return None
        named = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        return cls(named.get("cacertfile"), named.get("certfile"), named.get("keyfile"))


def security_of(uri: str) -> dict[str, Any]:
    """The arguments of amqp.Connection: a certificate (SASL EXTERNAL), or a user and a password."""
    parts = urlsplit(uri)
    if parts.scheme not in PORTS:
        raise ConfigurationError(f"AMQP_URI begins with {parts.scheme!r}; it has to be amqp or amqps")
    files = TlsFiles.of(uri)
    encryption = {"ssl": _options(files, parts.hostname or "")} if files else {}
    if files and files.cert_file:
        return encryption | {"login_method": "EXTERNAL"}
    credentials = {
        "userid": unquote(parts.username or "guest"),
        "password": unquote(parts.password or "guest"),
    }
    return encryption | credentials


def _options(files: TlsFiles, host: str) -> dict[str, Any]:
    """py-amqp compares the broker's certificate with its name only when it is told the name."""
    return {
        "ca_certs": files.ca_file,
        "certfile": files.cert_file,
        "keyfile": files.key_file,
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": host,
    }

"""Where the broker and the stores of a platform are, and which words for it when they do not answer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import amqp
import httpx

from chassis.config import Settings
from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from compose import broker
from compose.errors import ComposeError
from compose.names import OPERATOR, RELATIONAL, SERVICES, VHOST
from compose.stack import Stack


@dataclass(frozen=True)
class Access:
    """What the operator's tools need to know of a platform. It holds passwords."""

    amqp_uri: str
    api_uri: str
    vhost: str
    mongo_uri: str
    database_urls: Mapping[str, str]
    lock: Path
    database_prefix: str = Settings.database_prefix
    secrets_key: str = field(default="", repr=False)
    broker_cli: Sequence[str] = ()
    broker_environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, stack: Stack) -> Access:
        """A broker that somebody else runs has neither a management API nor a command line for us."""
        ours = not stack.presets.amqp_uri
        return cls(
            amqp_uri=stack.amqp_uri(OPERATOR),
            api_uri=stack.rabbitmq_api_uri if ours else "",
            vhost=VHOST,
            mongo_uri=stack.mongo_uri,
            database_urls={name: stack.database_url(name) for name in RELATIONAL},
            lock=stack.layout.run_dir / "operations.lock",
            secrets_key=stack.secrets["SECRETS_KEY"],
            broker_cli=(str(broker.server_folder() / "rabbitmqctl"),) if ours else (),
            broker_environment={
                "PATH": os.environ["PATH"],
                **broker.environment(stack.layout, stack.ports, tls=stack.tls),
            },
        )


def chosen(service: str) -> tuple[str, ...]:
    """That service, or all of them when none is named."""
    if not service:
        return SERVICES
    if service not in SERVICES:
        raise ComposeError(f"There is no service {service!r}; there are {', '.join(SERVICES)}.")
    return (service,)


@contextmanager
def broker_answers() -> Iterator[None]:
    """Turns what goes wrong with the broker into a sentence."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        status = f"{error.response.status_code} {error.response.reason_phrase}"
        raise ComposeError(f"The broker's management API refuses: {status}.") from None
    except (OSError, amqp.AMQPError, httpx.HTTPError) as error:
        raise ComposeError(
            f"The broker does not answer ({type(error).__name__}); 'make status' shows what runs."
        ) from None
    except Error as error:
        sentence = error.detail or error.title
        raise ComposeError(f"{sentence[0].upper()}{sentence[1:]}.") from None


def identity_answers(access: Access, method: str, request: Mapping[str, Any]) -> Any:
    """What identity says to an operator."""
    with broker_answers():
        connection = RpcConnection(access.amqp_uri, name=OPERATOR)
        try:
            return connection.call("identity", method, request)
        finally:
            connection.close()

"""A virtual host of one's own on the test broker, with a user per service as in production."""

from __future__ import annotations

import os
import uuid
from typing import Any
from urllib.parse import quote, urlsplit

import amqp
import httpx

from chassis.permissions import permissions
from chassis.rpc.wire import EXCHANGE

USERS = tuple(
    name.removeprefix("AMQP_PASSWORD_").lower()
    for name in sorted(os.environ)
    if name.startswith("AMQP_PASSWORD_")
)


class TestBroker:
    """Creates the virtual host, grants every known user its permissions there, and deletes it again."""

    __test__ = False

    def __init__(self) -> None:
        self.vhost = f"test-{uuid.uuid4().hex[:12]}"
        parts = urlsplit(_required("RABBITMQ_API_URI"))
        self._amqp = urlsplit(_required("AMQP_ADMIN_URI"))
        self._api = httpx.Client(
            base_url=f"http://{parts.hostname}:{parts.port}/api",
            auth=(parts.username or "", parts.password or ""),
            timeout=10,
        )
        self._call("PUT", f"/vhosts/{self.vhost}", {})
        for user in USERS:
            self._call("PUT", f"/permissions/{self.vhost}/{user}", permissions(user))
        self._declare(EXCHANGE)
        for user in USERS:
            self._declare(f"{user}.events")

    def uri(self, user: str) -> str:
        """The AMQP URI of one user in this virtual host."""
        password = os.environ.get(f"AMQP_PASSWORD_{user.upper()}")
        if password is None:
            raise LookupError(f"the test broker has no user {user}; there are {', '.join(USERS)}")
        return f"amqp://{user}:{quote(password)}@{self._amqp.hostname}:{self._amqp.port}/{self.vhost}"

    def depth(self, queue: str) -> int:
        """How many messages wait in a queue at this moment; what consumers hold does not count."""
        parts = urlsplit(self.uri("operator"))
        connection = amqp.Connection(
            host=f"{parts.hostname}:{parts.port}",
            userid=parts.username,
            password=parts.password,
            virtual_host=self.vhost,
        )
        connection.connect()
        try:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)
        finally:
            connection.close()

    def queues(self) -> dict[str, dict[str, Any]]:
        """All queues by name, as the management API describes them."""
        answer = self._api.get(f"/queues/{self.vhost}").raise_for_status()
        return {queue["name"]: queue for queue in answer.json()}

    def close(self) -> None:
        self._call("DELETE", f"/vhosts/{self.vhost}", None)
        self._api.close()

    def _declare(self, exchange: str) -> None:
        self._call("PUT", f"/exchanges/{self.vhost}/{exchange}", {"type": "topic", "durable": True})

    def _call(self, method: str, path: str, body: object) -> None:
        self._api.request(method, path, json=body).raise_for_status()


def _required(variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise LookupError(f"{variable} is not set; run the suites with `make test`") from None

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from gateway.admission import Admission
from gateway.settings import GatewaySettings
from gateway.tests.conftest import Door


class Client:
    """Calls a WSGI application and keeps what it said."""

    def __init__(self, app: Admission) -> None:
        self.app = app
        self.status = ""
        self.headers: dict[str, str] = {}

    def ask(self, path: str, body: Any = None, length: int = 0) -> bytes:
        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            self.status, self.headers = status, dict(headers)

        environ = {"PATH_INFO": path, "wsgi.input": body or io.BytesIO(), "CONTENT_LENGTH": str(length)}
        return b"".join(self.app(environ, start_response))


def nested(path: str) -> Client:
    """A client of a gateway with one place, whose application asks for `path` while it holds that place."""
    settings = GatewaySettings(max_in_flight=1)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/v1/wallet":
            return [inner.ask(path)]
        start_response("200 OK", [])
        return [b"served"]

    admission = Admission(application, settings)
    inner = Client(admission)
    Client(admission).ask("/v1/wallet")
    return inner


def test_what_is_too_much_is_turned_away_with_a_problem_document() -> None:
    client = nested("/v1/campaigns")

    assert client.status == "503 Service Unavailable"
    assert client.headers["Retry-After"] == "1"
    assert client.app.in_flight == 0


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/v1/webhooks/stripe"])
def test_health_and_webhooks_are_let_in_however_full_it_is(path: str) -> None:
    assert nested(path).status == "200 OK"


def test_a_body_that_comes_too_slowly_is_not_waited_for_and_holds_no_place() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert admission.in_flight == 0
            gevent.sleep(5)
            return b""

    admission = Admission(lambda *_: [b"never"], GatewaySettings(body_seconds=0.05))
    client = Client(admission)

    problem = json.loads(client.ask("/v1/campaigns", Slow(), 10))

    assert (client.status, problem["code"]) == ("408 Request Timeout", "request_timeout")
    assert client.headers["Connection"] == "close"


def test_a_place_is_given_back_when_the_application_breaks() -> None:
    def broken(*_: Any) -> list[bytes]:
        raise RuntimeError("a bug")

    admission = Admission(broken, GatewaySettings())

    with pytest.raises(RuntimeError):
        Client(admission).ask("/v1/wallet")

    assert admission.in_flight == 0


def test_a_read_that_the_client_has_already_is_not_sent_again(door: Door) -> None:
    headers = door.as_("brand")
    first = door.client.get("/v1/wallet", headers=headers)

    again = door.client.get("/v1/wallet", headers={**headers, "If-None-Match": first.headers["ETag"]})
    door.services.answers["payment.wallet"] = {"id": "changed"}
    changed = door.client.get("/v1/wallet", headers={**headers, "If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (changed.status_code, changed.json) == (200, {"id": "changed"})


def test_what_is_no_answer_to_a_read_has_no_tag(door: Door) -> None:
    refused = door.client.get("/v1/wallet")
    written = door.client.post("/v1/overlay-link", headers=door.as_("streamer"))

    assert "ETag" not in refused.headers
    assert (written.status_code, "ETag" in written.headers) == (201, False)

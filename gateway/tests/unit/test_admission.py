from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from gateway.admission import Admission, Places, Wsgi
from gateway.app import rate_setup
from gateway.rates.counts import LocalCounts
from gateway.rates.limiter import Limiter
from gateway.settings import GatewaySettings
from gateway.tests.conftest import Door


class Client:
    """Calls a WSGI application and keeps what it said."""

    def __init__(self, app: Admission) -> None:
        self.app = app
        self.status = ""
        self.headers: dict[str, str] = {}

    def ask(self, path: str, body: Any = None, length: int = 0, **headers: str) -> bytes:
        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            self.status, self.headers = status, dict(headers)

        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "wsgi.input": body or io.BytesIO(),
            "CONTENT_LENGTH": str(length),
            **headers,
        }
        return b"".join(self.app(environ, start_response))


PORTAL = "https://portal.example"


def admission_of(application: Wsgi, settings: GatewaySettings) -> Admission:
    limiter = Limiter(LocalCounts(), rate_setup(settings))
    return Admission(application, settings, lambda: limiter)


def nested(path: str, within: str = "/v1/wallet", **headers: str) -> Client:
    """A client of a gateway with one place of each sort, who asks for `path` while `within` is served."""
    settings = GatewaySettings(max_in_flight=1, max_uploads=1, cors_origins=(PORTAL,))
    entered: list[str] = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        entered.append(environ["PATH_INFO"])
        if len(entered) == 1:
            return [inner.ask(path, **headers)]
        start_response("200 OK", [])
        return [b"served"]

    admission = admission_of(application, settings)
    inner = Client(admission)
    Client(admission).ask(within)
    assert (admission.requests.taken, admission.uploads.taken) == (0, 0)
    return inner


def test_what_is_too_much_is_turned_away_as_every_other_request_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    client = nested("/overlay/secret/manifest", HTTP_X_REQUEST_ID="known-to-the-client", HTTP_ORIGIN=PORTAL)

    assert client.status == "503 Service Unavailable"
    assert client.headers["Retry-After"] == "1"
    assert client.headers["X-Request-Id"] == "known-to-the-client"
    assert client.headers["X-Content-Type-Options"] == "nosniff"
    assert client.headers["Access-Control-Allow-Origin"] == PORTAL
    assert [record.getMessage() for record in caplog.records] == ["POST /overlay/[token]/manifest 503"]


def test_uploads_take_places_of_their_own() -> None:
    assert nested("/v1/assets").status == "200 OK"
    assert nested("/v1/wallet", within="/v1/assets").status == "200 OK"
    assert nested("/v1/assets", within="/v1/assets").status == "503 Service Unavailable"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/v1/webhooks/stripe"])
def test_health_and_webhooks_are_let_in_however_full_it_is(path: str) -> None:
    assert nested(path).status == "200 OK"


class Slow(io.BytesIO):
    """Ten bytes that do not come; no request may hold a place meanwhile."""

    def __init__(self, places: Places) -> None:
        super().__init__(b"0123456789")
        self._places = places

    def read(self, size: int | None = -1) -> bytes:
        assert self._places.taken == 0
        gevent.sleep(5)
        return b""


def test_a_body_that_comes_too_slowly_is_not_waited_for_and_holds_no_place() -> None:
    admission = admission_of(lambda *_: [b"never"], GatewaySettings(body_seconds=0.05))
    client = Client(admission)

    problem = json.loads(client.ask("/v1/campaigns", Slow(admission.requests), 10))

    assert (client.status, problem["code"]) == ("408 Request Timeout", "request_timeout")
    assert client.headers["Connection"] == "close"
    assert problem["request_id"] == client.headers["X-Request-Id"] != ""


def test_an_upload_that_stops_coming_is_given_up_and_leaves_nothing(make_door: Callable[..., Door]) -> None:
    door = make_door(body_seconds=0.05)

    answer = door.client.post(
        "/v1/assets",
        headers=door.as_("brand"),
        input_stream=Slow(Places(1)),
        content_type="multipart/form-data; boundary=x",
    )

    assert (answer.status_code, answer.json["code"]) == (408, "request_timeout")
    assert answer.headers["Connection"] == "close"
    assert door.services.calls == []


def test_a_place_is_given_back_when_the_application_breaks() -> None:
    def broken(*_: Any) -> list[bytes]:
        raise RuntimeError("a bug")

    admission = admission_of(broken, GatewaySettings())

    with pytest.raises(RuntimeError):
        Client(admission).ask("/v1/wallet")

    assert admission.requests.taken == 0


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


def test_the_document_says_what_any_route_may_answer(door: Door) -> None:
    paths = door.client.get("/openapi.json").json["paths"]

    def statuses(path: str, method: str) -> set[str]:
        return set(paths[path][method]["responses"])

    assert {"304", "503"} <= statuses("/v1/wallet", "get")
    assert "304" not in statuses("/v1/invoices/{invoice_id}.pdf", "get")
    assert {"408", "503"} <= statuses("/v1/wallet/deposits", "post")
    assert "408" not in statuses("/v1/wallet", "get")

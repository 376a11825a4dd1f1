from __future__ import annotations

import json
from typing import Any

import pytest
from gunicorn.config import Config

from gateway import door as module
from gateway.door import Door, Refusal, whole
from gateway.serving import door_of
from gateway.settings import GatewaySettings
from gateway.tests.conftest import Door as Gateway
from gateway.tests.unit.test_admission import Client, admission_of
from gateway.worker import Parser, WholeResponses

PORTAL = "https://portal.example"
READ = b"GET /v1/wallet HTTP/1.1\r\nHost: x\r\n\r\n"


def request(line: bytes = b"GET /v1/wallet HTTP/1.1", *fields: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, b"Host: x", *fields, b"", body])


@pytest.mark.parametrize(
    ("data", "path", "closes"),
    [
        (request(), "/v1/wallet", False),
        (request(b"GET /v1/wallet HTTP/1.1", b"Connection: Keep-Alive"), "/v1/wallet", False),
        (request(b"DELETE /v1/x?y=1 HTTP/1.1", b"connection: close"), "/v1/x?y=1", True),
        (request(b"POST /v1/x HTTP/1.1", b"Content-Length: 2", body=b"{}"), "/v1/x", False),
    ],
)
def test_a_request_that_is_there_in_one_piece_is_known_at_a_glance(
    data: bytes, path: str, closes: bool
) -> None:
    found = whole(data)

    assert found is not None
    assert (found.path, found.closes) == (path, closes)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        READ[:-1],
        READ + READ,
        READ + b"G",
        request(b"HEAD / HTTP/1.1"),
        request(b"OPTIONS / HTTP/1.1"),
        request(b"GET / HTTP/1.0"),
        request(b"GET http://x/ HTTP/1.1"),
        request(b"GET /\xff HTTP/1.1"),
        request(b"get / HTTP/1.1"),
        request(b"POST / HTTP/1.1", b"Content-Length: 3", body=b"{}"),
        request(b"POST / HTTP/1.1", b"Content-Length: 1", body=b"{}"),
        request(b"POST / HTTP/1.1", b"Content-Length: +2", body=b"{}"),
        request(b"POST / HTTP/1.1", b"Content-Length : 2", body=b"{}"),
        request(b"POST / HTTP/1.1", b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
        request(b"POST / HTTP/1.1", b"X: 1\nContent-Length: 2", body=b"{}"),
        request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        request(b"GET / HTTP/1.1", b"Connection: Upgrade"),
        request(b"GET / HTTP/1.1", b"Connection: close", b"Connection: keep-alive"),
        request(b"GET / HTTP/1.1", b"Expect: 100-continue"),
        request(b"GET / HTTP/1.1", b"Upgrade: h2c"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_could_end_elsewhere_is_left_to_the_parser(data: bytes) -> None:
    assert whole(data) is None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Waiting:
    """A connection whose request has been there for so long."""

    def __init__(self, milliseconds: int) -> None:
        self._told = bytes(52) + milliseconds.to_bytes(4, "little")

    def getsockopt(self, *_: int) -> bytes:
        return self._told


LATE, IN_TIME = Waiting(40), Waiting(4)


@pytest.fixture
def shut(clock: Clock) -> Door:
    """A door before which a queue has stood for a while."""
    door = Door(frozenset({PORTAL}), clock)
    for _ in range(40):
        door.is_shut(LATE)
        clock.now += 0.01
    assert door.is_shut(LATE)
    return door


def come(door: Door, data: bytes = READ, connection: Any = LATE) -> Refusal | None:
    """As a worker does it."""
    return door.refusal(data, is_shut=door.is_shut(connection))


def refused(door: Door, data: bytes = READ, connection: Any = LATE) -> tuple[dict[str, str], dict[str, Any]]:
    refusal = come(door, data, connection)
    assert refusal is not None
    head, _, body = refusal.refused_with.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    assert status == "HTTP/1.1 503 Service Unavailable"
    return dict(field.split(": ", 1) for field in fields), json.loads(body)


def test_who_waited_in_a_queue_that_stands_is_answered_as_everybody_is(shut: Door) -> None:
    own = request(
        b"GET /v1/wallet HTTP/1.1", b"X-Request-Id: known-to-the-client", b"Origin: " + PORTAL.encode()
    )

    headers, problem = refused(shut, own)

    assert (problem["status"], problem["code"]) == (503, "overloaded")
    assert problem["request_id"] == headers["X-Request-Id"] == "known-to-the-client"
    assert (headers["Retry-After"], headers["Content-Type"]) == ("1", "application/problem+json")
    assert (headers["X-Content-Type-Options"], headers["Access-Control-Allow-Origin"]) == ("nosniff", PORTAL)
    assert int(headers["Content-Length"]) == len(json.dumps(problem))


def test_an_id_that_is_not_fit_to_be_repeated_is_replaced(shut: Door) -> None:

    headers, _ = refused(shut, request(b"GET / HTTP/1.1", b"X-Request-Id: <script>alert(1)</script>"))

    assert len(headers["X-Request-Id"]) == 32


def test_who_asks_that_the_connection_be_closed_is_told_that_it_is(shut: Door) -> None:

    refusal = come(shut, request(b"GET / HTTP/1.1", b"Connection: close"))

    assert refusal is not None
    assert refusal.should_close()
    assert b"\r\nConnection: close\r\n" in refusal.refused_with


@pytest.mark.parametrize("path", [b"/health/live", b"/health/ready", b"/metrics", b"/v1/webhooks/stripe"])
def test_health_and_webhooks_are_let_in_however_late_they_are(shut: Door, path: bytes) -> None:

    assert come(shut, request(b"POST " + path + b" HTTP/1.1")) is None


def test_who_did_not_wait_is_let_in_while_others_are_refused(shut: Door) -> None:
    assert come(shut, READ, IN_TIME) is None


def test_some_are_let_in_however_late_everybody_is(shut: Door, clock: Clock) -> None:
    let_in = 0
    for _ in range(100):
        clock.now += 0.01
        let_in += come(shut) is None

    assert 8 <= let_in <= 10


def test_a_door_is_open_at_first() -> None:
    assert come(Door()) is None


class Sending(Waiting):
    """As `Waiting`, and sends these pieces one after the other."""

    def __init__(self, milliseconds: int, *pieces: bytes) -> None:
        super().__init__(milliseconds)
        self._pieces = list(pieces)

    def recv(self, _: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


CHUNKED = request(b"POST /v1/wallet HTTP/1.1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")


def test_a_worker_shows_each_message_to_the_door_first(shut: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parser, "door", shut)
    parser = Parser(Config(), Sending(40, READ, CHUNKED, READ), ("127.0.0.1", 1))

    first, second, third = next(parser), next(parser), next(parser)

    assert b" 503 " in first.refused_with
    assert (second.is_late, b" 503 " in third.refused_with) == (True, True)
    with pytest.raises(StopIteration):
        next(parser)


def test_a_worker_lets_in_for_good_whom_the_door_lets_in(
    shut: Door, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parser, "door", shut)
    clock.now += module.TRICKLE_SECONDS

    message = next(Parser(Config(), Sending(40, READ), ("127.0.0.1", 1)))

    assert (message.path, message.is_late) == ("/v1/wallet", False)


def test_clients_who_leave_after_a_long_time_are_no_queue(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(now=clock)
    monkeypatch.setattr(Parser, "door", door)
    for _ in range(40):
        clock.now += 0.01
        with pytest.raises(StopIteration):
            next(Parser(Config(), Sending(5000), ("127.0.0.1", 1)))

    assert not door.is_shut(LATE)


def test_what_is_not_known_at_a_glance_is_refused_once_it_is_parsed() -> None:
    client = Client(admission_of(lambda *_: [b"served"], GatewaySettings()))
    connection = WholeResponses(None)
    connection.is_late = True
    late: dict[str, Any] = {"gunicorn.socket": connection}

    assert json.loads(client.ask("/v1/wallet", **late))["code"] == "overloaded"
    assert (client.status, client.headers["Retry-After"]) == ("503 Service Unavailable", "1")
    assert client.ask("/health/live", **late) == b"served"


MEMBER = b"GET /v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q?x=1 HTTP/1.1"
ANOTHER = b"GET /v1/campaigns/cmp_01h455vb4pex5vsknk084sn02r HTTP/1.1"


def test_who_would_wait_for_a_service_that_is_full_is_not_let_in_to_be_refused_there(clock: Clock) -> None:
    door, full = Door(now=clock), [True]
    door.learn("/v1/campaigns/cmp_01h455vb4pex5vsknk084sn02q", lambda: full[0])

    assert refused(door, request(ANOTHER), IN_TIME)[1]["code"] == "overloaded"
    assert refused(door, request(MEMBER), IN_TIME)[1]["code"] == "overloaded"
    assert come(door, READ, IN_TIME) is None


def test_a_service_with_room_again_is_asked_again_and_soon_forgotten(clock: Clock) -> None:
    door, full = Door(now=clock), [True]
    door.learn("/v1/wallet", lambda: full[0])

    full[0] = False
    with_room = come(door, READ, IN_TIME)
    full[0] = True
    without = come(door, READ, IN_TIME)
    full[0] = False
    clock.now += module.SECONDS_TO_REMEMBER
    come(door, READ, IN_TIME)
    full[0] = True

    assert (with_room, without is None, come(door, READ, IN_TIME)) == (None, False, None)


def test_the_door_learns_of_a_bulkhead_from_the_answer_that_it_caused(make_door: Any) -> None:
    from gateway.breakers import BulkheadFull

    gateway: Gateway = make_door()
    gateway.services.answers["payment.wallet"] = BulkheadFull("payment", lambda: True)

    answer = gateway.client.get("/v1/wallet", headers=gateway.as_("brand"))

    assert (answer.status_code, answer.json["code"]) == (503, "bulkhead_full")
    assert refused(door_of(gateway.app), READ, IN_TIME)[1]["code"] == "overloaded"

"""What the row about too many requests sees, what it makes of it, and how they are made."""

import http.server
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from compose.chaos.arrivals import Arrivals, Ask, Came, come
from compose.chaos.overload import Rush, weighed
from compose.chaos.visitors import Answer, share

PATH = "/v1/wallet"


def answers(status, seconds, count):
    return [Answer(PATH, status, 0.0, seconds)] * count


def a_rush(refused_in=0.03, served_in=0.1, served=900, refused=1000, other=()):
    return Rush(
        capacity=100,
        capacity_afterwards=110,
        nothing=answers("200", 0.003, 90),
        comfortable=answers("200", 0.02, 400),
        crowd=[*answers("200", served_in, served), *answers("503", refused_in, refused), *other],
        seconds=10,
        generator=Came([], 0.001, True, 5),
    )


def test_an_excess_that_is_refused_at_once_breaks_nothing():
    findings = weighed(a_rush())

    assert findings.violations == []
    assert (findings.figures["served_per_s"], findings.figures["refused_per_s"]) == (90, 100)


@pytest.mark.parametrize(
    ("rush", "says"),
    [
        (a_rush(refused_in=0.06), "refused is 60 ms"),
        (a_rush(served_in=0.5), "rose from 0.02 s to 0.50 s"),
        (a_rush(served=400), "40 were served a second"),
        (a_rush(refused=0), "nothing was refused"),
        (a_rush(other=answers("500", 0.1, 1)), "were 500"),
        (a_rush(other=answers("hung", 30.0, 1)), "were hung"),
        (replace(a_rush(), comfortable=answers("500", 0.1, 1)), "were 500"),
    ],
)
def test_what_an_excess_must_not_do_is_seen(rush, says):
    assert any(says in violation for violation in weighed(rush).violations)


def test_what_the_machine_takes_for_nothing_is_not_held_against_the_gateway():
    slow_machine = replace(a_rush(refused_in=0.06), nothing=answers("200", 0.02, 90))

    assert weighed(slow_machine).violations == []


SECONDS_PER_ANSWER = 0.2


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(SECONDS_PER_ANSWER)
        self.send_response(503 if self.path == "/refused" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture(scope="module")
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_arrivals_do_not_wait_for_answers(url):
    asks = [Ask("/", {}), Ask("/refused", {})]

    came = come(Arrivals(url, asks, seconds=1.0, rate=60, fresh=0.2))

    statuses = Counter((answer.path, answer.status) for answer in came.answers)
    assert set(statuses) == {("/", "200"), ("/refused", "503")}
    # One after the other, twenty clients would be needed for that; here each comes when it is due.
    assert 30 <= len(came.answers) <= 100
    assert share(came.answers, 1) >= SECONDS_PER_ANSWER


def test_as_many_as_there_are_clients_come_when_they_wait_for_their_answers(url):
    came = come(Arrivals(url, [Ask("/", {})], seconds=1.0, clients=2))

    assert 4 <= len(came.of("200")) <= 12


def test_arrivals_say_that_nobody_is_there():
    came = come(Arrivals("http://127.0.0.1:1", [Ask("/", {})], seconds=0.2, rate=20))

    assert {answer.status for answer in came.answers} == {"Connection refused"}

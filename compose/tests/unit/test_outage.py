"""What the row about a dead service sees, and what it makes of it."""

import http.server
import threading
import time

import pytest

from compose.chaos.outage import ITS_PATH, OTHERS, Window, judged
from compose.chaos.visitors import Answer, Plan, share, visiting

KILLED_AT, BACK_AT, END = 20.0, 25.0, 60
BEFORE = [Window(at, at + 5) for at in (0.0, 5.0, 10.0)]
AWAY = Window(KILLED_AT, BACK_AT)


def outage():
    """An answer of each path every tenth of a second."""
    found = []
    for tenth in range(END * 10):
        at = tenth / 10
        for path in (ITS_PATH, *OTHERS):
            is_away = path == ITS_PATH and KILLED_AT <= at < BACK_AT
            found.append(Answer(path, "503" if is_away else "200", at, 0.02))
    return found


def spoiled(status="200", seconds=0.02, path=OTHERS[0], at=30.0, count=1):
    return [*outage(), *[Answer(path, status, at, seconds)] * count]


def test_a_service_that_dies_and_is_refused_meanwhile_breaks_nothing():
    findings = judged(outage(), BEFORE, AWAY)

    assert findings.violations == []
    assert (findings.figures["refused"], findings.figures["seconds_away"]) == (50, 5.0)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (spoiled("503"), "of the services that live were 503"),
        (spoiled("500"), "of any service were 500"),
        (spoiled("hung", 30.0), "of any service were hung"),
        (spoiled("503", path=ITS_PATH, at=40.0), "of brand, back again were 503"),
        (spoiled("503", 7.0, path=ITS_PATH, at=21.0), "took 7.0 s"),
        (spoiled(seconds=0.5, at=21.0, count=10), "s while it was away"),
        (spoiled(seconds=0.5, at=40.0, count=50), "s afterwards"),
        ([], "too short"),
    ],
)
def test_what_a_dead_service_must_not_do_is_seen(answers, says):
    if not answers:
        answers = [Answer(ITS_PATH, "200", 0.0, 0.02)]

    assert any(says in violation for violation in judged(answers, BEFORE, AWAY).violations)


def test_what_was_as_slow_before_is_noise():
    answers = spoiled(seconds=0.3, at=7.0, count=10)

    findings = judged([*answers, *[Answer(OTHERS[0], "200", 21.0, 0.5)] * 10], BEFORE, AWAY)

    assert findings.violations == []
    assert findings.figures["p99_before_ms"] == [20, 300, 20]


def test_a_share_of_nothing_is_nothing():
    assert share([], 99) == 0.0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        refused = self.path == "/refused"
        self.send_response(503 if refused else 200)
        if self.path == "/closed":
            self.send_header("Connection", "close")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_visitors_come_at_their_pace_and_keep_what_they_were_told(url):
    plan = Plan(url, {}, ("/", "/refused", "/closed"), clients=10, rate=100)

    with visiting(plan) as visit:
        time.sleep(1.5)

    assert {(a.path, a.status) for a in visit.answers} == {
        ("/", "200"),
        ("/refused", "503"),
        ("/closed", "200"),
    }
    assert 50 <= len(visit.answers) <= 170


def test_visitors_say_that_nobody_is_there():
    plan = Plan("http://127.0.0.1:1", {}, ("/",), clients=2, rate=20)

    with visiting(plan) as visit:
        time.sleep(0.5)

    assert {answer.status for answer in visit.answers} == {"ConnectionRefusedError"}

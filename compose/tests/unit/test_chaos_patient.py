"""A client that asks again, and stays for longer than its tokens hold."""

import httpx
import pytest

from compose.chaos.patient import Answers, PatientApi, PatientOverlay, is_settled
from compose.demo.api import DemoFailed

SOON_OLD = {"access_token": "first", "refresh_token": "r1", "expires_in": 0}
RENEWED = {"access_token": "second", "refresh_token": "r2", "expires_in": 900}
LOGGED_IN = {"access_token": "third", "refresh_token": "r3", "expires_in": 900}


class Gateway:
    """Answers in turn, an exception by breaking the connection; `asked` is what it was sent."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return httpx.Response(status, json=body)

    def paths(self):
        return [request.url.path for request in self.asked]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("compose.chaos.patient.PAUSE_SECONDS", 0)


def client(gateway, session=None, again=None):
    api = PatientApi("http://gateway", Answers())
    if session is not None:
        api = api.signed_in(session, again)
    api._client = httpx.Client(
        base_url="http://gateway", headers=api._client.headers, transport=httpx.MockTransport(gateway)
    )
    return api


@pytest.mark.parametrize(
    ("status", "body", "settled"),
    [(200, {}, True), (409, {}, True), (409, {"code": "idempotency.in_flight"}, False), (503, {}, False)]
    + [(status, {}, False) for status in (408, 429, 500, 502)],
)
def test_what_is_about_this_moment_settles_nothing(status, body, settled):
    assert is_settled(httpx.Response(status, json=body)) == settled


def test_what_was_not_answered_is_asked_again_under_its_key():
    gateway = Gateway(httpx.ReadError("cut"), (503, {}), (201, {"id": "x"}))

    assert client(gateway).post("/v1/things", {}) == {"id": "x"}
    assert len({request.headers["Idempotency-Key"] for request in gateway.asked}) == 1


def test_who_asks_is_told_whether_an_answer_was_lost():
    assert client(Gateway((201, {}))).tell("/v1/things")[1] is False
    assert client(Gateway((503, {}), (201, {}))).tell("/v1/things")[1] is True


SHOWN = [{"id": "a"}, {"id": "b"}]
REPLAYED = {"accepted": 0, "refused": [{"id": one, "reason": "replayed"} for one in "ab"]}


def test_showings_that_were_taken_though_the_answer_was_lost_count_as_accepted():
    overlay = PatientOverlay(client(Gateway(httpx.ReadError("cut"), (200, REPLAYED))), "token", "honest")
    overlay.session_id = "ses_1"

    overlay._post(SHOWN)

    assert (overlay.accepted, dict(overlay.refused)) == (2, {})


def test_showings_that_were_sent_twice_count_as_refused():
    overlay = PatientOverlay(client(Gateway((200, REPLAYED))), "token", "honest")
    overlay.session_id = "ses_1"

    overlay._post(SHOWN)

    assert (overlay.accepted, dict(overlay.refused)) == (0, {"replayed": 2})


def never():
    raise AssertionError("there is no reason to log in again")


def test_tokens_are_refreshed_before_they_expire():
    gateway = Gateway((200, RENEWED), (200, {}), (200, {}))
    api = client(gateway, SOON_OLD, never)

    api.get("/v1/wallet")
    api.get("/v1/wallet")

    assert gateway.paths() == ["/v1/auth/refresh", "/v1/wallet", "/v1/wallet"]
    assert [request.headers["Authorization"] for request in gateway.asked[1:]] == ["Bearer second"] * 2


def test_a_refresh_that_was_not_answered_is_tried_again_with_the_next_request():
    gateway = Gateway((503, {}), (200, {}), (200, RENEWED), (200, {}))
    api = client(gateway, SOON_OLD, never)

    api.get("/v1/wallet")
    api.get("/v1/wallet")

    assert [r.headers["Authorization"] for r in gateway.asked[1::2]] == ["Bearer first", "Bearer second"]


def test_who_may_not_refresh_any_more_logs_in_again():
    gateway = Gateway((401, {}), (200, {}))
    api = client(gateway, SOON_OLD, lambda: LOGGED_IN)

    api.get("/v1/wallet")

    assert gateway.asked[-1].headers["Authorization"] == "Bearer third"


def test_a_refusal_is_final():
    with pytest.raises(DemoFailed) as failure:
        client(Gateway((422, {}))).post("/v1/things")

    assert failure.value.status == 422

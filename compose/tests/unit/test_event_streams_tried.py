import random

import httpx
import pytest

from compose.security import streams
from compose.security.streams import Stream
from gateway.tests.conftest import *

LIVE = Stream("/v1/notifications/live", frozenset({200, 401, 403}), ())
KNOWN = {"campaign_id": "cmp_1", "token": "t" * 43}


def answer(status=200, text="retry: 2000\n\n", kind="text/event-stream; charset=utf-8", **headers):
    return httpx.Response(status, text=text, headers={"Content-Type": kind, **headers})


def tried(count, seed=1):
    stream = Stream("/v1/analytics/campaigns/{campaign_id}/live", frozenset({200}), ("campaign_id",))
    return [str(attempt) for attempt in streams.attempts(stream, KNOWN, random.Random(seed), count)]


def test_every_event_stream_of_the_document_is_tried(door):
    document = door.client.get("/openapi.json").json

    assert {stream.path for stream in Stream.all_of(document)} == {
        "/v1/notifications/live",
        "/v1/analytics/campaigns/{campaign_id}/live",
        "/v1/analytics/streamers/me/live",
        "/overlay/{token}/events",
    }


def test_the_first_request_is_an_ordinary_one_and_the_others_follow_from_the_seed():
    assert tried(30)[0] == "GET /v1/analytics/campaigns/cmp_1/live [] {}"
    assert tried(30) == tried(30) != tried(30, seed=2)
    assert len(set(tried(30))) > 20


@pytest.mark.parametrize(
    "response",
    [
        answer(500),
        answer(404),
        answer(kind="application/json"),
        answer(403, "{}", "application/json"),
        answer(text="data: 1\n\n"),
        answer(text="retry: 2000\n\nevent: figures\n\n"),
        answer(**{"X-Injected": "1"}),
    ],
)
def test_what_is_no_beginning_of_a_stream_is_a_defect(response):
    assert streams.wrong(LIVE, response)


@pytest.mark.parametrize(
    "response",
    [
        answer(),
        answer(text='retry: 2000\n\nevent: figures\ndata: {"shown": 1}\n\n: heartbeat\n\n'),
        answer(401, "{}", "application/problem+json"),
    ],
)
def test_a_stream_and_a_documented_problem_are_none(response):
    assert streams.wrong(LIVE, response) == ""

"""What Twitch's client makes of answers that the stand-in never gives."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from streamer.clients import Platforms, Twitch
from streamer.domain import ChannelNotFound, PlatformUnavailable


def twitch_that(answer: Callable[[httpx.Request], httpx.Response]) -> Twitch:
    return Twitch(
        auth_url="https://id.example",
        api_url="https://api.example",
        client_id="id",
        client_secret="hush",
        transport=httpx.MockTransport(answer),
    )


def with_token(
    answer: Callable[[httpx.Request], httpx.Response],
) -> Callable[[httpx.Request], httpx.Response]:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 60, "token_type": "bearer"})
        return answer(request)

    return respond


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        times_out,
        lambda request: httpx.Response(500),
        lambda request: httpx.Response(429, json={"message": "slow down"}),
        lambda request: httpx.Response(401, json={"message": "Invalid OAuth token"}),
        lambda request: httpx.Response(200, text="<html>maintenance</html>"),
        lambda request: httpx.Response(200, json=[]),
        lambda request: httpx.Response(200, json={"data": [{"unexpected": 1}]}),
        lambda request: httpx.Response(200, json={"data": None}),
    ],
)
def test_anything_but_a_good_answer_is_an_outage(answer):
    twitch = twitch_that(with_token(answer))

    with pytest.raises(PlatformUnavailable):
        twitch.viewers("40000001")


def test_a_token_that_cannot_be_had_is_an_outage():
    twitch = twitch_that(lambda request: httpx.Response(403, json={"message": "invalid client secret"}))

    with pytest.raises(PlatformUnavailable) as outage:
        twitch.viewers("40000001")

    assert "hush" not in str(outage.value)


@pytest.mark.parametrize("username", ["no va", "nova&login=rival", "n" * 26, "növa", ""])
def test_what_can_be_no_login_is_unknown_without_asking(username: str):
    twitch = twitch_that(times_out)

    with pytest.raises(ChannelNotFound):
        twitch.find(username)


def test_a_channel_elsewhere_is_taken_as_it_was_named():
    platforms = Platforms(twitch_that(times_out))

    channel = platforms.find("youtube", "Nova", "https://YouTube.com/@nova/")

    assert (channel.username, channel.channel_id) == ("Nova", "youtube.com/@nova")
    assert platforms.viewers("youtube", channel.channel_id) is None


def test_a_channel_is_the_same_with_and_without_www():
    platforms = Platforms(twitch_that(times_out))

    urls = ("https://www.youtube.com/@nova", "https://youtube.com/@nova")

    assert len({platforms.find("youtube", "Nova", url).channel_id for url in urls}) == 1

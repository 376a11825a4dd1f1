"""One contract for the fake platforms and for the real client against a server that speaks Twitch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from streamer.clients import Platforms, Twitch
from streamer.domain import TWITCH, ChannelNotFound, PlatformUnavailable
from streamer.tests.fakes import FakeChannels
from streamer.tests.mothers import novas_channel
from streamer.tests.standin import CLIENT_ID, CLIENT_SECRET, LocalTwitch, local_twitch


@pytest.fixture
def client(twitch: LocalTwitch) -> Iterator[Twitch]:
    opened = Twitch(auth_url=twitch.url, api_url=twitch.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    yield opened
    opened.close()


@pytest.fixture(params=["fake", "twitch"])
def channels(request):
    if request.param == "fake":
        return FakeChannels(novas_channel(viewers=120))
    return Platforms(request.getfixturevalue("client"))


def take_down(channels, request) -> None:
    if isinstance(channels, FakeChannels):
        channels.is_down = True
    else:
        request.getfixturevalue("twitch").is_down(True)


def test_a_channel_is_found_whatever_the_case_of_its_name(channels):
    assert channels.find(TWITCH, "NOVA", "") == novas_channel(viewers=120)


def test_a_channel_that_nobody_has_is_not_found(channels):
    with pytest.raises(ChannelNotFound):
        channels.find(TWITCH, "nobody", "")


def test_the_viewers_of_a_live_channel_are_counted(channels):
    assert channels.viewers(TWITCH, "40000001") == 120


def test_a_channel_that_is_not_there_has_no_viewers(channels):
    assert channels.viewers(TWITCH, "1") is None


def test_an_outage_is_named(channels, request):
    take_down(channels, request)

    with pytest.raises(PlatformUnavailable):
        channels.find(TWITCH, "nova", "")
    with pytest.raises(PlatformUnavailable):
        channels.viewers(TWITCH, "40000001")


def test_an_offline_channel_has_no_viewers(client: Twitch, twitch: LocalTwitch):
    twitch.has("nova", viewer_count=None)

    assert client.viewers("40000001") is None


def test_one_token_serves_many_requests(client: Twitch, twitch: LocalTwitch):
    before = twitch.asked("/oauth2/token")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.viewers("40000001"), range(8)))

    assert twitch.asked("/oauth2/token") == before + 1


def test_an_expired_token_is_replaced_once_and_the_request_succeeds(client: Twitch, twitch: LocalTwitch):
    client.viewers("40000001")
    before = twitch.asked("/oauth2/token")
    twitch.forgets_its_tokens()

    with ThreadPoolExecutor(4) as pool:
        viewers = list(pool.map(lambda _: client.viewers("40000001"), range(4)))

    assert viewers == [120] * 4
    assert twitch.asked("/oauth2/token") == before + 1


def test_a_wrong_client_secret_is_an_outage_to_our_callers(twitch: LocalTwitch):
    client = Twitch(auth_url=twitch.url, api_url=twitch.url, client_id=CLIENT_ID, client_secret="wrong")

    with pytest.raises(PlatformUnavailable):
        client.find("nova")

    client.close()


def test_the_local_twitch_keeps_its_channels_over_a_restart(tmp_path):
    file = tmp_path / "twitch.json"
    with local_twitch(file) as twitch:
        twitch.has("nova", id="7", viewer_count=5)

    with local_twitch(file) as twitch:
        client = Twitch(
            auth_url=twitch.url, api_url=twitch.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
        )

        assert client.find("nova").channel_id == "7"
        client.close()

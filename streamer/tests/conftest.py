from chassis import runtime

runtime.patch()

from collections.abc import Iterator

import pytest

from chassis.testing.fixtures import *
from streamer.tests.standin import LocalTwitch, local_twitch


@pytest.fixture(scope="module")
def twitch_process() -> Iterator[LocalTwitch]:
    with local_twitch() as twitch:
        yield twitch


@pytest.fixture
def twitch(twitch_process: LocalTwitch) -> Iterator[LocalTwitch]:
    """A Twitch on which Nova streams chess to 120 viewers."""
    twitch_process.has(
        "nova", id="40000001", followers=5400, viewer_count=120, game_name="Chess", language="en"
    )
    yield twitch_process
    twitch_process.is_down(False)

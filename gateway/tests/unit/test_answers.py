from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, cast

import pytest

from chassis.rpc import wire
from gateway.state import EXTENSION
from gateway.tests.conftest import Door

CAMPAIGN = "/v1/campaigns/cmp_1"


@pytest.mark.parametrize(
    "reply",
    [
        {"name": "Frühling 🎮", "note": None},
        {"budget": {"amount_minor": 2**63 - 1}, "share": 0.1},
        {"b": 1, "a": [True, "\u2028", "</script>"]},
    ],
    ids=["texts", "numbers", "order"],
)
def test_a_reply_leaves_as_the_service_wrote_it(door: Door, reply: dict[str, Any]) -> None:
    door.services.answers["campaign.get"] = reply

    response = door.client.get(CAMPAIGN, headers=door.as_("brand"))

    assert response.data == wire.dump(reply)
    assert response.content_type == "application/json"
    assert response.content_length == len(response.data)


class Recorder:
    """Shares nothing, and remembers under what it would have."""

    def __init__(self) -> None:
        self.keys: list[Hashable] = []

    def share(self, key: Hashable, item: None, call: Callable[[list[None]], bytes]) -> bytes:
        self.keys.append(key)
        return call([item])


@pytest.fixture
def shared(door: Door) -> list[Hashable]:
    recorder = Recorder()
    door.app.extensions[EXTENSION] = replace(door.state, reads=cast(Any, recorder))
    return recorder.keys


def test_only_equal_reads_of_one_account_are_one(door: Door, shared: list[Hashable]) -> None:
    brand, streamer = door.as_("brand"), door.as_("streamer")

    for headers, path in (
        (brand, CAMPAIGN),
        (streamer, CAMPAIGN),
        (brand, "/v1/campaigns/cmp_2"),
        (brand, f"{CAMPAIGN}/history"),
        (brand, f"{CAMPAIGN}/history?limit=5"),
        (door.as_("brand", "ses_another"), CAMPAIGN),
        (brand, CAMPAIGN),
    ):
        assert door.client.get(path, headers=headers).status_code == 200

    assert shared[-1] == shared[0]
    assert len(set(shared)) == len(shared) - 1


def test_a_command_is_never_shared(door: Door, shared: list[Hashable]) -> None:
    for _ in range(2):
        assert door.client.post(f"{CAMPAIGN}/submit", headers=door.as_("brand")).status_code == 200

    assert shared == []


def test_a_traced_read_asks_for_itself_under_its_trace(door: Door, shared: list[Hashable]) -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"

    door.client.get(CAMPAIGN, headers={**door.as_("brand"), "traceparent": traceparent})

    assert shared == []
    assert door.services.contexts[-1].traceparent == traceparent

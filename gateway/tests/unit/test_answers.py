from __future__ import annotations

from typing import Any

import pytest

from chassis.rpc import wire
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

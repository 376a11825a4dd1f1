from __future__ import annotations

from typing import Any

import pytest

from campaign.storage import MongoCampaigns
from campaign.tests.fakes import FakeCampaigns


@pytest.fixture(params=["fake", "mongo"])
def campaigns(request: pytest.FixtureRequest) -> Any:
    """The same contract for the stand-in and for the real store."""
    if request.param == "fake":
        return FakeCampaigns()
    outbox = request.getfixturevalue("outbox")
    store = MongoCampaigns(request.getfixturevalue("mongo"), outbox)
    store.ensure_indexes()
    return store

"""What one more batch costs does not depend on how many there were."""

import secrets
from datetime import timedelta

import bson

from chassis.clock import FixedClock
from chassis.events.outbox import Outbox
from chassis.ids import new_id
from chassis.mongo import Mongo
from participation import storage
from participation.domain.frequency import KEPT_STARTS
from participation.domain.participation import Participation
from participation.domain.verification import ClockRule
from participation.handlers import deliveries, overlays
from participation.tests.fakes import FakeAssets, FakeAudience, FakeCampaigns, FakeVault
from participation.tests.mothers import (
    NOON,
    NOON_MS,
    OverlayPage,
    a_full_house,
    a_picture,
    a_plan,
    an_active_one,
    an_open_campaign,
    nova,
)

COLLECTIONS = ("participations", "overlays", "sessions", "deliveries", "replays", "timelines", "samples")


def largest(mongo: Mongo) -> dict[str, int]:
    """The size in bytes of the largest document of each collection."""
    return {name: max(len(bson.encode(row)) for row in mongo[name].find()) for name in COLLECTIONS}


def remember_as_many_showings_as_are_kept(participation: Participation) -> None:
    """What is bounded may fill up; it is full from the beginning here, so that nothing hides behind it."""
    for minute in range(KEPT_STARTS, 0, -1):
        participation.cadence.note(NOON_MS - minute * 60_000)


def test_documents_do_not_grow_with_the_number_of_batches(mongo: Mongo, outbox: Outbox) -> None:
    store = storage.MongoStore(mongo, outbox)
    store.ensure_indexes()
    clock, vault = FixedClock(NOON), FakeVault()
    participation = an_active_one(since=NOON)
    remember_as_many_showings_as_are_kept(participation)
    store.participations.add(participation, [])
    token = overlays.link(store, vault, clock, new_id, lambda: secrets.token_urlsafe(32), nova())
    campaigns, assets = FakeCampaigns(an_open_campaign(), a_plan()), FakeAssets(a_picture())
    lasts = timedelta(hours=6)
    issued = overlays.manifest(
        store, campaigns, assets, vault, clock, new_id, lambda: secrets.token_urlsafe(32), lasts, token
    ).issued
    page, rule = OverlayPage(issued.id, issued.key), ClockRule(2_000)

    def run_for_twenty_minutes() -> dict[str, int]:
        for _ in range(10):
            batch = page.show_many(participation.id, clock.now(), 12)
            clock.advance(seconds=120)
            audience = FakeAudience(a_full_house())
            post = deliveries.receive(store, audience, token, issued.id, batch)
            [posted] = deliveries.post(store, vault, clock, rule, [post])
            assert posted.accepted == len(batch)
        return largest(mongo)

    early = run_for_twenty_minutes()
    late = run_for_twenty_minutes()

    # Counters take a few bytes more, and a new hour is counted apart; nothing holds what came before.
    assert all(late[name] <= early[name] + 40 for name in COLLECTIONS)
    assert mongo["deliveries"].count_documents({}) == mongo["replays"].count_documents({}) == 20

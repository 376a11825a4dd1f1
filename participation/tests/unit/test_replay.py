"""What follows from a participation's events alone."""

from dataclasses import asdict
from typing import Any

import pytest

from chassis.event import Event
from chassis.times import rfc3339
from participation.domain.earnings import CPM, Compensation, Counts, Terms
from participation.domain.participation import Participation, Party, Status
from participation.domain.replay import differences, replay
from participation.tests.mothers import NOON, a_delivery, an_application

PLATFORMS = [{"name": "twitch", "average_viewers": 120}]


def terms(cpm_minor: int = 1_500) -> Terms:
    return Terms(Compensation(CPM, cpm_minor), "USD", NOON, PLATFORMS)


def told(*happened: list[Event]) -> list[dict[str, Any]]:
    return [{"type": event.type, "data": event.to_data()} for events in happened for event in events]


def a_story(one: Participation) -> list[dict[str, Any]]:
    return told(
        one.apply(),
        one.approve(terms()),
        one.activate(NOON),
        one.credit([a_delivery(viewers=1_000), a_delivery(viewers=500, visible_ms=10, qualified=False)]),
        one.pause(Party.STREAMER, NOON),
        one.resume(Party.STREAMER, NOON),
        one.credit([a_delivery(viewers=1_000)]),
        one.leave(NOON),
    )


def test_a_participation_follows_from_its_events() -> None:
    one = an_application()

    replayed = replay(a_story(one))

    assert replayed.status is Status.LEFT
    assert replayed.counts == Counts(rendered=3, qualified=2, viewer_impressions=2_000)
    assert (replayed.earned_minor, replayed.told_minor) == (3_000, 3_000)
    assert differences(one, replayed) == {}


def test_the_terms_are_told_as_they_were_frozen() -> None:
    assert replay(a_story(an_application())).terms == terms()


@pytest.mark.parametrize(
    ("figure", "tampered"),
    [
        ("status", {"status": Status.ACTIVE}),
        ("rendered", {"counts": Counts(4, 2, 2_000)}),
        ("viewer_impressions", {"counts": Counts(3, 2, 2_001)}),
        ("batches", {"batches": 3}),
        ("accrual", {"accrual": 3}),
        ("compensation", {"terms": terms(cpm_minor=1_501)}),
    ],
)
def test_what_was_tampered_with_is_named(figure: str, tampered: dict[str, Any]) -> None:
    one = an_application()
    history = a_story(one)
    for name, value in tampered.items():
        setattr(one, name, value)

    assert list(differences(one, replay(history))) == [figure]


def test_a_total_that_was_told_and_does_not_follow_from_the_terms_is_named() -> None:
    one = an_application()
    history = a_story(one)
    one.earned_minor = history[-2]["data"]["earned_total_minor"] = 3_001

    assert differences(one, replay(history)) == {"gross_minor": (3_001, 3_000)}


def test_a_batch_that_was_never_told_is_named() -> None:
    one = an_application()
    history = a_story(one)
    one.credit([a_delivery(viewers=0)])

    assert set(differences(one, replay(history))) == {"rendered", "qualified", "batches"}


def test_an_event_of_old_without_terms_is_believed() -> None:
    one = an_application()
    history = a_story(one)
    del history[1]["data"]["terms"]

    replayed = replay(history)

    assert replayed.terms is None
    assert differences(one, replayed) == {}


def test_events_hold_what_they_are_made_of_as_json() -> None:
    history = a_story(an_application())

    assert history[1]["data"]["terms"] == asdict(terms().told()) | {"frozen_at": rfc3339(NOON)}

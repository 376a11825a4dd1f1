from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from participation.domain.earnings import Counts
from participation.domain.errors import WrongState
from participation.domain.participation import TRANSITIONS, Command, Participation, Party, Posted, Status
from participation.tests.mothers import NOON, NOON_MS, a_delivery, an_active_one, an_application, hybrid_terms

A_MINUTE = timedelta(minutes=1)

COMMANDS: dict[Command, Callable[[Participation], Any]] = {
    Command.APPROVE: lambda one: one.approve(hybrid_terms()),
    Command.REJECT: lambda one: one.reject("Not our audience.", NOON),
    Command.ACTIVATE: lambda one: one.activate(NOON),
    Command.PAUSE: lambda one: one.pause(Party.BRAND, NOON),
    Command.RESUME: lambda one: one.resume(Party.STREAMER, NOON),
    Command.LEAVE: lambda one: one.leave(NOON),
    Command.REMOVE: lambda one: one.remove("Offensive stream.", NOON),
    Command.COMPLETE: lambda one: one.complete(NOON),
}


def in_state(status: Status) -> Participation:
    holds = {Party.STREAMER} if status is Status.PAUSED else set()
    return an_application(status=status, holds=holds, terms=hybrid_terms())


@pytest.mark.parametrize(("status", "command"), TRANSITIONS)
def test_every_listed_edge_leads_where_the_table_says(status: Status, command: Command) -> None:
    participation = in_state(status)

    COMMANDS[command](participation)

    assert participation.status is TRANSITIONS[status, command]


REFUSED = [(s, c) for s in Status for c in Command if (s, c) not in TRANSITIONS]


@pytest.mark.parametrize(("status", "command"), REFUSED)
def test_every_other_edge_is_refused_and_changes_nothing(status: Status, command: Command) -> None:
    participation = in_state(status)

    with pytest.raises(WrongState):
        COMMANDS[command](participation)

    assert participation == in_state(status) or participation.status is status


def test_each_state_change_tells_everybody_who_is_concerned() -> None:
    participation = an_active_one()

    (event,) = participation.remove("Offensive stream.", NOON)

    assert event.type == "participation_removed"
    assert event.to_data() == {
        "participation_id": participation.id,
        "campaign_id": participation.campaign_id,
        "campaign_name": "Winter launch",
        "brand_id": participation.brand_id,
        "streamer_id": participation.streamer_id,
        "reason": "Offensive stream.",
    }


def test_only_who_paused_it_can_let_it_go_on() -> None:
    participation = an_active_one()
    participation.pause(Party.BRAND, NOON)

    with pytest.raises(WrongState):
        participation.resume(Party.STREAMER, NOON)

    assert participation.status is Status.PAUSED


def test_it_stays_paused_while_somebody_else_holds_it() -> None:
    participation = an_active_one()
    participation.pause(Party.BRAND, NOON)
    participation.pause(Party.STREAMER, NOON)

    events = participation.resume(Party.STREAMER, NOON)

    assert events == []
    assert participation.status is Status.PAUSED
    assert [event.type for event in participation.resume(Party.BRAND, NOON)] == ["participation_resumed"]


def test_nobody_pauses_twice() -> None:
    participation = an_active_one()
    participation.pause(Party.BRAND, NOON)

    with pytest.raises(WrongState):
        participation.pause(Party.BRAND, NOON)


def test_a_pause_of_the_campaign_that_arrives_after_its_end_is_ignored() -> None:
    participation = an_active_one()
    participation.campaign_paused(NOON + A_MINUTE)
    participation.campaign_resumed(NOON + 3 * A_MINUTE)

    events = participation.campaign_paused(NOON + 2 * A_MINUTE)

    assert events == []
    assert participation.status is Status.ACTIVE


def test_the_resumption_that_overtakes_the_pause_leaves_it_active() -> None:
    participation = an_active_one()
    participation.campaign_resumed(NOON + 2 * A_MINUTE)

    participation.campaign_paused(NOON + A_MINUTE)

    assert participation.status is Status.ACTIVE


def test_a_paused_campaign_keeps_an_approved_participation_from_becoming_active() -> None:
    participation = an_application()
    participation.approve(hybrid_terms())
    participation.campaign_paused(NOON)

    with pytest.raises(WrongState):
        participation.activate(NOON + A_MINUTE)

    participation.campaign_resumed(NOON + A_MINUTE)
    participation.activate(NOON + 2 * A_MINUTE)
    assert participation.status is Status.ACTIVE


def test_the_campaigns_resumption_does_not_lift_the_streamers_own_pause() -> None:
    participation = an_active_one()
    participation.pause(Party.STREAMER, NOON)
    participation.campaign_paused(NOON + A_MINUTE)

    participation.campaign_resumed(NOON + 2 * A_MINUTE)

    assert participation.status is Status.PAUSED


def test_it_knows_when_it_was_active() -> None:
    participation = an_active_one(since=NOON)
    participation.pause(Party.STREAMER, NOON + A_MINUTE)
    participation.resume(Party.STREAMER, NOON + 2 * A_MINUTE)

    minutes = [participation.was_active_at(NOON_MS + int(m * 60_000)) for m in (-0.5, 0.5, 1.5, 2.5)]

    assert minutes == [False, True, False, True]


def test_settling_turns_down_what_was_never_decided() -> None:
    participation = an_application()

    (event,) = participation.settle(NOON)

    assert event.type == "participation_rejected"
    assert participation.is_settled


def test_settling_twice_says_nothing_new() -> None:
    participation = an_active_one()
    participation.settle(NOON)

    events = participation.settle(NOON)

    assert events == []
    assert participation.status is Status.COMPLETED


def test_the_running_total_is_published_with_the_batch_that_moved_it() -> None:
    participation = an_active_one()

    accepted, accrued = participation.credit([a_delivery(viewers=100), a_delivery(viewers=101)])

    assert accepted.to_data()["deliveries"][0]["viewers"] == 100
    # 1,500 minor units per 1,000 of 201 impressions, rounded down.
    assert accrued.to_data()["earned_total_minor"] == 301
    assert accrued.to_data()["accrual"] == 1
    assert participation.counts == Counts(rendered=2, qualified=2, viewer_impressions=201)


def test_a_batch_that_earns_nothing_accrues_nothing() -> None:
    participation = an_active_one()

    events = participation.credit([a_delivery(visible_ms=900, qualified=False)])

    assert [event.type for event in events] == ["deliveries_accepted"]
    assert participation.accrual == 0


def test_the_ledgers_reports_count_once_in_whatever_order_they_come() -> None:
    participation = an_active_one()
    early, late = Posted(100, 20, 80, 0), Posted(250, 50, 200, 7)

    for report in (late, early):
        participation.ledger_posted(report)

    assert participation.posted == late


@pytest.mark.parametrize("order", permutations(range(3)))
def test_what_was_refused_and_paid_later_is_unfunded_no_more(order: tuple[int, ...]) -> None:
    participation = an_active_one()
    reports = [Posted(100, 20, 80, 40), Posted(140, 28, 112, 0), Posted(150, 30, 120, 0)]

    for number in order:
        participation.ledger_posted(reports[number])

    assert participation.posted == Posted(150, 30, 120, 0)

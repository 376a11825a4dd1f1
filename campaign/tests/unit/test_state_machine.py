"""Every command in every state by every kind of account, the refused ones too."""

from __future__ import annotations

from itertools import product

import pytest

from campaign import handlers
from campaign.domain.campaign import COMMANDS, DRAFT, STATES, TRANSITIONS
from campaign.domain.errors import CampaignNotFound, WrongState
from campaign.tests.fakes import FakeAssets, FakeCampaigns, FakePayment, FakeSagas
from campaign.tests.mothers import (
    ACME_ID,
    BANNER_ID,
    CAMPAIGN_ID,
    NOW,
    a_campaign,
    acme,
    ada_the_admin,
    globex,
    nova,
    obey,
)
from chassis.clock import FixedClock
from chassis.errors import Forbidden, Unauthenticated
from chassis.principal import ANONYMOUS

EVENT_OF = {
    "submit": "campaign_submitted",
    "approve": "campaign_approved",
    "reject": "campaign_rejected",
    "activate": "campaign_activated",
    "pause": "campaign_paused",
    "resume": "campaign_resumed",
    "complete": "campaign_completed",
    "cancel": "campaign_cancelled",
}
ROLE_OF = {command: "admin" if command in ("approve", "reject") else "brand" for command in COMMANDS}
PRINCIPALS = {
    "owner": acme(),
    "other brand": globex(),
    "streamer": nova(),
    "admin": ada_the_admin(),
    "anonymous": ANONYMOUS,
}


def test_the_table_is_the_one_that_the_business_drew():
    edges = {(state, command, after) for (state, command), after in TRANSITIONS.items()}

    assert edges == {
        ("draft", "submit", "pending_review"),
        ("pending_review", "approve", "approved"),
        ("pending_review", "reject", "draft"),
        ("pending_review", "cancel", "cancelled"),
        ("approved", "activate", "active"),
        ("approved", "cancel", "cancelled"),
        ("active", "pause", "paused"),
        ("active", "complete", "completed"),
        ("active", "cancel", "cancelled"),
        ("paused", "resume", "active"),
        ("paused", "complete", "completed"),
        ("paused", "cancel", "cancelled"),
    }


@pytest.mark.parametrize(("state", "command"), sorted(TRANSITIONS))
def test_an_allowed_command_moves_the_campaign_and_says_so(state: str, command: str):
    campaign = a_campaign(state)

    events = obey(campaign, command)

    assert campaign.status == TRANSITIONS[state, command]
    assert [event.type for event in events] == [EVENT_OF[command]]
    assert {event.brand_id for event in events} == {ACME_ID}


@pytest.mark.parametrize(
    ("state", "command"), [edge for edge in product(STATES, COMMANDS) if edge not in TRANSITIONS]
)
def test_every_other_command_is_refused_and_changes_nothing(state: str, command: str):
    campaign = a_campaign(state)
    # A second activation under the same saga is a repetition, not a command; this one is another's.
    campaign.version += 1

    with pytest.raises(WrongState):
        obey(campaign, command)

    assert campaign.status == state


@pytest.mark.parametrize("state", STATES)
def test_only_a_draft_is_deleted(state: str):
    campaign = a_campaign(state)

    if state == DRAFT:
        assert [event.type for event in campaign.delete()] == ["campaign_deleted"]
    else:
        with pytest.raises(WrongState):
            campaign.delete()


class Desk:
    """The handlers around one stored campaign, each command callable by its name."""

    def __init__(self, state: str) -> None:
        self.campaigns = FakeCampaigns()
        self.campaigns.add(a_campaign(state), [])
        self.clock = FixedClock(NOW)
        self.sagas = FakeSagas()
        payment = FakePayment()
        self.sagas.steps["campaign_activation"] = lambda: handlers.activation_steps(
            self.campaigns, payment, self.clock
        )
        self.assets = FakeAssets({BANNER_ID: (ACME_ID, "ready")})

    def obey(self, command: str, by):
        request = {"campaign_id": CAMPAIGN_ID, "reason": "The claim is not proven."}
        use_case = getattr(handlers, command)
        needs = {
            "submit": (self.campaigns, self.assets, self.clock),
            "activate": (self.campaigns, self.sagas, self.clock),
            "complete": (self.campaigns, self.sagas, self.clock),
            "cancel": (self.campaigns, self.sagas, self.clock),
        }.get(command, (self.campaigns, self.clock))
        return use_case(*needs, by, request)


def expected_refusal(state: str, command: str, who: str) -> type[Exception] | None:
    if who == "anonymous":
        return Unauthenticated
    if PRINCIPALS[who].kind != ROLE_OF[command]:
        return Forbidden
    if who == "other brand":
        return CampaignNotFound
    return None if (state, command) in TRANSITIONS else WrongState


@pytest.mark.parametrize(("state", "command", "who"), list(product(STATES, COMMANDS, PRINCIPALS)))
def test_who_may_do_what_in_which_state(state: str, command: str, who: str):
    desk = Desk(state)
    refusal = expected_refusal(state, command, who)

    if refusal is None:
        desk.obey(command, PRINCIPALS[who])
    else:
        with pytest.raises(refusal):
            desk.obey(command, PRINCIPALS[who])

    after = TRANSITIONS[state, command] if refusal is None else state
    assert desk.campaigns.get(CAMPAIGN_ID).status == after

"""Who is invited to a brand's team accepts with the link from the mail."""

from __future__ import annotations

from itertools import count

import pytest

from chassis.clock import FixedClock
from chassis.errors import ServiceUnavailable
from chassis.event import ReceivedEvent
from identity import handlers
from identity.domain.account import EmailTaken, InvalidCredentials, WeakPassword
from identity.domain.link import LinkNotValid
from identity.handlers.links import LinkInMail
from identity.tests.fakes import (
    FakeAccessTokens,
    FakeAccounts,
    FakeAllowances,
    FakeAuthenticators,
    FakeFailureLog,
    FakeLinks,
    FakeLinkTokens,
    FakePasswords,
    FakeSessions,
    FakeTeams,
    InvitationGone,
)
from identity.tests.mothers import GOOD_PASSWORD, MONDAY

ACME, GLOBEX, VERA = "brd_acme", "brd_globex", "vera@acme.example"


class World:
    """Vera is invited to ACME's team, and has the mail."""

    def __init__(self) -> None:
        numbers = count(1)
        self.accounts, self.sessions, self.teams = FakeAccounts(), FakeSessions(), FakeTeams()
        self.links, self.clock, self.tokens = FakeLinks(), FixedClock(MONDAY), FakeAccessTokens()
        new_id = lambda prefix: f"{prefix}_{next(numbers):03d}"  # noqa: E731
        self.post = handlers.Post(self.links, FakeLinkTokens(), FakeAllowances(), self.clock, new_id)
        failures = FakeFailureLog()
        second_factor = handlers.SecondFactor(FakeAuthenticators(), failures, self.clock)
        desk = handlers.Desk(self.sessions, self.tokens, self.clock, new_id, lambda: b"s" * 32, second_factor)
        self.reception = handlers.Reception(
            self.accounts, failures, FakePasswords(), self.teams, desk, self.post
        )
        self.invite("ivt_acme", ACME)

    def invite(self, invitation_id, brand_id):
        self.teams.invited[invitation_id] = VERA
        data = {"brand_id": brand_id, "invitation_id": invitation_id}
        handlers.send_invitation(
            self.post, ReceivedEvent("evt_1", "team_member_invited", "brand", MONDAY, "team_1", 1, data)
        )

    @property
    def token(self):
        return f"token of {self.links.events[-1].link_id}"

    def accept(self, token=None, password=GOOD_PASSWORD, name="Vera"):
        return handlers.accept_invitation(
            self.reception, token=token or self.token, password=password, name=name
        )

    def mail(self):
        address = handlers.LinkAddress("https://front.example")
        link_id = self.links.events[-1].link_id
        return handlers.mail_link(self.post, address, self.teams, link_id=link_id)


@pytest.fixture
def world():
    return World()


def test_the_mail_goes_to_the_address_that_the_brand_keeps(world):
    [event] = world.links.events

    assert (event.type, event.invitation_id, event.brand_id) == (
        "team_invitation_requested",
        "ivt_acme",
        ACME,
    )
    assert VERA not in str(event)
    assert world.mail() == LinkInMail(
        f"https://front.example/team-invitation#token={world.token}", VERA, "ACME Rockets"
    )


def test_a_withdrawn_invitation_is_not_mailed(world):
    world.teams.invited.clear()

    with pytest.raises(InvitationGone):
        world.mail()


def test_who_accepts_has_an_account_with_a_verified_address_and_acts_for_the_brand(world):
    signed_in = world.accept()

    account = world.accounts.get(signed_in.account.id)
    assert (account.kind, account.email, account.name) == ("member", VERA, "Vera")
    assert account.email_verified
    assert (signed_in.membership.brand_id, signed_in.membership.role) == (ACME, "viewer")
    assert world.tokens.claims["acts_for"] == ACME
    assert [event.type for event in world.accounts.events] == ["member_registered", "email_verified"]


def test_a_link_is_accepted_once(world):
    world.accept()

    with pytest.raises(LinkNotValid):
        world.accept()


@pytest.mark.parametrize("hours", [72, 100])
def test_a_link_is_accepted_within_72_hours(world, hours):
    world.clock.advance(hours * 3600)

    with pytest.raises(LinkNotValid):
        world.accept()

    assert world.accounts.find("member", VERA) is None


def test_a_withdrawn_invitation_makes_no_account(world):
    world.teams.invited.clear()

    with pytest.raises(InvitationGone):
        world.accept()

    assert world.accounts.find("member", VERA) is None


def test_a_link_for_something_else_is_no_invitation(world):
    signed_in = world.accept()
    world.post.send(signed_in.account, "reset_password")

    with pytest.raises(LinkNotValid):
        world.accept()


@pytest.mark.parametrize("password", ["short", "password1", VERA, "Vera.Verasson"])
def test_a_weak_password_is_refused_and_the_link_works_on(world, password):
    with pytest.raises(WeakPassword):
        world.accept(password=password, name="vera.verasson")

    assert world.accept()


@pytest.mark.parametrize("lost", ["before", "after"])
def test_whoever_got_no_answer_sends_the_same_again(world, lost):
    join, world.teams.join = world.teams.join, unreachable(world.teams.join if lost == "after" else None)
    with pytest.raises(ServiceUnavailable):
        world.accept()
    world.teams.join = join

    signed_in = world.accept()

    assert world.teams.accepted == {"ivt_acme": signed_in.account.id}


def test_who_sends_it_again_with_another_password_is_told_that_the_first_one_counts(world):
    join, world.teams.join = world.teams.join, unreachable(None)
    with pytest.raises(ServiceUnavailable):
        world.accept()
    world.teams.join = join

    with pytest.raises(InvalidCredentials):
        world.accept(password="a boat under the stairs")

    assert world.teams.accepted == {}


def test_who_is_a_member_already_joins_another_team_with_the_account_and_its_password(world):
    first = world.accept()
    world.invite("ivt_globex", GLOBEX)

    with pytest.raises(InvalidCredentials):
        world.accept(password="a boat under the stairs")
    second = world.accept()

    assert second.account.id == first.account.id
    assert second.membership.brand_id == GLOBEX
    assert world.teams.of(first.account.id)[0].brand_id == ACME


def test_two_acceptances_at_once_make_one_account(world):
    add = world.accounts.add

    def overtaken(account, events):
        world.accounts.add = add
        first.append(world.accept())
        raise EmailTaken()

    first = []
    world.accounts.add = overtaken

    second = world.accept()

    assert second.account.id == first[0].account.id


def unreachable(join):
    """A team that hears what it is asked, or not, and whose answer is lost."""

    def lost(*arguments, **options):
        if join is not None:
            join(*arguments, **options)
        raise ServiceUnavailable()

    return lost

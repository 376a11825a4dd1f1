from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from chassis.clock import FixedClock
from chassis.errors import Unauthenticated
from chassis.principal import ANONYMOUS, Principal
from identity import handlers
from identity.domain.account import ConcurrentUpdate, EmailTaken
from identity.domain.allowance import PER_ACCOUNT, PER_ADDRESS, WINDOW
from identity.domain.link import LIFETIMES, RESET_PASSWORD, VERIFY_EMAIL, LinkNotValid
from identity.events import EmailVerified
from identity.handlers.in_person import NotForKeys
from identity.minting import DerivedLinkTokens
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
)
from identity.tests.mothers import MONDAY, a_link, acme, nova

HOME = "203.0.113.7"
OFFICE = "198.51.100.9"


class World:
    """Identity with fakes around it, a registered brand, and the mails that it owes."""

    def __init__(self) -> None:
        numbers = count(1)
        self.accounts, self.sessions, self.passwords = FakeAccounts(), FakeSessions(), FakePasswords()
        self.links, self.allowances, self.clock = FakeLinks(), FakeAllowances(), FixedClock(MONDAY)
        self.post = handlers.Post(
            self.links,
            FakeLinkTokens(),
            self.allowances,
            self.clock,
            lambda prefix: f"{prefix}_{next(numbers):03d}",
        )
        self.desk = handlers.Desk(
            self.sessions,
            FakeAccessTokens(),
            self.clock,
            self.post.new_id,
            lambda: b"s" * 32,
            handlers.SecondFactor(FakeAuthenticators(), FakeFailureLog(), self.clock),
        )
        self.brand = self.register(handlers.register_brand, acme())

    def register(self, how, form):
        return how(self.accounts, self.passwords, self.desk, self.post, **form).account

    def mailed(self):
        """The ids of the links that were sent, oldest first."""
        return [event.link_id for event in self.links.events]

    def token(self, number=-1):
        return f"token of {self.mailed()[number]}"

    def resend(self, by=None, address=HOME):
        by = by or Principal(self.brand.id, "brand", session_id="ses_1")
        handlers.resend_verification(self.accounts, self.post, by, address=address)

    def verify(self, token=None):
        handlers.verify_email(self.accounts, self.post, token=token or self.token())

    def is_verified(self):
        return self.accounts.get(self.brand.id).email_verified


@pytest.fixture
def world():
    return World()


def passes(clock, time: timedelta):
    clock.advance(seconds=time.total_seconds())


# Verifying an address


def test_a_new_account_is_sent_a_link_that_verifies_its_address(world):
    assert [event.type for event in world.links.events] == ["email_verification_requested"]
    assert not world.is_verified()

    world.verify()

    assert world.is_verified()
    assert world.accounts.events[-1] == EmailVerified(account_id=world.brand.id)


def test_a_streamer_is_sent_one_too(world):
    streamer = world.register(handlers.register_streamer, nova())

    assert world.links.events[-1].account_id == streamer.id


def test_a_registration_that_is_refused_sends_nothing(world):
    with pytest.raises(EmailTaken):
        world.register(handlers.register_brand, acme())

    assert len(world.mailed()) == 1


def test_a_link_works_once(world):
    world.verify()

    with pytest.raises(LinkNotValid):
        world.verify()


def test_of_two_who_open_one_link_at_once_one_is_refused(world, monkeypatch):
    save, overtaken = world.links.save, []

    def slow(link):
        if not overtaken:
            overtaken.append(True)
            world.verify()
        save(link)

    monkeypatch.setattr(world.links, "save", slow)

    with pytest.raises(LinkNotValid):
        world.verify()

    assert world.is_verified()


@pytest.mark.parametrize(("purpose", "minutes"), [(VERIFY_EMAIL, 24 * 60), (RESET_PASSWORD, 30)])
def test_a_link_is_over_after_a_day_and_one_that_resets_after_half_an_hour(purpose, minutes):
    link = a_link(purpose=purpose)

    link.check_works(MONDAY + timedelta(minutes=minutes, seconds=-1), link.id)
    with pytest.raises(LinkNotValid):
        link.check_works(MONDAY + timedelta(minutes=minutes), link.id)


def test_an_older_link_still_verifies(world):
    world.resend()

    world.verify(world.token(0))

    assert world.is_verified()


@pytest.mark.parametrize("token", ["nonsense", "token of lnk_999", "x" * 100])
def test_what_never_was_a_link_answers_as_one_that_is_over(world, token):
    used = world.token()
    world.verify(used)

    with pytest.raises(LinkNotValid) as unknown:
        world.verify(token)
    with pytest.raises(LinkNotValid) as over:
        world.verify(used)

    assert unknown.value.to_wire() == over.value.to_wire()


def test_a_link_for_something_else_verifies_nothing(world):
    world.post.send(world.brand, RESET_PASSWORD)

    with pytest.raises(LinkNotValid):
        world.verify()

    assert not world.is_verified()


# Asking for another mail


def test_an_owner_asks_for_another_link(world):
    world.resend()

    assert len(world.mailed()) == 2
    world.verify()
    assert world.is_verified()


def test_whoever_is_verified_is_sent_nothing_more(world):
    world.verify()

    world.resend()

    assert len(world.mailed()) == 1


def test_an_account_gets_three_mails_an_hour_and_is_not_told_that_it_gets_no_fourth(world):
    for _ in range(PER_ACCOUNT + 2):
        world.resend()
    within_the_hour = len(world.mailed())
    passes(world.clock, WINDOW)

    world.resend()

    assert within_the_hour == 1 + PER_ACCOUNT
    assert len(world.mailed()) == within_the_hour + 1


def test_the_hour_slides(world):
    for _ in range(PER_ACCOUNT):
        world.resend()
        passes(world.clock, WINDOW / PER_ACCOUNT)

    world.resend()
    world.resend()

    assert len(world.mailed()) == 1 + PER_ACCOUNT + 1


def test_one_address_gets_no_more_than_its_share_for_all_accounts_together(world):
    for number in range(PER_ADDRESS):
        account = world.register(handlers.register_streamer, nova(email=f"nova{number}@stream.example"))
        world.resend(Principal(account.id, "streamer", session_id="ses_2"))
    before = len(world.mailed())

    world.resend(address=HOME)
    world.resend(address=OFFICE)

    assert len(world.mailed()) == before + 1


def test_losing_every_race_to_be_counted_sends_nothing(world, monkeypatch):
    def lost(allowance):
        raise ConcurrentUpdate()

    monkeypatch.setattr(world.allowances, "save", lost)

    world.resend()

    assert len(world.mailed()) == 1


def test_asking_needs_a_person_who_is_signed_in(world):
    with pytest.raises(Unauthenticated):
        world.resend(ANONYMOUS)
    with pytest.raises(NotForKeys):
        world.resend(Principal(world.brand.id, "brand", session_id="key_1"))


# What the mail holds


def test_the_mail_leads_to_a_page_of_the_front_end_with_the_token_where_no_log_sees_it(world):
    address = handlers.LinkAddress("https://front.example/")

    url = handlers.mail_link(world.post, address, FakeTeams(), link_id=world.mailed()[0]).url

    assert url == f"https://front.example/verify-email#token={world.token()}"


def test_a_link_that_is_used_or_over_is_not_mailed(world):
    address, link_id = handlers.LinkAddress("https://front.example"), world.mailed()[0]
    world.resend()
    world.verify()
    passes(world.clock, LIFETIMES[VERIFY_EMAIL])

    for each in (*world.mailed(), "lnk_999"):
        with pytest.raises(LinkNotValid):
            handlers.mail_link(world.post, address, FakeTeams(), link_id=each)
    assert link_id in world.mailed()


# Tokens


def test_a_token_is_derived_and_every_link_has_another():
    tokens = DerivedLinkTokens("a key of at least thirty-two characters")

    assert tokens.make("lnk_1") == tokens.make("lnk_1")
    assert len(tokens.make("lnk_1")) == 43
    assert tokens.make("lnk_1") != tokens.make("lnk_2")


def test_a_link_outlives_the_rotation_of_the_secret_and_not_its_removal():
    old, new = "the old key, which is long enough to be one", "the new key, which is long enough to be one"
    link = a_link(token=DerivedLinkTokens(old).make("lnk_1"), id="lnk_1")

    assert DerivedLinkTokens(f"{new},{old}").of(link) == DerivedLinkTokens(old).make("lnk_1")
    with pytest.raises(LinkNotValid):
        DerivedLinkTokens(new).of(link)

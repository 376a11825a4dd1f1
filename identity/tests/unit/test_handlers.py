from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.clock import FixedClock
from chassis.errors import Forbidden, Unauthenticated
from chassis.ids import new_id
from chassis.principal import ANONYMOUS, Principal
from identity import handlers
from identity.domain.account import ConcurrentUpdate, EmailTaken, InvalidCredentials, WeakPassword
from identity.domain.lockout import Locked
from identity.domain.session import InvalidRefreshToken, SessionNotFound
from identity.events import AdminCreated, BrandRegistered, StreamerRegistered
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
from identity.tests.mothers import GOOD_PASSWORD, MONDAY, acme, nova

HOME = "203.0.113.7"


class World:
    """Identity with fakes around it, and its use cases with their collaborators filled in."""

    def __init__(self) -> None:
        self.accounts, self.sessions = FakeAccounts(), FakeSessions()
        self.failures, self.passwords = FakeFailureLog(), FakePasswords()
        self.tokens, self.clock = FakeAccessTokens(), FixedClock(MONDAY)
        self.authenticators, self.teams = FakeAuthenticators(), FakeTeams()
        self.one_time_passwords = iter(f"one-time {number}" for number in range(9))
        second_factor = handlers.SecondFactor(self.authenticators, self.failures, self.clock)
        self.desk = handlers.Desk(
            self.sessions, self.tokens, self.clock, new_id, lambda: b"s" * 32, second_factor
        )
        self.post = handlers.Post(FakeLinks(), FakeLinkTokens(), FakeAllowances(), self.clock, new_id)

    def register_brand(self, **changes):
        form = acme(**changes)
        return handlers.register_brand(self.accounts, self.passwords, self.desk, self.post, **form)

    def register_streamer(self, **changes):
        form = nova(**changes)
        return handlers.register_streamer(self.accounts, self.passwords, self.desk, self.post, **form)

    def login(self, password=GOOD_PASSWORD, kind="brand", email="ads@acme.example", address=HOME):
        return handlers.login(
            self.accounts,
            self.failures,
            self.passwords,
            self.desk,
            kind=kind,
            email=email,
            password=password,
            address=address,
        )

    def fail(self, times, **who):
        for _ in range(times):
            with pytest.raises(InvalidCredentials):
                self.login(password="a wrong guess", **who)

    def refresh(self, token):
        return handlers.refresh(self.accounts, self.teams, self.desk, refresh_token=token)

    def create_admin(self, email="root@gametriggers.example"):
        return handlers.create_admin(
            self.accounts,
            self.passwords,
            self.clock,
            new_id,
            lambda: next(self.one_time_passwords),
            email=email,
        )

    def list_sessions(self, by, limit=20, cursor=None):
        return handlers.list_sessions(self.sessions, self.clock, by, limit=limit, cursor=cursor)

    def principal(self, signed_in):
        sid = signed_in.refresh_token.partition(".")[0]
        return Principal(id=signed_in.account.id, kind=signed_in.account.kind, session_id=sid)


@pytest.fixture
def world():
    return World()


# Registering


def test_a_registered_brand_is_signed_in_and_announced(world):
    signed_in = world.register_brand()

    assert signed_in.account.id.startswith("brd_")
    assert signed_in.expires_in == 900
    assert [type(event) for event in world.accounts.events] == [BrandRegistered]
    assert world.accounts.events[0].contact_person.name == "Wile E."


def test_a_registered_streamer_is_signed_in_and_announced(world):
    signed_in = world.register_streamer()

    assert signed_in.account.id.startswith("str_")
    assert world.tokens.claims["kind"] == "streamer"
    assert world.accounts.events == [
        StreamerRegistered(account_id=signed_in.account.id, email="nova@stream.example", display_name="Nova")
    ]


def test_an_address_registers_one_brand_only(world):
    world.register_brand()

    with pytest.raises(EmailTaken):
        world.register_brand(email="ADS@acme.example")


def test_the_same_address_may_own_a_brand_and_a_streamer(world):
    brand = world.register_brand()

    streamer = world.register_streamer(email="ads@acme.example")

    assert streamer.account.id != brand.account.id


def test_a_weak_password_registers_nothing(world):
    with pytest.raises(WeakPassword):
        world.register_brand(password="password1")

    assert world.accounts.events == []


# Signing in


def test_the_right_password_signs_in_however_the_address_is_typed(world):
    registered = world.register_brand()

    signed_in = world.login(email=" ADS@acme.example")

    assert signed_in.account.id == registered.account.id


def test_a_password_is_the_same_in_either_unicode_form(world):
    world.register_brand(password="cafe\u0301 at noon")

    world.login(password="caf\u00e9 at noon")


def test_an_unknown_account_answers_as_a_wrong_password_does_and_costs_the_same(world):
    world.register_brand()
    world.passwords.verifications = 0

    with pytest.raises(InvalidCredentials) as wrong:
        world.login(password="a wrong guess")
    with pytest.raises(InvalidCredentials) as unknown:
        world.login(email="nobody@acme.example")

    assert wrong.value.to_wire() == unknown.value.to_wire()
    assert world.passwords.verifications == 2


def test_a_brands_password_does_not_sign_in_a_streamer(world):
    world.register_brand()

    with pytest.raises(InvalidCredentials):
        world.login(kind="streamer")


@pytest.mark.parametrize("email", ["ads@acme.example", "nobody@acme.example"])
def test_five_failures_lock_whether_or_not_the_account_exists(world, email):
    world.register_brand()

    world.fail(times=5, email=email)

    with pytest.raises(Locked):
        world.login(email=email)


def test_a_locked_account_does_not_even_look_at_the_password(world):
    world.register_brand()
    world.fail(times=5)
    world.passwords.verifications = 0

    with pytest.raises(Locked):
        world.login()

    assert world.passwords.verifications == 0


def test_after_the_lock_the_right_password_signs_in_and_clears_the_count(world):
    world.register_brand()
    world.fail(times=5)
    world.clock.advance(seconds=30)

    world.login()

    world.fail(times=4)
    world.login()


def test_a_lock_of_one_account_leaves_the_others_open(world):
    world.register_brand()
    world.register_streamer()

    world.fail(times=5)

    world.login(kind="streamer", email="nova@stream.example")


def test_an_address_that_tries_many_accounts_is_locked_and_no_other_address_is(world):
    world.register_brand()
    for number in range(50):
        world.fail(times=1, email=f"user{number}@acme.example")

    with pytest.raises(Locked):
        world.login()

    world.login(address="198.51.100.9")
    world.login(address=None)


def test_a_success_does_not_clear_the_failures_of_its_address(world):
    world.register_brand()
    for number in range(49):
        world.fail(times=1, email=f"user{number}@acme.example")
    world.login()
    world.fail(times=1, email="one-more@acme.example")

    with pytest.raises(Locked):
        world.login()


def test_losing_every_race_to_be_counted_is_an_attempt_too_many(world, monkeypatch):
    def lost(failures):
        raise ConcurrentUpdate()

    world.register_brand()
    monkeypatch.setattr(world.failures, "save", lost)

    with pytest.raises(Locked):
        world.login()


# Refreshing


def test_refreshing_gives_new_tokens_for_the_same_session(world):
    first = world.register_brand()

    second = world.refresh(first.refresh_token)

    assert second.account == first.account
    assert second.refresh_token != first.refresh_token
    assert second.access_token != first.access_token
    assert world.principal(second) == world.principal(first)


def test_a_client_that_lost_the_answer_gets_the_same_successor(world):
    first = world.register_brand()
    answered = world.refresh(first.refresh_token)
    world.clock.advance(seconds=9)

    again = world.refresh(first.refresh_token)

    assert again.refresh_token == answered.refresh_token


def test_reuse_outside_the_grace_period_ends_the_thiefs_session_too(world):
    first = world.register_brand()
    stolen = world.refresh(first.refresh_token)
    world.clock.advance(seconds=11)

    with pytest.raises(InvalidRefreshToken):
        world.refresh(first.refresh_token)

    with pytest.raises(InvalidRefreshToken):
        world.refresh(stolen.refresh_token)
    assert [event.type for event in world.sessions.events] == ["session_revoked", "refresh_token_reused"]


def test_the_loser_of_two_refreshes_at_once_gets_the_winners_successor(world, monkeypatch):
    first = world.register_brand()
    won = []
    save = world.sessions.save

    def overtaken(session, events):
        if not won:
            won.append(None)
            won[0] = world.refresh(first.refresh_token)
        save(session, events)

    monkeypatch.setattr(world.sessions, "save", overtaken)

    lost = world.refresh(first.refresh_token)

    assert lost.refresh_token == won[0].refresh_token


@pytest.mark.parametrize("token", ["nonsense", f"{new_id('ses')}.1.{'A' * 43}"])
def test_a_refresh_token_of_no_session_is_refused(world, token):
    with pytest.raises(InvalidRefreshToken):
        world.refresh(token)


# Sessions


def test_a_logged_out_session_is_refreshed_no_more(world):
    signed_in = world.register_brand()

    handlers.logout(world.sessions, world.clock, world.principal(signed_in))

    with pytest.raises(InvalidRefreshToken):
        world.refresh(signed_in.refresh_token)


def test_logging_out_leaves_the_other_sessions(world):
    phone = world.register_brand()
    laptop = world.login()

    handlers.logout(world.sessions, world.clock, world.principal(phone))

    assert [item.sid for item in world.list_sessions(world.principal(laptop)).items] == [
        world.principal(laptop).session_id
    ]


def test_sessions_are_listed_newest_first_in_pages_and_show_the_current_one(world):
    phone = world.principal(world.register_brand())
    laptop = world.principal(world.login())

    page = world.list_sessions(phone, limit=1)
    rest = world.list_sessions(phone, limit=1, cursor=page.next_cursor)

    assert [(item.sid, item.current) for item in page.items] == [(laptop.session_id, False)]
    assert [(item.sid, item.current) for item in rest.items] == [(phone.session_id, True)]
    assert rest.next_cursor is None


def test_an_owner_revokes_a_session_of_another_device(world):
    phone, laptop = world.register_brand(), world.login()

    handlers.revoke_session(
        world.sessions, world.clock, world.principal(laptop), sid=world.principal(phone).session_id
    )

    with pytest.raises(InvalidRefreshToken):
        world.refresh(phone.refresh_token)
    assert world.refresh(laptop.refresh_token)


def test_anothers_session_answers_as_a_missing_one(world):
    brand, streamer = world.register_brand(), world.register_streamer()
    by = world.principal(streamer)

    with pytest.raises(SessionNotFound) as anothers:
        handlers.revoke_session(world.sessions, world.clock, by, sid=world.principal(brand).session_id)
    with pytest.raises(SessionNotFound) as missing:
        handlers.revoke_session(world.sessions, world.clock, by, sid=new_id("ses"))

    assert anothers.value.to_wire() == missing.value.to_wire()
    assert world.refresh(brand.refresh_token)


def test_a_revoked_session_cannot_be_revoked_again(world):
    by = world.principal(world.register_brand())
    handlers.revoke_session(world.sessions, world.clock, by, sid=by.session_id)

    with pytest.raises(SessionNotFound):
        handlers.revoke_session(world.sessions, world.clock, by, sid=by.session_id)


def test_nobody_manages_sessions_without_a_token(world):
    with pytest.raises(Unauthenticated):
        world.list_sessions(ANONYMOUS)
    with pytest.raises(Unauthenticated):
        handlers.logout(world.sessions, world.clock, ANONYMOUS)
    with pytest.raises(Forbidden):
        world.list_sessions(replace(ANONYMOUS, kind="robot"))


# Admins


def test_a_new_admin_signs_in_with_the_one_time_password(world):
    invited = world.create_admin()

    signed_in = world.login(invited.one_time_password, kind="admin", email=invited.email)

    assert signed_in.account.id == invited.account_id
    assert world.accounts.events == [AdminCreated(account_id=invited.account_id, email=invited.email)]


def test_a_one_time_password_signs_in_once(world):
    invited = world.create_admin()
    world.login(invited.one_time_password, kind="admin", email=invited.email)

    with pytest.raises(InvalidCredentials):
        world.login(invited.one_time_password, kind="admin", email=invited.email)


def test_of_two_sign_ins_with_one_one_time_password_at_once_one_is_refused(world, monkeypatch):
    def overtaken(account):
        raise ConcurrentUpdate()

    invited = world.create_admin()
    monkeypatch.setattr(world.accounts, "save", overtaken)

    with pytest.raises(InvalidCredentials):
        world.login(invited.one_time_password, kind="admin", email=invited.email)


def test_asking_again_gives_the_same_admin_a_new_one_time_password(world):
    first = world.create_admin()

    second = world.create_admin("ROOT@gametriggers.example")

    assert second.account_id == first.account_id
    assert len(world.accounts.events) == 1
    with pytest.raises(InvalidCredentials):
        world.login(first.one_time_password, kind="admin", email=first.email)
    world.login(second.one_time_password, kind="admin", email=first.email)


def test_a_one_time_password_expires(world):
    invited = world.create_admin()
    world.clock.advance(seconds=timedelta(hours=24).total_seconds())

    with pytest.raises(InvalidCredentials):
        world.login(invited.one_time_password, kind="admin", email=invited.email)

"""Authenticator apps, recovery codes and step-up, as use cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.errors import StepUpRequired, Unauthenticated
from chassis.principal import ANONYMOUS
from identity import handlers
from identity.domain.account import InvalidCredentials
from identity.domain.api_key import InvalidApiKey
from identity.domain.authenticator import InvalidCode, NoTotp, TotpEnabledAlready, TotpRequired
from identity.domain.lockout import Locked, Suspect
from identity.domain.permissions import SCOPES
from identity.domain.session import SessionNotFound
from identity.handlers.in_person import NotForKeys
from identity.handlers.passwords import NoSuchAccount
from identity.tests.fakes import FakeProviderLinks
from identity.tests.mothers import APP_SECRET, GOOD_PASSWORD, MONDAY, a_code
from identity.tests.unit import test_handlers
from identity.tests.unit.test_handlers import HOME

SIX_ZEROS = "000000"


def drawn(uri):
    return f"drawn: {uri}"


class World(test_handlers.World):
    def code(self):
        """What the app shows now; a step later than the last one, since each is good once."""
        self.clock.advance(seconds=30)
        return a_code(self.clock.now())

    def random(self, length):
        return APP_SECRET if length == len(APP_SECRET) else bytes(range(length))

    def principal(self, signed_in, **changes):
        session = self.sessions.get(super().principal(signed_in).session_id)
        shown = {"acr": session.acr, "auth_time": session.authenticated_at}
        return replace(super().principal(signed_in), **shown | changes)

    def begin(self, by):
        return handlers.begin_totp(
            self.accounts, self.authenticators, self.clock, self.desk.new_id, self.random, drawn, by
        )

    def confirm(self, by, code):
        return handlers.confirm_totp(self.accounts, self.teams, self.desk, self.random, by, code=code)

    def enrol(self, signed_in):
        by = self.principal(signed_in)
        self.begin(by)
        return self.confirm(by, self.code())

    def login(self, code=None, password=GOOD_PASSWORD, address=HOME, **who):
        kind, email = who.get("kind", "brand"), who.get("email", "ads@acme.example")
        return handlers.login(
            self.accounts,
            self.failures,
            self.passwords,
            self.desk,
            kind=kind,
            email=email,
            password=password,
            code=code,
            address=address,
        )

    def step_up(self, by, **shown):
        return handlers.step_up(
            self.accounts, self.teams, self.failures, self.passwords, self.desk, by, **shown
        )

    def reset(self, kind="brand", email="ads@acme.example"):
        smith = handlers.Locksmith(
            self.accounts,
            self.sessions,
            self.failures,
            self.passwords,
            FakeProviderLinks(),
            self.authenticators,
            self.post,
        )
        return handlers.reset_second_factor(smith, kind=kind, email=email)


@pytest.fixture
def world():
    return World()


# Setting up


def test_whoever_confirms_an_app_gets_recovery_codes_and_tokens_that_show_the_second_factor(world):
    signed_in = world.register_brand()
    by = world.principal(signed_in)
    begun = world.begin(by)

    confirmed = world.confirm(by, world.code())

    assert begun.otpauth_uri.startswith("otpauth://totp/Gametriggers:ads%40acme.example?")
    assert begun.qr_svg == drawn(begun.otpauth_uri)
    assert len(confirmed.recovery_codes) == 10
    assert world.tokens.claims["acr"] == "mfa"
    assert world.tokens.claims["sid"] == by.session_id
    assert [event.type for event in world.authenticators.events] == ["totp_enabled"]


def test_the_status_tells_of_an_app_once_it_is_confirmed(world):
    signed_in = world.register_brand()
    by = world.principal(signed_in)
    world.begin(by)
    before = handlers.get_totp(world.authenticators, by)

    world.confirm(by, world.code())

    after = handlers.get_totp(world.authenticators, by)
    assert (before.enabled, before.recovery_codes_left) == (False, 0)
    assert (after.enabled, after.confirmed_at, after.recovery_codes_left) == (True, world.clock.now(), 10)


def test_beginning_again_makes_another_secret_until_it_is_confirmed(world):
    by = world.principal(world.register_brand())
    world.begin(by)
    world.begin(by)
    world.confirm(by, world.code())

    with pytest.raises(TotpEnabledAlready):
        world.begin(by)


def test_there_is_nothing_to_confirm_before_it_was_begun(world):
    with pytest.raises(NoTotp):
        world.confirm(world.principal(world.register_brand()), SIX_ZEROS)


def test_a_session_of_long_ago_sets_nothing_up(world):
    by = world.principal(world.register_brand())
    world.clock.advance(seconds=601)

    with pytest.raises(StepUpRequired) as refusal:
        world.begin(by)

    assert refusal.value.extra == {"acr_values": "pwd", "max_age": 600}


def test_nobody_and_no_program_sets_an_app_up(world):
    by = world.principal(world.register_brand())

    with pytest.raises(Unauthenticated):
        world.begin(ANONYMOUS)
    with pytest.raises(NotForKeys):
        world.begin(replace(by, session_id="key_01jd2e7z5pf3rs8w6r8q6v2k1m"))


# Logging in


def test_with_an_app_the_password_alone_is_not_enough(world):
    world.enrol(world.register_brand())

    with pytest.raises(TotpRequired):
        world.login()

    signed_in = world.login(world.code())
    assert world.principal(signed_in).acr == "mfa"


def test_whoever_does_not_know_the_password_is_not_told_of_the_app(world):
    world.enrol(world.register_brand())
    code = world.code()

    with pytest.raises(InvalidCredentials) as without:
        world.login(password="a wrong guess")
    with pytest.raises(InvalidCredentials) as with_one:
        world.login(code, password="a wrong guess")
    with pytest.raises(InvalidCredentials) as unknown:
        world.login(code, email="nobody@acme.example")

    assert without.value.to_wire() == with_one.value.to_wire() == unknown.value.to_wire()
    world.login(code)


def test_a_code_signs_in_once(world):
    world.enrol(world.register_brand())
    code = world.code()
    world.login(code)

    with pytest.raises(InvalidCode):
        world.login(code)


def test_the_slower_of_two_sign_ins_with_one_code_is_refused(world, monkeypatch):
    world.enrol(world.register_brand())
    code, save = world.code(), world.authenticators.save
    faster = []

    def overtaken(authenticator, events):
        if not faster:
            faster.append(None)
            faster[0] = world.login(code)
        save(authenticator, events)

    monkeypatch.setattr(world.authenticators, "save", overtaken)

    with pytest.raises(InvalidCode):
        world.login(code)

    assert world.principal(faster[0]).acr == "mfa"


def test_a_recovery_code_signs_in_in_place_of_the_app(world):
    codes = world.enrol(world.register_brand()).recovery_codes

    signed_in = world.login(codes[0])

    assert world.principal(signed_in).acr == "mfa"
    assert world.authenticators.events[-1].left == 9
    with pytest.raises(InvalidCode):
        world.login(codes[0])


def test_five_wrong_codes_lock_the_second_factor(world):
    world.enrol(world.register_brand())
    for _ in range(5):
        with pytest.raises(InvalidCode):
            world.login(SIX_ZEROS)

    with pytest.raises(Locked):
        world.login(a_code(world.clock.now() + timedelta(seconds=30)))

    world.clock.advance(seconds=30)
    world.login(world.code())
    with pytest.raises(InvalidCode):
        world.login(SIX_ZEROS)


def test_asking_for_the_code_is_no_failure(world):
    world.enrol(world.register_brand())
    for _ in range(6):
        with pytest.raises(TotpRequired):
            world.login()

    world.login(world.code())


def test_wrong_codes_count_against_their_address_too(world):
    world.enrol(world.register_brand())
    for number in range(49):
        with pytest.raises(InvalidCredentials):
            world.login(email=f"user{number}@acme.example", password="a wrong guess")
    with pytest.raises(InvalidCode):
        world.login(SIX_ZEROS)

    with pytest.raises(Locked):
        world.login(a_code(world.clock.now() + timedelta(seconds=30)))


def test_a_one_time_password_is_not_used_up_before_the_code_is_right(world):
    invited = world.create_admin()
    who = {"kind": "admin", "email": invited.email}
    world.enrol(world.login(password=invited.one_time_password, **who))
    again = world.create_admin()

    with pytest.raises(TotpRequired):
        world.login(password=again.one_time_password, **who)

    assert world.login(world.code(), password=again.one_time_password, **who)


# Stepping up


def test_the_password_refreshes_what_a_session_shows(world):
    signed_in = world.register_brand()
    by = world.principal(signed_in)
    world.clock.advance(seconds=3600)

    again = world.step_up(by, password=GOOD_PASSWORD)

    assert world.tokens.claims["auth_time"] == int((MONDAY + timedelta(hours=1)).timestamp())
    assert world.tokens.claims["acr"] == "pwd"
    assert world.principal(again).session_id == by.session_id
    assert again.refresh_token == signed_in.refresh_token


def test_a_refresh_leaves_what_a_session_shows(world):
    by = world.principal(world.register_brand())
    world.clock.advance(seconds=3600)
    stepped_up = world.step_up(by, password=GOOD_PASSWORD)
    shown = world.tokens.claims["auth_time"]
    world.clock.advance(seconds=3600)

    world.refresh(stepped_up.refresh_token)

    assert world.tokens.claims["auth_time"] == shown


def test_with_an_app_its_code_is_needed_and_is_enough(world):
    by = world.principal(world.register_brand())
    other = world.principal(world.login())
    world.enrol(world.login())

    with pytest.raises(TotpRequired):
        world.step_up(by, password=GOOD_PASSWORD)
    with pytest.raises(InvalidCode):
        world.step_up(by, code=SIX_ZEROS)

    world.step_up(by, code=world.code())
    assert world.tokens.claims["acr"] == "mfa"
    world.step_up(other, password=GOOD_PASSWORD, code=world.code())
    assert world.tokens.claims["acr"] == "mfa"


def test_a_code_is_nothing_without_an_app(world):
    by = world.principal(world.register_brand())

    with pytest.raises(InvalidCredentials):
        world.step_up(by, code=SIX_ZEROS)


def test_a_wrong_password_is_counted_with_the_failed_log_ins(world):
    by = world.principal(world.register_brand())
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            world.step_up(by, password="a wrong guess")

    with pytest.raises(Locked):
        world.step_up(by, password=GOOD_PASSWORD)
    with pytest.raises(Locked):
        world.login()


def test_a_one_time_password_signs_in_and_does_nothing_else(world):
    invited = world.create_admin()
    by = world.principal(world.login(password=invited.one_time_password, kind="admin", email=invited.email))
    again = world.create_admin()

    with pytest.raises(InvalidCredentials):
        world.step_up(by, password=again.one_time_password)


def test_a_session_that_was_ended_is_not_raised(world):
    by = world.principal(world.register_brand())
    handlers.logout(world.sessions, world.clock, by)

    with pytest.raises(SessionNotFound):
        world.step_up(by, password=GOOD_PASSWORD)


# Changing it


def test_new_recovery_codes_need_a_second_factor_of_late(world):
    by = world.principal(world.register_brand())
    world.enrol(world.login())

    with pytest.raises(StepUpRequired) as refusal:
        handlers.replace_recovery_codes(world.authenticators, world.clock, world.random, by)
    assert refusal.value.extra == {"acr_values": "mfa", "max_age": 600}

    stepped_up = world.principal(world.step_up(by, code=world.code()))
    codes = handlers.replace_recovery_codes(world.authenticators, world.clock, bytes, stepped_up)

    world.login(codes[0])


def test_a_removed_app_is_asked_for_no_more(world):
    by = world.principal(world.enrol(world.register_brand()).signed_in)

    handlers.disable_totp(world.authenticators, world.clock, by)

    assert world.principal(world.login()).acr == "pwd"
    assert world.authenticators.events[-1].type == "totp_disabled"
    with pytest.raises(NoTotp):
        handlers.disable_totp(world.authenticators, world.clock, by)


def test_an_app_is_not_removed_by_a_session_of_long_ago_or_without_a_code(world):
    before = world.principal(world.register_brand())
    by = world.principal(world.enrol(world.login()).signed_in)

    with pytest.raises(StepUpRequired):
        handlers.disable_totp(world.authenticators, world.clock, before)
    world.clock.advance(seconds=601)
    with pytest.raises(StepUpRequired):
        handlers.disable_totp(world.authenticators, world.clock, by)


# What the audit log is told


def test_the_log_is_told_of_every_sign_in_and_step_up(world):
    by = world.principal(world.register_brand())
    world.enrol(world.login())
    world.step_up(by, code=world.code())

    assert [(fact.type, fact.acr) for fact in world.sessions.facts] == [
        ("logged_in", "pwd"),
        ("logged_in", "pwd"),
        ("stepped_up", "mfa"),
        ("stepped_up", "mfa"),
    ]
    assert world.sessions.facts[1].address == HOME


def test_the_log_is_told_of_every_failure_and_of_the_lock_that_followed(world):
    registered = world.register_brand()
    world.fail(times=5)
    world.fail(times=1, email="nobody@acme.example")
    world.clock.advance(seconds=30)
    world.enrol(registered)
    with pytest.raises(InvalidCode):
        world.login(SIX_ZEROS)

    told = world.failures.facts
    assert [fact.factor for fact in told] == ["pwd"] * 6 + ["mfa"]
    assert {fact.account_id for fact in told if fact != told[5]} == {registered.account.id}
    assert told[5].account_id == ""
    assert [fact.locked_until is not None for fact in told] == [False] * 4 + [True, False, False]


def test_an_attempt_that_a_lock_refuses_is_not_told(world):
    world.register_brand()
    world.fail(times=5)

    with pytest.raises(Locked):
        world.login()

    assert len(world.failures.facts) == 5


# Lost app and lost codes


def test_an_operators_reset_leaves_the_password_alone_and_ends_all_sessions(world):
    acme = world.register_brand()
    world.enrol(acme)
    owner = replace(world.principal(world.login(world.code())), scopes=SCOPES["owner"])
    key = handlers.create_api_key(
        world.accounts, world.teams, world.desk, owner, name="CI", scopes=["campaigns:read"]
    )
    for _ in range(5):
        with pytest.raises(InvalidCode):
            world.login(SIX_ZEROS)

    reset = world.reset(email="Ads@Acme.example")

    assert reset.id == acme.account.id
    assert world.authenticators.events[-1].type == "totp_reset"
    assert world.authenticators.find(acme.account.id) is None
    assert world.sessions.live_of(acme.account.id, world.clock.now(), None, 9) == []
    with pytest.raises(InvalidApiKey):
        handlers.exchange_api_key(world.desk, key=key.key)
    assert world.failures.get(Suspect.second_factor(reset.id)).count == 0
    again = world.login()
    assert world.principal(again).acr == "pwd"
    assert world.enrol(again)


def test_an_operator_resets_nothing_that_is_not_there(world):
    by = world.principal(world.register_brand())
    world.begin(by)

    with pytest.raises(NoTotp):
        world.reset()
    with pytest.raises(NoSuchAccount):
        world.reset(kind="streamer")

    assert world.sessions.live_of(by.id, world.clock.now(), None, 9) != []

from __future__ import annotations

from dataclasses import replace

import pytest

from chassis.errors import Unauthenticated
from chassis.ids import new_id
from chassis.principal import ANONYMOUS
from identity import handlers
from identity.domain.account import InvalidCredentials, WeakPassword, WrongPassword
from identity.domain.allowance import PER_ACCOUNT, PER_ADDRESS
from identity.domain.authenticator import Authenticator
from identity.domain.link import LIFETIMES, RESET_PASSWORD, LinkNotValid
from identity.domain.lockout import Locked
from identity.domain.provider_link import ExternalAccount, ProviderTokens, new_link
from identity.domain.session import InvalidRefreshToken
from identity.handlers.in_person import NotForKeys
from identity.tests import fakes
from identity.tests.mothers import GOOD_PASSWORD, MONDAY, an_api_key
from identity.tests.unit.test_handlers import HOME, World

BETTER_PASSWORD = "a boat under the stairs"


class Household(World):
    """A registered brand that is signed in, and what its people do about its password."""

    def __init__(self) -> None:
        super().__init__()
        self.requests, self.links = fakes.FakeResetRequests(), fakes.FakeLinks()
        self.post = handlers.Post(
            self.links, fakes.FakeLinkTokens(), fakes.FakeAllowances(), self.clock, new_id
        )
        self.provider_links = fakes.FakeProviderLinks(self.accounts)
        self.smith = handlers.Locksmith(
            self.accounts,
            self.sessions,
            self.failures,
            self.passwords,
            self.provider_links,
            self.authenticators,
            self.post,
        )
        self.first = self.register_brand()

    def forget(self, kind="brand", email="ads@acme.example", address=HOME):
        handlers.forgot_password(self.requests, self.post, kind=kind, email=email, address=address)

    def look_into_it(self):
        return handlers.send_reset_links(self.requests, self.accounts, self.post)

    def tokens_mailed(self):
        """Of the links that reset a password, oldest first."""
        resets = [event for event in self.links.events if event.type == "password_reset_requested"]
        return [f"token of {event.link_id}" for event in resets]

    def token(self):
        self.forget()
        self.look_into_it()
        return self.tokens_mailed()[-1]

    def reset(self, token, new_password=BETTER_PASSWORD):
        handlers.reset_password(self.smith, token=token, new_password=new_password)

    def change(self, by=None, current=GOOD_PASSWORD, new=BETTER_PASSWORD):
        by = by or self.principal(self.first)
        handlers.change_password(self.smith, by, current_password=current, new_password=new)

    def events(self, *types):
        told = [*self.accounts.events, *self.sessions.events]
        return [event for event in told if event.type in types]


@pytest.fixture
def house():
    return Household()


# Asking for a link


def test_nothing_is_looked_up_while_somebody_waits_for_the_answer(house, monkeypatch):
    def looked(*_):
        raise AssertionError("the time that this takes would tell whether the account exists")

    monkeypatch.setattr(house.accounts, "find", looked)

    house.forget()
    house.forget(email="nobody@acme.example")


def test_a_link_goes_to_the_account_that_was_named_and_to_no_other(house):
    house.register_streamer(email="ads@acme.example")
    house.forget()

    assert house.look_into_it() == 1
    assert [event.account_id for event in house.links.events][-1] == house.first.account.id
    assert house.look_into_it() == 0
    assert len(house.tokens_mailed()) == 1


def test_an_account_that_does_not_exist_gets_no_link_and_the_rest_go_on(house):
    house.forget(email="nobody@acme.example")
    house.forget(email=" ADS@acme.example")

    assert house.look_into_it() == 2
    assert len(house.tokens_mailed()) == 1


def test_an_address_is_mailed_three_times_an_hour_whether_or_not_there_is_an_account(house):
    for email in ("ads@acme.example", "nobody@acme.example"):
        for _ in range(PER_ACCOUNT + 1):
            house.forget(email=email)

    assert house.look_into_it() == 2 * PER_ACCOUNT
    assert len(house.tokens_mailed()) == PER_ACCOUNT


def test_one_network_address_asks_for_no_more_than_its_share(house):
    for number in range(PER_ADDRESS + 1):
        house.forget(email=f"user{number}@acme.example")

    assert house.look_into_it() == PER_ADDRESS


# Resetting


def test_the_new_password_signs_in_and_the_old_one_no_more(house):
    house.reset(house.token())

    assert house.login(BETTER_PASSWORD)
    with pytest.raises(InvalidCredentials):
        house.login(GOOD_PASSWORD)


def test_a_reset_ends_every_session_and_every_key_and_says_so(house):
    second = house.login()
    key, _, made = an_api_key(house.first.account)
    house.sessions.add(key, made)
    stranger = house.register_streamer()

    house.reset(house.token())

    for signed_in in (house.first, second):
        with pytest.raises(InvalidRefreshToken):
            house.refresh(signed_in.refresh_token)
    ended = {event.sid for event in house.events("session_revoked")}
    assert ended == {house.principal(house.first).session_id, house.principal(second).session_id, key.id}
    assert [event.reset for event in house.events("password_changed")] == [True]
    assert house.refresh(stranger.refresh_token)


def test_many_sessions_are_ended_in_portions(house, monkeypatch):
    monkeypatch.setattr(handlers.passwords, "SESSIONS_AT_ONCE", 2)
    for _ in range(4):
        house.login()

    house.reset(house.token())

    assert len(house.events("session_revoked")) == 5


def test_a_reset_verifies_the_address(house):
    house.reset(house.token())

    assert house.accounts.get(house.first.account.id).email_verified
    assert len(house.events("email_verified")) == 1


def linked_channels(house):
    return house.provider_links.of_account(house.first.account.id, None, 10)


def link_a_channel(house):
    tokens = ProviderTokens("access", "refresh", house.clock.now())
    channel = ExternalAccount("twitch", "4711", "stranger", "stranger@stream.example", True, tokens)
    link, events = new_link(new_id("ext"), house.first.account, channel, house.clock.now())
    house.provider_links.add(link, events)


def test_who_registered_with_an_address_of_somebody_else_does_not_stay_in_by_a_channel(house, monkeypatch):
    left_in_the_transaction = []
    monkeypatch.setattr(
        house.failures, "forget", lambda _: left_in_the_transaction.extend(linked_channels(house))
    )
    link_a_channel(house)

    house.reset(house.token())

    assert (left_in_the_transaction, linked_channels(house)) == ([], [])
    assert house.provider_links.events[-1].type == "provider_unlinked"


def test_a_channel_that_is_linked_while_the_reset_commits_is_unlinked_after_it(house, monkeypatch):
    token, forget = house.token(), house.failures.forget

    def late(suspect):
        link_a_channel(house)
        forget(suspect)

    monkeypatch.setattr(house.failures, "forget", late)

    house.reset(token)

    assert linked_channels(house) == []


def set_up_an_app(house):
    app = Authenticator(
        id=new_id("otp"), account_id=house.first.account.id, secret=b"s" * 20, created_at=MONDAY
    )
    app.confirmed_at = MONDAY
    house.authenticators.save(app, [])


def test_the_app_of_who_registered_in_anothers_name_keeps_the_owner_of_the_address_out_no_longer(house):
    set_up_an_app(house)

    house.reset(house.token())

    assert house.authenticators.find(house.first.account.id) is None


def test_the_app_of_who_had_verified_the_address_stays(house):
    handlers.verify_email(house.accounts, house.post, token=f"token of {house.links.events[0].link_id}")
    set_up_an_app(house)

    house.reset(house.token())

    assert house.authenticators.find(house.first.account.id) is not None


def test_the_channel_of_who_had_verified_the_address_stays_linked(house):
    handlers.verify_email(house.accounts, house.post, token=f"token of {house.links.events[0].link_id}")
    link_a_channel(house)

    house.reset(house.token())

    assert len(linked_channels(house)) == 1


def test_a_reset_lets_a_locked_account_in(house):
    house.fail(times=5)

    house.reset(house.token())

    assert house.login(BETTER_PASSWORD)


def test_a_reset_link_works_once(house):
    token = house.token()
    house.reset(token)

    with pytest.raises(LinkNotValid):
        house.reset(token, "a third thing altogether")

    assert house.login(BETTER_PASSWORD)


def test_a_reset_link_is_over_after_half_an_hour(house):
    token = house.token()
    house.clock.advance(seconds=LIFETIMES[RESET_PASSWORD].total_seconds())

    with pytest.raises(LinkNotValid):
        house.reset(token)


def test_a_newer_link_ends_the_older_one(house):
    older, newer = house.token(), house.token()

    with pytest.raises(LinkNotValid):
        house.reset(older)

    house.reset(newer)


def test_a_link_that_verifies_resets_nothing(house):
    verifying = house.links.events[0].link_id

    with pytest.raises(LinkNotValid):
        house.reset(f"token of {verifying}")


@pytest.mark.parametrize("password", ["short", "x" * 129, "password1", "ads@acme.example", "ACME rockets"])
def test_a_weak_new_password_is_refused_and_the_link_still_works(house, password):
    token = house.token()

    with pytest.raises(WeakPassword) as refused:
        house.reset(token, password)

    assert set(refused.value.errors) == {"new_password"}
    house.reset(token)


def test_a_new_password_is_the_same_in_either_unicode_form(house):
    house.reset(house.token(), "cafe\u0301 at noon")

    assert house.login("caf\u00e9 at noon")


def test_a_sign_in_that_is_under_way_with_the_old_password_is_refused_and_leaves_no_session(
    house, monkeypatch
):
    token, verify = house.token(), house.passwords.verify

    def slowly(hashed, password):
        is_right = verify(hashed, password)
        if not house.events("password_changed"):
            house.reset(token)
        return is_right

    monkeypatch.setattr(house.passwords, "verify", slowly)

    with pytest.raises(InvalidCredentials):
        house.login(GOOD_PASSWORD)

    assert house.sessions.live_of(house.first.account.id, house.clock.now(), None, 10) == []


def test_a_session_that_is_stored_while_the_reset_commits_is_ended_after_it(house, monkeypatch):
    token, forget = house.token(), house.failures.forget

    def late(suspect):
        house.desk.open(house.first.account, HOME, "pwd")
        forget(suspect)

    monkeypatch.setattr(house.failures, "forget", late)

    house.reset(token)

    assert house.sessions.live_of(house.first.account.id, house.clock.now(), None, 10) == []


# Changing


def test_who_knows_the_password_changes_it_and_stays_in_alone(house):
    other = house.login()
    key, _, made = an_api_key(house.first.account)
    house.sessions.add(key, made)

    house.change()

    assert house.login(BETTER_PASSWORD)
    assert house.refresh(house.first.refresh_token)
    with pytest.raises(InvalidRefreshToken):
        house.refresh(other.refresh_token)
    assert house.sessions.get(key.id).revoked_at is None
    assert [event.reset for event in house.events("password_changed")] == [False]


def test_a_wrong_current_password_changes_nothing_and_is_said_by_field(house):
    with pytest.raises(WrongPassword) as refused:
        house.change(current="a wrong guess")

    assert refused.value.errors == {"current_password": ["Is wrong."]}
    assert house.events("password_changed") == []
    assert house.login(GOOD_PASSWORD)


def test_guesses_at_the_current_password_are_locked_out(house):
    for _ in range(5):
        with pytest.raises(WrongPassword):
            house.change(current="a wrong guess")

    with pytest.raises(Locked):
        house.change()


def test_a_weak_new_password_is_refused(house):
    with pytest.raises(WeakPassword) as refused:
        house.change(new="password1")

    assert set(refused.value.errors) == {"new_password"}


def test_only_a_person_who_is_signed_in_changes_a_password(house):
    key, _, _ = an_api_key(house.first.account)
    program = replace(house.principal(house.first), session_id=key.id)

    with pytest.raises(Unauthenticated):
        house.change(ANONYMOUS)
    with pytest.raises(NotForKeys):
        house.change(program)

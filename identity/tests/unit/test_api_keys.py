from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.clock import FixedClock
from chassis.errors import Forbidden, ValidationFailed
from chassis.ids import new_id
from chassis.principal import Principal
from identity import handlers
from identity.domain.api_key import (
    MOST_KEYS,
    ApiKeyNotFound,
    InvalidApiKey,
    PresentedKey,
    TooManyApiKeys,
)
from identity.domain.permissions import MANAGES_KEYS, NEVER_A_KEYS, SCOPES
from identity.domain.session import InvalidRefreshToken, RefreshToken
from identity.events import ApiKeyCreated, SessionRevoked
from identity.handlers.in_person import NotForKeys
from identity.tests.fakes import (
    FakeAccessTokens,
    FakeAccounts,
    FakeAuthenticators,
    FakeFailureLog,
    FakeSessions,
    FakeTeams,
)
from identity.tests.mothers import MONDAY, account, an_api_key

READS = ["campaigns:read", "analytics:read"]


class World:
    def __init__(self) -> None:
        self.accounts, self.sessions = FakeAccounts(), FakeSessions()
        self.tokens, self.clock = FakeAccessTokens(), FixedClock(MONDAY)
        self.secrets = iter(bytes([number]) * 32 for number in range(MOST_KEYS + 1))
        second_factor = handlers.SecondFactor(FakeAuthenticators(), FakeFailureLog(), self.clock)
        self.teams = FakeTeams()
        self.desk = handlers.Desk(
            self.sessions, self.tokens, self.clock, new_id, lambda: next(self.secrets), second_factor
        )
        self.acme = account()
        self.accounts.add(self.acme, [])
        self.owner = Principal(self.acme.id, "brand", SCOPES["owner"], session_id=new_id("ses"))

    def create(self, by=None, **changes):
        command = {"name": "Reporting server", "scopes": READS} | changes
        return handlers.create_api_key(self.accounts, self.teams, self.desk, by or self.owner, **command)

    def exchange(self, key):
        return handlers.exchange_api_key(self.desk, key=key)

    def keys(self, by=None):
        page = handlers.list_api_keys(self.sessions, self.clock, by or self.owner, limit=20, cursor=None)
        return page.items

    def key(self, key_id, by=None):
        return handlers.get_api_key(self.sessions, self.clock, by or self.owner, key_id=key_id)

    def revoke(self, key_id, by=None):
        handlers.revoke_api_key(self.sessions, self.clock, by or self.owner, key_id=key_id)


@pytest.fixture
def world():
    return World()


def test_a_key_is_shown_once_and_only_its_hash_is_kept(world):
    made = world.create()

    assert made.key.startswith(f"{made.prefix}_")
    assert world.keys() == [replace(made, key="")]
    assert PresentedKey.parse(made.key).secret not in repr(world.sessions.get(made.id))
    assert [type(event) for event in world.sessions.events] == [ApiKeyCreated]


def test_a_key_is_exchanged_for_a_token_with_its_scopes_alone(world):
    made = world.create()

    exchanged = world.exchange(made.key)

    assert exchanged.expires_in == 900
    assert world.tokens.claims["scope"] == "analytics:read campaigns:read"
    assert (world.tokens.claims["sub"], world.tokens.claims["sid"]) == (world.acme.id, made.id)


def test_its_last_use_is_noted(world):
    made = world.create()
    assert world.keys()[0].last_used_at is None
    world.clock.advance(86_400)

    world.exchange(made.key)

    assert world.keys()[0].last_used_at == MONDAY + timedelta(days=1)


def test_a_key_opens_no_more_than_its_maker_may(world):
    narrow = replace(world.owner, scopes=frozenset({"campaigns:read", MANAGES_KEYS}))

    with pytest.raises(ValidationFailed):
        world.create(by=narrow, scopes=["campaigns:write"])


@pytest.mark.parametrize("scope", sorted(NEVER_A_KEYS))
def test_a_key_cannot_be_given_the_making_of_keys_nor_the_team(world, scope):
    with pytest.raises(ValidationFailed):
        world.create(scopes=[scope])


def test_a_key_manages_neither_keys_nor_sessions(world):
    made = world.create()
    program = replace(world.owner, session_id=made.id)

    for attempt in (
        lambda: world.create(by=program),
        lambda: world.keys(by=program),
        lambda: world.key(made.id, by=program),
        lambda: world.revoke(made.id, by=program),
        lambda: handlers.list_sessions(world.sessions, world.clock, program, limit=1, cursor=None),
        lambda: handlers.revoke_session(world.sessions, world.clock, program, sid=new_id("ses")),
        lambda: handlers.logout(world.sessions, world.clock, program),
    ):
        with pytest.raises(NotForKeys):
            attempt()


def test_streamers_have_no_keys(world):
    with pytest.raises(Forbidden):
        world.keys(by=Principal(new_id("str"), "streamer", session_id=new_id("ses")))


def test_a_revoked_key_is_refused_and_told_of_as_an_ended_session(world):
    made = world.create()

    world.revoke(made.id)

    with pytest.raises(InvalidApiKey):
        world.exchange(made.key)
    assert world.keys() == []
    with pytest.raises(ApiKeyNotFound):
        world.key(made.id)
    assert world.sessions.events[-1] == SessionRevoked(
        sid=made.id, account_id=world.acme.id, expires_at=MONDAY + timedelta(minutes=15)
    )


def test_one_key_is_shown_as_in_the_list(world):
    made = world.create()

    assert world.key(made.id) == replace(made, key="")


def test_another_brands_key_answers_as_a_missing_one(world):
    made = world.create()
    globex = replace(world.owner, id=new_id("brd"))

    with pytest.raises(ApiKeyNotFound):
        world.key(made.id, by=globex)
    with pytest.raises(ApiKeyNotFound):
        world.revoke(made.id, by=globex)
    with pytest.raises(ApiKeyNotFound):
        world.revoke(new_id("key"))
    assert world.keys(by=globex) == []


@pytest.mark.parametrize(
    "wrong", ["", "gtk_", "x" * 300, "gtk_{id}_{other}", "gtk_{missing}_{secret}", "{key} "]
)
def test_a_wrong_key_is_refused_and_nothing_is_told(world, wrong):
    made = world.create()
    digits, secret = made.id.removeprefix("key_"), PresentedKey.parse(made.key).secret
    missing = new_id("key").removeprefix("key_")

    with pytest.raises(InvalidApiKey):
        world.exchange(wrong.format(id=digits, other="B" * 43, missing=missing, secret=secret, key=made.key))


def test_a_key_that_ends_gives_no_token_beyond_its_end(world):
    made = world.create(expires_at=MONDAY + timedelta(minutes=5))
    assert world.exchange(made.key).expires_in == 300
    world.clock.advance(300)

    with pytest.raises(InvalidApiKey):
        world.exchange(made.key)


@pytest.mark.parametrize("expires_at", [MONDAY, MONDAY - timedelta(days=1), MONDAY + timedelta(days=40_000)])
def test_a_key_ends_in_the_future_and_not_beyond_a_hundred_years(world, expires_at):
    with pytest.raises(ValidationFailed):
        world.create(expires_at=expires_at)


def test_a_brand_has_a_bounded_number_of_keys(world):
    for _ in range(MOST_KEYS):
        world.create()

    with pytest.raises(TooManyApiKeys):
        world.create()


def test_a_key_has_no_refresh_tokens():
    key, _, _ = an_api_key(account())
    forged = RefreshToken.derive(key.id, 1, b"")

    with pytest.raises(InvalidRefreshToken):
        key.refresh(forged, MONDAY)


def test_a_scope_that_the_account_has_lost_is_lost_to_its_keys():
    key, _, _ = an_api_key(
        account(), scopes=["gone:read", "campaigns:read"], allowed=["gone:read", "campaigns:read"]
    )

    assert key.scopes == ["campaigns:read"]

"""Members of a brand's team sign in for it, with what their role may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.clock import FixedClock
from chassis.errors import Forbidden, ServiceUnavailable
from chassis.event import ReceivedEvent
from chassis.ids import new_id
from chassis.principal import Delegate, Principal
from identity import handlers
from identity.domain.account import InvalidCredentials
from identity.domain.api_key import InvalidApiKey
from identity.domain.audit import entry_of
from identity.domain.authenticator import TotpRequired
from identity.domain.membership import ChooseBrand, NoMembership
from identity.domain.permissions import SCOPES, TEAM_ROLES
from identity.domain.session import InvalidRefreshToken
from identity.tests.fakes import (
    FakeAccessTokens,
    FakeAccounts,
    FakeAuthenticators,
    FakeFailureLog,
    FakePasswords,
    FakeSessions,
    FakeTeams,
)
from identity.tests.mothers import GOOD_PASSWORD, MONDAY, a_code, account, an_authenticator, finn

ACME, GLOBEX = "brd_acme", "brd_globex"


class World:
    """Finn is the finance of ACME."""

    def __init__(self) -> None:
        self.accounts, self.sessions, self.teams = FakeAccounts(), FakeSessions(), FakeTeams()
        self.failures, self.passwords = FakeFailureLog(), FakePasswords()
        self.tokens, self.clock = FakeAccessTokens(), FixedClock(MONDAY)
        self.authenticators = FakeAuthenticators()
        second_factor = handlers.SecondFactor(self.authenticators, self.failures, self.clock)
        self.desk = handlers.Desk(
            self.sessions, self.tokens, self.clock, new_id, lambda: b"s" * 32, second_factor
        )
        self.finn = finn()
        self.accounts.add(self.finn, [])
        self.teams.put(self.finn.id, ACME, "finance")

    def login(self, password=GOOD_PASSWORD, brand_id=None, email="finn@acme.example", code=None):
        return handlers.login_member(
            self.accounts,
            self.failures,
            self.passwords,
            self.teams,
            self.desk,
            email=email,
            password=password,
            brand_id=brand_id,
            code=code,
        )

    def refresh(self, signed_in):
        return handlers.refresh(self.accounts, self.teams, self.desk, refresh_token=signed_in.refresh_token)

    def team_says(self, type, brand_id=ACME):
        data = {"member_id": self.finn.id, "brand_id": brand_id}
        event = ReceivedEvent(new_id("evt"), type, "brand", MONDAY, "team_1", 1, data)
        handlers.end_member_sessions(self.sessions, self.clock, event)

    def open_sessions(self):
        return self.sessions.live_of(self.finn.id, self.clock.now(), None, 500)


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("role", TEAM_ROLES)
def test_a_members_token_is_the_brands_with_the_scopes_of_the_role(world, role):
    world.teams.put(world.finn.id, ACME, role)

    signed_in = world.login()

    claims = world.tokens.claims
    assert (claims["sub"], claims["sub_kind"]) == (world.finn.id, "member")
    assert (claims["acts_for"], claims["kind"], claims["role"]) == (ACME, "brand", role)
    assert set(claims["scope"].split()) == SCOPES[role]
    assert (signed_in.membership.brand_id, signed_in.membership.role) == (ACME, role)


def test_who_signs_in_for_themselves_acts_for_nobody(world):
    world.accounts.add(account(id=ACME), [])

    signed_in = handlers.login(
        world.accounts,
        world.failures,
        world.passwords,
        world.desk,
        kind="brand",
        email="ads@acme.example",
        password=GOOD_PASSWORD,
    )

    assert signed_in.membership is None
    assert "acts_for" not in world.tokens.claims
    assert world.teams.asked == 0


def test_a_wrong_password_and_an_unknown_member_get_the_same_answer(world):
    for attempt in ({"password": "a wrong guess"}, {"email": "nobody@acme.example"}):
        with pytest.raises(InvalidCredentials):
            world.login(**attempt)

    assert world.teams.asked == 0


def test_a_member_of_two_teams_says_for_which_brand(world):
    world.teams.put(world.finn.id, GLOBEX, "viewer")

    with pytest.raises(ChooseBrand) as asked:
        world.login()

    assert asked.value.extra["brands"] == [ACME, GLOBEX]
    assert world.login(brand_id=GLOBEX).membership.role == "viewer"
    assert world.open_sessions()[0].acts_for == GLOBEX


def test_nobody_signs_in_for_a_brand_whose_team_they_are_not_in(world):
    with pytest.raises(NoMembership):
        world.login(brand_id=GLOBEX)
    world.teams.remove(world.finn.id, ACME)
    with pytest.raises(NoMembership):
        world.login()

    assert world.open_sessions() == []


def test_who_is_taken_out_while_signing_in_has_no_session(world):
    answers = [world.teams.of(world.finn.id), []]
    world.teams.of = lambda member_id: answers.pop(0)

    with pytest.raises(NoMembership):
        world.login()

    assert world.open_sessions() == []
    assert [event.type for event in world.sessions.events] == ["session_revoked"]


def test_the_role_is_looked_up_when_the_ending_of_sessions_would_find_the_session(world):
    of = world.teams.of
    open_at_each_look = []

    def look(member_id):
        open_at_each_look.append(len(world.open_sessions()))
        return of(member_id)

    world.teams.of = look

    world.login()

    assert open_at_each_look[-1] == 1


def test_a_refreshed_token_has_the_role_of_now(world):
    signed_in = world.login()
    world.teams.put(world.finn.id, ACME, "viewer")

    refreshed = world.refresh(signed_in)

    assert refreshed.membership.role == "viewer"
    assert world.tokens.claims["role"] == "viewer"
    assert set(world.tokens.claims["scope"].split()) == SCOPES["viewer"]


def test_who_was_taken_out_refreshes_nothing(world):
    signed_in = world.login()
    world.teams.remove(world.finn.id, ACME)

    with pytest.raises(InvalidRefreshToken):
        world.refresh(signed_in)


def test_a_refresh_token_is_not_used_up_while_the_team_cannot_be_asked(world):
    signed_in = world.login()
    of, world.teams.of = world.teams.of, unreachable

    with pytest.raises(ServiceUnavailable):
        world.refresh(signed_in)

    world.teams.of = of
    world.clock.advance(3600)
    assert world.refresh(signed_in)
    assert world.open_sessions()


def test_nobody_makes_us_ask_about_a_member_with_a_forged_refresh_token(world):
    sid = world.login().refresh_token.partition(".")[0]
    asked = world.teams.asked

    with pytest.raises(InvalidRefreshToken):
        handlers.refresh(world.accounts, world.teams, world.desk, refresh_token=f"{sid}.1.forged")

    assert world.teams.asked == asked


@pytest.mark.parametrize("type", ["team_role_changed", "team_member_removed"])
def test_a_changed_role_and_a_removal_end_every_session_for_that_brand(world, type):
    world.teams.put(world.finn.id, GLOBEX, "viewer")
    for brand_id in [ACME] * 120 + [GLOBEX]:
        world.login(brand_id=brand_id)

    world.team_says(type)

    assert [session.acts_for for session in world.open_sessions()] == [GLOBEX]
    assert len(world.sessions.events) == 120
    world.team_says(type)
    assert len(world.sessions.events) == 120


def acting(world, signed_in, role):
    sid = signed_in.refresh_token.partition(".")[0]
    return Principal(ACME, "brand", SCOPES[role], sid, delegate=Delegate(world.finn.id, "member", role))


def test_a_member_lists_and_ends_their_own_sessions_and_not_the_brands(world):
    brand = account(id=ACME)
    world.accounts.add(brand, [])
    brands = world.desk.open(brand, None, "pwd")
    first, second = world.login(), world.login()
    person = acting(world, first, "finance").in_person()

    page = handlers.list_sessions(world.sessions, world.clock, person, limit=20, cursor=None)
    handlers.logout(world.sessions, world.clock, person)

    sids = {signed_in.refresh_token.partition(".")[0] for signed_in in (first, second)}
    assert {item.sid for item in page.items} == sids
    assert len(world.open_sessions()) == 1
    assert handlers.refresh(world.accounts, world.teams, world.desk, refresh_token=brands.refresh_token)


def test_an_owner_among_the_members_makes_keys_of_the_brand(world):
    world.accounts.add(account(id=ACME), [])
    owner = acting(world, world.login(), "owner")

    world.teams.put(world.finn.id, ACME, "owner")
    made = make_key(world, owner)

    assert (world.sessions.get(made.id).account_id, made.made_by) == (ACME, world.finn.id)
    handlers.revoke_api_key(world.sessions, world.clock, owner, key_id=made.id)
    assert not world.sessions.get(made.id).is_live(MONDAY)


def make_key(world, by):
    return handlers.create_api_key(
        world.accounts, world.teams, world.desk, by, name="Server", scopes=["campaigns:read"]
    )


@pytest.mark.parametrize("type", ["team_member_removed", "team_role_changed"])
def test_the_keys_that_a_member_made_end_with_the_membership_or_the_role(world, type):
    world.accounts.add(account(id=ACME), [])
    world.teams.put(world.finn.id, ACME, "owner")
    brand = Principal(ACME, "brand", SCOPES["owner"], new_id("ses"))
    vera = replace(brand, delegate=Delegate("mem_vera", "member", "owner"))
    world.teams.put("mem_vera", ACME, "owner")
    finns = make_key(world, acting(world, world.login(), "owner"))
    others = [make_key(world, brand), make_key(world, vera)]

    world.team_says(type)

    assert not world.sessions.get(finns.id).is_live(MONDAY)
    with pytest.raises(InvalidApiKey):
        handlers.exchange_api_key(world.desk, key=finns.key)
    assert all(world.sessions.get(key.id).is_live(MONDAY) for key in others)


@pytest.mark.parametrize("role", [None, "manager"])
def test_a_key_whose_maker_is_taken_out_in_that_moment_is_none(world, role):
    world.accounts.add(account(id=ACME), [])
    owner = acting(world, world.login(), "owner")
    world.teams.remove(world.finn.id, ACME)
    if role is not None:
        world.teams.put(world.finn.id, ACME, role)

    with pytest.raises(NoMembership):
        make_key(world, owner)

    assert world.sessions.keys_of(ACME, MONDAY, None, 9) == []


@pytest.mark.parametrize("role", [role for role in TEAM_ROLES if role != "owner"])
def test_no_other_member_sees_makes_or_revokes_keys(world, role):
    by = acting(world, world.login(), role)
    attempts = (
        lambda: make_key(world, by),
        lambda: handlers.list_api_keys(world.sessions, world.clock, by, limit=20, cursor=None),
        lambda: handlers.revoke_api_key(world.sessions, world.clock, by, key_id=new_id("key")),
    )

    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()


def unreachable(member_id):
    raise ServiceUnavailable()


def test_a_member_with_an_authenticator_app_is_asked_for_its_code(world):
    app = an_authenticator(account_id=world.finn.id)
    app.confirm(a_code(MONDAY), MONDAY, [])
    world.authenticators.save(app, [])

    with pytest.raises(TotpRequired):
        world.login()

    world.login(code=a_code(MONDAY + timedelta(seconds=30)))
    assert (world.tokens.claims["acr"], world.tokens.claims["role"]) == ("mfa", "finance")


def test_a_member_who_authenticates_again_still_acts_for_the_brand(world):
    sid = world.login().refresh_token.partition(".")[0]
    person = Principal(world.finn.id, "member", session_id=sid)

    handlers.step_up(
        world.accounts,
        world.teams,
        world.failures,
        world.passwords,
        world.desk,
        person,
        password=GOOD_PASSWORD,
    )

    assert (world.tokens.claims["acts_for"], world.tokens.claims["role"]) == (ACME, "finance")


@pytest.mark.parametrize(
    ("type", "said", "kept"),
    [
        ("team_member_joined", {"role": "viewer"}, {"role": "viewer"}),
        ("team_role_changed", {"before": "viewer", "role": "owner"}, {"before": "viewer", "role": "owner"}),
        ("team_member_removed", {"name": "Finn"}, {}),
    ],
)
def test_who_may_act_for_a_brand_is_in_its_audit_log(world, type, said, kept):
    data = {"team_id": "team_1", "brand_id": ACME, "member_id": world.finn.id} | said

    handlers.note_team_change(
        world.failures, ReceivedEvent("evt_1", type, "brand", MONDAY, "team_1", 1, data)
    )

    [fact] = world.failures.facts
    entry = entry_of(fact, "aud_1", MONDAY, None, None, "req_1")
    assert (entry.kind, entry.account, entry.actor) == (type, ACME, None)
    assert entry.details == {"member_id": world.finn.id} | kept

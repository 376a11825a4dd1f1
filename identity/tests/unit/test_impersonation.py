"""An administrator acts as an account, for a while and in the open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.errors import Forbidden, StepUpRequired
from chassis.principal import Delegate, Principal
from identity import handlers
from identity.domain.audit import entry_of
from identity.domain.impersonation import NotImpersonable
from identity.domain.session import InvalidRefreshToken, RefreshToken
from identity.events import ImpersonationStarted
from identity.handlers.in_person import NotWhileImpersonating
from identity.handlers.permissions import PrincipalNotFound
from identity.tests.mothers import GOOD_PASSWORD, MONDAY
from identity.tests.unit import test_second_factor

REASON = "Ticket 4711: a payout that does not arrive"


class World(test_second_factor.World):
    def __init__(self):
        super().__init__()
        self.ada = Principal(
            "adm_ada", "admin", session_id=self.desk.new_id("ses"), acr="mfa", auth_time=MONDAY
        )

    def impersonate(self, account_id, by=None):
        return handlers.start_impersonation(
            self.accounts, self.desk, by or self.ada, account_id=account_id, reason=REASON
        )

    def acting_as(self, impersonating):
        """Ada as services see her now; and as identity does, which looks at the person."""
        account = impersonating.account
        principal = Principal(
            account.id, account.kind, session_id=impersonating.sid, delegate=Delegate("adm_ada", "admin")
        )
        return principal, principal.in_person()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def nova(world):
    return world.register_streamer()


def test_a_token_says_whose_account_it_is_and_who_acts(world, nova):
    impersonating = world.impersonate(nova.account.id)

    claims = world.tokens.claims
    assert (claims["sub"], claims["act"]) == (nova.account.id, {"sub": "adm_ada", "kind": "admin"})
    assert claims["exp"] - claims["iat"] == impersonating.expires_in == 600
    assert "acr" not in claims
    assert "auth_time" not in claims


def test_no_token_of_it_moves_money_out_or_makes_what_outlasts_it(world, nova):
    acme = world.register_brand()

    world.impersonate(nova.account.id)
    as_nova = set(world.tokens.claims["scope"].split())
    world.impersonate(acme.account.id)
    as_acme = set(world.tokens.claims["scope"].split())

    assert {"wallet:read", "participations:write"} <= as_nova
    assert as_nova.isdisjoint({"payouts:request", "payouts:method"})
    assert "campaigns:write" in as_acme
    assert as_acme.isdisjoint({"keys:manage", "team:manage"})


def test_its_start_is_announced_with_who_and_why(world, nova):
    impersonating = world.impersonate(nova.account.id)

    [event] = world.sessions.events
    assert event == ImpersonationStarted(
        sid=impersonating.sid,
        account_id=nova.account.id,
        admin_id="adm_ada",
        reason=REASON,
        expires_at=MONDAY + timedelta(minutes=10),
    )
    entry = entry_of(event, "aud_1", MONDAY, "adm_ada", "gateway", None)
    assert (entry.account, entry.actor, entry.acting_for) == (nova.account.id, "adm_ada", None)
    assert entry.details["reason"] == REASON


def test_the_owner_sees_it_among_the_sessions_and_ends_it(world, nova):
    impersonating = world.impersonate(nova.account.id)
    owner = world.principal(nova)

    newest, own = world.list_sessions(owner).items
    handlers.revoke_session(world.sessions, world.clock, owner, sid=impersonating.sid)

    assert (newest.sid, newest.impersonation.admin_id) == (impersonating.sid, "adm_ada")
    assert own.impersonation is None
    assert [item.sid for item in world.list_sessions(owner).items] == [own.sid]
    assert world.sessions.events[-1].sid == impersonating.sid


def test_the_administrator_ends_it_by_logging_out(world, nova):
    impersonating = world.impersonate(nova.account.id)
    principal, person = world.acting_as(impersonating)

    handlers.logout(world.sessions, world.clock, principal)

    assert not world.sessions.get(impersonating.sid).is_live(world.clock.now())
    with pytest.raises(NotWhileImpersonating):
        handlers.get_totp(world.authenticators, person)


def test_it_is_over_after_ten_minutes_and_cannot_be_refreshed(world, nova):
    impersonating = world.impersonate(nova.account.id)
    session = world.sessions.get(impersonating.sid)

    assert session.is_live(MONDAY + timedelta(seconds=599))
    assert not session.is_live(MONDAY + timedelta(minutes=10))
    with pytest.raises(InvalidRefreshToken):
        session.refresh(RefreshToken.derive(session.id, 1, b""), MONDAY)


@pytest.mark.parametrize("which", [0, 1], ids=["as the account", "in person"])
def test_nothing_of_how_the_account_is_opened_can_be_changed(world, nova, which):
    by = world.acting_as(world.impersonate(nova.account.id))[which]

    for attempt in (
        lambda: world.begin(by),
        lambda: world.confirm(by, "000000"),
        lambda: world.step_up(by, password=GOOD_PASSWORD),
        lambda: handlers.disable_totp(world.authenticators, world.clock, by),
        lambda: handlers.replace_recovery_codes(world.authenticators, world.clock, world.random, by),
        lambda: handlers.revoke_session(
            world.sessions, world.clock, by, sid=world.principal(nova).session_id
        ),
        lambda: world.list_sessions(by),
    ):
        with pytest.raises(NotWhileImpersonating):
            attempt()


def test_no_api_key_is_made(world):
    acme = world.register_brand()
    by, _ = world.acting_as(world.impersonate(acme.account.id))

    with pytest.raises(Forbidden):
        handlers.create_api_key(
            world.accounts, world.teams, world.desk, by, name="Mine", scopes=["campaigns:read"]
        )


def test_nobody_acts_as_an_administrator(world):
    invited = world.create_admin()

    with pytest.raises(NotImpersonable):
        world.impersonate(invited.account_id)


def test_an_account_that_there_is_not_is_not_found(world):
    with pytest.raises(PrincipalNotFound):
        world.impersonate("str_01jd2e7z5pf3rs8w6r8q6v2k1n")


@pytest.mark.parametrize(
    "shown", [{"acr": "pwd"}, {"auth_time": MONDAY - timedelta(seconds=601)}, {"auth_time": None}], ids=str
)
def test_it_takes_a_second_factor_of_late(world, nova, shown):
    with pytest.raises(StepUpRequired) as refusal:
        world.impersonate(nova.account.id, by=replace(world.ada, **shown))

    assert refusal.value.extra == {"acr_values": "mfa", "max_age": 600}
    assert world.sessions.events == []


def test_nobody_but_an_administrator_does_so(world, nova):
    with pytest.raises(Forbidden):
        world.impersonate(nova.account.id, by=replace(world.principal(nova), acr="mfa"))
    acting, _ = world.acting_as(world.impersonate(nova.account.id))
    with pytest.raises(Forbidden):
        world.impersonate(nova.account.id, by=acting)

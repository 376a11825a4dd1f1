"""Every cell of the table, written down by hand beside it."""

from __future__ import annotations

import pytest

from chassis.errors import Forbidden, Unauthenticated
from chassis.ids import new_id
from chassis.principal import ANONYMOUS, Principal
from identity import schemas
from identity.domain.permissions import (
    ACTIONS,
    MANAGES_TEAM,
    RECENT,
    ROLES,
    SCOPES,
    STEP_UP,
    TABLE,
    Resource,
    Subject,
    decide,
)
from identity.handlers import PrincipalNotFound, explain
from identity.tests.fakes import FakeAccounts, FakeTeams
from identity.tests.mothers import account

ACME, GLOBEX = "brd_acme", "brd_globex"
TEAM = "owner manager finance approver viewer"
LEADS = "owner manager"

# Who may do it at all, on an own resource in a state that allows it.
ALLOWED = {
    "brand.read": TEAM,
    "brand.edit": LEADS,
    "brand.request_verification": LEADS,
    "brand.read_billing": "owner finance",
    "brand.edit_billing": "owner finance",
    "payment_method.read": "owner finance",
    "payment_method.add": "owner finance",
    "payment_method.remove": "owner finance",
    "team.read": TEAM,
    "team.leave": TEAM,
    "team.invite": "owner",
    "team.withdraw": "owner",
    "team.change_role": "owner",
    "team.remove": "owner",
    "campaign.read": f"{TEAM} streamer admin",
    "campaign.read_history": f"{TEAM} admin",
    "campaign.create": LEADS,
    "campaign.clone": LEADS,
    "campaign.edit": LEADS,
    "campaign.delete": LEADS,
    "campaign.submit": LEADS,
    "campaign.activate": LEADS,
    "campaign.pause": LEADS,
    "campaign.resume": LEADS,
    "campaign.complete": LEADS,
    "campaign.cancel": LEADS,
    "campaign.read_ledger": "owner manager finance admin",
    "campaign.apply": "streamer",
    "campaign.approve": "admin",
    "campaign.reject": "admin",
    "asset.read": TEAM,
    "asset.upload": LEADS,
    "participation.read": "owner manager approver viewer streamer",
    "participation.approve": "owner manager approver",
    "participation.reject": "owner manager approver",
    "participation.pause": "owner manager approver streamer",
    "participation.resume": "owner manager approver streamer",
    "participation.remove": "owner manager approver",
    "participation.leave": "streamer",
    "wallet.read": "owner manager finance streamer",
    "wallet.deposit": "owner finance",
    "invoice.read": "owner manager finance streamer",
    "analytics.read": f"{TEAM} streamer admin",
    "notification.read": f"{TEAM} streamer",
    "notification.mark_read": f"{TEAM} streamer",
    "notification.choose": "owner manager streamer",
    "api_key.create": "owner",
    "api_key.read": "owner",
    "api_key.revoke": "owner",
    "webhook_endpoint.create": "owner",
    "webhook_endpoint.read": "owner",
    "webhook_endpoint.edit": "owner",
    "webhook_endpoint.delete": "owner",
    "webhook_endpoint.rotate_secret": "owner",
    "webhook_endpoint.test": "owner",
    "webhook_endpoint.read_deliveries": "owner",
    "webhook_endpoint.replay": "owner",
    "streamer.read": "streamer",
    "streamer.edit": "streamer",
    "streamer.link_platform": "streamer",
    "streamer.verify_platform": "admin",
    "marketplace.read": "streamer",
    "overlay.read": "streamer",
    "overlay.replace": "streamer",
    "overlay.test": "streamer",
    "payout.request": "streamer",
    "payout.read": "streamer",
    "payout.choose_method": "streamer",
    "ledger.verify": "admin",
    "permission.explain": "admin",
    "audit.read": "admin",
    "account.impersonate": "admin",
    "admin.invite": "admin",
}


def resource_of(action: str, owner: str = ACME, state: str = "") -> Resource:
    return Resource(action.partition(".")[0], owner, state)


def test_a_described_principal_may_have_every_role_of_the_table():
    assert schemas.permissions.ROLES == ROLES


def test_the_gateway_is_told_of_each_scope_what_has_to_be_shown():
    assert {scope: (must.acr, must.max_age) for scope, must in STEP_UP.items()} == schemas.STEP_UP


@pytest.mark.parametrize("rule", TABLE, ids=lambda rule: rule.name)
def test_a_row_asks_for_what_its_scope_does(rule):
    assert rule.assurance == STEP_UP.get(rule.scope)


def test_what_an_admin_does_needs_two_factors_and_a_payout_method_a_recent_log_in():
    for rule in TABLE:
        if rule.roles == ("admin",):
            assert rule.assurance is not None
            assert rule.assurance.acr == "mfa"
    assert STEP_UP["payouts:method"] == RECENT


def test_whoever_asks_why_is_told_what_has_to_be_shown():
    streamer, admin = Subject("streamer", "str_nova"), Subject("admin", "adm_ada")

    method = decide(streamer, "payout.choose_method", Resource("payout"))
    verify = decide(admin, "ledger.verify", Resource("ledger"))

    assert method.reason == "streamer may payout.choose_method with payouts:method after pwd within 600 s"
    assert verify.reason == "admin may ledger.verify with admin:ledger after mfa"


def test_the_expectations_speak_of_every_action():
    assert set(ALLOWED) == set(ACTIONS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_role_may_do_what_is_expected_of_it_and_nothing_else(action, role):
    decision = decide(Subject(role, ACME, SCOPES[role]), action, resource_of(action))

    assert decision.allowed is (role in ALLOWED[action].split())
    assert decision.check == ("granted" if decision.allowed else "role")
    assert decision.rule.startswith(f"{action} by ")


@pytest.mark.parametrize("rule", TABLE, ids=lambda rule: rule.name)
def test_a_row_holds_for_its_roles_scope_owner_and_states_alone(rule):
    for role in rule.roles:
        for state in rule.states or ("",):
            assert decide(Subject(role, ACME), rule.action, resource_of(rule.action, ACME, state)).allowed
        if rule.scope:
            narrowed = decide(Subject(role, ACME, frozenset()), rule.action, resource_of(rule.action))
            assert (narrowed.allowed, narrowed.check) == (False, "scope")
        others = decide(Subject(role, ACME), rule.action, resource_of(rule.action, GLOBEX))
        assert (others.allowed, others.check) == ((False, "ownership") if rule.owned else (True, "granted"))
        if rule.states is not None:
            late = decide(Subject(role, ACME), rule.action, resource_of(rule.action, ACME, "nowhere"))
            assert (late.allowed, late.check) == (False, "state")


def test_a_finance_cannot_edit_campaigns_and_is_told_why():
    decision = decide(Subject("finance", ACME), "campaign.edit", Resource("campaign", ACME, "draft"))

    assert (decision.allowed, decision.rule) == (False, "campaign.edit by owner, manager")
    assert decision.reason == "finance is not among owner, manager"


def test_whoever_may_invite_gives_no_scope_away_that_they_do_not_have():
    for role in TEAM.split():
        if MANAGES_TEAM in SCOPES[role]:
            assert all(SCOPES[role] >= SCOPES[other] for other in TEAM.split())


def test_a_completed_campaign_is_refused_by_its_state():
    decision = decide(Subject("owner", ACME), "campaign.edit", Resource("campaign", ACME, "completed"))

    assert (decision.allowed, decision.check) == (False, "state")


def test_what_no_row_is_about_is_refused():
    decision = decide(Subject("owner", ACME), "campaign.explode", Resource("campaign", ACME))

    assert (decision.allowed, decision.rule) == (False, "unknown_action")


def test_another_kind_of_resource_is_refused():
    decision = decide(Subject("owner", ACME), "campaign.edit", Resource("asset", ACME))

    assert (decision.allowed, decision.check) == (False, "kind")


def test_an_admin_asks_about_an_account_by_its_id():
    accounts, acme = FakeAccounts(), account()
    accounts.add(acme, [])
    ada = Principal(new_id("adm"), "admin")

    decision = explain(
        accounts,
        FakeTeams(),
        ada,
        action="campaign.submit",
        resource={"kind": "campaign", "owner": acme.id, "state": "draft"},
        principal_id=acme.id,
    )

    assert decision.allowed
    with pytest.raises(PrincipalNotFound):
        explain(
            accounts, FakeTeams(), ada, action="brand.read", resource={"kind": "brand"}, principal_id="brd_x"
        )


def test_a_member_is_asked_about_in_the_role_of_the_owners_team():
    accounts, teams, finn = FakeAccounts(), FakeTeams(), account(id=new_id("mem"), kind="member")
    accounts.add(finn, [])
    teams.put(finn.id, GLOBEX, "manager")
    teams.put(finn.id, ACME, "finance")
    ada = Principal(new_id("adm"), "admin")

    def asked(owner):
        resource = {"kind": "campaign", "owner": owner}
        return explain(accounts, teams, ada, action="campaign.edit", resource=resource, principal_id=finn.id)

    assert (asked(ACME).allowed, asked(ACME).check) == (False, "role")
    assert asked(GLOBEX).allowed
    teams.roles.clear()
    with pytest.raises(PrincipalNotFound):
        asked(ACME)


@pytest.mark.parametrize(
    ("by", "error"), [(Principal(ACME, "brand"), Forbidden), (ANONYMOUS, Unauthenticated)]
)
def test_nobody_but_an_admin_may_ask(by, error):
    with pytest.raises(error):
        explain(
            FakeAccounts(),
            FakeTeams(),
            by,
            action="brand.read",
            resource={"kind": "brand"},
            principal_id=ACME,
        )

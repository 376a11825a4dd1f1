"""What the running service writes into its audit log."""

from __future__ import annotations

import pytest

from chassis.testing import eventually
from chassis.tokens import TokenVerifier
from identity.domain.audit import verify
from identity.storage import MongoAuditLog
from identity.tests.interface.test_service import HOME, code_of, identity, login, refused
from identity.tests.mothers import GOOD_PASSWORD, acme, nova

__all__ = ["identity"]


@pytest.fixture
def an_admin(identity, rpc):
    """An administrator with an authenticator app, signed in."""
    invited = rpc("identity", user="operator").create_admin({"email": "root@gametriggers.example"})
    first = login(identity, invited["one_time_password"], kind="admin", email=invited["email"])
    own = rpc("identity", token=first["access_token"])
    confirmed = own.confirm_totp({"code": code_of(own.begin_totp({}))})
    return rpc("identity", token=confirmed["session"]["access_token"])


def kinds(page):
    return [item["kind"] for item in page["items"]]


def test_an_owner_sees_what_happened_to_the_account_and_nothing_of_others(identity, rpc):
    brand = identity.register_brand(acme(address=HOME))
    identity.register_streamer(nova())
    refused(login, identity, password="a wrong guess")
    signed_in = login(identity)
    owner = rpc("identity", token=signed_in["access_token"])
    owner.create_api_key({"name": "Reports", "scopes": ["campaigns:read"]})
    rpc("identity", token=brand["access_token"]).logout({})

    def everything():
        page = owner.list_security_events({})
        return page if len(page["items"]) >= 7 else None

    page = eventually(everything, 10)

    assert set(kinds(page)) == {
        "session_revoked",
        "api_key_created",
        "logged_in",
        "login_failed",
        "brand_registered",
        "email_verification_requested",
    }
    failed = next(item for item in page["items"] if item["kind"] == "login_failed")
    assert (failed["actor"], failed["details"]["address"]) == (None, HOME)
    assert "hash" not in failed
    assert {item["actor"] for item in page["items"] if item != failed} == {brand["account"]["id"]}
    first = owner.list_security_events({"limit": 1})
    rest = owner.list_security_events({"limit": 1, "cursor": first["next_cursor"]})
    assert [*first["items"], *rest["items"]] == page["items"][:2]


def test_an_admin_reads_the_whole_log_and_nobody_else_does(identity, rpc, an_admin, database):
    brand = identity.register_brand(acme())
    owner = rpc("identity", token=brand["access_token"])

    def registered():
        page = an_admin.list_audit({"account_id": brand["account"]["id"]})
        return page if "logged_in" in kinds(page) else None

    page = eventually(registered, 10)

    entry = page["items"][-1]
    assert (entry["kind"], entry["account"]) == ("brand_registered", brand["account"]["id"])
    assert entry["request_id"].startswith("test-")
    assert {"admin_created", "totp_enabled", "logged_in"} <= set(kinds(an_admin.list_audit({"limit": 100})))
    assert refused(owner.list_audit, {}).status == 403
    assert refused(identity.list_audit, {}).status == 401
    assert verify(MongoAuditLog(database).links()).is_intact


def test_an_impersonation_is_seen_by_the_owner_and_in_the_log_and_ends_at_once(identity, rpc, an_admin):
    nova_signed_in = identity.register_streamer(nova())
    account_id = nova_signed_in["account"]["id"]
    owner = rpc("identity", token=nova_signed_in["access_token"])
    reason = "Ticket 4711: a payout that does not arrive"

    impersonating = an_admin.impersonate({"account_id": account_id, "reason": reason})

    verifier = TokenVerifier(lambda: identity.jwks({}), "gametriggers", "gametriggers-api")
    principal = verifier.verify(impersonating["access_token"])
    assert (principal.id, principal.kind) == (account_id, "streamer")
    assert principal.actor_id.startswith("adm_")
    acting = rpc("identity", token=impersonating["access_token"])
    for attempt in (acting.begin_totp, acting.list_sessions, acting.list_security_events):
        assert refused(attempt, {}).code == "identity.not_while_impersonating"
    change = {"current_password": GOOD_PASSWORD, "new_password": "another lamp in the attic"}
    assert refused(acting.change_password, change).code == "identity.not_while_impersonating"

    shown = owner.list_sessions({})["items"][0]
    assert (shown["sid"], shown["impersonation"]["reason"]) == (impersonating["sid"], reason)
    owner.revoke_session({"sid": impersonating["sid"]})
    assert [session["sid"] for session in identity.revoked_sessions({})["items"]] == [impersonating["sid"]]

    def told():
        found = owner.list_security_events({})["items"]
        return [item for item in found if item["kind"] == "impersonation_started"]

    [event] = eventually(told, 10)
    assert (event["actor"], event["details"]["reason"]) == (principal.actor_id, reason)


def test_an_admin_invites_another_by_mail(identity, rpc, an_admin, capture_events):
    events = capture_events("identity", "admin_created", "admin_invited", "email_verified")

    invited = an_admin.invite_admin({"email": "mary@gametriggers.example"})

    link_id = events.wait_for("admin_invited").data["link_id"]
    url = rpc("identity", user="notification").mail_link({"link_id": link_id})["url"]
    page, _, token = url.partition("#token=")
    assert page.endswith("/admin-invitation")
    identity.accept_admin_invitation({"token": token, "new_password": GOOD_PASSWORD})
    assert events.wait_for("email_verified").data["account_id"] == invited["account_id"]
    signed_in = login(identity, kind="admin", email="mary@gametriggers.example")
    challenge = refused(rpc("identity", token=signed_in["access_token"]).list_audit, {})
    assert challenge.code == "insufficient_user_authentication"

    def told():
        found = an_admin.list_audit({"account_id": invited["account_id"]})["items"]
        return {item["kind"]: item for item in found} if len(found) >= 5 else None

    entries = eventually(told, 10)
    assert set(entries) == {
        "admin_created",
        "admin_invited",
        "invitation_accepted",
        "email_verified",
        "logged_in",
    }
    assert entries["admin_invited"]["actor"].startswith("adm_")
    assert entries["admin_invited"]["actor"] != invited["account_id"]
    assert entries["admin_invited"]["acting_for"] is None


def test_a_brand_sees_who_may_act_for_it(identity, rpc, publish_event):
    brand = identity.register_brand(acme())
    owner = rpc("identity", token=brand["access_token"])
    data = {
        "team_id": "team_1",
        "brand_id": brand["account"]["id"],
        "member_id": "mem_finn",
        "before": "viewer",
        "role": "owner",
    }

    for _ in range(2):
        publish_event("brand", "team_role_changed", data, id="evt_role_changed")

    def told():
        found = owner.list_security_events({})["items"]
        return [item["details"] for item in found if item["kind"] == "team_role_changed"]

    assert eventually(told, 10) == [{"member_id": "mem_finn", "before": "viewer", "role": "owner"}]


def test_the_log_holds_no_secret(identity, rpc, database):
    signed_in = identity.register_brand(acme())
    refused(login, identity, password="a wrong guess")
    owner = rpc("identity", token=signed_in["access_token"])
    enrolment = owner.begin_totp({})
    codes = owner.confirm_totp({"code": code_of(enrolment)})["recovery_codes"]

    eventually(lambda: "totp_enabled" in kinds(owner.list_security_events({})), 10)

    everything = str([list(database[name].find()) for name in ("audit", "audit_pending")])
    secrets = ("a wrong guess", GOOD_PASSWORD, "ads@acme.example", enrolment["secret"], codes[0])
    assert [secret for secret in secrets if secret in everything] == []


def test_what_an_administrator_does_in_another_service_is_one_entry_however_often_it_is_told(
    identity, an_admin, publish_event, database
):
    brand_id = identity.register_brand(acme())["account"]["id"]
    data = {"campaign_id": "cmp_1", "brand_id": brand_id, "name": "Autumn"}
    for _ in range(2):
        publish_event("campaign", "campaign_approved", data, id="evt_1", subject="cmp_1", actor="adm_ada")
    publish_event("streamer", "platform_verified", {"status": "rejected"}, actor="adm_ada")

    def acts():
        page = an_admin.list_audit({"limit": 100})
        found = [entry for entry in page["items"] if entry["details"].get("service")]
        return found if {entry["details"]["service"] for entry in found} == {"campaign", "streamer"} else None

    found = eventually(acts, 10)
    assert sorted(entry["kind"] for entry in found) == ["campaign_approved", "platform_verified"]
    of_the_brand = an_admin.list_audit({"account_id": brand_id})["items"]
    assert [entry["actor"] for entry in of_the_brand if entry["kind"] == "campaign_approved"] == ["adm_ada"]
    assert verify(MongoAuditLog(database).links()).is_intact


def test_what_an_operator_does_is_in_the_log(identity, rpc, an_admin, capture_events):
    brand, operator = identity.register_brand(acme()), rpc("identity", user="operator")
    told, own = capture_events("identity", "totp_reset"), rpc("identity", token=brand["access_token"])
    own.confirm_totp({"code": code_of(own.begin_totp({}))})

    reset = operator.reset_second_factor({"kind": "brand", "email": brand["account"]["email"]})
    operator.rotate_signing_keys({})
    operator.rotate_signing_keys({})

    assert reset == {"account_id": brand["account"]["id"]}
    assert told.wait_for("totp_reset").data["account_id"] == brand["account"]["id"]
    assert refused(identity.refresh, {"refresh_token": brand["refresh_token"]}).status == 401

    def by_operators():
        entries = an_admin.list_audit({"limit": 100})["items"]
        found = [entry for entry in entries if entry["actor"] == "service:operator"]
        return found if "signing_key_made" in {entry["kind"] for entry in found} else None

    found = eventually(by_operators, 10)
    kinds = [entry["kind"] for entry in found]
    assert (kinds.count("totp_reset"), kinds.count("signing_key_made")) == (1, 1)
    assert {entry["account"] for entry in found if entry["kind"] == "totp_reset"} == set(reset.values())

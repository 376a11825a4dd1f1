"""What each role of a brand's team may do, route by route."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.examples import CAMPAIGN, INVOICE, MEMBER
from gateway.tests.conftest import BRAND, Door
from gateway.tests.surface import ROLES, ROUTES, SCOPES, Route

EVERYONE = tuple(ROLES)
OWNERS, LEADS, MONEY = ("owner",), ("owner", "manager"), ("owner", "finance")
SEES_MONEY = ("owner", "manager", "finance")
DECIDES = ("owner", "manager", "approver")
SEES_STREAMERS = ("owner", "manager", "approver", "viewer")

# By what a route asks its service for. A route that is missing here fails the test below.
MAY_ASK = {
    "identity.logout": EVERYONE,
    "identity.list_sessions": EVERYONE,
    "identity.revoke_session": EVERYONE,
    "identity.resend_verification": EVERYONE,
    "identity.change_password": EVERYONE,
    "identity.step_up": EVERYONE,
    "identity.get_totp": EVERYONE,
    "identity.begin_totp": EVERYONE,
    "identity.confirm_totp": EVERYONE,
    "identity.disable_totp": EVERYONE,
    "identity.replace_recovery_codes": EVERYONE,
    "identity.list_security_events": EVERYONE,
    "identity.list_api_keys": OWNERS,
    "identity.create_api_key": OWNERS,
    "identity.revoke_api_key": OWNERS,
    "brand.get_profile": EVERYONE,
    "brand.update_profile": ("owner", "manager", "finance"),
    "brand.request_verification": LEADS,
    "brand.add_payment_method": MONEY,
    "brand.remove_payment_method": MONEY,
    "brand.list_team": EVERYONE,
    "brand.invite": OWNERS,
    "brand.change_role": OWNERS,
    "brand.remove_member": OWNERS,
    "brand.leave_team": EVERYONE,
    "brand.withdraw_invitation": OWNERS,
    "campaign.create": LEADS,
    "campaign.list": EVERYONE,
    "campaign.get": EVERYONE,
    "campaign.update": LEADS,
    "campaign.delete": LEADS,
    "campaign.submit": LEADS,
    "campaign.activate": LEADS,
    "campaign.pause": LEADS,
    "campaign.resume": LEADS,
    "campaign.complete": LEADS,
    "campaign.cancel": LEADS,
    "campaign.clone": LEADS,
    "campaign.history": EVERYONE,
    "payment.campaign_ledger": SEES_MONEY,
    "participation.list_applications": SEES_STREAMERS,
    "participation.get": SEES_STREAMERS,
    "participation.approve": DECIDES,
    "participation.reject": DECIDES,
    "participation.pause": DECIDES,
    "participation.resume": DECIDES,
    "participation.remove": DECIDES,
    "participation.deliveries": SEES_STREAMERS,
    "participation.earnings": SEES_STREAMERS,
    "asset.get": EVERYONE,
    "payment.wallet": SEES_MONEY,
    "payment.deposit": MONEY,
    "payment.get_deposit": SEES_MONEY,
    "payment.transactions": SEES_MONEY,
    "payment.list_invoices": SEES_MONEY,
    "payment.get_invoice": SEES_MONEY,
    "analytics.campaign_summary": EVERYONE,
    "analytics.campaign_timeseries": EVERYONE,
    "analytics.campaign_breakdown": EVERYONE,
    "analytics.campaign_funnel": EVERYONE,
    "notification.list": EVERYONE,
    "notification.mark_read": EVERYONE,
    "notification.get_preferences": EVERYONE,
    "notification.set_preferences": LEADS,
    "notification.list_webhook_endpoints": OWNERS,
    "notification.create_webhook_endpoint": OWNERS,
    "notification.get_webhook_endpoint": OWNERS,
    "notification.update_webhook_endpoint": OWNERS,
    "notification.delete_webhook_endpoint": OWNERS,
    "notification.rotate_webhook_secret": OWNERS,
    "notification.test_webhook_endpoint": OWNERS,
    "notification.list_webhook_deliveries": OWNERS,
    "notification.replay_webhook_deliveries": OWNERS,
    "notification.replay_webhook_delivery": OWNERS,
}

# Files, streams and what is composed answer in their own ways; here it matters only who is let in.
IN_OTHER_WAYS = {
    ("POST", "/v1/assets"): LEADS,
    ("GET", f"/v1/invoices/{INVOICE}.pdf"): SEES_MONEY,
    ("GET", "/v1/notifications/live"): EVERYONE,
    ("GET", f"/v1/analytics/campaigns/{CAMPAIGN}/live"): EVERYONE,
    ("GET", f"/v1/analytics/campaigns/{CAMPAIGN}/export.csv"): EVERYONE,
    ("GET", f"/v1/analytics/campaigns/{CAMPAIGN}/report.pdf"): EVERYONE,
    ("GET", f"/v1/analytics/campaigns/{CAMPAIGN}/chart.svg"): EVERYONE,
    ("GET", "/v1/analytics/brands/me/report.pdf"): EVERYONE,
    ("GET", "/v1/dashboard"): EVERYONE,
}

BRANDS = [route for route in ROUTES if "brand" in route.kinds]
OTHERS = [route for route in ROUTES if route.kinds and "brand" not in route.kinds]


def knock(door: Door, role: str, method: str, path: str, json: Any = None) -> int:
    token = door.issued.issue("brand", MEMBER, ROLES[role], acts_for=BRAND, sub_kind="member", role=role)
    headers = {"Authorization": f"Bearer {token}"}
    response = door.client.open(path, method=method, headers=headers, json=json)
    response.close()
    return response.status_code


def test_every_route_of_a_brand_has_its_roles() -> None:
    assert {route.asks for route in BRANDS} == set(MAY_ASK)


def test_an_owner_may_what_the_brands_own_account_may() -> None:
    assert set(ROLES["owner"]) == set(SCOPES["brand"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", BRANDS, ids=str)
def test_a_role_may_use_the_routes_that_are_its_own_and_no_other(door: Door, route: Route, role: str) -> None:
    status = knock(door, role, route.method, route.path, route.json)

    if role in MAY_ASK[route.asks]:
        assert status == route.status
        assert door.services.last[0] == route.asks
    else:
        assert status == 403
        assert door.services.calls == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", OTHERS, ids=str)
def test_no_member_of_a_team_uses_a_route_of_streamers_or_administrators(
    door: Door, route: Route, role: str
) -> None:
    assert knock(door, role, route.method, route.path, route.json) == 403
    assert door.services.calls == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), IN_OTHER_WAYS)
def test_files_streams_and_the_overview_are_no_way_around_a_role(
    door: Door, method: str, path: str, role: str
) -> None:
    for prints in ("payment.invoice_pdf", "analytics.campaign_report", "analytics.brand_report"):
        door.services.answers[prints] = {"filename": "R-1.pdf", "content_base64": ""}
    exported = {"filename": "E-1.csv", "content": "", "next_cursor": None}
    door.services.answers["analytics.campaign_export"] = exported
    door.services.answers["analytics.campaign_chart"] = {"svg": "<svg/>"}

    status = knock(door, role, method, path)

    assert (status == 403) is (role not in IN_OTHER_WAYS[method, path])

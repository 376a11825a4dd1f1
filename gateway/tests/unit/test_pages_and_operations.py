from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from chassis.errors import ServiceUnavailable
from chassis.testing.services import Tokens
from gateway.tests.conftest import BRAND, Door

OVERLAY = "/overlay/q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/verify-email",
        "/reset-password",
        "/team-invitation",
        "/admin-invitation",
        "/two-factor",
        "/docs",
        "/docs/reference",
        "/docs/events",
        "/docs/guides/errors",
        OVERLAY,
    ],
)
def test_pages_run_our_own_scripts_alone(door: Door, path: str) -> None:
    response = door.client.get(path)

    assert (response.status_code, response.mimetype) == (200, "text/html")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "http" not in policy
    assert "<script>" not in response.text


def test_the_start_page_leads_to_the_documentation(door: Door) -> None:
    assert 'href="/docs"' in door.client.get("/").text


@pytest.mark.parametrize("name", ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"])
def test_the_documentation_brings_its_own_files(door: Door, name: str) -> None:
    assert door.client.get(f"/docs/{name}").status_code == 200


@pytest.mark.parametrize("name", ["index.html", "../__init__.py", "oauth2-redirect.html"])
def test_no_other_file_of_the_package_is_served(door: Door, name: str) -> None:
    assert door.client.get(f"/docs/{name}").status_code == 404


def test_an_overlay_page_leaves_no_trace_of_its_address(door: Door) -> None:
    headers = door.client.get(OVERLAY).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert door.services.calls == []


def test_the_interface_is_described_as_openapi_3_1(door: Door) -> None:
    document = door.client.get("/openapi.json").json

    assert document["openapi"] == "3.1.0"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    operations = [
        op for path in document["paths"].values() for name, op in path.items() if name != "parameters"
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)
    deposit = document["paths"]["/v1/wallet/deposits"]["post"]
    assert deposit["security"] == [{"bearer": ["wallet:write"]}]
    assert deposit["requestBody"]["content"]["application/json"]["example"]["provider"] == "sandbox"
    assert any(parameter.get("name") == "Idempotency-Key" for parameter in deposit["parameters"])
    assert "application/problem+json" in str(document["components"]["responses"]["NOT_FOUND"])


def test_ready_means_connected(door: Door) -> None:
    answer = door.client.get("/health/ready").json

    assert answer == {"status": "ok", "breakers": {}, "limits": "shared"}

    door.services.is_ready = False

    assert door.client.get("/health/ready").status_code == 503
    assert door.client.get("/health/live").status_code == 200


def test_requests_are_counted_by_route_and_status(door: Door) -> None:
    door.client.get("/v1/wallet")

    metrics = door.client.get("/metrics").text

    assert 'http_responses_total{method="GET",route="/v1/wallet",status="401"}' in metrics


def test_a_webhook_arrives_as_it_was_sent_with_the_headers_that_its_signature_needs(door: Door) -> None:
    body = '{"id": "evt_1",   "spaces": "kept é"}'
    headers = {"Sandbox-Signature": "t=1,v1=ab", "Authorization": "Bearer x", "Cookie": "a=b"}
    door.services.answers["payment.provider_webhook"] = {"received": True}

    response = door.client.post(
        "/v1/webhooks/sandbox", data=body.encode(), headers=headers, content_type="application/json"
    )

    assert (response.status_code, response.json) == (200, {"received": True})
    assert door.services.last == (
        "payment.provider_webhook",
        {
            "provider": "sandbox",
            "headers": {"content-type": "application/json", "sandbox-signature": "t=1,v1=ab"},
            "body": body,
        },
    )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/webhooks/sandbox", b"\xff", 400),
        ("/v1/webhooks/sandbox", b"x" * 300_000, 413),
        ("/v1/webhooks/nobody", b"{}", 404),
    ],
)
def test_a_webhook_that_cannot_be_one_is_refused(door: Door, path: str, body: bytes, status: int) -> None:
    response = door.client.post(path, data=body)

    assert response.status_code == status
    assert door.services.calls == []


def test_an_invoice_is_a_file_to_keep(door: Door) -> None:
    document = {"filename": "R-000042.pdf", "content_base64": base64.b64encode(b"%PDF-1.4").decode()}
    door.services.answers["payment.invoice_pdf"] = document

    response = door.client.get("/v1/invoices/inv_1.pdf", headers=door.as_("brand"))

    assert (response.data, response.mimetype) == (b"%PDF-1.4", "application/pdf")
    assert response.headers["Content-Disposition"] == "attachment; filename=R-000042.pdf"


@pytest.mark.parametrize(
    ("scopes", "parts"),
    [
        (["campaigns:read", "notifications:read"], {"campaigns", "notifications"}),
        (["analytics:read"], set()),
    ],
)
def test_a_dashboard_is_no_way_around_a_scope(door: Door, scopes: list[str], parts: set[str]) -> None:
    token = door.issued.issue("brand", BRAND, scopes)

    response = door.client.get("/v1/dashboard", headers={"Authorization": f"Bearer {token}"})

    assert set(response.json["parts"]) == parts
    assert "payment.wallet" not in [asked for asked, _ in door.services.calls]


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("brand", {"wallet", "campaigns", "notifications"}),
        ("streamer", {"wallet", "participations", "notifications"}),
        ("admin", {"review_queue"}),
    ],
)
def test_a_dashboard_has_the_parts_of_its_kind(door: Door, kind: str, parts: set[str]) -> None:
    response = door.client.get("/v1/dashboard", headers=door.as_(kind))

    assert response.json["kind"] == kind
    assert set(response.json["parts"]) == parts
    assert all(part["status"] == "ok" for part in response.json["parts"].values())


def test_a_part_that_is_down_is_marked_and_the_rest_is_there(door: Door) -> None:
    door.services.fail("notification.list", ServiceUnavailable())

    response = door.client.get("/v1/dashboard", headers=door.as_("brand"))

    assert response.status_code == 200
    assert response.json["parts"]["notifications"] == {"status": "unavailable", "code": "service_unavailable"}
    assert response.json["parts"]["wallet"] == {"status": "ok", "data": {"id": "x_1"}}


def test_the_description_of_the_events_is_the_file_beside_the_gateway(
    make_door: Callable[..., Door], tmp_path: Path
) -> None:
    file = tmp_path / "asyncapi.json"
    file.write_text('{"asyncapi": "3.0.0"}')

    response = make_door(asyncapi_file=str(file)).client.get("/asyncapi.json")

    assert (response.content_type, response.json) == ("application/json", {"asyncapi": "3.0.0"})


def test_without_that_file_there_is_no_description(door: Door) -> None:
    assert door.client.get("/asyncapi.json").status_code == 404


def test_the_key_set_may_be_kept_for_five_minutes_and_is_not_sent_twice(door: Door) -> None:
    """A new key is published ten minutes before it signs, so that whoever keeps a set has it in time."""
    door.services.answers["identity.jwks"] = door.issued.jwks()

    first = door.client.get("/.well-known/jwks.json")
    again = door.client.get("/.well-known/jwks.json", headers={"If-None-Match": first.headers["ETag"]})
    door.services.answers["identity.jwks"] = Tokens().jwks()
    rotated = door.client.get("/.well-known/jwks.json", headers={"If-None-Match": first.headers["ETag"]})

    assert first.json == door.issued.jwks()
    assert (again.status_code, again.data) == (304, b"")
    assert rotated.status_code == 200
    for response in (first, again, rotated):
        assert response.headers["Cache-Control"] == "public, max-age=300"

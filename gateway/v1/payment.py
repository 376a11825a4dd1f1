"""Wallets, deposits, invoices, payouts, and what payment providers report."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response, request

from chassis.errors import BadRequest
from gateway.backend import answer, call, created, idempotency_key, read
from gateway.rest import Resource
from payment import schemas

blueprint = Resource(
    "payment", __name__, url_prefix="/v1", description="Wallets, deposits, invoices, payouts"
)

# What the providers' signature schemes read; nothing else of a webhook's headers goes further.
WEBHOOK_HEADERS = (
    "content-type",
    "sandbox-signature",
    "stripe-signature",
    "paypal-auth-algo",
    "paypal-cert-url",
    "paypal-transmission-id",
    "paypal-transmission-sig",
    "paypal-transmission-time",
)
MAX_HEADER_LENGTH = 2048


@blueprint.route("/wallet")
@blueprint.requires("wallet:read")
@blueprint.answers(200, schemas.Wallet, example="wallet")
def get_wallet() -> Response:
    """The caller's balances."""
    return read("payment", "wallet")


@blueprint.route("/wallet/deposits", methods=["POST"])
@blueprint.requires("wallet:write")
@blueprint.answers(201, schemas.Deposit, example="deposit")
@blueprint.body(schemas.DepositBody, example="create_deposit")
def create_deposit(body: dict[str, Any]) -> Response:
    """Begin a deposit; it counts once the provider has reported it."""
    return created(
        "payment", "deposit", {**body, "idempotency_key": idempotency_key()}, "/v1/wallet/deposits"
    )


@blueprint.route("/wallet/deposits/<id:deposit_id>")
@blueprint.requires("wallet:read")
@blueprint.answers(200, schemas.Deposit, example="deposit")
def get_deposit(deposit_id: str) -> Response:
    """One deposit."""
    return answer("payment", "get_deposit", {"deposit_id": deposit_id})


@blueprint.route("/wallet/transactions")
@blueprint.requires("wallet:read")
@blueprint.answers(200, schemas.TransactionPage, example="transactions")
@blueprint.query(schemas.ListQuery)
def list_transactions(query: dict[str, Any]) -> Response:
    """What moved on the caller's accounts, newest first."""
    return read("payment", "transactions", query)


@blueprint.route("/invoices")
@blueprint.requires("wallet:read")
@blueprint.answers(200, schemas.InvoicePage, example="invoices")
@blueprint.query(schemas.ListQuery)
def list_invoices(query: dict[str, Any]) -> Response:
    """Receipts and statements."""
    return read("payment", "list_invoices", query)


@blueprint.route("/invoices/<id:invoice_id>")
@blueprint.requires("wallet:read")
@blueprint.answers(200, schemas.Invoice, example="invoice")
def get_invoice(invoice_id: str) -> Response:
    """One receipt or statement."""
    return read("payment", "get_invoice", {"invoice_id": invoice_id})


@blueprint.route("/invoices/<id:invoice_id>.pdf")
@blueprint.requires("wallet:read")
@blueprint.answers(200, content_type="application/pdf")
def get_invoice_pdf(invoice_id: str) -> Response:
    """The same, to print."""
    document = call("payment", "invoice_pdf", {"invoice_id": invoice_id})
    response = Response(base64.b64decode(document["content_base64"]), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=document["filename"])
    return response


@blueprint.route("/payouts", methods=["POST"])
@blueprint.requires("payouts:request")
@blueprint.answers(201, schemas.Payout, example="payout")
@blueprint.body(schemas.PayoutBody, example="request_payout")
def request_payout(body: dict[str, Any]) -> Response:
    """Ask for available earnings to be paid out."""
    return created("payment", "request_payout", {**body, "idempotency_key": idempotency_key()}, "/v1/payouts")


@blueprint.route("/payouts")
@blueprint.requires("payouts:request")
@blueprint.answers(200, schemas.PayoutPage, example="payouts")
@blueprint.query(schemas.ListQuery)
def list_payouts(query: dict[str, Any]) -> Response:
    """The caller's payouts, newest first."""
    return read("payment", "list_payouts", query)


@blueprint.route("/payouts/<id:payout_id>")
@blueprint.requires("payouts:request")
@blueprint.answers(200, schemas.Payout, example="payout")
def get_payout(payout_id: str) -> Response:
    """One payout."""
    return read("payment", "get_payout", {"payout_id": payout_id})


@blueprint.route("/webhooks/<any(stripe, paypal, sandbox):provider>", methods=["POST"])
@blueprint.answers(200, schemas.WebhookReceived, example="webhook_received")
def receive_webhook(provider: str) -> Response:
    """For payment providers: a signed report; the signature is over the body exactly as sent."""
    headers = {
        name: request.headers[name][:MAX_HEADER_LENGTH] for name in WEBHOOK_HEADERS if name in request.headers
    }
    return answer(
        "payment", "provider_webhook", {"provider": provider, "headers": headers, "body": raw_text_body()}
    )


@blueprint.route("/admin/ledger/verify")
@blueprint.requires("admin:ledger")
@blueprint.answers(200, schemas.LedgerReport, example="ledger_verification")
def verify_ledger() -> Response:
    """Add the whole ledger up again."""
    return answer("payment", "verify_ledger", timeout=30)


@blueprint.route("/admin/ledger/reconciliation")
@blueprint.requires("admin:ledger")
@blueprint.answers(200, schemas.Reconciliation, example="reconciliation")
@blueprint.query(schemas.ReconciliationQuery)
def reconcile(query: dict[str, Any]) -> Response:
    """Hold the ledger against a payment provider; each difference is listed."""
    return answer("payment", "reconcile", schemas.ReconciliationQuery().dump(query), timeout=30)


@blueprint.route("/admin/campaigns/<id:campaign_id>/ledger")
@blueprint.requires("admin:ledger")
@blueprint.answers(200, schemas.CampaignLedger, example="campaign_ledger")
def get_campaign_ledger(campaign_id: str) -> Response:
    """Where a campaign's budget went."""
    return answer("payment", "campaign_ledger", {"campaign_id": campaign_id})


def raw_text_body() -> str:
    try:
        return request.get_data(cache=False).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8.") from error

"""Payment's published language, for RPC and for HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import (
    IdField,
    MoneyField,
    MoneySchema,
    PageQuery,
    Schema,
    StrictInteger,
    UtcDateTime,
    page_of,
)

DEPOSIT_PROVIDERS = ("sandbox", "stripe", "paypal")
# A provider's own name for something that its own form has stored. A card's number never passes for one.
REFERENCE = validate.Regexp(
    r"\A(?!.*[0-9]{12})[a-z]{2,8}_[A-Za-z0-9_]{4,100}\Z", error="Must be a provider's reference."
)
# A webhook of any provider is a few kilobytes; this is what a hostile one may cost us to read.
LARGEST_WEBHOOK = 256 * 1024


def idempotency_key() -> fields.String:
    """Printable ASCII, since it travels in a header."""
    pattern = validate.Regexp(r"\A[\x21-\x7e]{1,200}\Z", error="1 to 200 printable characters.")
    return fields.String(required=True, validate=pattern, metadata={"example": "8d5c4a1e"})


def positive_money(**options: Any) -> MoneyField:
    return MoneyField(minimum_minor=1, **options)


class Nothing(Schema):
    """A request without members."""


class WalletBalances(Schema):
    """A brand has the first two, a streamer the last three."""

    available = MoneyField()
    escrow = MoneyField()
    pending = MoneyField()
    paying_out = MoneyField()


class Wallet(Schema):
    account_id = fields.String()
    balances = fields.Nested(WalletBalances)


class DepositBody(Schema):
    """What a client sends; its idempotency key is a header."""

    amount = positive_money(required=True)
    provider = fields.String(required=True, validate=validate.OneOf(DEPOSIT_PROVIDERS))


class MakeDeposit(DepositBody):
    idempotency_key = idempotency_key()


class DepositRef(Schema):
    deposit_id = IdField("dep", required=True)


class Deposit(Schema):
    id = IdField("dep")
    status = fields.String(metadata={"enum": ["pending", "succeeded", "failed"]})
    amount = MoneyField()
    provider = fields.String()
    failure = fields.String(allow_none=True)
    created_at = UtcDateTime()
    settled_at = UtcDateTime(allow_none=True)
    reversed = MoneyField(metadata={"description": "What refunds and disputes have taken from the wallet."})
    client_secret = fields.String(
        allow_none=True,
        metadata={"description": "For Stripe's script in the payer's browser, while pending."},
    )
    approve_url = fields.String(
        allow_none=True, metadata={"description": "Where the payer approves it at PayPal, while pending."}
    )


class Movement(MoneySchema):
    """An amount of money that came, or, when it is negative, left."""

    amount_minor = StrictInteger(required=True, metadata={"example": -150000})


class WalletPosting(Schema):
    account = fields.String(metadata={"example": "brand_available"})
    amount = fields.Nested(Movement, metadata={"description": "Negative when it left this account."})


class Transaction(Schema):
    """With those of its postings that concern the caller's wallet."""

    id = IdField("txn")
    kind = fields.String()
    at = UtcDateTime()
    reference = fields.String()
    postings = fields.List(fields.Nested(WalletPosting))


TransactionPage = page_of(Transaction)


class InvoiceRef(Schema):
    invoice_id = IdField("inv", required=True)


class InvoiceLine(Schema):
    description = fields.String()
    amount = MoneyField()


class Invoice(Schema):
    id = IdField("inv")
    number = fields.String(metadata={"example": "REC-000001"})
    kind = fields.String(metadata={"enum": ["receipt", "payout_statement"]})
    account_id = fields.String()
    reference = fields.String()
    issued_at = UtcDateTime()
    lines = fields.List(fields.Nested(InvoiceLine))
    total = MoneyField()


InvoicePage = page_of(Invoice)


class InvoicePdf(Schema):
    filename = fields.String(metadata={"example": "REC-000001.pdf"})
    content_base64 = fields.String()


class PayoutBody(Schema):
    """What a client sends; its idempotency key is a header."""

    amount = positive_money(required=True)


class RequestPayout(PayoutBody):
    idempotency_key = idempotency_key()


class PayoutRef(Schema):
    payout_id = IdField("pay", required=True)


class Payout(Schema):
    id = IdField("pay")
    status = fields.String(metadata={"enum": ["requested", "processing", "paid", "failed"]})
    amount = MoneyField()
    destination = fields.String(attribute="destination_hint", metadata={"example": "bank ****3000"})
    created_at = UtcDateTime()
    paid_at = UtcDateTime(allow_none=True)
    failure = fields.String(allow_none=True)
    statement_id = fields.String(allow_none=True)


PayoutPage = page_of(Payout)


class ProviderWebhook(Schema):
    """`headers` have lower-case names; `body` is what was received, byte for byte."""

    provider = fields.String(required=True, validate=validate.OneOf(DEPOSIT_PROVIDERS))
    headers = fields.Dict(
        keys=fields.String(validate=validate.Length(max=100)),
        values=fields.String(validate=validate.Length(max=8192)),
        required=True,
        validate=validate.Length(max=100),
    )
    body = fields.String(required=True, validate=validate.Length(max=LARGEST_WEBHOOK))


class WebhookReceived(Schema):
    received = fields.Boolean()


class Reserve(Schema):
    campaign_id = IdField("cmp", required=True)
    brand_id = IdField("brd", required=True)
    amount = positive_money(required=True)
    idempotency_key = idempotency_key()


class Reservation(Schema):
    reservation = IdField("txn")
    escrow = MoneyField()


class ReleaseBudget(Schema):
    campaign_id = IdField("cmp", required=True)
    brand_id = IdField("brd", required=True)
    earned = MoneyField(load_default=None, allow_none=True)
    idempotency_key = idempotency_key()


class BudgetReleased(Schema):
    returned = MoneyField()


class LedgerReport(Schema):
    """`balanced` is true when every sum is zero and every list is empty."""

    balanced = fields.Boolean()
    sums = fields.Dict(keys=fields.String(), values=fields.Integer(), metadata={"example": {"USD": 0}})
    accounts = fields.Integer()
    transactions = fields.Integer()
    negative_accounts = fields.List(fields.String())
    mismatched_accounts = fields.List(fields.String())
    unbalanced_transactions = fields.List(fields.String())
    mismatched_campaigns = fields.List(fields.String())


class ReconciliationQuery(Schema):
    """A period of at most 28 days; it ends now at the latest."""

    provider = fields.String(required=True, validate=validate.OneOf(DEPOSIT_PROVIDERS))
    since = UtcDateTime(required=True)
    until = UtcDateTime(required=True)


class Reconcile(ReconciliationQuery):
    @validates_schema
    def check_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["since"] >= data["until"]:
            raise ValidationError("Must be after since.", "until")


class Difference(Schema):
    """`reference` is a deposit or a payout, or what the provider calls it where we know nothing of it."""

    difference = fields.String(
        metadata={"enum": ["not_in_ledger", "not_at_provider", "amount_differs", "contradiction"]}
    )
    reference = fields.String()
    kind = fields.String(allow_none=True, metadata={"enum": ["deposit", "reversal", "payout", None]})
    at_provider = fields.Nested(Movement, allow_none=True)
    in_ledger = fields.Nested(Movement, allow_none=True)
    note = fields.String(allow_none=True)


class Reconciliation(Schema):
    """`agrees` is true when nothing differs. Positive amounts came, negative ones left."""

    provider = fields.String()
    since = UtcDateTime()
    until = UtcDateTime()
    agrees = fields.Boolean()
    movements = fields.Integer()
    differences = fields.List(fields.Nested(Difference))


class CampaignRef(Schema):
    campaign_id = IdField("cmp", required=True)


class CampaignLedger(Schema):
    """reserved = earned_gross + returned + escrow, and earned_gross = platform_fee + streamer_net."""

    campaign_id = IdField("cmp")
    reserved = MoneyField()
    earned_gross = MoneyField()
    platform_fee = MoneyField()
    streamer_net = MoneyField()
    returned = MoneyField()
    escrow = MoneyField()


class ListQuery(PageQuery):
    """The query of each list."""


class PaymentMethodRef(Schema):
    """The provider's own name for what a customer pays with."""

    provider = fields.String(required=True, validate=validate.OneOf(DEPOSIT_PROVIDERS))
    reference = fields.String(required=True, validate=REFERENCE)


class PaymentMethod(Schema):
    type = fields.String(required=True)
    brand = fields.String(required=True)
    last4 = fields.String(required=True)
    expires = fields.String(required=True)

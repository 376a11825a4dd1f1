"""The company's profile."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Expecting, IdField, MoneyField, Schema, UtcDateTime

# A provider's own name for something that its own form has stored. A card's number never passes for one.
REFERENCE = validate.Regexp(
    r"\A(?!.*[0-9]{12})[a-z]{2,8}_[A-Za-z0-9_]{4,100}\Z", error="Must be a provider's reference."
)
PROVIDERS = ("sandbox", "stripe", "paypal")
VERIFICATION_STATUSES = ("unverified", "pending", "verified", "rejected")

# A postal address has several lines; every other text has one.
ONE_LINE = validate.Regexp(r"\A(?=.*\S)[^\x00-\x1f\x7f]+\Z", error="Must be one line of text.")
LINES = validate.Regexp(r"\A[^\x00-\x09\x0b-\x1f\x7f]*\Z", error="Must be text.")

MOST_PREFERENCES = 50


def line(longest: int, example: str) -> fields.String:
    return fields.String(validate=[validate.Length(max=longest), ONE_LINE], metadata={"example": example})


def labels(example: str) -> fields.List[str]:
    return fields.List(line(60, example), validate=validate.Length(max=MOST_PREFERENCES))


class ContactPerson(Schema):
    """Whom to talk to at the brand."""

    name = line(120, "Wile E.")
    position = line(120, "Head of Testing")
    phone = line(40, "+1 555 0100")


class BillingInfo(Schema):
    """What invoices are addressed to; empty texts are allowed until somebody needs an invoice."""

    address = fields.String(
        validate=[validate.Length(max=500), LINES], metadata={"example": "1 Desert Road\nTucson, AZ"}
    )
    tax_id = fields.String(validate=[validate.Length(max=40), LINES], metadata={"example": "US-12-3456789"})


class PaymentMethod(Schema):
    """What a brand pays with, as far as it may be shown."""

    id = IdField("pmt", required=True)
    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    type = fields.String(required=True, metadata={"example": "card"})
    brand = fields.String(required=True, metadata={"example": "visa"})
    last4 = fields.String(required=True, metadata={"example": "4242"})
    expires = fields.String(required=True, metadata={"example": "2034-12"})
    added_at = UtcDateTime(required=True)


class AddPaymentMethod(Schema):
    """The provider's reference to a payment method that its own form has stored; never a card's number."""

    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    reference = fields.String(required=True, validate=REFERENCE, metadata={"example": "pm_card_visa"})


class PaymentMethodRef(Schema):
    payment_method_id = IdField("pmt", required=True)


class ShownBillingInfo(BillingInfo):
    """The same with the payment methods, which have routes of their own."""

    payment_methods = fields.List(fields.Nested(PaymentMethod), required=True)


class BudgetRange(Schema):
    """What the brand means to spend on a campaign; one currency, and the minimum is not above the maximum."""

    min = MoneyField(required=True)
    max = MoneyField(required=True)


class MarketingPreferences(Schema):
    target_demographics = labels("18-24")
    content_categories = labels("racing")
    budget_range = fields.Nested(BudgetRange, allow_none=True)


class UpdateProfile(Expecting):
    """A patch (RFC 7396): what is not named stays as it is, and a list is replaced as a whole."""

    company_name = line(120, "ACME Rockets")
    industry = line(80, "toys")
    contact_person = fields.Nested(ContactPerson)
    billing_info = fields.Nested(BillingInfo)
    marketing_preferences = fields.Nested(MarketingPreferences)


class Nothing(Schema):
    """A request that says nothing but who sends it."""


class PublicProfileQuery(Schema):
    brand_id = IdField("brd", required=True)


class Profile(Schema):
    """A brand's profile as its owner sees it; texts are empty until they are known.

    `billing_info` is there only for whoever has the scope `billing:read`.
    """

    id = IdField("brd", required=True)
    email = fields.String(required=True, metadata={"example": "ads@acme.example"})
    company_name = fields.String(required=True, metadata={"example": "ACME Rockets"})
    industry = fields.String(required=True, metadata={"example": "toys"})
    contact_person = fields.Nested(ContactPerson, required=True)
    billing_info = fields.Nested(ShownBillingInfo)
    marketing_preferences = fields.Nested(MarketingPreferences, required=True)
    verification_status = fields.String(required=True, validate=validate.OneOf(VERIFICATION_STATUSES))
    created_at = UtcDateTime(required=True)
    updated_at = UtcDateTime(required=True)
    version = fields.Integer(required=True)


class PublicProfile(Schema):
    """What everybody may know of a brand."""

    id = IdField("brd", required=True)
    company_name = fields.String(required=True, metadata={"example": "ACME Rockets"})
    industry = fields.String(required=True, metadata={"example": "toys"})
    verification_status = fields.String(required=True, validate=validate.OneOf(VERIFICATION_STATUSES))

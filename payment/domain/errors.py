"""What payment refuses, by name.

    Conflict 409       insufficient_funds, no_payout_method, concurrent_update, provider_refused,
                       amount_mismatch, payee_mismatch, settlement_conflict
    NotFound 404       payment_method_not_found, deposit_not_found, payout_not_found, invoice_not_found,
                       campaign_not_found
    Unprocessable 422  idempotency_key_reused, below_minimum, currency_not_supported,
                       provider_not_configured, period_too_long
    BadRequest 400     bad_signature, malformed_webhook
    Unavailable 503    earnings_outstanding, provider_unavailable, payout_outcome_unknown

`ProviderRefused` is final: the provider understood and said no. `ProviderUnavailable` says nothing
about what the provider did; whoever meets it asks again under the same idempotency key.
"""

from chassis.errors import BadRequest, Conflict, Error, NotFound, ServiceUnavailable


class Unprocessable(Error):
    status = 422


class InsufficientFunds(Conflict):
    code, title = "payment.insufficient_funds", "The account does not hold enough"


class NoPayoutMethod(Conflict):
    code, title = "payment.no_payout_method", "A verified payout method is required"


class ConcurrentUpdate(Conflict):
    code, title = "payment.concurrent_update", "Somebody else changed it meanwhile"


class ProviderRefused(Conflict):
    code, title = "payment.provider_refused", "The payment provider refused"


class Contradiction(Conflict):
    """The provider's word and ours cannot both be true: nothing is posted, and somebody has to look."""


class AmountMismatch(Contradiction):
    code, title = "payment.amount_mismatch", "The provider names another amount than we do"


class PayeeMismatch(Contradiction):
    code, title = "payment.payee_mismatch", "The provider names another account than we do"


class SettlementConflict(Contradiction):
    code, title = "payment.settlement_conflict", "The provider contradicts what was settled before"


class PaymentMethodNotFound(NotFound):
    code, title = "payment.payment_method_not_found", "The provider knows no such payment method"


class DepositNotFound(NotFound):
    code, title = "payment.deposit_not_found", "No such deposit"


class PayoutNotFound(NotFound):
    code, title = "payment.payout_not_found", "No such payout"


class InvoiceNotFound(NotFound):
    code, title = "payment.invoice_not_found", "No such document"


class CampaignNotFound(NotFound):
    code, title = "payment.campaign_not_found", "No budget was ever reserved for this campaign"


class IdempotencyKeyReused(Unprocessable):
    code, title = "payment.idempotency_key_reused", "The idempotency key was used for another request"


class BelowMinimum(Unprocessable):
    code, title = "payment.below_minimum", "The amount is below the minimum"


class PeriodTooLong(Unprocessable):
    code, title = "payment.period_too_long", "A shorter period has to be chosen"


class CurrencyNotSupported(Unprocessable):
    code, title = "payment.currency_not_supported", "Wallets do not hold this currency"


class ProviderNotConfigured(Unprocessable):
    code, title = "payment.provider_not_configured", "This payment provider is not configured"


class BadSignature(BadRequest):
    code, title = "payment.bad_signature", "The webhook's signature is not valid"


class MalformedWebhook(BadRequest):
    code, title = "payment.malformed_webhook", "The webhook's body is not an event"


class EarningsOutstanding(ServiceUnavailable):
    code, title = "payment.earnings_outstanding", "Not all earnings of the campaign are posted yet"


class ProviderUnavailable(ServiceUnavailable):
    code, title = "payment.provider_unavailable", "The payment provider gave no usable answer"


class PayoutOutcomeUnknown(ServiceUnavailable):
    code, title = "payment.payout_outcome_unknown", "The provider has not settled the payout yet"

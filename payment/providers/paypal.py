"""PayPal's protocol: orders that a payer approves and we capture, payouts in batches of one, signed webhooks.

JSON under an OAuth 2 token; https://developer.paypal.com/api/rest/. What we order carries our id as
`custom_id`, a payout as `sender_batch_id` and `sender_item_id`. A PayPal-Request-Id gets its answer again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from chassis.money import Money
from chassis.times import parse_rfc3339, rfc3339
from payment.domain.errors import (
    MalformedWebhook,
    PaymentMethodNotFound,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.provider import (
    Checkout,
    Destination,
    PaymentMethod,
    Progress,
    ProviderEvent,
    ProviderObject,
    Subject,
)
from payment.domain.reconciliation import Movement, MovementKind
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.providers.amounts import from_decimal, to_decimal
from payment.providers.paypal_signature import (
    Certificates,
    authorities_in,
    check_transmission,
    places_of,
    subject_of,
)
from payment.providers.wire import NOTHING, Link, expected, reason_of, text, understood

METHOD = "paypal"
REFUSALS = (400, 422)

# A token is asked for anew so long before it ends that no call meets its end.
REFRESHED_BEFORE_SECONDS = 60.0

CAPTURES = {
    "COMPLETED": Progress.SUCCEEDED,
    "PARTIALLY_REFUNDED": Progress.SUCCEEDED,
    "REFUNDED": Progress.SUCCEEDED,
    "PENDING": Progress.PROCESSING,
    "DECLINED": Progress.FAILED,
    "FAILED": Progress.FAILED,
}
# An item that nobody has claimed yet, or that PayPal looks at, is on its way.
ITEMS = {
    "SUCCESS": Progress.SUCCEEDED,
    "FAILED": Progress.FAILED,
    "RETURNED": Progress.FAILED,
    "BLOCKED": Progress.FAILED,
    "REFUNDED": Progress.FAILED,
    "REVERSED": Progress.FAILED,
    "DENIED": Progress.FAILED,
    "CANCELED": Progress.FAILED,
}
NEVER_STARTED = ("DENIED", "CANCELED")
LARGEST_PAGE = 500
BATCH = re.compile(r"/v1/payments/payouts/([A-Za-z0-9]{1,100})(?:[/?]|$)")


class Api:
    """Calls with a token that is kept until shortly before its end."""

    def __init__(
        self, link: Link, client_id: str, secret: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._link, self._credentials = link, (client_id, secret)
        self._monotonic = monotonic
        self._token, self._good_until = "", 0.0

    def call(self, method: str, path: str, *, key: str = "", **options: Any) -> httpx.Response:
        headers = {"Prefer": "return=representation", **({"PayPal-Request-Id": key} if key else {})}
        answer = self._authorised(method, path, headers, options)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._token = ""
            answer = self._authorised(method, path, headers, options)
        return answer

    def _authorised(
        self, method: str, path: str, headers: dict[str, str], options: dict[str, Any]
    ) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._current_token()}"}
        return self._link.request(method, path, headers={**headers, **bearer}, **options)

    def _current_token(self) -> str:
        if not self._token or self._monotonic() >= self._good_until:
            form = {"grant_type": "client_credentials"}
            answer = self._link.request("POST", "/v1/oauth2/token", data=form, auth=self._credentials)
            body = expected(answer, 200)
            token, seconds = understood(lambda b: (str(b["access_token"]), float(b["expires_in"])), body)
            self._token, self._good_until = token, self._monotonic() + seconds - REFRESHED_BEFORE_SECONDS
        return self._token


class PayPalProvider:
    name = "paypal"

    def __init__(self, api: Api, certificates: Certificates, webhook_id: str, return_url: str) -> None:
        self._api, self._certificates = api, certificates
        self._webhook_id, self._return_url = webhook_id, return_url

    @classmethod
    def at(
        cls, url: str, client_id: str, secret: str, *, webhook_id: str, ca_file: str, return_url: str
    ) -> PayPalProvider:
        api = Api(Link(url, {}), client_id, secret)
        certificates = Certificates(places_of(url), subject_of(url), authorities_in(ca_file))
        return cls(api, certificates, webhook_id, return_url)

    def create_payment(self, reference: str, amount: Money) -> ProviderObject:
        experience = {
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
            "return_url": self._return_url,
            "cancel_url": self._return_url,
        }
        order = {
            "intent": "CAPTURE",
            "purchase_units": [{"custom_id": reference, "amount": written(amount, "currency_code")}],
            "payment_source": {"paypal": {"experience_context": experience}},
        }
        answer = self._api.call("POST", "/v2/checkout/orders", key=reference, json=order)
        made = understood(order_of, self._ordered(answer))
        if made.amount != amount:
            raise ProviderUnavailable("the order of this id is over another amount")
        return made

    def find_payment(self, intent_id: str) -> ProviderObject:
        """Captures what the payer approved. PayPal forgets an order that nobody approved in some hours."""
        answer = self._api.call("GET", f"/v2/checkout/orders/{intent_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise ProviderRefused("the order has expired before it was paid")
        body = expected(answer, 200)
        found = understood(order_of, body)
        return self._captured(found) if body.get("status") == "APPROVED" else found

    def create_payout(self, reference: str, amount: Money, destination: Destination) -> ProviderObject:
        """A batch whose id was used before is answered with a link to the first one."""
        if destination.method != METHOD:
            raise ProviderRefused(f"PayPal does not pay to a {destination.method} account")
        item = {
            "recipient_type": "EMAIL",
            "receiver": destination.account_details,
            "amount": written(amount, "currency"),
            "sender_item_id": reference,
        }
        order = {"sender_batch_header": {"sender_batch_id": reference}, "items": [item]}
        answer = self._api.call("POST", "/v1/payments/payouts", key=reference, json=order)
        first = batch_before(answer)
        if first is not None:
            return self.find_payout(first)
        batch = understood(lambda body: text(body["batch_header"]["payout_batch_id"]), self._ordered(answer))
        return ProviderObject(batch, reference, amount, Progress.PROCESSING)

    def find_payout(self, provider_payout_id: str) -> ProviderObject:
        answer = self._api.call("GET", f"/v1/payments/payouts/{provider_payout_id}")
        return understood(batch_of, expected(answer, 200))

    def find_payment_method(self, reference: str) -> PaymentMethod:
        raise PaymentMethodNotFound("no payment methods are stored at PayPal")

    def read_webhook(self, headers: Mapping[str, str], body: str, now: datetime) -> ProviderEvent:
        check_transmission(headers, body, self._webhook_id, self._certificates, now)
        try:
            return event_of(json.loads(body))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise MalformedWebhook() from error

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """PayPal lists a movement some hours after it happened."""
        page = 0
        while True:
            page += 1
            params = {
                "start_date": rfc3339(since),
                "end_date": rfc3339(until),
                "fields": "transaction_info",
                "page_size": str(LARGEST_PAGE),
                "page": str(page),
            }
            body = expected(self._api.call("GET", "/v1/reporting/transactions", params=params), 200)
            yield from understood(movements_in, body)
            if page >= int(body.get("total_pages") or 0):
                return

    def _captured(self, approved: ProviderObject) -> ProviderObject:
        path, key = f"/v2/checkout/orders/{approved.id}/capture", f"capture-{approved.reference}"
        answer = self._api.call("POST", path, key=key, json={})
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            return approved
        return understood(order_of, expected(answer, 200, 201))

    def _ordered(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code in REFUSALS:
            raise ProviderRefused(reason_of(answer, "message"))
        return expected(answer, 200, 201)


def written(amount: Money, currency: str) -> dict[str, str]:
    """Orders call the currency `currency_code`, payouts `currency`."""
    return {currency: amount.currency, "value": to_decimal(amount)}


def money_of(data: Mapping[str, Any]) -> Money:
    return from_decimal(data["value"], data.get("currency_code") or data["currency"])


def order_of(data: Mapping[str, Any]) -> ProviderObject:
    unit = data["purchase_units"][0]
    captures = (unit.get("payments") or {}).get("captures") or []
    if captures:
        return capture_of(captures[0], order=text(data["id"]), reference=unit.get("custom_id"))
    links = {link["rel"]: link["href"] for link in data.get("links") or []}
    approve = links.get("payer-action") or links.get("approve")
    failed = data["status"] == "VOIDED"
    return ProviderObject(
        id=text(data["id"]),
        reference=text(unit["custom_id"]),
        amount=money_of(unit["amount"]),
        progress=Progress.FAILED if failed else Progress.PROCESSING,
        failure="the order was voided" if failed else None,
        checkout=Checkout(approve_url=text(approve)) if approve else None,
    )


def capture_of(
    data: Mapping[str, Any], *, order: str | None = None, reference: str | None = None
) -> ProviderObject:
    progress = CAPTURES[data["status"]]
    details = data.get("status_details") or {}
    return ProviderObject(
        id=order or text(data["supplementary_data"]["related_ids"]["order_id"]),
        reference=text(reference or data["custom_id"]),
        amount=money_of(data["amount"]),
        progress=progress,
        failure=text(details.get("reason") or data["status"].lower()) if progress == "failed" else None,
        payment_id=text(data["id"]),
    )


def item_of(data: Mapping[str, Any]) -> ProviderObject:
    item = data["payout_item"]
    progress = ITEMS.get(data["transaction_status"], Progress.PROCESSING)
    problem = (data.get("errors") or {}).get("name") or data["transaction_status"]
    return ProviderObject(
        id=text(data["payout_batch_id"]),
        reference=text(item["sender_item_id"]),
        amount=money_of(item["amount"]),
        progress=progress,
        failure=text(problem) if progress == Progress.FAILED else None,
        destination=Destination(METHOD, "", text(item["receiver"])).masked,
    )


def batch_of(data: Mapping[str, Any]) -> ProviderObject:
    if data.get("items"):
        return item_of(data["items"][0])
    header = data["batch_header"]
    failed = header["batch_status"] in NEVER_STARTED
    return ProviderObject(
        id=text(header["payout_batch_id"]),
        reference=text(header["sender_batch_header"]["sender_batch_id"]),
        amount=money_of(header["amount"]),
        progress=Progress.FAILED if failed else Progress.PROCESSING,
        failure=text(header["batch_status"]) if failed else None,
    )


def batch_before(answer: httpx.Response) -> str | None:
    """The first batch of this id, where the answer refuses a second one."""
    if answer.status_code not in REFUSALS:
        return None
    links = expected(answer, *REFUSALS).get("links") or []
    paths = [urlsplit(str(link.get("href"))).path for link in links if isinstance(link, dict)]
    found = [match.group(1) for match in map(BATCH.search, paths) if match]
    return found[0] if found else None


def payment_above(data: Mapping[str, Any]) -> str:
    """The capture that was refunded or reversed; a reversal may be told as the capture itself."""
    above = [str(link["href"]) for link in data.get("links") or [] if link.get("rel") == "up"]
    named = [url for url in above if "/captures/" in url]
    return text(urlsplit(named[0]).path.rpartition("/")[2]) if named else text(data["id"])


def refund_of(data: Mapping[str, Any]) -> Reversal:
    undone = data.get("status") in ("FAILED", "CANCELLED")
    return Reversal(
        id=text(data["id"]),
        payment=payment_above(data),
        kind=ReversalKind.REFUND,
        reason=text(data.get("note_to_payer") or "no reason given"),
        amount=money_of(data["amount"]),
        stage=ReversalStage.DROPPED if undone else ReversalStage.FINAL,
    )


def dispute_of(data: Mapping[str, Any]) -> Reversal:
    """Whoever wins: what the payer gets back at the end is told as a refund or a reversal of the capture."""
    disputed = data["disputed_transactions"][0]
    return Reversal(
        id=text(data["dispute_id"]),
        payment=text(disputed["seller_transaction_id"]),
        kind=ReversalKind.DISPUTE,
        reason=text(data["reason"]),
        amount=money_of(data["dispute_amount"]),
        stage=ReversalStage.DROPPED if data["status"] == "RESOLVED" else ReversalStage.OPEN,
    )


READERS: dict[str, tuple[Subject, Callable[[Mapping[str, Any]], ProviderObject | Reversal]]] = {
    "CHECKOUT.ORDER.APPROVED": (Subject.PAYMENT, order_of),
    "CHECKOUT.ORDER.VOIDED": (Subject.PAYMENT, order_of),
    "PAYMENT.CAPTURE.COMPLETED": (Subject.PAYMENT, capture_of),
    "PAYMENT.CAPTURE.PENDING": (Subject.PAYMENT, capture_of),
    "PAYMENT.CAPTURE.DENIED": (Subject.PAYMENT, capture_of),
    "PAYMENT.CAPTURE.DECLINED": (Subject.PAYMENT, capture_of),
    "PAYMENT.CAPTURE.REFUNDED": (Subject.REVERSAL, refund_of),
    "PAYMENT.CAPTURE.REVERSED": (Subject.REVERSAL, refund_of),
    "CUSTOMER.DISPUTE.CREATED": (Subject.REVERSAL, dispute_of),
    "CUSTOMER.DISPUTE.UPDATED": (Subject.REVERSAL, dispute_of),
    "CUSTOMER.DISPUTE.RESOLVED": (Subject.REVERSAL, dispute_of),
}
OF_ITEMS = "PAYMENT.PAYOUTS-ITEM."


def event_of(data: Mapping[str, Any]) -> ProviderEvent:
    kind = text(data["event_type"])
    read = (Subject.PAYOUT, item_of) if kind.startswith(OF_ITEMS) else READERS.get(kind)
    if read is None or not is_ours(data["resource"], read[0]):
        return ProviderEvent(text(data["id"]), kind, Subject.OTHER, NOTHING)
    return ProviderEvent(text(data["id"]), kind, read[0], read[1](data["resource"]))


def is_ours(resource: Mapping[str, Any], subject: Subject) -> bool:
    """A payment without our id was ordered by something else that uses the same account."""
    if subject != Subject.PAYMENT:
        return True
    unit = (resource.get("purchase_units") or [resource])[0]
    return bool(unit.get("custom_id"))


PAYOUT_CODES = ("T0001", "T1114")
REVERSAL_CODES = ("T1106", "T1107", "T1201", "T1202")


def movements_in(body: Mapping[str, Any]) -> list[Movement]:
    found = [movement_of(each["transaction_info"]) for each in body["transaction_details"]]
    return [movement for movement in found if movement is not None]


def movement_of(info: Mapping[str, Any]) -> Movement | None:
    """None for what was not carried out, and for what is between us and PayPal or a bank. Before fees."""
    kind = kind_of(info["transaction_event_code"])
    if kind is None or info["transaction_status"] not in ("S", "V"):
        return None
    reference = info.get("custom_field") or info.get("invoice_id")
    original = info.get("paypal_reference_id") if kind == MovementKind.REVERSAL else None
    return Movement(
        id=text(info["transaction_id"]),
        kind=kind,
        amount=money_of(info["transaction_amount"]),
        at=parse_rfc3339(info["transaction_initiation_date"]).astimezone(UTC),
        reference=None if original else reference,
        payment=original or (info["transaction_id"] if kind == MovementKind.DEPOSIT else None),
    )


def kind_of(code: str) -> MovementKind | None:
    """https://developer.paypal.com/docs/reports/reference/tcodes/"""
    if code in PAYOUT_CODES:
        return MovementKind.PAYOUT
    if code in REVERSAL_CODES:
        return MovementKind.REVERSAL
    return MovementKind.DEPOSIT if code.startswith("T00") else None

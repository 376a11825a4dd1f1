"""Payouts: set aside at once, then a saga orders them at the provider and waits for the outcome."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from chassis.clock import Clock
from chassis.ids import NewId
from chassis.money import Money
from chassis.pagination import Page
from chassis.principal import PASSWORD, Caller
from chassis.saga_steps import SagaState, Step
from payment.domain.document import DocumentKind, payout_statement
from payment.domain.errors import (
    Contradiction,
    NoPayoutMethod,
    PayoutNotFound,
    PayoutOutcomeUnknown,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.page import PageRequest
from payment.domain.payout import Payout, PayoutStatus
from payment.domain.provider import PAID_BY, Destination, Progress, ProviderObject
from payment.domain.wallet import check_currency
from payment.handlers.idempotency import Answer, Attempt, kept_answer, once
from payment.handlers.ports import (
    Payee,
    PaymentProvider,
    Payments,
    Providers,
    Sagas,
    Streamers,
    Vault,
)

PAYOUT_SAGA = "payout"
SETTLEMENT_SECONDS = 7 * 24 * 3_600.0
"""A bank may take some days; until then a payout that is on its way is nothing to worry about."""

ORDERS_REMEMBERED = timedelta(days=29)
"""PayPal knows an order again for 30 days. Who retries a payout later than that has to look there first."""

STEP_UP_SECONDS = 600
"""As for choosing where the money goes. An account with an authenticator app always authenticates with it."""


@dataclass(frozen=True)
class RequestPayout:
    amount: Money
    idempotency_key: str


@dataclass(frozen=True)
class PayoutDesk:
    """The collaborators of a payout; which provider pays follows from the streamer's method.

    More than `step_up_above` minor units at once need an authentication of late.
    """

    payments: Payments
    streamers: Streamers
    vault: Vault
    sagas: Sagas
    providers: Providers
    currency: str
    step_up_above: int


def request_payout(
    desk: PayoutDesk, clock: Clock, new_id: NewId, by: Payee, command: RequestPayout
) -> Payout:
    """available → paying_out, and the saga that does the rest, in one transaction."""
    by.must_be("streamer")
    check_currency(command.amount, desk.currency)
    body = {"amount": command.amount.to_dict()}
    attempt = Attempt.of(f"payout:{by.id}", command.idempotency_key, body)
    answer = kept_answer(desk.payments, attempt)
    if answer is None:
        if command.amount.amount_minor > desk.step_up_above:
            by.must_have_authenticated(PASSWORD, STEP_UP_SECONDS, clock.now())
        payout = draft(desk, clock, new_id, by.id, command.amount)
        answer = once(desk.payments, clock, attempt, lambda: place(desk, new_id, payout))
    payout_id: str = answer["payout_id"]
    return desk.payments.transaction(lambda: desk.payments.payouts.get(payout_id)).as_it_began()


def draft(desk: PayoutDesk, clock: Clock, new_id: NewId, streamer_id: str, amount: Money) -> Payout:
    """Not stored yet: asking for the destination is a call to another service, so no transaction is open."""
    destination = desk.streamers.payout_destination(streamer_id)
    if destination is None:
        raise NoPayoutMethod()
    provider = desk.providers.named(PAID_BY[destination.method])
    return Payout(
        id=new_id("pay"),
        streamer_id=streamer_id,
        provider=provider.name,
        amount=amount,
        destination=desk.vault.encrypt(json.dumps(asdict(destination))),
        destination_hint=destination.masked,
        created_at=clock.now(),
    )


def place(desk: PayoutDesk, new_id: NewId, payout: Payout) -> Answer:
    change = payout.request(transaction_id=new_id("txn"))
    assert change.transaction is not None
    desk.payments.ledger.post(change.transaction)
    desk.payments.payouts.add(payout, change.events)
    desk.sagas.start(PAYOUT_SAGA, key=payout.id, data={"payout_id": payout.id})
    return {"payout_id": payout.id}


def get_payout(payments: Payments, by: Caller, payout_id: str) -> Payout:
    by.must_be("streamer")
    payout = payments.transaction(lambda: payments.payouts.get(payout_id))
    if not by.owns(payout.streamer_id):
        raise PayoutNotFound()
    return payout


def list_payouts(payments: Payments, by: Caller, page: PageRequest) -> Page[Payout]:
    by.must_be("streamer")
    return payments.transaction(lambda: payments.payouts.of_streamer(by.id, page))


def payout_steps(
    payments: Payments, providers: Providers, vault: Vault, clock: Clock, new_id: NewId
) -> list[Step]:
    """The request itself took the first step, so that an overdraft is answered at once."""

    def already_set_aside(saga: SagaState) -> None:
        payments.transaction(lambda: payments.payouts.get(saga.data["payout_id"]))

    def take_back(saga: SagaState) -> None:
        reason = (saga.error or {}).get("detail") or "the payment provider refused"
        give_up_payout(payments, clock, new_id, saga.data["payout_id"], reason)

    def order(saga: SagaState) -> None:
        order_payout(payments, providers, vault, clock, saga.data["payout_id"])

    def settle(saga: SagaState) -> None:
        await_settlement(payments, providers, clock, new_id, saga.data["payout_id"])

    return [
        Step("set_aside", already_set_aside, undo=take_back),
        Step("order", order),
        Step("settle", settle, patience_seconds=SETTLEMENT_SECONDS),
    ]


def order_payout(
    payments: Payments, providers: Providers, vault: Vault, clock: Clock, payout_id: str
) -> None:
    """Idempotent at the provider by the payout's id: a repeated order is answered, not paid twice."""
    payout = payments.transaction(lambda: payments.payouts.get(payout_id))
    if payout.is_settled or payout.provider_payout_id is not None:
        return
    if clock.now() - payout.created_at > ORDERS_REMEMBERED:
        raise PayoutOutcomeUnknown("the provider may have forgotten an order that is so old")
    destination = Destination(**json.loads(vault.decrypt(payout.destination)))
    provider = provider_of(payout, providers)
    found = provider.create_payout(payout.id, payout.amount, destination)

    def work() -> None:
        ordered = payments.payouts.lock(payout_id)
        ordered.accept(found.id)
        payments.payouts.save(ordered)

    payments.transaction(work)


def provider_of(payout: Payout, providers: Providers) -> PaymentProvider:
    """Keys that were taken away say nothing about what the provider did, so the saga does not turn round."""
    try:
        return providers.named(payout.provider)
    except ProviderNotConfigured as missing:
        raise ProviderUnavailable(str(missing)) from missing


def await_settlement(
    payments: Payments, providers: Providers, clock: Clock, new_id: NewId, payout_id: str
) -> None:
    """Done when paid; final when failed; asked again while the provider is at it.

    The webhook usually comes first; asking is what saves the payout whose webhook never came.
    """
    payout = payments.transaction(lambda: payments.payouts.get(payout_id))
    if not payout.is_settled and payout.provider_payout_id is not None:
        found = provider_of(payout, providers).find_payout(payout.provider_payout_id)
        payout = settle_as_found(payments, clock, new_id, payout_id, found)
    if payout.status == PayoutStatus.FAILED:
        raise ProviderRefused(payout.failure or "")
    if payout.status != PayoutStatus.PAID:
        raise PayoutOutcomeUnknown()


def settle_as_found(
    payments: Payments, clock: Clock, new_id: NewId, payout_id: str, found: ProviderObject
) -> Payout:
    """A contradiction must not turn the saga round: the provider may have paid all the same."""
    try:
        return settle_payout(payments, clock, new_id, payout_id, found)
    except Contradiction as contradiction:
        raise PayoutOutcomeUnknown(str(contradiction)) from contradiction


def settle_payout(
    payments: Payments, clock: Clock, new_id: NewId, payout_id: str, found: ProviderObject
) -> Payout:
    """Applies what the provider says of a payout. Any number of times."""

    def work() -> Payout:
        payout = payments.payouts.lock(payout_id)
        if found.progress == Progress.SUCCEEDED:
            pay(payments, clock, new_id, payout, found)
        elif found.progress == Progress.FAILED:
            take_back_money(payments, clock, new_id, payout, found.failure or "the provider gave no reason")
        return payout

    return payments.transaction(work)


def give_up_payout(payments: Payments, clock: Clock, new_id: NewId, payout_id: str, reason: str) -> None:
    payments.transaction(
        lambda: take_back_money(payments, clock, new_id, payments.payouts.lock(payout_id), reason)
    )


def pay(payments: Payments, clock: Clock, new_id: NewId, payout: Payout, found: ProviderObject) -> None:
    now = clock.now()
    change = payout.pay(found, statement_id=new_id("inv"), transaction_id=new_id("txn"), at=now)
    if change.transaction is None:
        return
    assert payout.statement_id is not None
    payments.ledger.post(change.transaction)
    sequence = payments.documents.next_sequence(DocumentKind.PAYOUT_STATEMENT)
    statement = payout_statement(payout, id=payout.statement_id, sequence=sequence, at=now)
    payments.documents.add(statement)
    payments.payouts.save(payout, change.events)


def take_back_money(payments: Payments, clock: Clock, new_id: NewId, payout: Payout, reason: str) -> None:
    change = payout.take_back(reason, transaction_id=new_id("txn"), at=clock.now())
    if change.transaction is None:
        return
    payments.ledger.post(change.transaction)
    payments.payouts.save(payout, change.events)

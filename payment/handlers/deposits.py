"""Deposits: ordered at the provider outside any transaction, credited by what the provider says."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from chassis.clock import Clock
from chassis.ids import NewId
from chassis.money import Money
from chassis.principal import Caller
from payment.domain.deposit import Deposit
from payment.domain.document import DocumentKind, receipt
from payment.domain.errors import (
    Contradiction,
    DepositNotFound,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.provider import Checkout, ProviderObject
from payment.domain.wallet import check_currency
from payment.handlers.idempotency import Answer, Attempt, once
from payment.handlers.ports import PaymentProvider, Payments, Providers, Vault
from payment.handlers.reversals import even_out

# A provider that does not answer once is asked no more in that round, so a round is short.
DEPOSITS_PER_ROUND = 20


@dataclass(frozen=True)
class MakeDeposit:
    amount: Money
    idempotency_key: str


def make_deposit(
    payments: Payments,
    provider: PaymentProvider,
    vault: Vault,
    clock: Clock,
    new_id: NewId,
    currency: str,
    by: Caller,
    command: MakeDeposit,
) -> Deposit:
    """Answers the pending deposit. It exists before the provider hears of it, so no webhook is early."""
    by.must_be("brand")
    check_currency(command.amount, currency)

    def work() -> Answer:
        deposit = Deposit.begin(new_id("dep"), by.id, provider.name, command.amount, clock.now())
        payments.deposits.add(deposit)
        return {"deposit_id": deposit.id}

    body = {"amount": command.amount.to_dict(), "provider": provider.name}
    attempt = Attempt.of(f"deposit:{by.id}", command.idempotency_key, body)
    answer = once(payments, clock, attempt, work)
    deposit = payments.transaction(lambda: payments.deposits.get(answer["deposit_id"]))
    if deposit.is_pending and deposit.intent_id is None:
        follow_up(payments, provider, vault, clock, new_id, deposit)
        deposit = payments.transaction(lambda: payments.deposits.get(deposit.id))
    return deposit.as_it_began()


def shown(vault: Vault, deposit: Deposit) -> dict[str, Any]:
    """The deposit, and while it waits for its payer what the payer's browser needs."""
    checkout = Checkout()
    if deposit.is_pending and deposit.checkout is not None:
        checkout = Checkout(**json.loads(vault.decrypt(deposit.checkout)))
    return {**vars(deposit), "reversed": deposit.reversed, **asdict(checkout)}


def get_deposit(payments: Payments, by: Caller, deposit_id: str) -> Deposit:
    by.must_be("brand")
    deposit = payments.transaction(lambda: payments.deposits.get(deposit_id))
    if not by.owns(deposit.brand_id):
        raise DepositNotFound()
    return deposit


def follow_up_deposits(
    payments: Payments, providers: Providers, vault: Vault, clock: Clock, new_id: NewId
) -> int:
    """One round of the timer: orders what was not ordered and asks for what no webhook told."""
    due = payments.transaction(lambda: payments.deposits.due(clock.now(), DEPOSITS_PER_ROUND))
    silent: set[str] = set()
    done = 0
    for deposit in due:
        if deposit.provider in silent:
            continue
        if follow_up_at(payments, providers, vault, clock, new_id, deposit):
            done += 1
        else:
            silent.add(deposit.provider)
    return done


def follow_up_at(
    payments: Payments, providers: Providers, vault: Vault, clock: Clock, new_id: NewId, deposit: Deposit
) -> bool:
    """A provider whose keys were taken away is one that does not answer: its deposits wait for them."""
    try:
        provider = providers.named(deposit.provider)
    except ProviderNotConfigured:
        note(payments, clock, deposit.id)
        return False
    return follow_up(payments, provider, vault, clock, new_id, deposit)


def follow_up(
    payments: Payments,
    provider: PaymentProvider,
    vault: Vault,
    clock: Clock,
    new_id: NewId,
    deposit: Deposit,
) -> bool:
    """Asks the provider, and notes what it said; False when it gave no usable answer."""
    try:
        found = ask(provider, deposit)
        settle_deposit(payments, clock, new_id, deposit.id, found)
    except ProviderRefused as refusal:
        note(payments, clock, deposit.id, refused=str(refusal))
    except Contradiction as contradiction:
        note(payments, clock, deposit.id, problem=str(contradiction))
    except ProviderUnavailable:
        note(payments, clock, deposit.id)
        return False
    else:
        note(payments, clock, deposit.id, checkout=sealed(vault, found.checkout))
    return True


def sealed(vault: Vault, checkout: Checkout | None) -> str | None:
    return None if checkout is None else vault.encrypt(json.dumps(asdict(checkout)))


def ask(provider: PaymentProvider, deposit: Deposit) -> ProviderObject:
    if deposit.intent_id is None:
        return provider.create_payment(deposit.id, deposit.amount)
    return provider.find_payment(deposit.intent_id)


def settle_deposit(
    payments: Payments, clock: Clock, new_id: NewId, deposit_id: str, found: ProviderObject
) -> None:
    """Applies what the provider says of a deposit. Any number of times, in any order."""

    def work() -> None:
        deposit = payments.deposits.lock(deposit_id)
        change = deposit.settle(found, transaction_id=new_id("txn"), at=clock.now())
        if change.transaction is not None:
            payments.ledger.post(change.transaction)
            sequence = payments.documents.next_sequence(DocumentKind.RECEIPT)
            document = receipt(deposit, id=new_id("inv"), sequence=sequence, at=clock.now())
            payments.documents.add(document)
        reversal = even_out(payments, clock, new_id, deposit)
        payments.deposits.save(deposit, (*change.events, *reversal.events))

    payments.transaction(work)


def note(
    payments: Payments,
    clock: Clock,
    deposit_id: str,
    *,
    refused: str | None = None,
    problem: str | None = None,
    checkout: str | None = None,
) -> None:
    """Plans the next look at a deposit that is still pending, or ends it when it was refused."""

    def work() -> None:
        deposit = payments.deposits.lock(deposit_id)
        if not deposit.is_pending:
            return
        deposit.looked_up(clock.now(), problem)
        deposit.checkout = deposit.checkout or checkout
        if refused is not None:
            deposit.refuse(refused, at=clock.now())
        payments.deposits.save(deposit)

    payments.transaction(work)

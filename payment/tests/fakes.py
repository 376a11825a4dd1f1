"""Working stand-ins for what the use cases need: the stores in memory, a provider, a streamer service."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chassis.event import Event
from chassis.money import Money
from chassis.pagination import Page, decode_cursor, page_of
from chassis.times import rfc3339
from payment.domain.budget import CampaignBudget
from payment.domain.deposit import Deposit
from payment.domain.document import Document, DocumentKind
from payment.domain.earnings import Accrual, Hold, ParticipationEarnings
from payment.domain.errors import (
    ConcurrentUpdate,
    DepositNotFound,
    InvoiceNotFound,
    PaymentMethodNotFound,
    PayoutNotFound,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.ledger import (
    Account,
    AccountKind,
    Transaction,
    TransactionKind,
    balances_after,
    provider_clearing,
)
from payment.domain.page import PageRequest
from payment.domain.payout import Payout
from payment.domain.provider import (
    Checkout,
    Destination,
    PaymentMethod,
    Progress,
    ProviderEvent,
    ProviderObject,
)
from payment.domain.reconciliation import Cleared, Movement, MovementKind
from payment.domain.reversal import Reversal
from payment.domain.wallet import CampaignLedger, LedgerReport, WalletEntry, WalletPosting
from payment.domain.webhook import Webhook, WebhookStatus

MOVED_BY = {
    TransactionKind.DEPOSIT: MovementKind.DEPOSIT,
    TransactionKind.DEPOSIT_REVERSAL: MovementKind.REVERSAL,
    TransactionKind.REINSTATEMENT: MovementKind.REVERSAL,
    TransactionKind.PAYOUT: MovementKind.PAYOUT,
}


@dataclass
class Tables:
    balances: dict[Account, int] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    budgets: dict[str, CampaignBudget] = field(default_factory=dict)
    earnings: dict[str, ParticipationEarnings] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    released: dict[str, str] = field(default_factory=dict)
    deposits: dict[str, Deposit] = field(default_factory=dict)
    reversals: dict[tuple[str, str], tuple[str, Reversal]] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    webhooks: dict[tuple[str, str], Webhook] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[str, dict[str, Any] | None]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class FakePayments:
    """All tables in memory; a transaction that raises leaves them as they were."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.in_transaction = False
        self.ledger = FakeLedger(self)
        self.budgets = FakeBudgets(self)
        self.earnings = FakeEarnings(self)
        self.holds = FakeHolds(self)
        self.deposits = FakeDeposits(self)
        self.reversals = FakeReversals(self)
        self.payouts = FakePayouts(self)
        self.webhooks = FakeWebhooks(self)
        self.documents = FakeDocuments(self)
        self.answers = FakeAnswers(self)
        self.reports = FakeReports(self)

    @property
    def events(self) -> list[Event]:
        return self.tables.events

    def transaction(self, work: Callable[[], Any]) -> Any:
        if self.in_transaction:
            return work()
        before = copy.deepcopy(self.tables)
        self.in_transaction = True
        try:
            return work()
        except BaseException:
            self.tables = before
            raise
        finally:
            self.in_transaction = False


class Part:
    def __init__(self, payments: FakePayments) -> None:
        self._payments = payments

    @property
    def t(self) -> Tables:
        return self._payments.tables


def newest_first(found: list[Any], at: Callable[[Any], datetime], page: PageRequest) -> Page[Any]:
    def key(item: Any) -> list[str]:
        return [rfc3339(at(item)), item.id]

    ordered = sorted(found, key=key, reverse=True)
    if page.cursor is not None:
        after = decode_cursor(page.cursor)
        ordered = [item for item in ordered if key(item) < after]
    return page_of(ordered[: page.limit + 1], page.limit, key)


def saved(stored: Any, changed: Any) -> Any:
    """Compare-and-swap, as the real stores do it."""
    if stored.version != changed.version:
        raise ConcurrentUpdate()
    changed.version += 1
    return copy.deepcopy(changed)


class FakeLedger(Part):
    def post(self, *new: Transaction) -> None:
        for transaction in new:
            balances = {account: self.t.balances.get(account, 0) for account in transaction.accounts}
            self.t.balances.update(balances_after(transaction, balances))
            self.t.transactions[transaction.id] = transaction

    def balance(self, account: Account) -> Money:
        return Money(self.t.balances.get(account, 0), account.currency)


class FakeBudgets(Part):
    def lock(self, campaign_id: str, brand_id: str, currency: str) -> CampaignBudget:
        unfunded = CampaignBudget.unfunded(campaign_id, brand_id, currency)
        return copy.deepcopy(self.t.budgets.setdefault(campaign_id, unfunded))

    def lock_all(self, wanted: Collection[CampaignBudget]) -> dict[str, CampaignBudget]:
        return {one.campaign_id: self.lock(one.campaign_id, one.brand_id, one.currency) for one in wanted}

    def save(self, budget: CampaignBudget, events: Sequence[Event] = ()) -> None:
        self.t.budgets[budget.campaign_id] = saved(self.t.budgets[budget.campaign_id], budget)
        self.t.events.extend(events)


class FakeEarnings(Part):
    def lock_all(
        self, accruals: Collection[Accrual], fee_basis_points: int
    ) -> dict[str, ParticipationEarnings]:
        for accrual in accruals:
            nothing = ParticipationEarnings.nothing_yet(accrual, fee_basis_points)
            self.t.earnings.setdefault(accrual.participation_id, nothing)
        return {a.participation_id: copy.deepcopy(self.t.earnings[a.participation_id]) for a in accruals}

    def lock_refused(self, campaign_id: str) -> list[ParticipationEarnings]:
        mine = [e for e in self.t.earnings.values() if e.campaign_id == campaign_id and e.accrued > e.gross]
        return copy.deepcopy(sorted(mine, key=lambda earnings: earnings.participation_id))

    def save_all(self, changed: Sequence[tuple[ParticipationEarnings, Sequence[Event]]]) -> None:
        for earnings, events in changed:
            key = earnings.participation_id
            self.t.earnings[key] = saved(self.t.earnings[key], earnings)
            self.t.events.extend(events)


class FakeHolds(Part):
    def add_all(self, new: Sequence[Hold]) -> None:
        self.t.holds.update({hold.transaction_id: hold for hold in new})

    def lock_due(self, now: datetime, limit: int) -> list[Hold]:
        return sorted(self._unreleased(now), key=lambda hold: hold.release_at)[:limit]

    def mark_released(self, released: Sequence[tuple[Sequence[Hold], str]], events: Sequence[Event]) -> None:
        for holds, transaction_id in released:
            self.t.released.update({hold.transaction_id: transaction_id for hold in holds})
        self.t.events.extend(events)

    def _unreleased(self, now: datetime) -> list[Hold]:
        waiting = [h for h in self.t.holds.values() if h.transaction_id not in self.t.released]
        return [hold for hold in waiting if hold.release_at <= now]


class FakeDeposits(Part):
    def add(self, deposit: Deposit) -> None:
        self.t.deposits[deposit.id] = copy.deepcopy(deposit)

    def get(self, deposit_id: str) -> Deposit:
        if deposit_id not in self.t.deposits:
            raise DepositNotFound()
        return copy.deepcopy(self.t.deposits[deposit_id])

    lock = get

    def save(self, deposit: Deposit, events: Sequence[Event] = ()) -> None:
        self.t.deposits[deposit.id] = saved(self.t.deposits[deposit.id], deposit)
        self.t.events.extend(events)

    def due(self, now: datetime, limit: int) -> list[Deposit]:
        pending = [d for d in self.t.deposits.values() if d.is_pending and d.next_check_at <= now]
        return copy.deepcopy(sorted(pending, key=lambda d: d.next_check_at)[:limit])

    def lock_by_payment(self, provider: str, payment: str) -> Deposit:
        for deposit in self.t.deposits.values():
            if deposit.provider == provider and payment in (deposit.intent_id, deposit.payment_id):
                return copy.deepcopy(deposit)
        raise DepositNotFound()

    def references(self, provider: str, payments: Collection[str]) -> dict[str, str]:
        mine = [d for d in self.t.deposits.values() if d.provider == provider]
        names = {name: d.id for d in mine for name in (d.intent_id, d.payment_id) if name in payments}
        return {name: deposit for name, deposit in names.items() if name is not None}

    def outstanding(self, now: datetime, limit: int) -> list[str]:
        short = [d for d in self.t.deposits.values() if not d.outstanding.is_zero and d.next_check_at <= now]
        return [d.id for d in sorted(short, key=lambda d: d.next_check_at) if not d.is_pending][:limit]


class FakeReversals(Part):
    def keep(self, deposit: Deposit, reversal: Reversal, at: datetime) -> None:
        self.t.reversals[deposit.provider, reversal.id] = (deposit.id, reversal)

    def of_deposit(self, deposit_id: str) -> list[Reversal]:
        return [reversal for owner, reversal in self.t.reversals.values() if owner == deposit_id]


class FakePayouts(Part):
    def add(self, payout: Payout, events: Sequence[Event]) -> None:
        self.t.payouts[payout.id] = copy.deepcopy(payout)
        self.t.events.extend(events)

    def get(self, payout_id: str) -> Payout:
        if payout_id not in self.t.payouts:
            raise PayoutNotFound()
        return copy.deepcopy(self.t.payouts[payout_id])

    lock = get

    def save(self, payout: Payout, events: Sequence[Event] = ()) -> None:
        self.t.payouts[payout.id] = saved(self.t.payouts[payout.id], payout)
        self.t.events.extend(events)

    def of_streamer(self, streamer_id: str, page: PageRequest) -> Page[Payout]:
        mine = [p for p in self.t.payouts.values() if p.streamer_id == streamer_id]
        return newest_first(mine, lambda payout: payout.created_at, page)


class FakeWebhooks(Part):
    def keep(self, webhook: Webhook) -> None:
        self.t.webhooks.setdefault((webhook.provider, webhook.event.id), copy.deepcopy(webhook))

    def lock(self, provider: str, event_id: str) -> Webhook:
        return copy.deepcopy(self.t.webhooks[provider, event_id])

    def save(self, webhook: Webhook) -> None:
        self.t.webhooks[webhook.provider, webhook.event.id] = copy.deepcopy(webhook)

    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        waiting = [(k, w) for k, w in self.t.webhooks.items() if w.is_waiting and w.next_attempt_at <= now]
        return [key for key, _ in sorted(waiting, key=lambda pair: pair[1].next_attempt_at)][:limit]

    def contradictions(self, provider: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
        refused = [w for w in self.t.webhooks.values() if w.status == WebhookStatus.CONFLICT]
        came = [w for w in refused if w.provider == provider and since <= w.received_at < until]
        return [(w.event.id, w.note or "") for w in came]


class FakeDocuments(Part):
    def next_sequence(self, kind: DocumentKind) -> int:
        self.t.counters[kind] = self.t.counters.get(kind, 0) + 1
        return self.t.counters[kind]

    def add(self, document: Document) -> None:
        self.t.documents[document.id] = document

    def get(self, document_id: str) -> Document:
        if document_id not in self.t.documents:
            raise InvoiceNotFound()
        return self.t.documents[document_id]

    def of_account(self, account_id: str, page: PageRequest) -> Page[Document]:
        mine = [d for d in self.t.documents.values() if d.account_id == account_id]
        return newest_first(mine, lambda document: document.issued_at, page)


class FakeAnswers(Part):
    def find(self, scope: str, key: str) -> tuple[str, dict[str, Any]] | None:
        kept = self.t.answers.get((scope, key))
        return None if kept is None else (kept[0], dict(kept[1] or {}))

    def claim(self, scope: str, key: str, fingerprint: str, at: datetime) -> bool:
        if (scope, key) in self.t.answers:
            return False
        self.t.answers[scope, key] = (fingerprint, None)
        return True

    def keep(self, scope: str, key: str, answer: Mapping[str, Any]) -> None:
        self.t.answers[scope, key] = (self.t.answers[scope, key][0], dict(answer))


class FakeReports(Part):
    def balances(self, wallet: str, currency: str) -> dict[AccountKind, Money]:
        sums: dict[AccountKind, Money] = defaultdict(lambda: Money.zero(currency))
        for account, balance in self.t.balances.items():
            if account.wallet == wallet and account.currency == currency:
                sums[account.kind] += Money(balance, currency)
        return dict(sums)

    def entries(self, wallet: str, page: PageRequest) -> Page[WalletEntry]:
        entries = [self._entry(transaction, wallet) for transaction in self.t.transactions.values()]
        return newest_first([e for e in entries if e.postings], lambda entry: entry.at, page)

    def campaign(self, campaign_id: str) -> CampaignLedger | None:
        budget = self.t.budgets.get(campaign_id)
        if budget is None:
            return None
        zero = Money.zero(budget.currency)
        moved = dict.fromkeys(TransactionKind, zero)
        fee = zero
        for transaction in self.t.transactions.values():
            own = [p for p in transaction.postings if p.account == budget.escrow_account]
            for posting in own:
                moved[transaction.kind] += posting.amount
            if own:
                fees = [p for p in transaction.postings if p.account.kind == AccountKind.PLATFORM_FEES]
                fee = sum((posting.amount for posting in fees), fee)
        earned = -moved[TransactionKind.EARNING]
        return CampaignLedger(
            campaign_id=campaign_id,
            brand_id=budget.brand_id,
            reserved=moved[TransactionKind.RESERVATION],
            earned_gross=earned,
            platform_fee=fee,
            streamer_net=earned - fee,
            returned=-moved[TransactionKind.BUDGET_RETURN],
            escrow=sum(moved.values(), zero),
        )

    def cleared(self, provider: str, since: datetime, until: datetime) -> list[Cleared]:
        return [
            Cleared(MOVED_BY[t.kind], t.reference, -posting.amount, t.at)
            for t in self.t.transactions.values()
            for posting in t.postings
            if posting.account == provider_clearing(provider, posting.amount.currency)
            and since <= t.at < until
        ]

    def verify(self) -> LedgerReport:
        sums: dict[str, int] = defaultdict(int)
        posted: dict[Account, int] = defaultdict(int)
        for transaction in self.t.transactions.values():
            for posting in transaction.postings:
                sums[posting.amount.currency] += posting.amount.amount_minor
                posted[posting.account] += posting.amount.amount_minor
        balances = self.t.balances
        escrows = {b.campaign_id: balances.get(b.escrow_account, 0) for b in self.t.budgets.values()}
        return LedgerReport(
            sums=dict(sums),
            accounts=len(balances),
            transactions=len(self.t.transactions),
            negative_accounts=tuple(
                f"{a.kind}:{a.owner}:{a.currency}"
                for a, balance in balances.items()
                if balance < 0 and not a.may_be_negative
            ),
            mismatched_accounts=tuple(
                f"{a.kind}:{a.owner}:{a.currency}" for a, balance in balances.items() if balance != posted[a]
            ),
            unbalanced_transactions=(),
            mismatched_campaigns=tuple(
                b.campaign_id
                for b in self.t.budgets.values()
                if b.escrow.amount_minor != escrows[b.campaign_id]
            ),
        )

    def _entry(self, transaction: Transaction, wallet: str) -> WalletEntry:
        postings = tuple(
            WalletPosting(posting.account.kind, posting.amount)
            for posting in transaction.postings
            if posting.account.wallet == wallet
        )
        return WalletEntry(transaction.id, transaction.kind, transaction.at, transaction.reference, postings)


class FakeProvider:
    """Keeps what it was ordered to do; `fault` is raised by the next order, before or after it counts."""

    def __init__(self, name: str = "sandbox") -> None:
        self.name = name
        self.checkout: Checkout | None = None
        self.moved: list[Movement] = []
        self.objects: dict[str, ProviderObject] = {}
        self.orders: list[str] = []
        self.fault: Exception | None = None
        self.fault_after_it_counts = False

    def find_payment_method(self, reference: str) -> PaymentMethod:
        if reference != "pm_card_visa":
            raise PaymentMethodNotFound()
        return PaymentMethod("card", "visa", "4242", "2034-12")

    def create_payment(self, reference: str, amount: Money) -> ProviderObject:
        return self._order(f"pi_{reference}", reference, amount)

    def find_payment(self, intent_id: str) -> ProviderObject:
        return self._found(intent_id)

    def create_payout(self, reference: str, amount: Money, destination: Destination) -> ProviderObject:
        return self._order(f"po_{reference}", reference, amount)

    def find_payout(self, provider_payout_id: str) -> ProviderObject:
        return self._found(provider_payout_id)

    def read_webhook(self, headers: Mapping[str, str], body: str, now: datetime) -> ProviderEvent:
        raise NotImplementedError("the use cases are tested with events, the signature beside the adapter")

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        return (movement for movement in self.moved if since <= movement.at < until)

    def finish(self, id: str, progress: Progress, failure: str | None = None) -> ProviderObject:
        self.objects[id] = replace(self.objects[id], progress=progress, failure=failure)
        return self.objects[id]

    def times_out_once(self, *, after_it_counts: bool = False) -> None:
        self.fault, self.fault_after_it_counts = ProviderUnavailable(), after_it_counts

    def refuses_once(self, reason: str) -> None:
        self.fault, self.fault_after_it_counts = ProviderRefused(reason), False

    def _order(self, id: str, reference: str, amount: Money) -> ProviderObject:
        self.orders.append(reference)
        fault, self.fault = self.fault, None
        if fault is None or self.fault_after_it_counts:
            ordered = ProviderObject(id, reference, amount, Progress.PROCESSING, checkout=self.checkout)
            self.objects.setdefault(id, ordered)
        if fault is not None:
            raise fault
        return self.objects[id]

    def _found(self, id: str) -> ProviderObject:
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        return self.objects[id]


class FakeStreamers:
    def __init__(self, destination: Destination | None) -> None:
        self.destination = destination

    def payout_destination(self, streamer_id: str) -> Destination | None:
        return self.destination


class PlainVault:
    def encrypt(self, text: str) -> str:
        return f"sealed:{text}"

    def decrypt(self, text: str) -> str:
        return text.removeprefix("sealed:")


class RecordingSagas:
    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []

    def start(self, type: str, key: str, data: dict[str, Any]) -> str:
        self.started.append((type, key))
        return f"saga_{len(self.started)}"

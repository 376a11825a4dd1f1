"""The people, the amounts and the moments that the tests tell their stories with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from chassis.clock import FixedClock
from chassis.errors import Error
from chassis.event import ReceivedEvent
from chassis.ids import new_id
from chassis.money import Money
from chassis.principal import Principal
from chassis.saga_steps import SagaState
from payment.domain.deposit import Deposit
from payment.domain.payout import Payout
from payment.domain.provider import Destination, Progress, ProviderEvent, ProviderObject, Subject
from payment.domain.reversal import Reversal
from payment.domain.webhook import Webhook
from payment.handlers import budgets, deposits, earnings, payouts, webhooks
from payment.handlers.budgets import ReleaseBudget, Reserve
from payment.handlers.deposits import MakeDeposit
from payment.handlers.payouts import PayoutDesk, RequestPayout
from payment.providers import Providers
from payment.tests.fakes import FakeProvider, FakeStreamers, PlainVault, RecordingSagas

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TERMS = earnings.Terms(fee_basis_points=2000, hold=timedelta(days=3))
IBAN = Destination("bank", "Nova", "DE89370400440532013000")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def acme(id: str = "brd_acme") -> Principal:
    return Principal(id=id, kind="brand")


def nova_the_streamer(id: str = "str_nova") -> Principal:
    return Principal(id=id, kind="streamer")


def the_auditor() -> Principal:
    return Principal(id="adm_ada", kind="admin")


def accrued(
    total: int,
    *,
    number: int = 1,
    participation: str = "prt_1",
    campaign: str = "cmp_1",
    streamer: str = "str_nova",
    currency: str = "USD",
) -> ReceivedEvent:
    data: dict[str, Any] = {
        "participation_id": participation,
        "campaign_id": campaign,
        "brand_id": "brd_acme",
        "streamer_id": streamer,
        "currency": currency,
        "earned_total_minor": total,
        "accrual": number,
    }
    return ReceivedEvent(
        f"{participation}:{number}", "earnings_accrued", "participation", MORNING, participation, 1, data
    )


@dataclass
class Office:
    """Payment with its collaborators, over any store: what the tests act on."""

    payments: Any
    clock: FixedClock = field(default_factory=lambda: FixedClock(MORNING))
    provider: FakeProvider = field(default_factory=FakeProvider)
    streamers: FakeStreamers = field(default_factory=lambda: FakeStreamers(IBAN))
    sagas: RecordingSagas = field(default_factory=RecordingSagas)
    keys: Any = field(default_factory=count)

    @property
    def providers(self) -> Providers:
        return Providers({self.provider.name: self.provider})

    @property
    def desk(self) -> PayoutDesk:
        return PayoutDesk(
            self.payments,
            self.streamers,
            PlainVault(),
            self.sagas,
            self.providers,
            "USD",
            step_up_above=500_00,
        )

    def key(self) -> str:
        return f"key-{next(self.keys)}"

    def order_deposit(self, minor: int, by: Principal | None = None, key: str | None = None) -> Deposit:
        command = MakeDeposit(usd(minor), key or self.key())
        who = by or acme()
        return deposits.make_deposit(
            self.payments, self.provider, PlainVault(), self.clock, new_id, "USD", who, command
        )

    def deposit(self, minor: int, by: Principal | None = None) -> Deposit:
        ordered = self.order_deposit(minor, by)
        self.tell_of_payment(ordered, Progress.SUCCEEDED)
        return self.payments.transaction(lambda: self.payments.deposits.get(ordered.id))

    def tell_of_payment(self, deposit: Deposit, progress: Progress, *, event: str | None = None) -> None:
        found = ProviderObject(f"pi_{deposit.id}", deposit.id, deposit.amount, progress)
        self.tell(Subject.PAYMENT, found, event)

    def tell_of_payout(
        self, payout: Payout, progress: Progress, *, event: str | None = None, failure: str | None = None
    ) -> None:
        found = ProviderObject(f"po_{payout.id}", payout.id, payout.amount, progress, failure)
        self.tell(Subject.PAYOUT, found, event)

    def tell_of_reversal(self, found: Reversal, event: str | None = None) -> None:
        self.tell(Subject.REVERSAL, found, event)

    def tell(
        self,
        subject: Subject,
        found: ProviderObject | Reversal,
        event: str | None = None,
        objection: str | None = None,
    ) -> None:
        """What a signed webhook does once its signature was verified."""
        told = ProviderEvent(event or f"evt_{self.key()}", f"{subject}.told", subject, found, objection)
        webhook = Webhook.arrived(self.provider.name, told, self.clock.now())
        self.payments.transaction(lambda: self.payments.webhooks.keep(webhook))
        webhooks.apply_webhook(self.payments, self.clock, new_id, self.provider.name, told.id)

    def reserve(
        self, minor: int, *, campaign: str = "cmp_1", brand: str = "brd_acme", key: str | None = None
    ) -> dict[str, Any]:
        command = Reserve(campaign, brand, usd(minor), key or self.key())
        return budgets.reserve(self.payments, self.clock, new_id, "USD", TERMS, command)

    def release(
        self,
        *,
        earned: int | None = None,
        campaign: str = "cmp_1",
        brand: str = "brd_acme",
        key: str | None = None,
    ) -> dict[str, Any]:
        total = None if earned is None else usd(earned)
        command = ReleaseBudget(campaign, brand, key or self.key(), earned=total)
        return budgets.release_budget(self.payments, self.clock, new_id, "USD", command)

    def accrue(self, total: int, terms: earnings.Terms = TERMS, **details: Any) -> None:
        self.accrue_together(accrued(total, **details), terms=terms)

    def accrue_together(self, *events: ReceivedEvent, terms: earnings.Terms = TERMS) -> None:
        earnings.post_accruals(self.payments, self.clock, new_id, terms, events)

    def release_holds(self) -> int:
        return earnings.release_due_holds(self.payments, self.clock, new_id)

    def fund_nova(self, minor: int) -> None:
        """So much net is available to Nova, after the fee and the hold."""
        gross = minor * 5 // 4
        self.deposit(gross)
        self.reserve(gross)
        self.accrue(gross)
        self.clock.advance(TERMS.hold.total_seconds())
        self.release_holds()

    def request_payout(self, minor: int, by: Principal | None = None, key: str | None = None) -> Payout:
        command = RequestPayout(usd(minor), key or self.key())
        return payouts.request_payout(self.desk, self.clock, new_id, by or nova_the_streamer(), command)

    def payout(self, payout_id: str) -> Payout:
        return self.payments.transaction(lambda: self.payments.payouts.get(payout_id))

    def run_saga(self, payout: Payout) -> SagaState:
        """Runs the saga's steps as chassis does, until it ends or a step has to be tried again."""
        steps = payouts.payout_steps(self.payments, self.providers, PlainVault(), self.clock, new_id)
        state = SagaState("saga_1", payouts.PAYOUT_SAGA, payout.id, {"payout_id": payout.id})
        return run_steps(steps, state)

    def balance(self, wallet: str, kind: str) -> int:
        balances = self.payments.transaction(lambda: self.payments.reports.balances(wallet, "USD"))
        return balances[kind].amount_minor if kind in balances else 0


def run_steps(steps: list[Any], state: SagaState) -> SagaState:
    for index, step in enumerate(steps):
        try:
            step.do(state)
        except Error as error:
            if not error.is_final:
                return state
            state.error = {"code": error.code, "detail": error.detail}
            for done in reversed(steps[:index]):
                if done.undo is not None:
                    done.undo(state)
            state.status = "compensated"
            return state
        state.step = index + 1
    state.status = "done"
    return state

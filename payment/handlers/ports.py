"""What the use cases need from the outside.

Every `lock` holds the row until the transaction ends and is called inside `Payments.transaction`;
a row is opened when it is missing where the docstring says so. Locks are taken in this order, so that
nobody waits in a circle: webhook, hold, deposit or payout, campaign budget, participation, accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from chassis.event import Event
from chassis.money import Money
from chassis.pagination import Page
from chassis.principal import Caller
from payment.domain.budget import CampaignBudget
from payment.domain.deposit import Deposit
from payment.domain.document import Document, DocumentKind
from payment.domain.earnings import Accrual, Hold, ParticipationEarnings
from payment.domain.ledger import Account, AccountKind, Transaction
from payment.domain.page import PageRequest
from payment.domain.payout import Payout
from payment.domain.provider import Destination, PaymentMethod, ProviderEvent, ProviderObject
from payment.domain.reconciliation import Cleared, Movement
from payment.domain.reversal import Reversal
from payment.domain.wallet import CampaignLedger, LedgerReport, WalletEntry
from payment.domain.webhook import Webhook

T = TypeVar("T")


class Ledger(Protocol):
    def post(self, *transactions: Transaction) -> None:
        """Locks the accounts in their order; InsufficientFunds when one would be overdrawn."""

    def balance(self, account: Account) -> Money:
        """Holds the account until the transaction ends."""


class Budgets(Protocol):
    def lock(self, campaign_id: str, brand_id: str, currency: str) -> CampaignBudget:
        """Opens an unfunded budget for a campaign that has none."""

    def lock_all(self, wanted: Collection[CampaignBudget]) -> dict[str, CampaignBudget]:
        """As `lock` for each of these unfunded ones, in one order; by campaign."""

    def save(self, budget: CampaignBudget, events: Sequence[Event] = ()) -> None: ...


class Earnings(Protocol):
    def lock_all(
        self, accruals: Collection[Accrual], fee_basis_points: int
    ) -> dict[str, ParticipationEarnings]:
        """By participation, in one order; opens empty earnings, with this fee, for one that has none."""

    def lock_refused(self, campaign_id: str) -> list[ParticipationEarnings]:
        """Those of a campaign that its escrow could not pay in full."""

    def save_all(self, changed: Sequence[tuple[ParticipationEarnings, Sequence[Event]]]) -> None: ...


class Holds(Protocol):
    def add_all(self, holds: Sequence[Hold]) -> None: ...

    def lock_due(self, now: datetime, limit: int) -> list[Hold]:
        """Those that are due for longest; leaves out what another process is releasing at this moment."""

    def mark_released(self, released: Sequence[tuple[Sequence[Hold], str]], events: Sequence[Event]) -> None:
        """Each with the id of the transaction that released them."""


class Deposits(Protocol):
    def add(self, deposit: Deposit) -> None: ...

    def get(self, deposit_id: str) -> Deposit: ...

    def lock(self, deposit_id: str) -> Deposit: ...

    def save(self, deposit: Deposit, events: Sequence[Event] = ()) -> None: ...

    def lock_by_payment(self, provider: str, payment: str) -> Deposit:
        """By the provider's id of the order or of the money."""

    def due(self, now: datetime, limit: int) -> list[Deposit]:
        """Pending deposits whose time to be looked up has come, longest waiting first."""

    def references(self, provider: str, payments: Collection[str]) -> dict[str, str]:
        """Our ids by the provider's ids of orders or of money; those that we do not know are left out."""

    def outstanding(self, now: datetime, limit: int) -> list[str]:
        """Ids of those that the wallet still owes something for, when their time has come."""


class Reversals(Protocol):
    def keep(self, deposit: Deposit, reversal: Reversal, at: datetime) -> None:
        """In the place of what was known of it."""

    def of_deposit(self, deposit_id: str) -> list[Reversal]:
        """In the order in which they became known."""


class Payouts(Protocol):
    def add(self, payout: Payout, events: Sequence[Event]) -> None: ...

    def get(self, payout_id: str) -> Payout: ...

    def lock(self, payout_id: str) -> Payout: ...

    def save(self, payout: Payout, events: Sequence[Event] = ()) -> None: ...

    def of_streamer(self, streamer_id: str, page: PageRequest) -> Page[Payout]: ...


class Webhooks(Protocol):
    def keep(self, webhook: Webhook) -> None:
        """Does nothing when the provider's event is kept already."""

    def lock(self, provider: str, event_id: str) -> Webhook: ...

    def save(self, webhook: Webhook) -> None: ...

    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """(provider, event id) of the waiting ones whose next attempt is due."""

    def contradictions(self, provider: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
        """(event id, note) of those that came in this time and were not applied because of what they say."""


class Documents(Protocol):
    def next_sequence(self, kind: DocumentKind) -> int:
        """Holds the counter until the transaction ends: numbers have no gaps, whoever rolls back."""

    def add(self, document: Document) -> None: ...

    def get(self, document_id: str) -> Document: ...

    def of_account(self, account_id: str, page: PageRequest) -> Page[Document]: ...


class Answers(Protocol):
    """Answers kept by idempotency key."""

    def find(self, scope: str, key: str) -> tuple[str, dict[str, Any]] | None:
        """(fingerprint of the request, answer), or None."""

    def claim(self, scope: str, key: str, fingerprint: str, at: datetime) -> bool:
        """False when the key is taken; waits for a transaction that is just claiming it."""

    def keep(self, scope: str, key: str, answer: Mapping[str, Any]) -> None: ...


class Reports(Protocol):
    def balances(self, wallet: str, currency: str) -> dict[AccountKind, Money]:
        """Sums of the wallet's accounts of one kind."""

    def entries(self, wallet: str, page: PageRequest) -> Page[WalletEntry]: ...

    def campaign(self, campaign_id: str) -> CampaignLedger | None: ...

    def cleared(self, provider: str, since: datetime, until: datetime) -> list[Cleared]:
        """What was posted between us and the provider, from `since` on and before `until`."""

    def verify(self) -> LedgerReport:
        """Reads everything in one snapshot."""


class Payments(Protocol):
    def transaction(self, work: Callable[[], T]) -> T:
        """All or nothing; joins a transaction that is open; `work` may run more than once."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def budgets(self) -> Budgets: ...

    @property
    def earnings(self) -> Earnings: ...

    @property
    def holds(self) -> Holds: ...

    @property
    def deposits(self) -> Deposits: ...

    @property
    def reversals(self) -> Reversals: ...

    @property
    def payouts(self) -> Payouts: ...

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def documents(self) -> Documents: ...

    @property
    def answers(self) -> Answers: ...

    @property
    def reports(self) -> Reports: ...


class PaymentProvider(Protocol):
    """Orders are idempotent by their reference: the same one again gets the first one's answer.

    `find_payment` also takes the payment's next step, where the provider leaves that to us.
    ProviderRefused means that it will never happen. ProviderUnavailable means that nothing is known.
    """

    @property
    def name(self) -> str: ...

    def create_payment(self, reference: str, amount: Money) -> ProviderObject: ...

    def find_payment(self, intent_id: str) -> ProviderObject: ...

    def create_payout(self, reference: str, amount: Money, destination: Destination) -> ProviderObject: ...

    def find_payout(self, provider_payout_id: str) -> ProviderObject: ...

    def find_payment_method(self, reference: str) -> PaymentMethod:
        """PaymentMethodNotFound when the provider says that there is none."""

    def read_webhook(self, headers: Mapping[str, str], body: str, now: datetime) -> ProviderEvent:
        """BadSignature unless the provider signed it lately; MalformedWebhook when it is no event."""

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """What moved on our account there, from `since` on and before `until`, in any order."""


class Providers(Protocol):
    def named(self, name: str) -> PaymentProvider:
        """ProviderNotConfigured when this installation has no keys for it."""


class Payee(Caller, Protocol):
    """The end user, with what the access token tells of how and when they were recognised."""

    def must_have_authenticated(self, acr: str, max_age: int | None, now: datetime) -> None:
        """StepUpRequired unless it was as strongly, and at most so many seconds ago."""


class Streamers(Protocol):
    def payout_destination(self, streamer_id: str) -> Destination | None:
        """None unless the streamer has a verified payout method."""


class Vault(Protocol):
    def encrypt(self, text: str) -> str: ...

    def decrypt(self, text: str) -> str: ...


class Sagas(Protocol):
    def start(self, type: str, key: str, data: dict[str, Any]) -> str: ...

"""The Nameko class of payment: loads the schema, calls the use case, dumps the answer."""

from chassis import runtime

runtime.patch()

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from eventlet import tpool
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from chassis.config import Secret, Settings
from chassis.crypto import SecretBox
from chassis.event import ReceivedEvent
from chassis.events.consumer import batch_event_handler
from chassis.extensions import Configuration
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.saga import SagaRun, saga
from chassis.service import Service
from chassis.sql import SqlInbox, SqlSagas, SqlStore
from payment import clients, pdf, providers, schemas, storage
from payment.domain.page import PageRequest
from payment.handlers import (
    budgets,
    deposits,
    earnings,
    methods,
    payouts,
    reading,
    reconciliation,
    reversals,
    webhooks,
)
from payment.handlers.ports import PaymentProvider
from payment.providers.paypal import PayPalProvider
from payment.providers.sandbox import SandboxProvider
from payment.providers.stripe import StripeProvider

# The hold of the local stack is two seconds, and a round without due holds costs one indexed query.
SECONDS_BETWEEN_RELEASES = 1
SECONDS_BETWEEN_FOLLOW_UPS = 1

# A budget of many streamers has one row that their earnings lock, so they are posted together; what a
# participation earns meanwhile adds up to one posting.
EARNINGS_BATCH = {"size": 200, "seconds": 0.2}


@dataclass(frozen=True, kw_only=True)
class PaymentSettings(Settings):
    """`hold_seconds` is how long earnings stay pending; 2,000 basis points are a fee of 20 %.

    A participation keeps the fee that was configured when it first earned something. A payout of more than
    `payout_step_up_minor` needs an authentication of late. `deposit_return_url` is where PayPal sends a payer
    back to, and `paypal_ca_file` holds the authorities behind PayPal's certificates where those that browsers
    trust are not meant.
    """

    payout_step_up_minor: int = 500_00
    hold_seconds: int = 3 * 24 * 3600
    fee_basis_points: int = 2000
    wallet_currency: str = "USD"
    sandbox_api_url: str = "http://127.0.0.1:8092"
    sandbox_api_key: Secret[str] = Secret("")  # noqa: RUF009
    sandbox_webhook_secret: Secret[str] = Secret("")  # noqa: RUF009
    stripe_api_url: str = "https://api.stripe.com"
    stripe_secret_key: Secret[str] = Secret("")  # noqa: RUF009
    stripe_webhook_secret: Secret[str] = Secret("")  # noqa: RUF009
    paypal_api_url: str = "https://api-m.paypal.com"
    paypal_client_id: str = ""
    paypal_client_secret: Secret[str] = Secret("")  # noqa: RUF009
    paypal_webhook_id: str = ""
    paypal_ca_file: str = ""
    deposit_return_url: str = ""

    @property
    def terms(self) -> earnings.Terms:
        return earnings.Terms(self.fee_basis_points, timedelta(seconds=self.hold_seconds))


class ConfiguredProviders(DependencyProvider):
    """The providers for which there are keys. Without a webhook secret anybody could sign."""

    configuration = Configuration()

    def setup(self) -> None:
        self._providers = providers.Providers(configured(self.configuration.settings))

    def get_dependency(self, worker_ctx: object) -> providers.Providers:
        return self._providers


def configured(settings: PaymentSettings) -> dict[str, PaymentProvider]:
    found: dict[str, PaymentProvider] = {}
    key, secret = settings.sandbox_api_key.reveal(), settings.sandbox_webhook_secret.reveal()
    if key and secret:
        found["sandbox"] = SandboxProvider.at(settings.sandbox_api_url, key, secret)
    key, secret = settings.stripe_secret_key.reveal(), settings.stripe_webhook_secret.reveal()
    if key and secret:
        found["stripe"] = StripeProvider.at(settings.stripe_api_url, key, secret)
    if settings.paypal_client_id and settings.paypal_client_secret and settings.paypal_webhook_id:
        found["paypal"] = PayPalProvider.at(
            settings.paypal_api_url,
            settings.paypal_client_id,
            settings.paypal_client_secret.reveal(),
            webhook_id=settings.paypal_webhook_id,
            ca_file=settings.paypal_ca_file,
            return_url=settings.deposit_return_url or settings.public_url,
        )
    return found


class Vault(DependencyProvider):
    """Encrypts payout destinations."""

    configuration = Configuration()

    def setup(self) -> None:
        self._box = SecretBox(self.configuration.settings.secrets_key.reveal())

    def get_dependency(self, worker_ctx: object) -> SecretBox:
        return self._box


class PaymentService(Service):
    name = "payment"
    settings_class = PaymentSettings

    payments = SqlStore(storage.SqlPayments)
    inbox = SqlInbox()
    sagas = SqlSagas()
    streamers = RpcClient("streamer", clients.Streamers)
    providers = ConfiguredProviders()
    vault = Vault()

    @rpc(callers={"gateway"})
    def wallet(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.Nothing().load(request)
        wallet = reading.get_wallet(self.payments, self.principal, self.settings.wallet_currency)
        return schemas.Wallet().dump(wallet)

    @rpc(callers={"gateway"})
    def transactions(self, request: dict[str, Any]) -> dict[str, Any]:
        page = PageRequest(**schemas.ListQuery().load(request))
        return schemas.TransactionPage().dump(reading.list_transactions(self.payments, self.principal, page))

    @rpc(callers={"gateway"})
    def deposit(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.MakeDeposit().load(request)
        provider = self.providers.named(command.pop("provider"))
        deposit = deposits.make_deposit(
            self.payments,
            provider,
            self.vault,
            self.clock,
            self.new_id,
            self.settings.wallet_currency,
            self.principal,
            deposits.MakeDeposit(**command),
        )
        return schemas.Deposit().dump(deposits.shown(self.vault, deposit))

    @rpc(callers={"gateway"})
    def get_deposit(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.DepositRef().load(request)
        deposit = deposits.get_deposit(self.payments, self.principal, query["deposit_id"])
        return schemas.Deposit().dump(deposits.shown(self.vault, deposit))

    @rpc(callers={"gateway"})
    def list_invoices(self, request: dict[str, Any]) -> dict[str, Any]:
        page = PageRequest(**schemas.ListQuery().load(request))
        return schemas.InvoicePage().dump(reading.list_invoices(self.payments, self.principal, page))

    @rpc(callers={"gateway"})
    def get_invoice(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.InvoiceRef().load(request)
        return schemas.Invoice().dump(reading.get_invoice(self.payments, self.principal, query["invoice_id"]))

    @rpc(callers={"gateway"})
    def invoice_pdf(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.InvoiceRef().load(request)
        invoice = reading.get_invoice(self.payments, self.principal, query["invoice_id"])
        content = tpool.execute(pdf.render, invoice)
        encoded = base64.b64encode(content).decode()
        return schemas.InvoicePdf().dump({"filename": f"{invoice.number}.pdf", "content_base64": encoded})

    @rpc(callers={"gateway"})
    def request_payout(self, request: dict[str, Any]) -> dict[str, Any]:
        command = payouts.RequestPayout(**schemas.RequestPayout().load(request))
        payout = payouts.request_payout(self._desk(), self.clock, self.new_id, self.principal, command)
        return schemas.Payout().dump(payout)

    @rpc(callers={"gateway"})
    def list_payouts(self, request: dict[str, Any]) -> dict[str, Any]:
        page = PageRequest(**schemas.ListQuery().load(request))
        return schemas.PayoutPage().dump(payouts.list_payouts(self.payments, self.principal, page))

    @rpc(callers={"gateway"})
    def get_payout(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.PayoutRef().load(request)
        return schemas.Payout().dump(payouts.get_payout(self.payments, self.principal, query["payout_id"]))

    @rpc(callers={"gateway"})
    def provider_webhook(self, request: dict[str, Any]) -> dict[str, Any]:
        webhook = schemas.ProviderWebhook().load(request)
        provider = self.providers.named(webhook["provider"])
        webhooks.receive_webhook(
            self.payments, provider, self.clock, self.new_id, webhook["headers"], webhook["body"]
        )
        return schemas.WebhookReceived().dump({"received": True})

    @rpc(callers={"campaign"})
    def reserve(self, request: dict[str, Any]) -> dict[str, Any]:
        command = budgets.Reserve(**schemas.Reserve().load(request))
        return budgets.reserve(
            self.payments,
            self.clock,
            self.new_id,
            self.settings.wallet_currency,
            self.settings.terms,
            command,
        )

    @rpc(callers={"campaign"})
    def release_budget(self, request: dict[str, Any]) -> dict[str, Any]:
        command = budgets.ReleaseBudget(**schemas.ReleaseBudget().load(request))
        return budgets.release_budget(
            self.payments, self.clock, self.new_id, self.settings.wallet_currency, command
        )

    @rpc(callers={"brand"})
    def describe_payment_method(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.PaymentMethodRef().load(request)
        return schemas.PaymentMethod().dump(methods.describe_payment_method(self.providers, **query))

    @rpc(callers={"gateway"})
    def verify_ledger(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.Nothing().load(request)
        return schemas.LedgerReport().dump(reading.verify_ledger(self.payments, self.principal))

    @rpc(callers={"operator"})
    def verify_books(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.Nothing().load(request)
        return schemas.LedgerReport().dump(self.payments.reports.verify())

    @rpc(callers={"gateway"})
    def reconcile(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.Reconcile().load(request)
        provider = self.providers.named(query["provider"])
        period = reconciliation.Period(query["since"], query["until"])
        found = reconciliation.reconcile(self.payments, provider, self.clock, self.principal, period)
        return schemas.Reconciliation().dump(found)

    @rpc(callers={"gateway"})
    def campaign_ledger(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignRef().load(request)
        ledger = reading.campaign_ledger(self.payments, self.principal, query["campaign_id"])
        return schemas.CampaignLedger().dump(ledger)

    @batch_event_handler("participation", "earnings_accrued", **EARNINGS_BATCH)
    def on_earnings_accrued(self, events: list[ReceivedEvent]) -> None:
        earnings.post_accruals(self.payments, self.clock, self.new_id, self.settings.terms, events)

    @saga(payouts.PAYOUT_SAGA)
    def payout(self, run: SagaRun) -> None:
        steps = payouts.payout_steps(self.payments, self.providers, self.vault, self.clock, self.new_id)
        run.advance(steps)

    @timer(interval=SECONDS_BETWEEN_RELEASES)
    def release_holds(self) -> None:
        earnings.release_due_holds(self.payments, self.clock, self.new_id)

    @timer(interval=SECONDS_BETWEEN_FOLLOW_UPS)
    def follow_up(self) -> None:
        webhooks.apply_waiting_webhooks(self.payments, self.clock, self.new_id)
        reversals.collect_reversals(self.payments, self.clock, self.new_id)
        deposits.follow_up_deposits(self.payments, self.providers, self.vault, self.clock, self.new_id)

    def _desk(self) -> payouts.PayoutDesk:
        return payouts.PayoutDesk(
            payments=self.payments,
            streamers=self.streamers,
            vault=self.vault,
            sagas=self.sagas,
            providers=self.providers,
            currency=self.settings.wallet_currency,
            step_up_above=self.settings.payout_step_up_minor,
        )

"""What brands, streamers and auditors may look at. Another's object answers as a missing one."""

from __future__ import annotations

from chassis.pagination import Page
from chassis.principal import Caller
from payment.domain.document import Document
from payment.domain.errors import CampaignNotFound, InvoiceNotFound
from payment.domain.page import PageRequest
from payment.domain.wallet import CampaignLedger, LedgerReport, Wallet, WalletEntry, wallet
from payment.handlers.ports import Payments


def get_wallet(payments: Payments, by: Caller, currency: str) -> Wallet:
    by.must_be("brand", "streamer")
    balances = payments.transaction(lambda: payments.reports.balances(by.id, currency))
    return wallet(by.id, by.kind, balances, currency)


def list_transactions(payments: Payments, by: Caller, page: PageRequest) -> Page[WalletEntry]:
    by.must_be("brand", "streamer")
    return payments.transaction(lambda: payments.reports.entries(by.id, page))


def list_invoices(payments: Payments, by: Caller, page: PageRequest) -> Page[Document]:
    by.must_be("brand", "streamer")
    return payments.transaction(lambda: payments.documents.of_account(by.id, page))


def get_invoice(payments: Payments, by: Caller, invoice_id: str) -> Document:
    by.must_be("brand", "streamer")
    document = payments.transaction(lambda: payments.documents.get(invoice_id))
    if not by.owns(document.account_id):
        raise InvoiceNotFound()
    return document


def verify_ledger(payments: Payments, by: Caller) -> LedgerReport:
    by.must_be("admin")
    return payments.reports.verify()


def campaign_ledger(payments: Payments, by: Caller, campaign_id: str) -> CampaignLedger:
    by.must_be("admin", "brand")
    ledger = payments.transaction(lambda: payments.reports.campaign(campaign_id))
    if ledger is None or not (by.is_admin or by.owns(ledger.brand_id)):
        raise CampaignNotFound()
    return ledger

"""Receipts and statements to print."""

from __future__ import annotations

from chassis.pdf import Paper
from payment.domain.document import Document, DocumentKind

TITLES = {DocumentKind.RECEIPT: "Receipt", DocumentKind.PAYOUT_STATEMENT: "Payout statement"}
AMOUNT_WIDTH = 50


def render(document: Document) -> bytes:
    title = f"{TITLES[document.kind]} {document.number}"
    paper = Paper(title, creator="Gametriggers", at=document.issued_at)
    paper.heading(title)
    for label, value in facts(document):
        paper.line(f"{label}: {value}")
    paper.gap()
    for line in document.lines:
        paper.row([line.description, str(line.amount)], [AMOUNT_WIDTH])
    paper.row(["Total", str(document.total)], [AMOUNT_WIDTH], bold=True)
    return paper.bytes()


def facts(document: Document) -> list[tuple[str, str]]:
    return [
        ("Issued", document.issued_at.strftime("%Y-%m-%d %H:%M UTC")),
        ("Account", document.account_id),
        ("Reference", document.reference),
    ]

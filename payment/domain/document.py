"""Receipts and payout statements: numbered per kind, without gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.money import Money
from payment.domain.deposit import Deposit
from payment.domain.payout import Payout


class DocumentKind(StrEnum):
    RECEIPT = "receipt"
    PAYOUT_STATEMENT = "payout_statement"


NUMBER_PREFIX = {DocumentKind.RECEIPT: "REC", DocumentKind.PAYOUT_STATEMENT: "PST"}


@dataclass(frozen=True)
class Line:
    description: str
    amount: Money


@dataclass(frozen=True)
class Document:
    """`sequence` counts 1, 2, 3 … per kind; `reference` is the deposit or payout it is about."""

    id: str
    kind: DocumentKind
    sequence: int
    account_id: str
    reference: str
    issued_at: datetime
    lines: tuple[Line, ...]

    @property
    def number(self) -> str:
        return f"{NUMBER_PREFIX[self.kind]}-{self.sequence:06d}"

    @property
    def total(self) -> Money:
        return sum((line.amount for line in self.lines[1:]), self.lines[0].amount)


def receipt(deposit: Deposit, *, id: str, sequence: int, at: datetime) -> Document:
    line = Line(f"Deposit through {deposit.provider}", deposit.amount)
    return Document(id, DocumentKind.RECEIPT, sequence, deposit.brand_id, deposit.id, at, (line,))


def payout_statement(payout: Payout, *, id: str, sequence: int, at: datetime) -> Document:
    line = Line(f"Payout to {payout.destination_hint}", payout.amount)
    kind = DocumentKind.PAYOUT_STATEMENT
    return Document(id, kind, sequence, payout.streamer_id, payout.id, at, (line,))

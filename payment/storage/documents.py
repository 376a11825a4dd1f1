"""Receipts and statements, and the counters that number them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row

from chassis.money import Money
from chassis.pagination import Page
from payment.domain.document import Document, DocumentKind, Line
from payment.domain.errors import InvoiceNotFound
from payment.domain.page import PageRequest
from payment.storage.base import SqlPart, newest_first, page
from payment.storage.tables import document_counters, documents


class SqlDocuments(SqlPart):
    def next_sequence(self, kind: DocumentKind) -> int:
        first = insert(document_counters).values(kind=kind.value, last=1)
        counted = first.on_conflict_do_update(
            index_elements=["kind"], set_={"last": document_counters.c.last + 1}
        )
        return int(self.connection.execute(counted.returning(document_counters.c.last)).scalar_one())

    def add(self, document: Document) -> None:
        lines = [
            {"description": line.description, "amount": line.amount.to_dict()} for line in document.lines
        ]
        self.connection.execute(
            documents.insert().values(
                id=document.id,
                kind=document.kind.value,
                sequence=document.sequence,
                account_id=document.account_id,
                reference=document.reference,
                issued_at=document.issued_at,
                lines=lines,
            )
        )

    def get(self, document_id: str) -> Document:
        row = self.connection.execute(documents.select().where(documents.c.id == document_id)).one_or_none()
        if row is None:
            raise InvoiceNotFound()
        return document_of(row)

    def of_account(self, account_id: str, request: PageRequest) -> Page[Document]:
        mine = documents.select().where(documents.c.account_id == account_id)
        ordered = newest_first(mine, documents.c.issued_at, documents.c.id, request.cursor)
        found = [document_of(row) for row in self.rows(ordered.limit(request.limit + 1))]
        return page(found, request.limit, lambda document: document.issued_at, lambda document: document.id)


def document_of(row: Row[Any]) -> Document:
    lines = tuple(Line(line["description"], Money.from_dict(line["amount"])) for line in row.lines)
    kind = DocumentKind(row.kind)
    return Document(row.id, kind, row.sequence, row.account_id, row.reference, row.issued_at, lines)

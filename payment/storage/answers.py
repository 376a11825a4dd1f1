"""Answers by idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from payment.storage.base import SqlPart
from payment.storage.tables import idempotency_keys


class SqlAnswers(SqlPart):
    def find(self, scope: str, key: str) -> tuple[str, dict[str, Any]] | None:
        query = idempotency_keys.select().where(
            idempotency_keys.c.scope == scope, idempotency_keys.c.key == key
        )
        row = self.connection.execute(query).one_or_none()
        return None if row is None else (row.fingerprint, row.answer)

    def claim(self, scope: str, key: str, fingerprint: str, at: datetime) -> bool:
        row = {"scope": scope, "key": key, "fingerprint": fingerprint, "created_at": at}
        statement = insert(idempotency_keys).values(row).on_conflict_do_nothing()
        return self.connection.execute(statement).rowcount == 1

    def keep(self, scope: str, key: str, answer: Mapping[str, Any]) -> None:
        self.connection.execute(
            idempotency_keys.update()
            .where(idempotency_keys.c.scope == scope, idempotency_keys.c.key == key)
            .values(answer=dict(answer))
        )

"""Accounts in MongoDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pymongo.errors import DuplicateKeyError

from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.account import Account, ConcurrentUpdate, EmailTaken

T = TypeVar("T")


class MongoAccounts:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._accounts = mongo["accounts"]

    def ensure_indexes(self) -> None:
        self._accounts.create_index([("kind", 1), ("email", 1)], unique=True, name="kind_email")

    def add(self, account: Account, events: Sequence[Event]) -> None:
        def insert() -> None:
            self._accounts.insert_one(_account_document(account), session=self._mongo.session)
            self._outbox.append(events, account.version)

        try:
            self._mongo.transaction(insert)
        except DuplicateKeyError as error:
            raise EmailTaken() from error

    def get(self, account_id: str) -> Account:
        document = self._accounts.find_one({"_id": account_id}, session=self._mongo.session)
        if document is None:
            raise LookupError(account_id)
        return _account(document)

    def find(self, kind: str, email: str) -> Account | None:
        document = self._accounts.find_one({"kind": kind, "email": email}, session=self._mongo.session)
        return _account(document) if document else None

    def save(self, account: Account, events: Sequence[Event] = ()) -> None:
        version = account.version + 1
        replacement = _account_document(account) | {"version": version}

        def swap() -> None:
            replaced = self._accounts.replace_one(
                {"_id": account.id, "version": account.version}, replacement, session=self._mongo.session
            )
            if replaced.matched_count == 0:
                raise ConcurrentUpdate()
            self._outbox.append(events, version)

        # One document that tells nobody anything needs no transaction.
        if events:
            self._mongo.transaction(swap)
        else:
            swap()
        account.version = version

    def transaction(self, work: Callable[[], T]) -> T:
        return self._mongo.transaction(work)


def _account_document(account: Account) -> dict[str, Any]:
    return {
        "_id": account.id,
        "kind": account.kind,
        "email": account.email,
        "name": account.name,
        "password_hash": account.password_hash,
        "one_time_until": account.one_time_until,
        "email_verified_at": account.email_verified_at,
        "created_at": account.created_at,
        "version": account.version,
    }


def _account(document: dict[str, Any]) -> Account:
    return Account(
        id=document["_id"],
        kind=document["kind"],
        email=document["email"],
        name=document.get("name", ""),
        password_hash=document["password_hash"],
        one_time_until=document["one_time_until"],
        email_verified_at=document.get("email_verified_at"),
        created_at=document["created_at"],
        version=document["version"],
    )

"""Whatever the services keep encrypted under SECRETS_KEY, brought under its first key.

So that a key can be taken out of use: put the new one in front ("new,old"), restart, reencrypt until nothing
is left, take the old one away, restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypedDict

import sqlalchemy as sa
from pymongo.errors import PyMongoError
from sqlalchemy.exc import SQLAlchemyError

from chassis.crypto import SecretBox
from chassis.mongo import Mongo
from chassis.sql import Sql
from compose import table
from compose.errors import ComposeError
from compose.operations.access import Access


class Place(TypedDict):
    """A field that holds encrypted texts; in PostgreSQL a column."""

    service: str
    collection: str
    field: str


PLACES: Sequence[Place] = (
    {"service": "identity", "collection": "sessions", "field": "secret"},
    {"service": "identity", "collection": "authenticators", "field": "secret"},
    {"service": "identity", "collection": "provider_links", "field": "sealed_tokens"},
    {"service": "identity", "collection": "signing_keys", "field": "sealed_d"},
    {"service": "streamer", "collection": "streamers", "field": "payout_method.sealed_details"},
    {"service": "participation", "collection": "overlays", "field": "sealed_token"},
    {"service": "participation", "collection": "sessions", "field": "sealed_key"},
    {"service": "payment", "collection": "payouts", "field": "destination"},
    {"service": "payment", "collection": "deposits", "field": "checkout"},
    {"service": "notification", "collection": "webhook_endpoints", "field": "sealed_secret"},
    {"service": "notification", "collection": "webhook_endpoints", "field": "sealed_former_secret"},
)


class Reencrypted(TypedDict):
    place: str
    texts: int
    reencrypted: int
    unreadable: int


class Texts(Protocol):
    def __iter__(self) -> Iterator[tuple[Any, str]]:
        """Ids and encrypted texts."""

    def replace(self, id: Any, old: str, new: str) -> bool:
        """False when somebody has stored another text meanwhile, which leaves it as it is."""


def reencrypt(access: Access) -> list[Reencrypted]:
    """May be given again and again: what is under the first key already stays as it is."""
    return [reencrypt_place(access, place) for place in PLACES]


def reencrypt_place(access: Access, place: Place) -> Reencrypted:
    try:
        if place["service"] in access.database_urls:
            sql = Sql(access.database_urls[place["service"]], pool_size=1)
            try:
                return brought_under_first(access.secrets_key, name_of(place), Columns(sql, place))
            finally:
                sql.close()
        mongo = Mongo(access.mongo_uri, f"{access.database_prefix}{place['service']}")
        try:
            return brought_under_first(access.secrets_key, name_of(place), Fields(mongo, place))
        finally:
            mongo.close()
    except (PyMongoError, SQLAlchemyError) as error:
        raise ComposeError(
            f"{place['service']}: its database does not answer ({type(error).__name__})."
        ) from None


def brought_under_first(secrets_key: str, place: str, texts: Texts) -> Reencrypted:
    every, first = SecretBox(secrets_key), SecretBox(secrets_key.partition(",")[0])
    counts: Reencrypted = {"place": place, "texts": 0, "reencrypted": 0, "unreadable": 0}
    for key, sealed in texts:
        counts["texts"] += 1
        if fits(first, sealed):
            continue
        if not fits(every, sealed):
            counts["unreadable"] += 1
        elif texts.replace(key, sealed, every.rotate(sealed)):
            counts["reencrypted"] += 1
    return counts


def fits(box: SecretBox, sealed: str) -> bool:
    try:
        box.decrypt(sealed)
    except ValueError:
        return False
    return True


def name_of(place: Place) -> str:
    return ".".join((place["service"], place["collection"], place["field"]))


class Fields:
    def __init__(self, mongo: Mongo, place: Place) -> None:
        self._collection, self._field = mongo[place["collection"]], place["field"]

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        for document in list(self._collection.find({}, {self._field: 1})):
            found: Any = document
            for name in self._field.split("."):
                found = (found or {}).get(name)
            if found:
                yield document["_id"], found

    def replace(self, id: Any, old: str, new: str) -> bool:
        same = {"_id": id, self._field: old}
        return self._collection.update_one(same, {"$set": {self._field: new}}).modified_count == 1


class Columns:
    def __init__(self, sql: Sql, place: Place) -> None:
        self._sql = sql
        self._table = sa.table(place["collection"], sa.column("id"), sa.column(place["field"]))
        self._column = self._table.c[place["field"]]

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        query = sa.select(self._table.c.id, self._column).where(self._column.is_not(None), self._column != "")
        rows = self._sql.transaction(lambda: self._sql.connection.execute(query).all())
        yield from ((row[0], row[1]) for row in rows)

    def replace(self, id: Any, old: str, new: str) -> bool:
        same = (self._table.c.id == id, self._column == old)
        change = sa.update(self._table).where(*same).values({self._column.name: new})
        return self._sql.transaction(lambda: self._sql.connection.execute(change).rowcount) == 1


def as_text(found: Sequence[Reencrypted]) -> str:
    heading = ("WHERE", "TEXTS", "REENCRYPTED", "UNREADABLE")
    rows = [(p["place"], str(p["texts"]), str(p["reencrypted"]), str(p["unreadable"])) for p in found]
    return table.render([heading, *rows])


def errors(found: Sequence[Reencrypted]) -> list[str]:
    return [
        f"{p['place']}: no key of SECRETS_KEY fits {p['unreadable']} texts." for p in found if p["unreadable"]
    ]

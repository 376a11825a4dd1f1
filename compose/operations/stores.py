"""Opens the outboxes and the sagas of the services where they are stored: an operator needs them most when
the service itself does not answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from pymongo.errors import PyMongoError
from sqlalchemy.exc import SQLAlchemyError

from chassis.errors import ServiceUnavailable
from chassis.events.outbox import OutboxStore
from chassis.mongo import Mongo, MongoOutbox, MongoSagaStore
from chassis.saga import Store as SagaStore
from chassis.sql import Sql, SqlOutbox, SqlSagaStore
from compose.operations.access import Access

T = TypeVar("T")


@dataclass(frozen=True)
class Stores:
    """What chassis keeps for one service, beside that service's own data."""

    outbox: OutboxStore
    sagas: SagaStore


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What one service's store said; `error` is a sentence when it said nothing."""

    service: str
    value: T | None
    error: str = ""


def ask(access: Access, services: Sequence[str], question: Callable[[Stores], T]) -> list[Answer[T]]:
    """Asks all stores at once, so that several that are down cost the time of one."""
    with ThreadPoolExecutor(len(services)) as pool:
        return list(pool.map(lambda service: ask_one(access, service, question), services))


def ask_one(access: Access, service: str, question: Callable[[Stores], T]) -> Answer[T]:
    try:
        if service in access.database_urls:
            return Answer(service, in_postgres(access.database_urls[service], question))
        return Answer(service, in_mongo(access, service, question))
    except (PyMongoError, SQLAlchemyError, ServiceUnavailable) as error:
        server = "PostgreSQL" if service in access.database_urls else "MongoDB"
        return Answer(
            service, None, f"{service}: its database ({server}) does not answer ({type(error).__name__})."
        )


def in_postgres(url: str, question: Callable[[Stores], T]) -> T:
    sql = Sql(url, pool_size=1)
    try:
        return question(Stores(SqlOutbox(sql, publish_nothing), SqlSagaStore(sql)))
    finally:
        sql.close()


def in_mongo(access: Access, service: str, question: Callable[[Stores], T]) -> T:
    mongo = Mongo(access.mongo_uri, f"{access.database_prefix}{service}")
    try:
        return question(Stores(MongoOutbox(mongo, publish_nothing), MongoSagaStore(mongo)))
    finally:
        mongo.close()


def publish_nothing(*_events: object) -> None:
    """The operator only looks; the service's own relay publishes."""


def errors(answers: Sequence[Answer[T]]) -> list[str]:
    return [answer.error for answer in answers if answer.error]

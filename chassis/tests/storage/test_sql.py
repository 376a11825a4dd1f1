from datetime import UTC, datetime

import eventlet
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from chassis.errors import ServiceUnavailable
from chassis.sql import Sql, array_of

ODD = ["plain", "", "NULL", None, 'a "quote"', "back\\slash", "{braces}", "a, comma", "it's", "%s :x é"]
NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def counter(chassis_sql):
    def create():
        chassis_sql.connection.execute(sa.text("CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)"))
        chassis_sql.connection.execute(sa.text("INSERT INTO counters VALUES (1, 0), (2, 0)"))

    chassis_sql.transaction(create)
    return chassis_sql


def read(sql, key=1):
    return sql.transaction(
        lambda: sql.connection.execute(
            sa.text("SELECT n FROM counters WHERE id = :key"), {"key": key}
        ).scalar_one()
    )


def add_one(sql):
    """Reads and writes, as two statements, so that only isolation keeps two of them apart."""

    def work():
        n = sql.connection.execute(sa.text("SELECT n FROM counters WHERE id = 1")).scalar_one()
        eventlet.sleep(0.01)
        sql.connection.execute(sa.text("UPDATE counters SET n = :n WHERE id = 1"), {"n": n + 1})

    sql.transaction(work, isolation="SERIALIZABLE")


def test_serialization_failures_are_tried_again_until_all_are_through(counter):
    list(eventlet.GreenPool(5).imap(lambda _: add_one(counter), range(10)))

    assert read(counter) == 10


def test_an_inner_transaction_is_part_of_the_outer_one(counter):
    def outer():
        counter.transaction(lambda: counter.connection.execute(sa.text("UPDATE counters SET n = 5")))
        raise LookupError

    with pytest.raises(LookupError):
        counter.transaction(outer)

    assert read(counter) == 0


def test_hooks_run_after_the_commit_and_never_after_a_failure(counter):
    seen = []

    counter.transaction(lambda: counter.after_commit(lambda: seen.append("committed")))
    with pytest.raises(ZeroDivisionError):
        counter.transaction(lambda: (counter.after_commit(lambda: seen.append("never")), 1 / 0))

    assert seen == ["committed"]


def test_queries_do_not_stop_the_hub(counter):
    ticks = []
    ticker = eventlet.spawn(lambda: [ticks.append(eventlet.sleep(0.02)) for _ in range(10)])

    counter.transaction(lambda: counter.connection.execute(sa.text("SELECT pg_sleep(0.4)")))

    assert len(ticks) >= 8
    ticker.wait()


def test_a_greenlet_that_is_killed_leaves_a_pool_that_works(counter):
    def sleep():
        counter.transaction(lambda: counter.connection.execute(sa.text("SELECT pg_sleep(5)")))

    victims = [eventlet.spawn(sleep) for _ in range(5)]
    eventlet.sleep(0.1)

    for victim in victims:
        victim.kill()

    assert read(counter) == 0


def test_a_lock_that_is_held_too_long_is_said_to_be_busy(counter, monkeypatch):
    monkeypatch.setattr("chassis.sql.LOCK_TIMEOUT_MS", 100)
    impatient = Sql(counter.engine.url.render_as_string(hide_password=False))

    def hold():
        counter.connection.execute(sa.text("UPDATE counters SET n = 1 WHERE id = 1"))
        with pytest.raises(ServiceUnavailable):
            eventlet.spawn(add_one, impatient).wait()

    counter.transaction(hold)
    impatient.close()


def test_a_pool_without_a_free_connection_is_said_to_be_busy(counter):
    narrow = Sql(counter.engine.url.render_as_string(hide_password=False), pool_size=1)
    narrow.engine.pool._timeout = 0.1
    holders = [eventlet.spawn(narrow.transaction, lambda: eventlet.sleep(1)) for _ in range(2)]
    eventlet.sleep(0.1)

    with pytest.raises(ServiceUnavailable):
        narrow.transaction(lambda: None)

    for holder in holders:
        holder.wait()
    narrow.close()


def test_a_database_that_is_gone_is_said_to_be_gone():
    nowhere = Sql("postgresql+psycopg2://nobody@127.0.0.1:1/none")

    with pytest.raises(ServiceUnavailable):
        nowhere.transaction(lambda: None)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (sa.Text, ODD),
        (sa.BigInteger, [0, -1, 2**62, None]),
        (sa.Boolean, [True, False, None]),
        (sa.DateTime(timezone=True), [NOON, None]),
        (JSONB, [{"name": 'a "quote"', "more": [1, None, "back\\slash é"]}, {}]),
        (sa.Text, []),
    ],
)
def test_values_arrive_in_an_array_as_they_are(chassis_sql, kind, values):
    query = sa.select(array_of(kind, values))

    arrived = chassis_sql.transaction(lambda: chassis_sql.connection.execute(query).scalar_one())

    assert arrived == values

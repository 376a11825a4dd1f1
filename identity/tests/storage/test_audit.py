"""The audit log in the real database."""

from __future__ import annotations

import eventlet
import pytest

from chassis.crypto import SecretBox
from chassis.errors import Error
from identity import storage
from identity.domain.account import ConcurrentUpdate
from identity.domain.audit import Head, verify
from identity.domain.facts import LoggedIn
from identity.storage import audit
from identity.tests.mothers import MONDAY, account, an_api_key, session

BOX = SecretBox("c2VjcmV0IGtleSBmb3IgdGVzdHMgb2YgMzIgYnl0ZXM")


@pytest.fixture
def log(mongo):
    opened = storage.MongoAuditLog(mongo)
    opened.ensure_indexes()
    return opened


@pytest.fixture
def audited(outbox, log):
    return storage.AuditedOutbox(outbox, log)


def a_log_in(number=1, account_id="brd_acme"):
    return LoggedIn(account_id=account_id, sid=f"ses_{number}", acr="pwd", address=None)


def sids(links):
    return [link.entry.details["sid"] for link in links]


def test_what_was_told_is_chained_in_its_order_and_comes_back_as_it_was(audited, log):
    for number in range(3):
        audited.append([a_log_in(number)], 0)
    waiting = log.waiting()

    head = log.seal()

    links = list(log.links())
    assert [link.entry for link in links] == waiting
    assert verify(links, head).is_intact
    assert head == log.head() == Head(3, links[-1].hash)
    assert log.waiting() == []


def test_an_empty_log_has_nothing_to_seal(log):
    assert log.seal() is None
    assert log.head() == Head()
    assert verify(log.links()).is_intact


def test_a_full_round_leaves_the_rest_for_the_next(audited, log, monkeypatch):
    monkeypatch.setattr(audit, "SEALED_AT_ONCE", 2)
    audited.append([a_log_in(number) for number in range(3)], 0)

    heads = [log.seal(), log.seal(), log.seal()]

    assert [head and head.seq for head in heads] == [2, 3, None]
    assert verify(log.links()).is_intact


def test_processes_that_seal_at_once_make_one_chain(audited, log, mongo):
    audited.append([a_log_in(number) for number in range(20)], 0)

    def seal():
        try:
            storage.MongoAuditLog(mongo).seal()
        except Error:
            # The database may refuse the slower one; its next round finds nothing left to do.
            return

    for sealing in [eventlet.spawn(seal) for _ in range(4)]:
        sealing.wait()
    log.seal()

    report = verify(log.links())
    assert (report.entries, report.is_intact) == (20, True)


def test_the_newest_entries_come_first_of_one_account_or_of_all(audited, log):
    audited.append([a_log_in(1), a_log_in(2, "str_nova"), a_log_in(3)], 0)
    log.seal()

    assert sids(log.newest(None, None, 10)) == ["ses_3", "ses_2", "ses_1"]
    assert sids(log.newest("brd_acme", None, 10)) == ["ses_3", "ses_1"]
    assert sids(log.newest("brd_acme", 3, 10)) == ["ses_1"]
    assert sids(log.newest(None, None, 1)) == ["ses_3"]


def test_a_fact_is_for_the_log_alone_and_an_event_is_published_too(audited, log, outbox):
    _, _, [created] = an_api_key(account())

    audited.append([a_log_in(), created], 1)

    assert outbox.events == [created]
    assert [entry.kind for entry in log.waiting()] == ["logged_in", "api_key_created"]


def test_an_entry_is_stored_with_what_it_tells_or_not_at_all(audited, log, mongo):
    sessions = storage.MongoSessions(mongo, audited, BOX)
    opened = session()
    sessions.add(opened, opened.opened())
    stale = sessions.get(opened.id)
    sessions.save(opened, opened.step_up("mfa", MONDAY))

    with pytest.raises(ConcurrentUpdate):
        sessions.save(stale, stale.revoke(MONDAY))

    assert [entry.kind for entry in log.waiting()] == ["logged_in", "stepped_up"]


@pytest.mark.parametrize(
    ("touch", "broken"),
    [
        (lambda chain: chain.update_one({"_id": 2}, {"$set": {"actor": "adm_eve"}}), 2),
        (lambda chain: chain.update_one({"_id": 2}, {"$set": {"details.acr": "mfa"}}), 2),
        (lambda chain: chain.delete_one({"_id": 3}), 3),
        (lambda chain: swap(chain, 3, 4), 3),
    ],
    ids=["edited", "edited inside", "deleted", "reordered"],
)
def test_an_entry_that_is_touched_in_the_database_is_found(audited, log, mongo, touch, broken):
    audited.append([a_log_in(number) for number in range(5)], 0)
    log.seal()

    touch(mongo["audit"])

    assert verify(log.links()).broken == broken


def swap(chain, one, other):
    first, second = chain.find_one({"_id": one}), chain.find_one({"_id": other})
    chain.replace_one({"_id": one}, second | {"_id": one})
    chain.replace_one({"_id": other}, first | {"_id": other})

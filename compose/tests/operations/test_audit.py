"""`python -m compose audit verify`, on a database of its own."""

from argparse import Namespace

import pytest

from chassis.mongo import Mongo
from chassis.testing.fixtures import RecordingOutbox
from compose.errors import ComposeError
from compose.operations import commands
from compose.operations.audit import verified
from identity.domain.facts import LoggedIn
from identity.storage import AuditedOutbox, MongoAuditLog


@pytest.fixture
def mongo(access):
    opened = Mongo(access.mongo_uri, f"{access.database_prefix}identity")
    MongoAuditLog(opened).ensure_indexes()
    yield opened
    opened.drop()
    opened.close()


def log_in(mongo, times):
    outbox = AuditedOutbox(RecordingOutbox(), MongoAuditLog(mongo))
    for number in range(times):
        outbox.append([LoggedIn(account_id="brd_acme", sid=f"ses_{number}", acr="pwd", address=None)], 0)


def command(access, capsys, head="", json=False):
    """Its exit status, what it printed, and what it complained of."""
    status = commands.audit(access, Namespace(head=head, json=json))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_log_that_nobody_touched_is_said_to_be_so(access, mongo, capsys):
    log_in(mongo, 3)
    head = MongoAuditLog(mongo).seal()
    log_in(mongo, 1)

    found = verified(access)

    assert (found["entries"], found["head"], found["broken"], found["waiting"]) == (3, str(head), None, 1)
    assert command(access, capsys) == (0, f"3 entries, none touched. Head {head}\n", "")


def test_the_first_entry_that_was_touched_is_named_and_fails_the_command(access, mongo, capsys):
    log_in(mongo, 3)
    MongoAuditLog(mongo).seal()
    mongo["audit"].update_one({"_id": 2}, {"$set": {"account": "brd_globex"}})

    status, _, complaint = command(access, capsys)
    _, printed, _ = command(access, capsys, json=True)

    assert (status, complaint.startswith("Entry 2 is not as it was")) == (1, True)
    assert '"broken": 2' in printed


def test_a_log_whose_end_is_gone_does_not_reach_the_head_that_was_written_down(access, mongo, capsys):
    log_in(mongo, 3)
    head = MongoAuditLog(mongo).seal()
    mongo["audit"].delete_one({"_id": 3})

    without, _, _ = command(access, capsys)
    with_it, _, complaint = command(access, capsys, head=str(head))

    assert (without, with_it) == (0, 1)
    assert "there were 3 entries" in complaint


@pytest.mark.parametrize("head", ["nonsense", "3:abc", ":" + "0" * 64, "-1:" + "0" * 64])
def test_what_is_no_head_is_refused(access, head):
    with pytest.raises(ComposeError):
        verified(access, head)

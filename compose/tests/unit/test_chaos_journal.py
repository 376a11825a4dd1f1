from collections import Counter

import pytest

from chassis.errors import Conflict, ServiceUnavailable
from compose.chaos.journal import FAILED, OK, UNKNOWN, Journal, compare


@pytest.fixture
def journal(tmp_path):
    own = Journal(tmp_path / "journal")
    yield own
    own.close()


def fail_with(error):
    def work():
        raise error

    return work


def test_a_call_that_was_answered_is_ok(journal):
    journal.call(["a"], lambda: None)

    assert journal.outcomes == {"a": OK}


def test_a_refusal_says_that_nothing_happened_and_silence_says_nothing(journal):
    journal.call(["a"], fail_with(Conflict()))
    journal.call(["b"], fail_with(ServiceUnavailable()))

    assert journal.outcomes == {"a": FAILED, "b": UNKNOWN}


def test_a_line_is_written_before_the_call_and_one_after_it(journal, tmp_path):
    journal.call(["a"], lambda: (tmp_path / "before").write_text((tmp_path / "journal").read_text()))

    assert '"begun"' in (tmp_path / "before").read_text()
    assert len((tmp_path / "journal").read_text().splitlines()) == 2


def compared(outcome, stored, told):
    return compare({"a": outcome}, Counter({"a": stored}), {"reader": Counter({"a": told})})


@pytest.mark.parametrize(("outcome", "count"), [(OK, 1), (FAILED, 0), (UNKNOWN, 0), (UNKNOWN, 1)])
def test_what_agrees_with_the_journal_is_no_violation(outcome, count):
    assert compared(outcome, count, count) == []


@pytest.mark.parametrize(
    ("outcome", "stored", "told", "word"),
    [
        (OK, 1, 0, "lost"),
        (OK, 0, 0, "lost"),
        (OK, 1, 2, "doubled"),
        (OK, 2, 2, "doubled"),
        (FAILED, 1, 1, "refused"),
        (FAILED, 0, 1, "refused"),
        (UNKNOWN, 2, 2, "doubled"),
        (UNKNOWN, 1, 0, "stored"),
        (UNKNOWN, 0, 1, "told of"),
    ],
)
def test_what_does_not_agree_is_named(outcome, stored, told, word):
    assert any(word in violation for violation in compared(outcome, stored, told))

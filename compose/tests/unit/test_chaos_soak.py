"""What a soak takes for a leak."""

import pytest

from compose.chaos.rows.soak import MORE_MIB, SPARE_CONNECTIONS, compared

BEFORE = {"maker file descriptors": 19, "broker connections": 10, "maker MiB": 60, "messages": 0}


def test_who_holds_as_much_as_before_has_leaked_nothing():
    assert compared(BEFORE, BEFORE) == []


@pytest.mark.parametrize(
    ("what", "after"),
    [
        ("maker file descriptors", 19 + SPARE_CONNECTIONS + 1),
        ("broker connections", 11),
        ("maker MiB", 66 + MORE_MIB + 1),
        ("messages", 1),
        ("something that was not there before", 1),
    ],
)
def test_who_holds_more_is_named(what, after):
    [found] = compared(BEFORE, {**BEFORE, what: after})

    assert found == f"{what}: {BEFORE.get(what, 0)} before, {after} after"


def test_a_pool_may_keep_what_it_once_needed_and_an_allocator_too():
    assert (
        compared(BEFORE, {**BEFORE, "maker file descriptors": 19 + SPARE_CONNECTIONS, "maker MiB": 70}) == []
    )

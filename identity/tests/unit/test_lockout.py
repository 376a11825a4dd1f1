from __future__ import annotations

from datetime import timedelta

import pytest

from identity.domain.lockout import Failures, Locked, Suspect
from identity.tests.mothers import MONDAY

SOMEBODY = Suspect("account:somebody", allowed=3)


def failed(times: int) -> Failures:
    """Failures at the earliest moments at which the lock allows them."""
    failures = Failures(suspect=SOMEBODY)
    at = MONDAY
    for _ in range(times):
        at = failures.locked_until or at
        failures.add(at)
    return failures


def test_the_first_failures_lock_nothing():
    failures = failed(times=2)

    failures.check_not_locked(MONDAY)


def test_the_last_allowed_failure_locks_for_30_seconds():
    failures = failed(times=3)

    with pytest.raises(Locked) as locked:
        failures.check_not_locked(MONDAY)

    assert locked.value.extra["retry_after"] == 31
    failures.check_not_locked(MONDAY + timedelta(seconds=30))


@pytest.mark.parametrize(("times", "seconds"), [(4, 60), (5, 120), (6, 240), (8, 900), (500, 900)])
def test_each_further_failure_doubles_the_lock_up_to_15_minutes(times, seconds):
    failures = failed(times)

    assert failures.locked_until - failures.last_at == timedelta(seconds=seconds)


def test_an_attempt_while_locked_does_not_prolong_the_lock():
    failures = failed(times=3)
    until = failures.locked_until

    with pytest.raises(Locked):
        failures.add(MONDAY)

    assert failures.locked_until == until


def test_failures_are_forgotten_after_a_quiet_day():
    failures = failed(times=8)

    failures.add(failures.last_at + timedelta(hours=25))

    assert failures.count == 1
    assert failures.locked_until is None


def test_an_account_is_one_suspect_however_its_address_is_typed():
    assert Suspect.account("brand", "Ads@acme.example") == Suspect.account("brand", "ads@ACME.example")
    assert Suspect.account("brand", "ads@acme.example") != Suspect.account("streamer", "ads@acme.example")


def test_the_key_of_an_account_does_not_show_the_address_typed():
    assert "acme" not in Suspect.account("brand", "ads@acme.example").key


def test_one_ipv6_customer_is_one_suspect():
    assert Suspect.address("2001:db8::1") == Suspect.address("2001:db8::ffff:2")
    assert Suspect.address("2001:db8::1") != Suspect.address("2001:db8:0:1::1")


def test_an_ipv4_address_is_itself_in_either_notation():
    assert Suspect.address("::ffff:203.0.113.7") == Suspect.address("203.0.113.7")
    assert Suspect.address("203.0.113.8") != Suspect.address("203.0.113.7")

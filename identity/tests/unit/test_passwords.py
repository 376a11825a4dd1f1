from __future__ import annotations

import time

import eventlet
import pytest

from identity.domain.account import WeakPassword, check_password
from identity.passwords import Argon2Passwords, read_breached


@pytest.fixture(scope="module")
def passwords():
    return Argon2Passwords(read_breached())


def test_a_hash_is_argon2id_of_at_least_19_mib_and_two_passes(passwords):
    hashed = passwords.hash("a lamp in the attic")

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_right_password_is_right_and_a_wrong_one_is_wrong(passwords):
    hashed = passwords.hash("a lamp in the attic")

    assert passwords.verify(hashed, "a lamp in the attic")
    assert not passwords.verify(hashed, "a lamp in the cellar")


def test_the_same_password_is_hashed_differently_each_time(passwords):
    assert passwords.hash("a lamp in the attic") != passwords.hash("a lamp in the attic")


def test_no_password_is_right_without_a_hash(passwords):
    assert not passwords.verify(None, "a lamp in the attic")


def test_verifying_without_a_hash_takes_as_long(passwords):
    hashed = passwords.hash("a lamp in the attic")

    with_hash = quickest(lambda: passwords.verify(hashed, "a wrong guess"))
    without = quickest(lambda: passwords.verify(None, "a wrong guess"))

    assert 0.3 < without / with_hash < 3


def test_other_greenlets_run_while_a_password_is_hashed(passwords):
    turns = []
    hashing = eventlet.spawn(passwords.hash, "a lamp in the attic")
    while not hashing.dead:
        turns.append(None)
        eventlet.sleep(0.001)

    assert len(turns) > 3


@pytest.mark.parametrize("guess", ["password123", "QWERTY123", "Gametriggers1", "trustno1", "Starwars"])
def test_what_guessers_try_first_is_on_the_list(passwords, guess):
    with pytest.raises(WeakPassword):
        check_password(guess, passwords.breached, own_words=[])


def test_the_list_holds_more_than_ten_thousand_passwords_and_none_that_is_too_short_anyway(passwords):
    assert len(passwords.breached) > 10_000
    assert min(map(len, passwords.breached)) == 8


def quickest(work) -> float:
    """The least processor time of a few: what other processes do meanwhile is not counted."""
    took = []
    for _ in range(5):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)

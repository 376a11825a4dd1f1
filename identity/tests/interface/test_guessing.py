"""Guessing who has an account and what their password is, against the real container on a real broker."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

import pytest

from chassis.errors import Error
from chassis.ids import new_id
from chassis.mongo import Mongo
from chassis.testing.fixtures import RecordingOutbox
from identity.passwords import Argon2Passwords
from identity.service import IdentityService
from identity.storage import MongoAccounts
from identity.tests.mothers import GOOD_PASSWORD, account

TRIES = 200
NOTHING_TO_NOTICE = 0.001
"""Seconds: far less than the network between us and a guesser adds to each answer."""

LIMIT_OF_THE_TEST = 300


@pytest.fixture
def identity(run_service, rpc):
    run_service(IdentityService)
    return rpc("identity")


@pytest.fixture
def people(identity, settings_env):
    """As many accounts as there are tries, since five failures lock one. They share one hash."""
    database = Mongo(settings_env["MONGO_URI"], f"{settings_env['DATABASE_PREFIX']}identity")
    stored, password_hash = (
        MongoAccounts(database, RecordingOutbox()),
        Argon2Passwords(frozenset()).hash(GOOD_PASSWORD),
    )
    emails = [f"ads{number}@acme.example" for number in range(TRIES)]
    for email in emails:
        stored.add(account(id=new_id("brd"), email=email, password_hash=password_hash), [])
    yield emails
    database.close()


def an_address(number: int) -> str:
    """Ours to make up: fifty failures lock one."""
    return f"203.0.{number // 200}.{number % 200 + 1}"


def seconds_and_answer(ask: Callable[[str, str], object], email: str, address: str) -> tuple[float, object]:
    began = time.perf_counter()
    try:
        answer: object = ask(email, address)
    except Error as error:
        answer = error.to_wire()
    return time.perf_counter() - began, answer


def compare(ask: Callable[[str, str], object], known: list[str]) -> tuple[list[float], set[str]]:
    """How much longer each known address took than an unknown one right beside it, and all that was said.

    The two of a pair are asked one after the other in either order, so that whatever else the machine does
    falls on both alike.
    """
    differences, answers = [], set()
    for number, email in enumerate(known):
        pair = [(email, 1), (f"nobody{number}@acme.example", -1)]
        random.shuffle(pair)
        difference = 0.0
        for asked, sign in pair:
            seconds, answer = seconds_and_answer(ask, asked, an_address(number))
            difference += sign * seconds
            answers.add(str(answer))
        differences.append(difference)
    return differences, answers


def assert_within_noise(differences: list[float]) -> None:
    """The interval that holds the median with 99.9 % (sign test) reaches what nobody can notice."""
    ordered, half = sorted(differences), round(3.3 * len(differences) ** 0.5 / 2)
    middle = len(ordered) // 2
    low, high = ordered[middle - half], ordered[middle + half]
    told = (
        f"median {statistics.median(ordered) * 1000:.3f} ms, between {low * 1000:.3f} and {high * 1000:.3f}"
    )
    assert low <= NOTHING_TO_NOTICE, told
    assert high >= -NOTHING_TO_NOTICE, told


@pytest.mark.timeout(LIMIT_OF_THE_TEST)
def test_neither_text_nor_time_of_a_failed_login_tells_whether_there_is_an_account(identity, people):
    def log_in(email, address):
        request = {"kind": "brand", "email": email, "password": "a wrong guess", "address": address}
        return identity.login(request)

    differences, answers = compare(log_in, people)

    assert len(answers) == 1
    assert_within_noise(differences)


def test_neither_text_nor_time_of_a_forgotten_password_tells_whether_there_is_an_account(identity, people):
    def forget(email, address):
        return identity.forgot_password({"kind": "brand", "email": email, "address": address})

    differences, answers = compare(forget, people)

    assert answers == {"{}"}
    assert_within_noise(differences)


def test_somebody_who_tries_a_list_of_stolen_passwords_is_locked_out_but_nobody_else_is(identity, people):
    def log_in(email, password, address):
        request = {"kind": "brand", "email": email, "password": password, "address": address}
        return identity.login(request)

    def code(*attempt):
        try:
            return log_in(*attempt)["token_type"]
        except Error as error:
            return error.code

    stuffing = [code(email, "stolen elsewhere", "198.51.100.7") for email in people[:60]]

    assert stuffing.count("identity.invalid_credentials") == 50
    assert set(stuffing[50:]) == {"identity.locked"}
    assert code(people[0], GOOD_PASSWORD, "198.51.100.7") == "identity.locked"
    assert code(people[0], GOOD_PASSWORD, "192.0.2.44") == "Bearer"

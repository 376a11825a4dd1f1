from __future__ import annotations

from datetime import timedelta

import pytest

from identity.domain.account import WeakPassword, check_password, normal_email
from identity.tests.mothers import MONDAY, account

BREACHED = frozenset({"password1"})


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "only letters here", "пароль от чердака"])
def test_any_text_of_8_to_128_characters_is_a_password(password):
    check_password(password, BREACHED, own_words=[])


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129])
def test_a_password_outside_8_to_128_characters_is_refused(password):
    with pytest.raises(WeakPassword) as refused:
        check_password(password, BREACHED, own_words=[])

    assert refused.value.errors == {"password": ["Must have 8 to 128 characters."]}


@pytest.mark.parametrize("password", ["password1", "PassWord1", "ｐassword1"])
def test_a_breached_password_is_refused_however_it_is_written(password):
    with pytest.raises(WeakPassword, match="data breaches"):
        check_password(password, BREACHED, own_words=[])


@pytest.mark.parametrize("password", ["ads@acme.example", "ACME ROCKETS"])
def test_a_password_that_repeats_the_account_is_refused(password):
    with pytest.raises(WeakPassword, match="your own data"):
        check_password(password, BREACHED, own_words=["ads@acme.example", "Acme Rockets"])


def test_addresses_that_differ_in_case_alone_are_one_address():
    assert normal_email(" Ads@ACME.example ") == normal_email("ads@acme.example")


def test_a_one_time_password_is_good_for_24_hours():
    admin = account(kind="admin", password_hash=None)

    admin.give_one_time_password("hashed", at=MONDAY)

    assert admin.usable_hash(MONDAY + timedelta(hours=23)) == "hashed"
    assert admin.usable_hash(MONDAY + timedelta(hours=24)) is None


def test_a_used_one_time_password_is_right_no_more():
    admin = account(kind="admin", password_hash=None)
    admin.give_one_time_password("hashed", at=MONDAY)

    admin.use_one_time_password()

    assert admin.usable_hash(MONDAY) is None

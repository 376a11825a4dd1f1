from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from identity.domain.authenticator import (
    RECOVERY_BYTES,
    InvalidCode,
    NoTotp,
    TotpEnabledAlready,
    recovery_codes,
)
from identity.events import RecoveryCodesReplaced, RecoveryCodeUsed, TotpDisabled, TotpEnabled
from identity.tests.mothers import APP_SECRET, MONDAY, a_code, an_authenticator

STEP = timedelta(seconds=30)
CODES = recovery_codes(bytes(range(RECOVERY_BYTES)))


def an_enabled_one(secret=APP_SECRET):
    authenticator = an_authenticator(secret=secret)
    authenticator.confirm(a_code(MONDAY - STEP, secret), MONDAY - STEP, CODES)
    return authenticator


@pytest.mark.parametrize(
    ("second", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_the_standard(second, code):
    """RFC 6238, appendix B: the last six of its eight digits."""
    authenticator = an_authenticator(secret=b"12345678901234567890")

    authenticator.confirm(code, datetime.fromtimestamp(second, UTC), CODES)

    assert authenticator.is_enabled


def test_an_app_that_is_not_confirmed_counts_for_nothing():
    authenticator = an_authenticator()

    with pytest.raises(InvalidCode):
        authenticator.confirm("000000", MONDAY, CODES)

    assert not authenticator.is_enabled
    with pytest.raises(NoTotp):
        authenticator.disable()
    with pytest.raises(NoTotp):
        authenticator.replace_recovery_codes(CODES)


def test_a_code_of_the_step_before_or_after_is_taken_and_none_further_away():
    for steps in (-1, 0, 1):
        assert an_authenticator().confirm(a_code(MONDAY + steps * STEP), MONDAY, CODES)
    for steps in (-2, 2):
        with pytest.raises(InvalidCode):
            an_authenticator().confirm(a_code(MONDAY + steps * STEP), MONDAY, CODES)


def test_a_code_is_good_once():
    authenticator = an_enabled_one()
    authenticator.check(a_code(MONDAY), MONDAY)

    with pytest.raises(InvalidCode):
        authenticator.check(a_code(MONDAY), MONDAY)
    with pytest.raises(InvalidCode):
        authenticator.check(a_code(MONDAY - STEP), MONDAY)

    authenticator.check(a_code(MONDAY + STEP), MONDAY)


def test_confirming_announces_the_app_and_uses_the_code_up():
    authenticator = an_authenticator()

    events = authenticator.confirm(a_code(MONDAY), MONDAY, CODES)

    assert events == [TotpEnabled(authenticator_id=authenticator.id, account_id=authenticator.account_id)]
    with pytest.raises(InvalidCode):
        authenticator.check(a_code(MONDAY), MONDAY)


def test_an_enabled_app_is_not_replaced_without_removing_it():
    authenticator = an_enabled_one()

    with pytest.raises(TotpEnabledAlready):
        authenticator.begin_again(b"another secret, also 20", MONDAY)
    with pytest.raises(TotpEnabledAlready):
        authenticator.confirm(a_code(MONDAY), MONDAY, CODES)

    assert authenticator.disable() == [
        TotpDisabled(authenticator_id=authenticator.id, account_id=authenticator.account_id)
    ]


def test_there_are_ten_different_recovery_codes():
    assert len(set(CODES)) == 10
    assert all(len(code) == 11 and code[5] == "-" for code in CODES)


@pytest.mark.parametrize("written", [str.upper, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_each_recovery_code_is_good_once_however_it_is_written(written):
    authenticator = an_enabled_one()

    events = authenticator.check(written(CODES[3]), MONDAY)

    assert events == [
        RecoveryCodeUsed(authenticator_id=authenticator.id, account_id=authenticator.account_id, left=9)
    ]
    with pytest.raises(InvalidCode):
        authenticator.check(CODES[3], MONDAY)
    authenticator.check(CODES[4], MONDAY)


def test_new_recovery_codes_are_good_and_the_old_ones_are_not():
    authenticator = an_enabled_one()
    new = recovery_codes(bytes(reversed(range(RECOVERY_BYTES))))

    events = authenticator.replace_recovery_codes(new)

    assert [type(event) for event in events] == [RecoveryCodesReplaced]
    with pytest.raises(InvalidCode):
        authenticator.check(CODES[0], MONDAY)
    authenticator.check(new[0], MONDAY)


@pytest.mark.parametrize("code", ["", "0", "ключ", "0" * 40, "-----"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(InvalidCode):
        an_enabled_one().check(code, MONDAY)


def test_a_recovery_code_cannot_be_read_where_it_is_kept():
    authenticator = an_enabled_one()

    assert CODES[0].replace("-", "") not in str(authenticator.recovery_hashes)
    assert an_enabled_one(secret=b"another secret of 20").recovery_hashes != authenticator.recovery_hashes


def test_an_app_reads_what_the_address_says():
    parts = urlsplit(an_authenticator().uri("nova@stream.example"))

    assert (parts.scheme, parts.netloc, parts.path) == (
        "otpauth",
        "totp",
        "/Gametriggers:nova%40stream.example",
    )
    assert parse_qs(parts.query) == {
        "secret": [an_authenticator().key],
        "issuer": ["Gametriggers"],
        "digits": ["6"],
        "period": ["30"],
        "algorithm": ["SHA1"],
    }

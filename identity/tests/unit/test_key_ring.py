from __future__ import annotations

import itertools

import pytest

from chassis.clock import FixedClock
from identity.domain.facts import SigningKeyMade, SigningKeyWithdrawn
from identity.domain.key_ring import RETIRED_AFTER, KeyNotFound
from identity.domain.session import ACCESS_TOKEN_LIFETIME
from identity.handlers import list_keys, look_after_keys, rotate_keys, withdraw_key
from identity.handlers.keys import usable_ring
from identity.tests.fakes import FakeSigningKeys
from identity.tests.mothers import MONDAY, TEN_MINUTES_AHEAD, a_pair

MINUTE, DAY = 60, 86_400


class Keys:
    """The keys of a platform that began on Monday, and its clock."""

    def __init__(self):
        self.store, self.clock = FakeSigningKeys(), FixedClock(MONDAY)
        names = (f"k{number}" for number in itertools.count(1))
        self._with = (self.store, self.clock, lambda: a_pair(next(names)), TEN_MINUTES_AHEAD)
        self.usable()

    def usable(self):
        return usable_ring(*self._with)

    def rotate(self):
        return rotate_keys(*self._with)

    def withdraw(self, kid):
        return withdraw_key(*self._with, kid=kid)

    def look_after(self):
        look_after_keys(*self._with)

    def after(self, seconds):
        self.clock.advance(seconds)
        return self

    @property
    def states(self):
        return {key.kid: key.state for key in list_keys(self.store, self.clock)}

    @property
    def published(self):
        return [key.kid for key in self.usable().published(self.clock.now())]

    @property
    def signing(self):
        return self.usable().signing(self.clock.now()).kid


@pytest.fixture
def keys():
    return Keys()


def test_the_first_key_signs_at_once(keys):
    assert (keys.signing, keys.published) == ("k1", ["k1"])


def test_a_new_key_is_published_ten_minutes_before_it_signs(keys):
    keys.rotate()

    assert (keys.signing, keys.published) == ("k1", ["k1", "k2"])
    assert keys.after(10 * MINUTE - 1).signing == "k1"
    assert keys.after(1).signing == "k2"


def test_the_old_key_stays_published_for_as_long_as_a_token_of_its_own_may_live(keys):
    keys.rotate()
    last_signature = keys.after(10 * MINUTE - 1).clock.now()

    keys.after(ACCESS_TOKEN_LIFETIME.total_seconds())
    assert keys.published == ["k2", "k1"]

    keys.after(RETIRED_AFTER.total_seconds())
    assert keys.published == ["k2"]
    assert keys.clock.now() > last_signature + ACCESS_TOKEN_LIFETIME
    assert keys.states == {"k1": "retired", "k2": "signing"}


def test_a_rotation_that_is_under_way_is_not_begun_again(keys):
    keys.rotate()

    assert [key.kid for key in keys.after(MINUTE).rotate()] == ["k2", "k1"]


def test_a_key_is_replaced_when_it_has_signed_for_thirty_days(keys):
    keys.after(30 * DAY - 10 * MINUTE - 1).look_after()
    assert keys.states == {"k1": "signing"}

    keys.after(1).look_after()
    keys.look_after()

    assert keys.states == {"k1": "signing", "k2": "published"}
    assert keys.after(10 * MINUTE).signing == "k2"


def test_years_of_rotations_leave_one_private_key(keys):
    for _ in range(24):
        keys.after(30 * DAY).look_after()
    keys.after(DAY).look_after()

    assert [key.kid for key in keys.store.ring().keys if key.pair.d] == [keys.signing]


def test_a_withdrawn_key_is_published_no_more_and_its_successor_does_not_wait(keys):
    keys.rotate()

    keys.withdraw("k1")

    assert (keys.signing, keys.published) == ("k2", ["k2"])


def test_the_only_key_is_withdrawn_and_another_signs_at_once(keys):
    listed = keys.withdraw("k1")

    assert [(key.kid, key.state) for key in listed] == [("k2", "signing"), ("k1", "withdrawn")]
    assert keys.published == ["k2"]


def test_a_withdrawal_that_died_halfway_is_finished_by_whoever_signs_next(keys):
    keys.store.withdraw("k1", keys.clock.now(), [])

    assert keys.signing == "k2"


def test_no_key_before_a_withdrawn_one_signs_again(keys):
    keys.rotate()
    keys.after(10 * MINUTE)

    keys.withdraw("k2")

    assert keys.signing == "k3"
    assert keys.published == ["k3", "k1"]
    assert keys.after(RETIRED_AFTER.total_seconds()).published == ["k3"]


def test_a_key_that_is_withdrawn_before_its_time_changes_nothing_for_the_one_that_signs(keys):
    keys.rotate()

    keys.withdraw("k2")

    assert (keys.signing, keys.published) == ("k1", ["k1"])
    assert keys.after(30 * DAY).signing == "k1"


def test_withdrawing_twice_changes_nothing(keys):
    keys.withdraw("k1")
    before = list_keys(keys.store, keys.clock)

    assert keys.after(MINUTE).withdraw("k1") == before


def test_a_key_that_there_never_was_is_not_withdrawn(keys):
    with pytest.raises(KeyNotFound):
        keys.withdraw("k9")

    assert keys.states == {"k1": "signing"}


def test_nothing_that_is_listed_is_secret(keys):
    assert "private" not in str(list_keys(keys.store, keys.clock))


def test_the_audit_log_hears_what_an_operator_does_with_keys_and_nothing_of_the_timer(keys):
    keys.rotate()
    keys.rotate()
    keys.after(31 * DAY).look_after()
    keys.withdraw("k1")
    keys.withdraw("k1")

    assert keys.store.facts == [SigningKeyMade(kid="k2"), SigningKeyWithdrawn(kid="k1")]
    assert set(keys.states) >= {"k1", "k2", "k3"}

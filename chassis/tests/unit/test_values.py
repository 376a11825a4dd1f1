import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import FixedClock, SystemClock
from chassis.crypto import SecretBox
from chassis.errors import Conflict, Error, Forbidden, NotFound, Unauthenticated, ValidationFailed, from_wire
from chassis.event import Event
from chassis.ids import is_id, new_id
from chassis.money import Money
from chassis.pagination import decode_cursor, encode_cursor, page_of
from chassis.principal import ANONYMOUS, Principal
from chassis.signed_urls import BadSignature, sign, verify
from chassis.times import parse_rfc3339, rfc3339

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


def test_ids_are_typed_and_sort_by_their_time():
    ids = [new_id("cmp") for _ in range(50)]

    assert all(is_id("cmp", each) for each in ids)
    assert [each[:14] for each in ids] == sorted(each[:14] for each in ids)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "cmp_",
        "str_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "cmp_01JD2E7Z5PF3RS8W6R8Q6V2K1M",
        "cmp_8" + "0" * 25,
        5,
        None,
    ],
)
def test_what_is_no_id_of_the_kind_is_told_apart(value):
    assert not is_id("cmp", value)


def test_times_are_utc_on_the_wire():
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))

    assert rfc3339(berlin) == "2026-11-23T12:00:00.123456Z"
    assert parse_rfc3339("2026-11-23T13:00:00.123456+01:00") == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T12:00:00",
        "noon",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_without_an_offset_or_beyond_the_calendar_is_none(text):
    with pytest.raises(ValueError):
        parse_rfc3339(text)


def test_a_fixed_clock_moves_when_it_is_told_to():
    clock = FixedClock(NOON)
    clock.advance(1.5)

    assert clock.now() == NOON + timedelta(seconds=1.5)


def test_the_system_clock_says_what_the_database_keeps():
    assert SystemClock().now().microsecond % 1000 == 0


def test_an_error_survives_the_wire():
    sent = ValidationFailed("see errors", {"name": ["Too long."]})

    received = from_wire(sent.to_wire())

    assert (received.code, received.status, received.detail) == ("validation_failed", 422, "see errors")
    assert received.extra == {"errors": {"name": ["Too long."]}}


def test_the_error_of_a_stock_service_is_an_internal_one():
    received = from_wire(
        {"exc_type": "ValueError", "exc_path": "builtins.ValueError", "exc_args": [], "value": "x"}
    )

    assert (received.code, received.status) == ("internal", 500)


@pytest.mark.parametrize(
    ("status", "final"), [(404, True), (409, True), (422, True), (429, False), (500, False), (503, False)]
)
def test_only_the_callers_mistakes_are_final(status, final):
    error = Error()
    error.status = status

    assert error.is_final is final


def test_a_principal_must_be_of_the_right_kind():
    brand = Principal("brd_1", "brand")

    brand.must_be("brand", "admin")
    with pytest.raises(Forbidden):
        brand.must_be("streamer")
    with pytest.raises(Unauthenticated):
        ANONYMOUS.must_be("brand")


STORABLE = st.one_of(
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5),
)


@given(st.lists(STORABLE, min_size=1, max_size=4))
def test_a_cursor_gives_back_the_key_it_was_made_of(key):
    assert decode_cursor(encode_cursor(key)) == key


@given(st.text(max_size=600))
def test_any_text_is_a_cursor_or_is_refused(text):
    with suppress(ValidationFailed):
        assert decode_cursor(text)


@pytest.mark.parametrize("key", [[{"$gt": ""}, "a"], ["a"], ["a", "b", "c"], [True, "a"]])
def test_a_forged_cursor_is_refused_by_the_types_of_its_key(key):
    with pytest.raises(ValidationFailed):
        decode_cursor(encode_cursor(key), int, str)


@pytest.mark.parametrize(
    "member", ["\ud800", "a\x00", 2**63, 10**100, 1.5, None, ["a"], {"$gt": ""}], ids=repr
)
def test_a_forged_cursor_brings_nothing_that_a_database_cannot_compare_with(member):
    with pytest.raises(ValidationFailed):
        decode_cursor(encode_cursor([member]))


def test_a_page_says_where_the_next_one_begins():
    first = page_of([1, 2, 3], limit=2, key=lambda n: [n])
    last = page_of([3], limit=2, key=lambda n: [n])

    assert (first.items, decode_cursor(first.next_cursor)) == ([1, 2], [2])
    assert (last.items, last.next_cursor) == ([3], None)


@dataclass(frozen=True)
class Line:
    text: str
    price: Money


@dataclass(frozen=True, kw_only=True)
class Ordered(Event):
    """Something was ordered."""

    type: ClassVar[str] = "ordered"
    aggregate: ClassVar[str] = "order_id"
    order_id: str
    at: datetime
    lines: list[Line]
    note: str | None = None
    tags: dict[str, int] = dataclasses.field(default_factory=dict)


def test_an_event_is_rebuilt_from_its_data():
    event = Ordered(order_id="o1", at=NOON, lines=[Line("tea", Money(250, "USD"))], tags={"hot": 1})

    data = event.to_data()

    assert data["at"] == "2026-11-23T12:00:00.123456Z"
    assert data["lines"] == [{"text": "tea", "price": {"amount_minor": 250, "currency": "USD"}}]
    assert Ordered.from_data(data | {"added_later": True}) == event


def test_a_secret_box_opens_what_an_older_key_closed():
    old, new = "o" * 32, "n" * 32
    sealed = SecretBox(old).encrypt("grüße")

    rotated = SecretBox(f"{new},{old}").rotate(sealed)

    assert SecretBox(f"{new},{old}").decrypt(sealed) == "grüße"
    assert SecretBox(new).decrypt(rotated) == "grüße"
    with pytest.raises(ValueError):
        SecretBox(new).decrypt(sealed)


def opened(url):
    path, _, query = url.partition("?")
    values = dict(part.split("=", 1) for part in query.split("&"))
    return path, int(values["expires"]), values["signature"]


def test_a_signed_link_opens_until_it_expires():
    path, expires, signature = opened(sign("/media/a.png", NOON + timedelta(hours=1), "k"))

    verify(path, expires, signature, "k", NOON)
    with pytest.raises(BadSignature):
        verify(path, expires, signature, "k", NOON + timedelta(hours=2))


@pytest.mark.parametrize("change", ["path", "expires", "signature", "key"])
def test_a_signed_link_that_was_changed_is_refused(change):
    path, expires, signature = opened(sign("/media/a.png", NOON + timedelta(hours=1), "k"))
    values = {"path": path, "expires": expires, "signature": signature, "key": "k"}
    values[change] = expires + 1 if change == "expires" else "/é"

    with pytest.raises(BadSignature):
        verify(values["path"], values["expires"], values["signature"], values["key"], NOON)


def test_errors_name_themselves():
    assert str(NotFound("no such thing")) == "not_found: no such thing"
    assert str(Conflict()) == "conflict: The present state refuses this"

"""What the stand-in for MongoDB does faster has to be the same as before."""

import random

import pytest
from secantus.storage import Storage as Theirs

from compose import mongo_stand_in
from compose.mongo_stand_in import Storage, pack, their_pack, their_unpack, unpack

FORMATS = [*mongo_stand_in.SHAPES, "SqS", "Q"]
NUMBERS = (0, -1, 5, 63, 64, 8_255, 8_256, 8_257, 70_000, -70_000, 2**40, 2**62)


@pytest.fixture
def storage(tmp_path):
    found = Storage(str(tmp_path / "data"), cache_size="16M", ttl_sweep_seconds=0)
    yield found
    found.close()


def some_value(kind):
    if kind == "S":
        return "".join(random.choices("ab._é\0", weights=[9, 9, 9, 9, 9, 1], k=random.randint(0, 6)))
    return (
        bytes(random.choices([0, 1, 255], k=random.randint(0, 6))) if kind == "u" else random.choice(NUMBERS)
    )


@pytest.mark.parametrize("form", FORMATS)
def test_keys_and_values_are_packed_as_the_engine_packs_them(form):
    for _ in range(200):
        values = [abs(value) if kind == "Q" else value for kind in form for value in [some_value(kind)]]

        packed = pack(form, *values)

        assert packed == their_pack(form, *values)
        assert unpack(form, packed) == list(their_unpack(form, packed))


def test_a_value_that_is_not_there_is_read_as_the_engine_reads_it():
    assert unpack("u", None) == list(their_unpack("u", None))


def test_a_statement_reads_the_catalogue_once(storage, monkeypatch):
    storage.create_index("shop", "carts", "owner", {"owner": 1})
    reads, read = [], Theirs._iter_indexes
    monkeypatch.setattr(
        Theirs, "_iter_indexes", lambda self, *place: reads.append(place) or read(self, *place)
    )

    storage.insert("shop", "carts", [{"_id": number, "owner": "ada"} for number in range(20)])

    assert len(reads) == 1


def test_an_index_that_is_made_between_two_statements_holds_for_the_second(storage):
    storage.insert("shop", "carts", [{"_id": 1, "owner": "ada"}])
    storage.create_index("shop", "carts", "owner", {"owner": 1}, {"unique": True})

    _, errors = storage.insert("shop", "carts", [{"_id": 2, "owner": "ada"}])

    assert [error["code"] for error in errors] == [11000]


def test_an_array_in_the_middle_of_a_statement_marks_its_index_for_the_rest_of_it(storage):
    storage.create_index("shop", "carts", "items", {"items": 1})

    storage.insert("shop", "carts", [{"_id": 1, "items": "a"}, {"_id": 2, "items": ["a", "b"]}])

    assert storage.index_is_multikey("shop", "carts", "items")
    assert {cart["_id"] for cart in storage.find_matching("shop", "carts", {"items": "a"})} == {1, 2}
    assert [cart["_id"] for cart in storage.find_matching("shop", "carts", {"items": "b"})] == [2]


def test_transactions_that_were_left_open_are_given_up_all_the_same():
    now, given_up = [0.0], []
    transactions = mongo_stand_in.Transactions(
        commit_func=lambda one: None,
        rollback_func=given_up.append,
        lifetime_seconds=10,
        time_func=lambda: now[0],
    )
    left_open, _ = transactions.for_statement(b"session", {}, 1, start=True)

    now[0] = 11.0
    transactions.for_statement(b"another session", {}, 1, start=True)

    assert given_up == [left_open]

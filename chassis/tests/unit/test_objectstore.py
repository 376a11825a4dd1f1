import io

import pytest

from chassis.config import ConfigurationError
from chassis.errors import NotFound
from chassis.objectstore import open_store


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/objects")


def test_an_object_is_read_as_it_was_put(store):
    store.put("variants/ab/banner.png", io.BytesIO(b"0123456789"))

    assert store.get("variants/ab/banner.png") == b"0123456789"
    assert store.size("variants/ab/banner.png") == 10
    assert b"".join(store.open("variants/ab/banner.png", start=2, length=3)) == b"234"


def test_a_put_that_fails_leaves_nothing(store, tmp_path):
    class Torn(io.BytesIO):
        def read(self, *size):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        store.put("a", Torn())

    assert not store.exists("a")
    assert list((tmp_path / "objects").iterdir()) == []


def test_deleting_twice_is_no_error(store):
    store.put("a", io.BytesIO(b"x"))

    store.delete("a")
    store.delete("a")

    assert not store.exists("a")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".hidden", "a/.put-x", "a\x00b", "a" * 300]
)
def test_a_key_cannot_leave_the_store(store, key):
    with pytest.raises(NotFound):
        store.get(key)
    with pytest.raises(NotFound):
        store.put(key, io.BytesIO(b"x"))


@pytest.mark.parametrize("url", ["", "s3://bucket", "file://"])
def test_a_store_of_another_kind_is_named(url):
    with pytest.raises(ConfigurationError, match="OBJECT_STORE_URL"):
        open_store(url)

"""secantusd-py, with what its command line lacks.

How long a transaction may be idle: a process that is killed leaves its transactions open, and what they
have touched is out of everybody's reach until the server gives them up, after a minute unless told otherwise.

And without what it does many times over in each statement. It is one Python process for seven services, so
its processor time is the largest part of what a showing costs; docs/0027 has the profile.
"""

import functools
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import wiredtiger
from secantus import cli, server
from wiredtiger.intpacking import pack_int, unpack_int

from compose.mongo import TRANSACTION_SECONDS

Index = tuple[str, dict[str, Any], dict[str, Any]]
Catalogue = dict[tuple[str, str], list[Index]]

SECONDS_BETWEEN_LOOKS = 0.5
"""How often transactions that were left open are looked for, small beside the time that they are given."""

SHAPES = {"S" * texts + last: (texts, last) for texts in range(4) for last in ("", "u", "q") if texts or last}
"""Formats of keys and values: texts that end with a zero, then perhaps bytes or a number."""

LARGE, LARGE_MARK = 8_256, 0xE0
"""Numbers above it are written as how many bytes they take beyond it, and these bytes."""


class Storage(server.Storage):
    """Without an oplog, which only change streams read: it holds a second copy of every write.

    What makes a write durable is the log of the storage engine.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self._statement = threading.local()
        super().__init__(*arguments, **{**settings, "enable_oplog": False})

    def prune_ttl_all_collections(self, **options: Any) -> int:
        """Lets go of what it has read, and not only in its next round a minute later.

        Meanwhile nothing that is newer could leave the cache, and writers would wait there for room.
        """
        try:
            return int(super().prune_ttl_all_collections(**options))
        finally:
            self.release_thread_snapshot()

    def find_matching(self, *arguments: Any, **options: Any) -> list[dict[str, Any]]:
        with self._one_statement():
            found: list[dict[str, Any]] = super().find_matching(*arguments, **options)
            return found

    @contextmanager
    def _batch_transaction(self, **options: Any) -> Iterator[Any]:
        """Every insert, update and delete of documents runs in one of these, and nothing else does."""
        with self._one_statement(), super()._batch_transaction(**options) as session:
            yield session

    @contextmanager
    def _one_statement(self) -> Iterator[None]:
        """Reads of one statement see one snapshot, so what they find of the catalogue stays as it is.

        All that a statement changes of it itself is that an index has met an array, which it asks once.
        """
        if getattr(self._statement, "catalogue", None) is not None:
            yield
            return
        self._statement.catalogue = {}
        try:
            yield
        finally:
            self._statement.catalogue = None

    def _iter_indexes(self, db: str, coll: str) -> Iterable[Index]:
        """Read once in a statement, instead of four times and twice more for each of its documents."""
        catalogue: Catalogue | None = getattr(self._statement, "catalogue", None)
        if catalogue is None:
            return list(super()._iter_indexes(db, coll))
        if (db, coll) not in catalogue:
            catalogue[db, coll] = list(super()._iter_indexes(db, coll))
        return catalogue[db, coll]

    def get_profile(self, db: str) -> dict[str, Any]:
        """Nobody has this server keep a profile, which it would look up after every command."""
        return {"level": 0, "slowms": 100, "sampleRate": 1.0}


class Transactions(server.TransactionRegistry):
    """Looks for transactions that were left open now and then, and not with every statement of the others."""

    _next_look = 0.0

    def _prune_locked(self) -> int:
        now = self._time()
        if now < self._next_look:
            return 0
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        return int(super()._prune_locked())


their_pack, their_unpack = wiredtiger.pack, wiredtiger.unpack


def pack(fmt: str, *values: Any) -> bytes:
    """As WiredTiger's own, which goes through the format character by character for every key."""
    shape = SHAPES.get(fmt)
    if shape is None:
        return bytes(their_pack(fmt, *values))
    texts, last = shape
    head = "\0".join(values[:texts])
    if head.count("\0") > max(texts - 1, 0):
        return bytes(their_pack(fmt, *values))
    packed = head.encode() + b"\0" if texts else b""
    if last == "u":
        return packed + bytes(values[texts])
    return packed + packed_number(values[texts]) if last else packed


def packed_number(number: int) -> bytes:
    if number <= LARGE:
        return bytes(pack_int(number))
    beyond = number - LARGE
    size = (beyond.bit_length() + 7) // 8
    return bytes((LARGE_MARK | size,)) + beyond.to_bytes(size, "big")


def unpack(fmt: str, packed: bytes | None) -> list[Any]:
    """The inverse of `pack`."""
    shape = SHAPES.get(fmt)
    if shape is None or packed is None:
        return list(their_unpack(fmt, packed))
    texts, last = shape
    *head, rest = packed.split(b"\0", texts) if texts else (packed,)
    values: list[Any] = [text.decode() for text in head]
    if last:
        values.append(rest if last == "u" else unpack_int(rest)[0])
    return values


def install() -> None:
    server.Storage = Storage
    server.TransactionRegistry = Transactions
    cursors: Any = sys.modules[wiredtiger.Cursor.__module__]
    cursors.pack, cursors.unpack = pack, unpack


def main() -> int:
    install()
    cli.SecantusDBServer = functools.partial(
        cli.SecantusDBServer, transaction_lifetime_seconds=TRANSACTION_SECONDS
    )
    return int(cli.main() or 0)


if __name__ == "__main__":
    sys.exit(main())

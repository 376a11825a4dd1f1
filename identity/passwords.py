"""Argon2id, away from the event loop, and the list of passwords that guessers try first."""

from __future__ import annotations

import secrets
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from eventlet import tpool
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from identity.domain.account import SHORTEST_PASSWORD

BREACHED_LIST = Path(__file__).with_name("breached_passwords.txt")

# OWASP's password storage cheat sheet: at least 19 MiB, two passes, one lane.
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1


def read_breached(path: Path = BREACHED_LIST) -> frozenset[str]:
    """The file's lines and zxcvbn's list, case-folded, since a capital letter makes none hard to guess.

    The file adds what belongs to this platform, and what became known after that list was made. Shorter ones
    are left out: they are refused for their length.
    """
    known = [*path.read_text("utf-8").splitlines(), *FREQUENCY_LISTS["passwords"]]
    return frozenset(word.casefold() for word in known if len(word) >= SHORTEST_PASSWORD)


class Argon2Passwords:
    """Hashes and verifies in a native thread: 20 ms of work would otherwise stop the whole service."""

    def __init__(self, breached: frozenset[str]) -> None:
        self.breached = breached
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._nobodys_hash = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        return str(tpool.execute(self._hasher.hash, password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Without a hash the same work is done on nobody's, so that the time tells nothing."""
        right = tpool.execute(self._verify, hashed or self._nobodys_hash, password)
        return bool(right) and hashed is not None

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

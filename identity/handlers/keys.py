"""Rotating the keys that sign access tokens. Of several processes that do so at once, one makes a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.clock import Clock
from identity.domain.facts import Fact, SigningKeyMade, SigningKeyWithdrawn
from identity.domain.key_ring import (
    RETIRING,
    KeyPair,
    KeyRing,
    KeyTaken,
    Policy,
    SigningKey,
)

NewPair = Callable[[], KeyPair]


class SigningKeys(Protocol):
    def ring(self) -> KeyRing: ...

    def add(self, key: SigningKey, facts: Sequence[Fact] = ()) -> None:
        """KeyTaken when there is one of that number. The audit log is told the facts with it, or nothing."""

    def withdraw(self, kid: str, at: datetime, facts: Sequence[Fact]) -> None:
        """Its private part is gone with it; for a key that was withdrawn before this changes nothing."""

    def forget_private(self, kid: str) -> None: ...


@dataclass(frozen=True)
class ListedKey:
    kid: str
    state: str
    made_at: datetime
    signs_from: datetime
    retires_at: datetime | None
    withdrawn_at: datetime | None


def usable_ring(keys: SigningKeys, clock: Clock, new_pair: NewPair, policy: Policy) -> KeyRing:
    """The ring with at least one key that may sign; on a platform's first start this makes it."""
    ring = keys.ring()
    if ring.signing(clock.now()) is not None:
        return ring
    return _with_next(keys, ring, clock, new_pair, policy)


def list_keys(keys: SigningKeys, clock: Clock) -> list[ListedKey]:
    return listed(keys.ring(), clock.now())


def rotate_keys(keys: SigningKeys, clock: Clock, new_pair: NewPair, policy: Policy) -> list[ListedKey]:
    """Publish the next key now. A rotation that is under way is not begun again.

    The audit log hears of it; the timer's rotations follow from the policy.
    """
    ring = keys.ring()
    if ring.waiting(clock.now()) is None:
        ring = _with_next(keys, ring, clock, new_pair, policy, by_operator=True)
    return listed(ring, clock.now())


def withdraw_key(
    keys: SigningKeys, clock: Clock, new_pair: NewPair, policy: Policy, *, kid: str
) -> list[ListedKey]:
    """A key that somebody else may know: its tokens are refused as soon as the key set is read again.

    When it was the only one, its successor signs at once; a process that dies in between leaves that
    to whoever signs next.
    """
    keys.ring().get(kid)
    keys.withdraw(kid, clock.now(), [SigningKeyWithdrawn(kid=kid)])
    return listed(usable_ring(keys, clock, new_pair, policy), clock.now())


def look_after_keys(keys: SigningKeys, clock: Clock, new_pair: NewPair, policy: Policy) -> None:
    """One round of the timer: publish the next key when it is due, forget what nobody needs any more."""
    ring = keys.ring()
    if ring.is_due(clock.now(), policy):
        _with_next(keys, ring, clock, new_pair, policy)
    for key in ring.with_needless_secrets(clock.now()):
        keys.forget_private(key.kid)


def _with_next(
    keys: SigningKeys,
    ring: KeyRing,
    clock: Clock,
    new_pair: NewPair,
    policy: Policy,
    *,
    by_operator: bool = False,
) -> KeyRing:
    key = ring.next(new_pair(), clock.now(), policy)
    # Whichever process was faster, its key serves as well.
    with suppress(KeyTaken):
        keys.add(key, [SigningKeyMade(kid=key.kid)] if by_operator else [])
    return keys.ring()


def listed(ring: KeyRing, at: datetime) -> list[ListedKey]:
    return [_listed(ring, key, at) for key in ring.keys]


def _listed(ring: KeyRing, key: SigningKey, at: datetime) -> ListedKey:
    state = ring.state(key, at)
    retires_at = ring.retires_at(key) if state == RETIRING else None
    return ListedKey(key.kid, state, key.made_at, key.signs_from, retires_at, key.withdrawn_at)

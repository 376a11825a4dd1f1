"""The chain of proofs: each delivery of a session vouches for the one before it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum

from participation.domain.deliveries import Entry, Malformed, Showing, proof_of


class Refusal(StrEnum):
    """Why a delivery is not accepted. All are final but a gap: what is missing may still come."""

    MALFORMED = "malformed"
    REPLAYED = "replayed"
    OUT_OF_ORDER = "out_of_order"
    BROKEN_CHAIN = "broken_chain"
    UNKNOWN_PARTICIPATION = "unknown_participation"
    UNKNOWN_CREATIVE = "unknown_creative"
    IN_THE_FUTURE = "in_the_future"
    TOO_OLD = "too_old"
    EXPIRED_SESSION = "expired_session"
    SUPERSEDED_SESSION = "superseded_session"
    NOT_ACTIVE = "not_active"
    FASTER_THAN_CLOCK = "faster_than_clock"
    OVERLAPPING = "overlapping"
    TOO_FREQUENT = "too_frequent"


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery whose proof is wrong, and the proofs that its successor may have been chained to.

    Those are the proof that was sent, and the one that should have been. A claim moves nothing by itself:
    only a successor with a valid proof, which needs the key, moves the chain past it.
    """

    seq: int
    proofs: tuple[str, ...]


class Chain:
    """How far a session's deliveries are known. Whoever has not the key cannot move it."""

    def __init__(self, proof: str, seq: int = 0, claim: Claim | None = None) -> None:
        self.proof = proof
        self.seq = seq
        self.claim = claim

    def admit(self, key: bytes, entry: Entry) -> Refusal | None:
        """Move on to this delivery, or say why not."""
        if isinstance(entry, Malformed):
            self._claim(entry.seq, entry.proof)
            return Refusal.MALFORMED
        if entry.seq <= self.seq:
            return Refusal.REPLAYED
        previous = self._predecessors(entry.seq)
        if not previous:
            return Refusal.OUT_OF_ORDER
        return self._verify(key, previous, entry)

    def _verify(self, key: bytes, previous: tuple[str, ...], showing: Showing) -> Refusal | None:
        expected = [proof_of(key, proof, showing) for proof in previous]
        if not any(hmac.compare_digest(proof, showing.proof) for proof in expected):
            self._claim(showing.seq, showing.proof, *expected)
            return Refusal.BROKEN_CHAIN
        self.seq, self.proof, self.claim = showing.seq, showing.proof, None
        return None

    def _predecessors(self, seq: int) -> tuple[str, ...]:
        known = (self.proof,) if seq == self.seq + 1 else ()
        claimed = self.claim.proofs if self.claim is not None and seq == self.claim.seq + 1 else ()
        return known + claimed

    def _claim(self, seq: int | None, *proofs: str | None) -> None:
        if seq is not None and self._predecessors(seq):
            # Two are kept: the one sent and the one expected. More would grow along a forged chain.
            self.claim = Claim(seq, tuple(proof for proof in proofs if proof is not None)[:2])

"""What a campaign knows of one participation: enough to count places and money.

Events about a participation arrive in any order and more than once. Every field only ever grows, so
merging by the maximum gives the same figures whatever the order (a join-semilattice).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """`earned_minor` is the cumulative gross total that the ledger has posted."""

    id: str
    campaign_id: str
    was_approved: bool = False
    has_gone: bool = False
    earned_minor: int = 0

    @property
    def holds_a_place(self) -> bool:
        return self.was_approved and not self.has_gone

    def merged(self, other: Participant) -> Participant:
        return Participant(
            id=self.id,
            campaign_id=self.campaign_id,
            was_approved=self.was_approved or other.was_approved,
            has_gone=self.has_gone or other.has_gone,
            earned_minor=max(self.earned_minor, other.earned_minor),
        )

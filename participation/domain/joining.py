"""What a campaign says to a streamer who wants to join."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from participation.domain.earnings import Compensation, Terms
from participation.domain.errors import CampaignClosed, NotEligible


@dataclass(frozen=True, slots=True)
class Joining:
    """Whether the campaign is open to this streamer, and the terms it would be on.

    `reasons` are the rules that fail; there are none for a streamer who fits. Whether a place is left the
    campaign judged by what it had heard, which may be old: `max_participants` is what counts on approval.
    """

    campaign_id: str
    campaign_name: str
    brand_id: str
    status: str
    is_funded: bool
    approval: str
    reasons: list[str]
    category: str | None
    currency: str
    max_participants: int | None = None
    compensation: dict[str, Any] = field(default_factory=dict)
    platforms: list[dict[str, Any]] = field(default_factory=list)

    @property
    def approves_by_itself(self) -> bool:
        return self.approval == "auto"

    def check_is_open(self) -> None:
        if self.status != "active" or not self.is_funded:
            raise CampaignClosed(f"the campaign is {self.status}", status=self.status)

    def check_is_eligible(self) -> None:
        if self.reasons:
            raise NotEligible("; ".join(self.reasons), reasons=self.reasons)

    def terms(self, at: datetime) -> Terms:
        return Terms(Compensation.from_dict(self.compensation), self.currency, at, self.platforms)

"""What happens to campaigns. Every event names the campaign, its brand and its name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.event import Event
from chassis.money import Money


@dataclass(frozen=True, kw_only=True)
class CampaignEvent(Event):
    """The part that all of them share."""

    aggregate: ClassVar[str] = "campaign_id"
    campaign_id: str
    brand_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class CampaignCreated(CampaignEvent):
    """A draft exists, written anew or cloned."""

    type: ClassVar[str] = "campaign_created"
    budget: Money


@dataclass(frozen=True, kw_only=True)
class CampaignUpdated(CampaignEvent):
    """The fields named in `changed` have new values."""

    type: ClassVar[str] = "campaign_updated"
    changed: list[str]


@dataclass(frozen=True, kw_only=True)
class CampaignDeleted(CampaignEvent):
    """A draft was thrown away before anybody else saw it."""

    type: ClassVar[str] = "campaign_deleted"


@dataclass(frozen=True, kw_only=True)
class CampaignSubmitted(CampaignEvent):
    """The brand asks for a review; every creative's asset was ready then."""

    type: ClassVar[str] = "campaign_submitted"


@dataclass(frozen=True, kw_only=True)
class CampaignApproved(CampaignEvent):
    """An admin found nothing wrong; the brand may activate."""

    type: ClassVar[str] = "campaign_approved"


@dataclass(frozen=True, kw_only=True)
class CampaignRejected(CampaignEvent):
    """An admin refused it; it is a draft again."""

    type: ClassVar[str] = "campaign_rejected"
    reason: str


@dataclass(frozen=True, kw_only=True)
class CampaignActivated(CampaignEvent):
    """The budget is reserved, streamers may join and overlays may show the creatives."""

    type: ClassVar[str] = "campaign_activated"
    budget: Money
    category: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, kw_only=True)
class CampaignPaused(CampaignEvent):
    """Nothing is shown until it is resumed."""

    type: ClassVar[str] = "campaign_paused"


@dataclass(frozen=True, kw_only=True)
class CampaignResumed(CampaignEvent):
    """Overlays may show the creatives again."""

    type: ClassVar[str] = "campaign_resumed"


@dataclass(frozen=True, kw_only=True)
class CampaignCompleted(CampaignEvent):
    """The run is over; `reason` is brand, budget_spent or ended."""

    type: ClassVar[str] = "campaign_completed"
    reason: str


@dataclass(frozen=True, kw_only=True)
class CampaignCancelled(CampaignEvent):
    """The brand gave it up; what was earned until then stays earned."""

    type: ClassVar[str] = "campaign_cancelled"


@dataclass(frozen=True, kw_only=True)
class CampaignBudgetLow(CampaignEvent):
    """At most a tenth of the budget is left."""

    type: ClassVar[str] = "campaign_budget_low"
    left: Money


@dataclass(frozen=True, kw_only=True)
class CampaignBudgetReturned(CampaignEvent):
    """What was reserved and not earned is back in the brand's wallet."""

    type: ClassVar[str] = "campaign_budget_returned"
    returned: Money

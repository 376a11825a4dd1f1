"""The named errors of participation.

ParticipationNotFound   404  missing, or somebody else's
AlreadyApplied          409  one participation per campaign and streamer
NotEligible             409  `reasons` says which rules fail
CampaignClosed          409  the campaign takes nobody at the moment
CampaignFull            409  as many take part as the brand wants
WrongState              409  the state machine has no such edge
ConcurrentUpdate        409  somebody else changed it meanwhile; try again
UnknownToken            404  no overlay has this link
RevokedToken            410  the overlay's link was replaced
AudienceUnknown         503  nobody can say who watched; try again, nothing is lost
"""

from __future__ import annotations

from chassis.errors import Conflict, Gone, NotFound, ServiceUnavailable


class ParticipationNotFound(NotFound):
    code, title = "participation.not_found", "Participation not found"


class AlreadyApplied(Conflict):
    code, title = "participation.already_applied", "You have applied to this campaign already"


class NotEligible(Conflict):
    code, title = "participation.not_eligible", "The campaign's requirements are not met"


class CampaignClosed(Conflict):
    code, title = "participation.campaign_closed", "The campaign is not open"


class CampaignFull(Conflict):
    code, title = "participation.campaign_full", "The campaign has no place left"


class WrongState(Conflict):
    code, title = "participation.wrong_state", "The participation's state does not allow this"


class ConcurrentUpdate(Conflict):
    code, title = "participation.concurrent_update", "Somebody else has changed this meanwhile"


class UnknownToken(NotFound):
    code, title = "overlay.unknown_token", "No overlay has this link"


class RevokedToken(Gone):
    code, title = "overlay.revoked", "This overlay link was replaced"


class AudienceUnknown(ServiceUnavailable):
    code, title = "participation.audience_unknown", "The audience cannot be sampled at the moment"

"""Version 1 of the interface: a blueprint per resource, named as its service, below /v1."""

from gateway.lifecycle import Announced
from gateway.v1 import (
    admin,
    analytics,
    api_keys,
    asset,
    audit,
    brand,
    campaign,
    dashboard,
    identity,
    links,
    notification,
    oauth,
    participation,
    payment,
    permissions,
    second_factor,
    streamer,
    team,
    webhooks,
)

BLUEPRINTS = (
    identity.blueprint,
    links.blueprint,
    oauth.blueprint,
    second_factor.blueprint,
    api_keys.blueprint,
    brand.blueprint,
    team.blueprint,
    streamer.blueprint,
    campaign.blueprint,
    participation.blueprint,
    asset.blueprint,
    payment.blueprint,
    analytics.blueprint,
    notification.blueprint,
    webhooks.blueprint,
    dashboard.blueprint,
    permissions.blueprint,
    audit.blueprint,
    admin.blueprint,
)

PREFIX = "/v1/"
ANNOUNCED = Announced()
"""What of this version is on its way out: nothing. See gateway.lifecycle."""

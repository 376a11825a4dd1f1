"""A blueprint per resource, named as its service."""

from gateway.resources import (
    analytics,
    asset,
    brand,
    campaign,
    dashboard,
    identity,
    media,
    notification,
    operations,
    overlay,
    pages,
    participation,
    payment,
    streamer,
)

BLUEPRINTS = (
    identity.blueprint,
    brand.blueprint,
    streamer.blueprint,
    campaign.blueprint,
    participation.blueprint,
    overlay.blueprint,
    asset.blueprint,
    media.blueprint,
    payment.blueprint,
    analytics.blueprint,
    notification.blueprint,
    dashboard.blueprint,
    operations.blueprint,
)
# Pages for people: not part of the documented interface.
PLAIN_BLUEPRINTS = (pages.blueprint,)

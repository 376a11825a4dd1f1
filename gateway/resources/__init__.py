"""What has no version: the overlay and media addresses that are handed out, keys, pages, operations."""

from gateway.portal import pages as portal
from gateway.resources import keys, media, operations, overlay, pages

BLUEPRINTS = (
    keys.blueprint,
    overlay.blueprint,
    media.blueprint,
    operations.blueprint,
)
# Pages for people: not part of the documented interface.
PLAIN_BLUEPRINTS = (pages.blueprint, portal.blueprint)

"""What notification reaches outside of itself, in its own terms."""

from notification.clients.neighbours import IdentityLinks, SmtpMailer
from notification.clients.webhooks import HttpPoster

__all__ = ["HttpPoster", "IdentityLinks", "SmtpMailer"]

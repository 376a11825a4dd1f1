"""What notification reaches outside of itself, in its own terms."""

from notification.clients.neighbours import IdentityLinks, SmtpMailer

__all__ = ["IdentityLinks", "SmtpMailer"]

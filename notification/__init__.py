"""Notification: tells people what happened, in their inbox and by e-mail."""

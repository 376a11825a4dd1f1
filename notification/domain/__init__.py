"""The rules of telling somebody: notifications and their mails, and the webhooks of brands."""

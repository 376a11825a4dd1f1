"""Accounts, sign-in, access and refresh tokens, sessions."""

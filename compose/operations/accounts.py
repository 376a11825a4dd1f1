"""What an operator does for somebody who has shown, elsewhere, whose account it is."""

from __future__ import annotations

from typing import TypedDict

from compose.operations.access import Access, identity_answers


class Reset(TypedDict):
    account_id: str


def reset_second_factor(access: Access, kind: str, email: str) -> Reset:
    reset: Reset = identity_answers(access, "reset_second_factor", {"kind": kind, "email": email})
    return reset


def told(reset: Reset) -> str:
    told = "its sessions have ended, and it is told by mail."
    return f"{reset['account_id']} opens with its password alone now; {told}"

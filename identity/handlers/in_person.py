"""What only somebody who has signed in may do: sessions and keys are not a program's business."""

from __future__ import annotations

from chassis.errors import Forbidden
from identity.domain import api_key, impersonation
from identity.handlers.ports import SessionOwner


class NotForKeys(Forbidden):
    code, title = "identity.not_for_keys", "An API key cannot do this; sign in"


class NotWhileImpersonating(Forbidden):
    code, title = "identity.not_while_impersonating", "Only the owner of the account can do this"


def must_be_in_person(by: SessionOwner, *kinds: str) -> None:
    must_be_somebody(by, *kinds)
    if by.session_id.startswith(f"{impersonation.PREFIX}_"):
        raise NotWhileImpersonating()


def must_be_somebody(by: SessionOwner, *kinds: str) -> None:
    """A person, be it the owner or an administrator who acts as the owner."""
    by.must_be(*kinds)
    if by.session_id.startswith(f"{api_key.PREFIX}_"):
        raise NotForKeys()

"""What only somebody who has signed in may do: sessions and keys are not a program's business."""

from __future__ import annotations

from chassis.errors import Forbidden
from identity.domain.api_key import PREFIX
from identity.handlers.ports import SessionOwner


class NotForKeys(Forbidden):
    code, title = "identity.not_for_keys", "An API key cannot do this; sign in"


def must_be_in_person(by: SessionOwner, *kinds: str) -> None:
    by.must_be(*kinds)
    if by.session_id.startswith(f"{PREFIX}_"):
        raise NotForKeys()

"""Members of brands' teams, and their way in."""

from __future__ import annotations

from chassis.schema import IdField
from identity.schemas.accounts import Login
from identity.schemas.parts import FromAddress


class LoginMember(Login):
    """`brand_id` is needed by whoever is in the teams of several brands."""

    brand_id = IdField("brd", load_default=None, allow_none=True)


class LoginMemberCall(LoginMember, FromAddress):
    pass

"""Members of brands' teams, and their way in."""

from __future__ import annotations

from chassis.schema import IdField, Schema
from identity.schemas.accounts import Login
from identity.schemas.parts import FromAddress, code, line, link_token, password


class LoginMember(Login):
    """`brand_id` is needed by whoever is in the teams of several brands."""

    brand_id = IdField("brd", load_default=None, allow_none=True)


class AcceptInvitation(Schema):
    """`token` stands in the link that was mailed, after the #.

    `password` is the new account's, or that of the account which the invited address has already; `code` is
    for one with an authenticator app.
    """

    token = link_token()
    password = password()
    code = code()
    name = line(120, "Finn Okafor")


class AcceptInvitationCall(AcceptInvitation, FromAddress):
    pass


class LoginMemberCall(LoginMember, FromAddress):
    pass

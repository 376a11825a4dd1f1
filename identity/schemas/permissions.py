"""Asking why somebody may or may not do something."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import Schema
from identity.schemas.parts import TEAM_ROLES

ROLES = (*TEAM_ROLES, "streamer", "admin")
LONGEST_NAME = 64

STEP_UP: dict[str, tuple[str, int | None]] = {
    "payouts:method": ("pwd", 600),
    "admin:campaigns": ("mfa", None),
    "admin:streamers": ("mfa", None),
    "admin:ledger": ("mfa", None),
    "admin:permissions": ("mfa", None),
    "admin:audit": ("mfa", None),
    "admin:impersonate": ("mfa", 600),
    "admin:invite": ("mfa", 600),
}
"""Scopes that open nothing until the token shows this `acr`, from at most so many seconds ago."""
MOST_SCOPES = 50


def name(example: str, **options: Any) -> fields.String:
    return fields.String(
        validate=validate.Length(min=1, max=LONGEST_NAME), metadata={"example": example}, **options
    )


class DescribedPrincipal(Schema):
    """Somebody who need not exist. Without `scopes` the role's own are meant."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    account_id = name("brd_01jd2e7z5pf3rs8w6r8q6v2k1m", required=True)
    scopes = fields.List(name("campaigns:read"), validate=validate.Length(max=MOST_SCOPES))


class PermissionResource(Schema):
    """What is asked about. Whoever leaves out the owner or the state asks about any."""

    kind = name("campaign", required=True)
    owner = name("brd_01jd2e7z5pf3rs8w6r8q6v2k1m")
    state = name("draft")


class Explain(Schema):
    """Name an account by `principal_id`, or describe a `principal`: one of the two."""

    principal_id = name("brd_01jd2e7z5pf3rs8w6r8q6v2k1m")
    principal = fields.Nested(DescribedPrincipal)
    action = name("campaign.edit", required=True)
    resource = fields.Nested(PermissionResource, required=True)

    @validates_schema
    def check_one_principal(self, data: dict[str, Any], **_: Any) -> None:
        if ("principal_id" in data) == ("principal" in data):
            raise ValidationError("Name one principal, or describe one.", "principal")


class Decision(Schema):
    """`rule` is the row of the table that decided, `check` which of its checks failed, or `granted`."""

    allowed = fields.Boolean(required=True)
    rule = fields.String(required=True, metadata={"example": "campaign.edit by owner, manager"})
    check = fields.String(required=True, metadata={"example": "role"})
    reason = fields.String(required=True, metadata={"example": "finance is not among owner, manager"})

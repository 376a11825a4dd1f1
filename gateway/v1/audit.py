"""The log of security events: everything for administrators, one's own for everybody."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer
from gateway.rest import Resource
from identity import schemas

blueprint = Resource("audit", __name__, url_prefix="/v1", description="Security events")


@blueprint.route("/admin/audit")
@blueprint.requires("admin:audit")
@blueprint.answers(200, schemas.AuditPage, example="audit")
@blueprint.query(schemas.ListAudit)
def list_audit(query: dict[str, Any]) -> Response:
    """The audit log, newest first; of one account, when it is named."""
    return answer("identity", "list_audit", query)


@blueprint.route("/auth/security-events")
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(200, schemas.SecurityEventPage, example="security_events")
@blueprint.query(schemas.ListSecurityEvents)
def list_security_events(query: dict[str, Any]) -> Response:
    """What happened to this account: log-ins, failed ones, keys, authenticator apps. Newest first."""
    return answer("identity", "list_security_events", query)

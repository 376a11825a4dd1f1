"""Why somebody may or may not do something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.errors import NotFound
from chassis.principal import Caller
from identity.domain.membership import MEMBER
from identity.domain.permissions import ROLE_OF_KIND, Decision, Resource, Subject, decide
from identity.handlers.ports import Accounts, Teams


class PrincipalNotFound(NotFound):
    code, title = "identity.principal_not_found", "There is no such account"


def explain(
    accounts: Accounts,
    teams: Teams,
    by: Caller,
    *,
    action: str,
    resource: Mapping[str, str],
    principal_id: str | None = None,
    principal: Mapping[str, Any] | None = None,
) -> Decision:
    """For administrators; the principal is an account's id, or is described."""
    by.must_be("admin")
    return explain_to_operator(
        accounts, teams, action=action, resource=resource, principal_id=principal_id, principal=principal
    )


def explain_to_operator(
    accounts: Accounts,
    teams: Teams,
    *,
    action: str,
    resource: Mapping[str, str],
    principal_id: str | None = None,
    principal: Mapping[str, Any] | None = None,
) -> Decision:
    subject = (
        described(principal)
        if principal
        else known(accounts, teams, principal_id or "", resource.get("owner"))
    )
    return decide(subject, action, Resource(**resource))


def described(principal: Mapping[str, Any]) -> Subject:
    scopes = principal.get("scopes")
    return Subject(principal["role"], principal["account_id"], None if scopes is None else frozenset(scopes))


def known(accounts: Accounts, teams: Teams, account_id: str, owner: str | None) -> Subject:
    """A member is who they are in the team of the owner, or else in the first team that they are in."""
    try:
        account = accounts.get(account_id)
    except LookupError as error:
        raise PrincipalNotFound() from error
    if account.kind == MEMBER:
        memberships = sorted(teams.of(account.id), key=lambda each: each.brand_id != owner)
        if not memberships:
            raise PrincipalNotFound("This account is in no team.")
        return Subject(memberships[0].role, memberships[0].brand_id)
    return Subject(ROLE_OF_KIND[account.kind], account.id)

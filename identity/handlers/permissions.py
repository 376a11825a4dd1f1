"""Why somebody may or may not do something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.errors import NotFound
from chassis.principal import Caller
from identity.domain.permissions import ROLE_OF_KIND, Decision, Resource, Subject, decide
from identity.handlers.ports import Accounts


class PrincipalNotFound(NotFound):
    code, title = "identity.principal_not_found", "There is no such account"


def explain(
    accounts: Accounts,
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
        accounts, action=action, resource=resource, principal_id=principal_id, principal=principal
    )


def explain_to_operator(
    accounts: Accounts,
    *,
    action: str,
    resource: Mapping[str, str],
    principal_id: str | None = None,
    principal: Mapping[str, Any] | None = None,
) -> Decision:
    subject = described(principal) if principal else known(accounts, principal_id or "")
    return decide(subject, action, Resource(**resource))


def described(principal: Mapping[str, Any]) -> Subject:
    scopes = principal.get("scopes")
    return Subject(principal["role"], principal["account_id"], None if scopes is None else frozenset(scopes))


def known(accounts: Accounts, account_id: str) -> Subject:
    try:
        account = accounts.get(account_id)
    except LookupError as error:
        raise PrincipalNotFound() from error
    return Subject(ROLE_OF_KIND[account.kind], account.id)

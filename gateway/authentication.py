"""Who is asking: a verified access token, of a session that was not revoked, with the scope asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import g, request

from chassis import context
from chassis.errors import Forbidden, Unauthenticated
from chassis.principal import Principal
from gateway.api_keys import BEGINS_WITH
from gateway.rates.requests import count_principal
from gateway.state import state
from identity.schemas import STEP_UP

# Ours are below 1 KB; a longer one is not worth the time to decode it.
MAX_TOKEN_LENGTH = 4096


class MissingScope(Forbidden):
    code = "missing_scope"
    title = "The access token does not allow this"


class SessionRevoked(Unauthenticated):
    code = "session_revoked"
    title = "The session has been ended"


def require(scopes: Sequence[str], kinds: Sequence[str]) -> None:
    """Raises unless the request's principal is of one of `kinds` and has one of `scopes`; none means any."""
    principal = authenticate()
    if kinds:
        principal.must_be(*kinds)
    if scopes and principal.scopes.isdisjoint(scopes):
        raise MissingScope(f"This needs the scope {' or '.join(scopes)}.")
    must_have_stepped_up(principal, scopes)


def must_have_stepped_up(principal: Principal, scopes: Sequence[str]) -> None:
    """Raises StepUpRequired when each of these scopes that the token carries needs more than it shows."""
    carried = [scope for scope in scopes if scope in principal.scopes]
    if carried and all(scope in STEP_UP for scope in carried):
        acr, max_age = STEP_UP[carried[0]]
        principal.must_have_authenticated(acr, max_age, state().clock.now())


def authenticate() -> Principal:
    """The request's principal; its token, or its key's, is what calls to services carry from now on."""
    token = bearer_token()
    has_key = token.startswith(BEGINS_WITH)
    if has_key:
        token = state().keys.token_for(token)
    principal = state().verifier.verify(token)
    if principal.session_id in state().revoked:
        raise SessionRevoked()
    if has_key:
        g.key_id = principal.session_id
    count_principal(request.environ, state().limiter, principal, has_key=has_key)
    g.principal = principal
    context.enter(replace(context.current(), auth_token=token))
    return principal


def bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>")
    if len(token) > MAX_TOKEN_LENGTH:
        raise Unauthenticated("The access token is not valid")
    return token.strip()

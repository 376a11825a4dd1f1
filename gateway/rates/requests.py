"""Requests under their limits: first by their address, then by the account and the key that they prove."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from chassis.principal import Principal
from gateway.rates.addresses import counted_as
from gateway.rates.limiter import Limiter, RateLimited, Taken
from gateway.rates.policies import ACCOUNT, ADDRESS, KEY, Policy, route_class

CLASS, TAKEN = "gateway.route_class", "gateway.rates_taken"


def count_address(environ: dict[str, Any], limiter: Limiter) -> None:
    """RateLimited or LimitsUnavailable."""
    environ[CLASS] = found = route_class(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
    count(environ, limiter, [(f"{found}-{ADDRESS}", counted_as(environ.get("REMOTE_ADDR", "")))])


def count_principal(
    environ: dict[str, Any], limiter: Limiter, principal: Principal, *, has_key: bool
) -> None:
    """An account counts whatever is done for it; a key also for itself, so that one does not use up all."""
    found = environ[CLASS]
    names = [(f"{found}-{ACCOUNT}", principal.id), (f"day-{ACCOUNT}", principal.id)]
    if has_key:
        names += [(f"{found}-{KEY}", principal.session_id), (f"day-{KEY}", principal.session_id)]
    count(environ, limiter, names)


def count(environ: dict[str, Any], limiter: Limiter, names: Sequence[tuple[str, str]]) -> None:
    try:
        environ[TAKEN] = limiter.take(names) or environ.get(TAKEN)
    except RateLimited as error:
        environ[TAKEN] = [error.taken]
        raise


def rate_headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """What the response says of it: draft-ietf-httpapi-ratelimit-headers, revision 10."""
    taken: list[Taken] | None = environ.get(TAKEN)
    if not taken:
        return []
    now = time.monotonic()
    return [
        ("RateLimit-Policy", ", ".join([described(one.policy, one.is_local) for one in taken])),
        (
            "RateLimit",
            ", ".join([f'"{one.policy.name}";r={one.remaining};t={one.seconds_left(now)}' for one in taken]),
        ),
    ]


@lru_cache(maxsize=256)
def described(policy: Policy, is_local: bool) -> str:
    """`gametriggers-local`: since Redis is away, a worker counts for itself and grants its share."""
    text = f'"{policy.name}";q={policy.quota};w={policy.seconds}'
    return f"{text};gametriggers-local" if is_local else text

"""Which limits there are, and which of them a request counts against."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

from chassis.config import ConfigurationError

MINUTE, DAY = 60, 24 * 3600
ADDRESS, ACCOUNT, KEY = "address", "account", "key"


@dataclass(frozen=True)
class Policy:
    """At most `quota` requests within any `seconds`, for each subject; `name` says which and whose."""

    name: str
    quota: int
    seconds: int


# An address may stand for an office or for the server of a front end, so it may do what several accounts may.
# Logging in costs us 0.1 s of processor time and is what is guessed at; an overlay reports every few seconds.
DEFAULTS = (
    Policy("auth-address", 30, MINUTE),
    Policy("read-address", 3000, MINUTE),
    Policy("write-address", 600, MINUTE),
    Policy("upload-address", 60, MINUTE),
    Policy("overlay-address", 6000, MINUTE),
    Policy("public-address", 1200, MINUTE),
    Policy("auth-account", 30, MINUTE),
    Policy("read-account", 1200, MINUTE),
    Policy("write-account", 240, MINUTE),
    Policy("upload-account", 30, MINUTE),
    Policy("read-key", 600, MINUTE),
    Policy("write-key", 120, MINUTE),
    Policy("upload-key", 20, MINUTE),
    Policy("day-account", 200_000, DAY),
    Policy("day-key", 100_000, DAY),
)

CHANGE = re.compile(r"([a-z]+-[a-z]+)=(?:(off)|([1-9][0-9]{0,8})/([1-9][0-9]{0,6}))")

READS = frozenset({"GET", "HEAD", "OPTIONS"})
# The first that fits; what fits none is read or written below /v1, and public elsewhere.
AUTH = re.compile(
    r"/v1/(?:[a-z]+/(?:register|login|accept|invitations/accept)|auth/(?!sessions|logout|security-events).+|oauth/.+)"
)
OVERLAY = re.compile(r"/(?:overlay|media)/.+")
UPLOAD = "/v1/assets"


@lru_cache(maxsize=4096)
def route_class(method: str, path: str) -> str:
    """The class of a request; however its path is written, also when no route answers to that."""
    path = plain(path)
    if AUTH.fullmatch(path):
        return "auth"
    if OVERLAY.fullmatch(path):
        return "overlay"
    if not path.startswith("/v1/"):
        return "public"
    if method in READS:
        return "read"
    return "upload" if path == UPLOAD else "write"


def plain(path: str) -> str:
    """One spelling of all that a lenient reader could take for the same path."""
    # Each step takes a layer of encoding away; more than three are nobody's mistake.
    for _ in range(3):
        if "%" not in path:
            break
        path = unquote(path)
    steps: list[str] = []
    for step in path.lower().replace("\\", "/").split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step.partition(";")[0])
    return "/" + "/".join(steps)


def configured(changes: Iterable[str], factor: float) -> Mapping[str, Policy]:
    """The default limits with some of them changed or off (`read-key=100/60`, `day-key=off`).

    `factor` multiplies those that were not changed.
    """
    policies = {policy.name: widened(policy, factor) for policy in DEFAULTS}
    for change in changes:
        found = CHANGE.fullmatch(change)
        if found is None or found[1] not in policies:
            raise ConfigurationError(f"RATE_LIMITS: {change!r} is none of NAME=QUOTA/SECONDS and NAME=off")
        if found[2]:
            del policies[found[1]]
        else:
            policies[found[1]] = Policy(found[1], int(found[3]), int(found[4]))
    return policies


def widened(policy: Policy, factor: float) -> Policy:
    return replace(policy, quota=max(1, round(policy.quota * factor)))

"""Which members of an answer are always there, so that types made from the document need not doubt them.

The services' schemas say of a member whether a request needs it, which tells nothing of answers: those are
dumped whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

Document = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")

SOMETIMES_ABSENT: Mapping[str, frozenset[str]] = {
    # A part has either.
    "DashboardPart": frozenset({"data", "code"}),
    # A brand has the first, a streamer the others.
    "PaymentWalletBalances": frozenset({"escrow", "pending", "paying_out"}),
    # Streamers are shown the public part.
    "Campaign": frozenset(
        {
            "activation_error",
            "blocked_streamers",
            "budget",
            "pending_budget",
            "rejection_reason",
            "returned",
            "spent",
            "version",
        }
    ),
    # A campaign need not limit how often it is shown.
    "ParticipationTurn": frozenset({"min_seconds_between", "max_per_hour", "max_per_stream"}),
    # For whoever may see it.
    "BrandProfile": frozenset({"billing_info"}),
    "Problem": frozenset({"errors"}),
}


def completed(document: Document) -> Document:
    """The document, with the members that are always there named as required in the schemas of answers."""
    schemas = document["components"]["schemas"]
    operations = [item[method] for item in document["paths"].values() for method in METHODS if method in item]
    sent = reached(schemas, (operation.get("requestBody") for operation in operations))
    answered = reached(schemas, (operation["responses"] for operation in operations))
    # What we send to others is as whole as what we answer.
    told = reached(schemas, (item["post"]["requestBody"] for item in document.get("webhooks", {}).values()))
    for name in (answered | told) - sent:
        always = set(schemas[name].get("properties", {})) - SOMETIMES_ABSENT.get(name, frozenset())
        if always:
            schemas[name]["required"] = sorted(always)
    return document


def reached(schemas: Mapping[str, Any], starts: Iterable[Any]) -> set[str]:
    """The names of the schemas that these refer to, directly or through others."""
    found: set[str] = set()
    waiting = [name for start in starts for name in references(start)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(schemas[name])
    return found


def references(part: Any) -> list[str]:
    return re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part, default=str))

"""The payment provider's side of the story: how it misbehaves, and which money really left it."""

from __future__ import annotations

import httpx

from compose.stack import Stack

SECONDS_PER_QUESTION = 20


def misbehave(stack: Stack, **behaviour: object) -> None:
    """As its PUT /_control takes it."""
    url = f"{stack.http('SANDBOX_PORT')}/_control"
    httpx.put(url, json=behaviour, timeout=SECONDS_PER_QUESTION).raise_for_status()


def movements(stack: Stack) -> list[str]:
    """The reference of each payment that came and each payout that left, once per movement."""
    key = {"Authorization": f"Bearer {stack.secrets['SANDBOX_API_KEY']}"}
    url = f"{stack.http('SANDBOX_PORT')}/v1/balance_transactions"
    moved: list[str] = []
    last: dict[str, str] = {}
    while True:
        page = httpx.get(
            url, params={"limit": "100", **last}, headers=key, timeout=SECONDS_PER_QUESTION
        ).json()
        moved += [movement["reference"] for movement in page["data"]]
        if not page["has_more"]:
            return moved
        last = {"starting_after": page["data"][-1]["id"]}

"""Event streams, whose answers do not end: many requests of all sorts, and of each answer how it begins."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

EVENT_STREAM = "text/event-stream"
SECONDS = 10.0
MOST_BYTES = 4096
# Ids that exist take a request past the first look-up.
SHARE_OF_KNOWN = 0.7

# A stream begins with this; each further block is a comment, or an event and its data.
OPENING = "retry: 2000\n\n"
BLOCK = re.compile(r": \w+|event: \w+\ndata: (?P<data>.*)")

# What nobody sends, beside what browsers do.
TEXTS = ("", "0", "-1", "evt_1", "*", "a" * 300, "\u00e9\u00ff", "'; --", "%0d%0aX-Injected: 1", "../..")
OTHER_IDS = ("0", "-1", "evt_1", "*", "a" * 300)
HEADERS = ("Last-Event-ID", "Accept", "Cache-Control", "If-None-Match", "Range", "X-Request-Id", "Origin")
NAMES = ("last_event_id", "limit", "cursor", "from", "a[]", "%00", "\u2028")


@dataclass(frozen=True)
class Stream:
    path: str
    statuses: frozenset[int]
    parameters: tuple[str, ...]

    @classmethod
    def all_of(cls, document: Mapping[str, Any]) -> list[Stream]:
        return [
            cls(path, frozenset(map(int, responses)), tuple(re.findall(r"{(\w+)}", path)))
            for path, item in document["paths"].items()
            if (responses := item.get("get", {}).get("responses", {}))
            and EVENT_STREAM in responses.get("200", {}).get("content", {})
        ]


@dataclass(frozen=True)
class Attempt:
    address: str
    query: list[tuple[str, str]]
    headers: Mapping[bytes, bytes]

    def __str__(self) -> str:
        return f"GET {self.address} {self.query} {self.headers}"


def attempts(
    stream: Stream, known: Mapping[str, str], chance: random.Random, count: int
) -> Iterator[Attempt]:
    """The first is an ordinary one."""
    yield Attempt(stream.path.format(**known), [], {})
    for _ in range(1, count):
        ids = {
            name: known[name] if chance.random() < SHARE_OF_KNOWN else chance.choice(OTHER_IDS)
            for name in stream.parameters
        }
        headers = {name.encode(): text.encode("latin-1") for name, text in pairs(HEADERS, chance)}
        yield Attempt(stream.path.format(**ids), pairs(NAMES, chance), headers)


def pairs(names: Sequence[str], chance: random.Random) -> list[tuple[str, str]]:
    return [(name, chance.choice(TEXTS)) for name in chance.sample(names, chance.randrange(3))]


def defects(url: str, stream: Stream, token: str, tried: Iterator[Attempt]) -> list[str]:
    """What is wrong with the answers, each behind the request that it answers."""
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    found = []
    with httpx.Client(base_url=url, timeout=SECONDS, headers=bearer) as client:
        for attempt in tried:
            query = httpx.QueryParams(tuple(attempt.query))
            with client.stream("GET", attempt.address, params=query, headers=attempt.headers) as response:
                complaint = wrong(stream, response)
            found += [f"{attempt}: {complaint}"] if complaint else []
    return found


def wrong(stream: Stream, response: httpx.Response) -> str:
    if response.status_code >= 500 or response.status_code not in stream.statuses:
        return f"status {response.status_code}"
    if "x-injected" in response.headers:
        return "a header was injected"
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if response.status_code != 200:
        return "" if kind == "application/problem+json" else f"a problem of type {kind}"
    return wrong_beginning(beginning(response)) if kind == EVENT_STREAM else f"a stream of type {kind}"


def beginning(response: httpx.Response) -> str:
    """What comes at once: the opening and, of figures, the first."""
    text = ""
    for chunk in response.iter_text():
        text += chunk
        if text.startswith(OPENING) or len(text) > MOST_BYTES:
            return text
    return text


def wrong_beginning(text: str) -> str:
    opening, blocks = text[: len(OPENING)], text[len(OPENING) :].split("\n\n")
    if opening != OPENING:
        return f"begins with {text[:40]!r}"
    for block in filter(None, blocks):
        found = BLOCK.fullmatch(block)
        if found is None:
            return f"holds {block[:40]!r}"
        if found["data"] is not None:
            json.loads(found["data"])
    return ""

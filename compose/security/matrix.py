"""The access matrix: every route of a platform, called by everybody who may come, and by some who may not.

What is expected stands in access.txt and in `Row.expected`; the scopes of a role are the permission table's.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from compose.security.objects import Made, Objects
from compose.security.stage import Stage
from identity.domain.permissions import SCOPES
from identity.domain.permissions import STEP_UP as ASSURANCES

TABLE = Path(__file__).parent / "access.txt"


class Who(NamedTuple):
    """The account's kind, the role whose scopes it has, whether the stage's objects are its own, and whether
    its token shows a second factor."""

    kind: str
    role: str
    owns: bool = False
    two_factors: bool = True


ANONYMOUS = "anonymous"

# None for a token that is good for nothing.
COLUMNS: Mapping[str, Who | None] = {
    ANONYMOUS: None,
    "expired": None,
    "revoked": None,
    "wrong audience": None,
    "refresh token": None,
    "brand": Who("brand", "owner", owns=True),
    "manager": Who("brand", "manager", owns=True, two_factors=False),
    "finance": Who("brand", "finance", owns=True, two_factors=False),
    "approver": Who("brand", "approver", owns=True, two_factors=False),
    "viewer": Who("brand", "viewer", owns=True, two_factors=False),
    "other brand": Who("brand", "owner"),
    "streamer": Who("streamer", "streamer", owns=True),
    "other streamer": Who("streamer", "streamer"),
    "admin": Who("admin", "admin", owns=True),
    "admin by password": Who("admin", "admin", owns=True, two_factors=False),
}

OPEN, UNKNOWN, FORBIDDEN, ALLOWED, MISSING = "open", "401", "403", "allowed", "as a missing one"
DONE = "done"
STEP_UP = "401, step up"

REFUSALS = {
    (401, "unauthenticated"): UNKNOWN,
    (401, "session_revoked"): UNKNOWN,
    (401, "insufficient_user_authentication"): STEP_UP,
    (403, "forbidden"): FORBIDDEN,
    (403, "missing_scope"): FORBIDDEN,
}

# Ids of the right shape that nobody has, and values of parameters that are no ids.
PREFIXES = {
    "brand_id": "brd",
    "streamer_id": "str",
    "campaign_id": "cmp",
    "participation_id": "prt",
    "asset_id": "ast",
    "deposit_id": "dep",
    "invoice_id": "inv",
    "payout_id": "pay",
    "notification_id": "ntf",
    "sid": "ses",
    "key_id": "key",
    "member_id": "mem",
    "payment_method_id": "pmt",
    "invitation_id": "ivt",
    "endpoint_id": "whe",
    "delivery_id": "msg",
}
NOTHING_LISTED = '{"items":[],"next_cursor":null}'
NOBODYS = "7zzzzzzzzzzzzzzzzzzzzzzzzz"

# An empty body is enough elsewhere: who may come is decided before what is sent is looked at. Here what is
# sent is looked at before the object is looked for.
BODIES = {
    "reject": {"reason": "A test."},
    "remove": {"reason": "A test."},
    "{member_id}": {"role": "viewer"},
}
# What a parameter of the same name is here.
ELSEWHERE = {"/v1/webhooks/{provider}": {"provider": "sandbox"}}
QUERIES = {
    "timeseries": {"metric": "qualified", "bucket": "hour"},
    "breakdown": {"by": "platform"},
    "reconciliation": {
        "provider": "sandbox",
        "since": "2026-11-23T05:00:00Z",
        "until": "2026-11-24T05:00:00Z",
    },
}

AT_ONCE = 8
SECONDS = 30.0


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    scopes: tuple[str, ...]
    kinds: frozenset[str]
    anybodys: frozenset[str]
    nobodys: frozenset[str]
    is_open: bool
    is_final: bool
    has_none: bool
    takes_two_factors: bool

    @classmethod
    def parse(cls, line: str) -> Row:
        method, path, scope, *kinds = re.sub("[!?*]", "", line).split()
        marked = {mark: frozenset(kind[:-1] for kind in kinds if kind.endswith(mark)) for mark in "+-"}
        return cls(
            method,
            path,
            () if scope in ("-", OPEN) else tuple(scope.split("|")),
            frozenset(kind.rstrip("+-") for kind in kinds),
            anybodys=marked["+"],
            nobodys=marked["-"],
            is_open=scope == OPEN,
            is_final=line.endswith("!"),
            has_none=line.endswith("?"),
            takes_two_factors="*" in line,
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def names_an_object(self) -> bool:
        return any(parameter in PREFIXES for parameter in self.parameters)

    def expected(self, column: str) -> str:
        if self.is_open and (not self.kinds or column == ANONYMOUS):
            return OPEN
        who = COLUMNS[column]
        if who is None:
            return UNKNOWN
        if who.kind not in self.kinds or (self.scopes and SCOPES[who.role].isdisjoint(self.scopes)):
            return FORBIDDEN
        if not who.two_factors and self._asks_for_more(who):
            return STEP_UP
        if self.names_an_object and not self._is_within_reach(who):
            return MISSING
        return DONE if self.is_final else ALLOWED

    def _asks_for_more(self, who: Who) -> bool:
        carried = [scope for scope in self.scopes if scope in SCOPES[who.role]]
        opens_nothing = bool(carried) and all(scope in ASSURANCES for scope in carried)
        return self.takes_two_factors or opens_nothing

    def _is_within_reach(self, who: Who) -> bool:
        if self.has_none or who.kind in self.nobodys:
            return False
        return who.owns or who.kind in self.anybodys


def rows() -> list[Row]:
    lines = TABLE.read_text().splitlines()
    return [Row.parse(line) for line in lines if line and not line.startswith("#")]


@dataclass(frozen=True)
class Cell:
    row: Row
    column: str

    @property
    def expected(self) -> str:
        return self.row.expected(self.column)

    @property
    def changes_something(self) -> bool:
        return self.row.method != "GET" and self.expected in (ALLOWED, OPEN, DONE)


@dataclass(frozen=True)
class Difference:
    cell: Cell
    found: str

    def __str__(self) -> str:
        return f"{self.cell.row} by {self.cell.column}: expected {self.cell.expected}, found {self.found}"


class Matrix:
    """Refusals and reads are tried many at a time; what may change something comes after them, in order."""

    def __init__(self, stage: Stage, objects: Objects) -> None:
        self._stage = stage
        self._objects = objects
        self._made: Mapping[tuple[str, str], Made] = {}
        self._client = httpx.Client(base_url=stage.url, timeout=SECONDS)

    def differences(self, cells: Iterable[Cell]) -> list[Difference]:
        known = list(cells)
        self._made = self._objects.make(
            [(str(cell.row), cell.column) for cell in known if cell.expected == DONE]
        )
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(self._try, (cell for cell in known if not cell.changes_something)))
        found += [self._try(cell) for cell in known if cell.changes_something]
        return [difference for difference in found if difference is not None]

    def _try(self, cell: Cell) -> Difference | None:
        answer = self._ask(cell, self._ids(cell))
        found = self._meaning(cell, answer)
        return None if found == cell.expected else Difference(cell, found)

    def _meaning(self, cell: Cell, answer: Answer) -> str:
        """How the answer reads; what is expected where it fits, else what came."""
        if cell.expected == MISSING:
            missing = self._ask(cell, nobodys(cell.row.parameters, self._stage.ids))
            if answer == missing and (answer.status == 404 or answer.text == NOTHING_LISTED):
                return MISSING
            return f"{answer}, while a missing one answers {missing}"
        refusal = REFUSALS.get((answer.status, answer.code))
        if refusal is not None:
            return refusal
        if cell.expected == DONE:
            return DONE if answer.status < 300 else str(answer)
        is_served = answer.status < 500 and answer.status not in (403, 404, 405, 429)
        return cell.expected if is_served and cell.expected in (ALLOWED, OPEN) else str(answer)

    def _ids(self, cell: Cell) -> dict[str, str]:
        """The stage's objects, or those that were made for whoever ends them."""
        known = {**self._stage.ids, **ELSEWHERE.get(cell.row.path, {}), **self._made_for(cell).ids}
        return {name: known.get(name) or nobody(name) for name in cell.row.parameters}

    def _made_for(self, cell: Cell) -> Made:
        return self._made.get((str(cell.row), cell.column), Made())

    def _ask(self, cell: Cell, ids: dict[str, str]) -> Answer:
        row = cell.row
        token = self._made_for(cell).token or self._stage.tokens[cell.column]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        last = row.path.rpartition("/")[2]
        body = None if row.method in ("GET", "DELETE") else BODIES.get(last, {})
        query = QUERIES.get(last)
        with self._client.stream(
            row.method, row.path.format(**ids), params=query, json=body, headers=headers
        ) as response:
            return Answer.of(response, ids)


@dataclass(frozen=True)
class Answer:
    status: int
    code: str
    text: str

    @classmethod
    def of(cls, response: httpx.Response, ids: Mapping[str, str]) -> Answer:
        """Without what differs between two requests alike: the id of the request, and those that it named."""
        kind = response.headers.get("Content-Type", "")
        # An event stream never ends, and its status is all that we want of it.
        if kind.startswith("text/event-stream"):
            return cls(response.status_code, "", "")
        response.read()
        problem: dict[str, Any] = response.json() if kind.startswith("application/problem+json") else {}
        text = response.text.replace(problem.get("request_id", "no request"), "")
        for named in ids.values():
            text = text.replace(named, "")
        return cls(response.status_code, str(problem.get("code", "")), text)

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


def nobody(parameter: str) -> str:
    return f"{PREFIXES[parameter]}_{NOBODYS}" if parameter in PREFIXES else uuid.uuid4().hex


def nobodys(parameters: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    return {name: nobody(name) if name in PREFIXES else known[name] for name in parameters}


def cells() -> Iterator[Cell]:
    """The owner comes last, since what it does is really done."""
    everybody = [column for column in COLUMNS if column not in ("brand", "streamer")]
    for column in (*everybody, "brand", "streamer"):
        for row in rows():
            yield Cell(row, column)

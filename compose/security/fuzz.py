"""Schemathesis over the whole OpenAPI document of a platform that runs, once for each kind of account.

No 5xx, no status and no content type that the document does not know, no answer off its schema.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chassis.config import Settings
from chassis.mongo import Mongo
from compose.errors import ComposeError
from compose.progress import say
from compose.security import matrix, streams
from compose.security.signing import Mint
from compose.security.stage import Stage, build
from compose.stack import Stack

KINDS = ("anonymous", "brand", "streamer", "admin", "member", "api key")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

# An event stream does not end: compose.security.streams reads the beginning of many.
STREAMS = re.compile(r"/v1/.*/live|/overlay/[^/]+/events")

# Ids that exist take a request past the first look-up; the others are as the document describes them.
KNOWN_IDS = 0.7

DEFAULT_EXAMPLES = 200

AT_ONCE = 2
SECONDS = 30.0

HOURS = 6 * 3600
"""A run with many examples takes longer than an access token lives."""


# So many operations at a time, so that a long run says where it is; starting takes some seconds.
PIECE = 10


@dataclass(frozen=True)
class Outcome:
    kind: str
    is_good: bool
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {'passed' if self.is_good else 'FAILED'}"


@dataclass(frozen=True)
class Choice:
    """What of the document is tried, and by whom: everything by everybody, or less."""

    kinds: Sequence[str] = KINDS
    only: str = ""
    part: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Choice:
        kinds = [kind.strip() for kind in environ.get("KIND", "").split(",") if kind.strip()] or KINDS
        part = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", environ.get("PART") or "1/1")
        if part is None or int(part[1]) > int(part[2]):
            raise ComposeError("PART is the number of a part and how many there are: PART=2/5.")
        if unknown := set(kinds) - set(KINDS):
            raise ComposeError(f"There is no kind {unknown.pop()!r}; there are {', '.join(KINDS)}.")
        return cls(kinds, environ.get("ONLY", ""), (int(part[1]), int(part[2])))

    def operations(self, document: Mapping[str, Any]) -> list[str]:
        """The names of those that are not event streams, in the document's order."""
        found = [
            operation["operationId"]
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if method != "parameters" and not STREAMS.fullmatch(path) and re.search(self.only, path)
        ]
        number, parts = self.part
        return found[number - 1 :: parts]


EVERYTHING = Choice()


def command(stack: Stack, environ: Mapping[str, str]) -> int:
    """Prints what Schemathesis says for each kind of account; 1 when it found something."""
    examples, seed = int(environ.get("EXAMPLES") or DEFAULT_EXAMPLES), int(environ.get("SEED") or 1)
    outcomes = run(stack, examples, seed, Choice.of(environ))
    for outcome in outcomes:
        print(f"\n{outcome.kind}\n\n{outcome.text}", flush=True)
    print(f"EXAMPLES={examples} SEED={seed}: " + ", ".join(map(str, outcomes)))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def run(
    stack: Stack, examples: int, seed: int, choice: Choice = EVERYTHING, *, is_short: bool = False
) -> list[Outcome]:
    forget_failures(stack)
    stage = build(stack)
    folder = stack.layout.run_dir / "fuzz"
    folder.mkdir(exist_ok=True)
    configured = folder / "schemathesis.toml"
    configured.write_text(configuration(stage))
    document = httpx.get(f"{stage.url}/openapi.json", timeout=SECONDS).json()
    operations = choice.operations(document)
    size = len(operations) if is_short else PIECE
    pieces = [operations[first : first + size] for first in range(0, len(operations), size)]
    options = Options(stage.url, configured, examples, seed, is_short)
    tokens = tokens_of(stage, Mint.of(stack))
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(lambda kind: as_kind(kind, tokens[kind], pieces, options), choice.kinds))
        watched = [of_streams(kind, tokens[kind], stage, document, options, choice) for kind in choice.kinds]
        return found + watched
    finally:
        forget_failures(stack)


def tokens_of(stage: Stage, mint: Mint) -> dict[str, str]:
    """Of sessions that nobody can end, as the fuzzer tries to."""
    return {
        "anonymous": "",
        "brand": mint.token("brand", stage.brand.id, "owner", lifetime=HOURS),
        "streamer": mint.token("streamer", stage.streamer.id, "streamer", lifetime=HOURS),
        "admin": mint.token("admin", stage.admin.id, "admin", lifetime=HOURS),
        "member": mint.for_member(stage.members["manager"].id, stage.brand.id, "manager", lifetime=HOURS),
        "api key": stage.api_key,
    }


def forget_failures(stack: Stack) -> None:
    """So many log-ins fail in a run that this machine's address would be locked out for everybody else."""
    mongo = Mongo(stack.mongo_uri, f"{Settings.database_prefix}identity")
    try:
        mongo["failures"].delete_many({})
    finally:
        mongo.close()


def configuration(stage: Stage) -> str:
    """JSON's texts and lists are TOML's, too."""
    known = {name: value for name, value in stage.ids.items() if name in matrix.PREFIXES or name == "token"}
    dictionaries = "\n".join(
        f"[dictionaries.{name}]\nvalues = {json.dumps([value])}" for name, value in known.items()
    )
    bound = "\n".join(f'"{name}" = {{ dictionary = "{name}", probability = {KNOWN_IDS} }}' for name in known)
    # It would sign up by itself for whoever comes without a token.
    return f"{dictionaries}\n\n[parameters]\n{bound}\n\n[auth]\nauto-signup = false\n"


@dataclass(frozen=True)
class Options:
    url: str
    configuration: Path
    examples: int
    seed: int
    is_short: bool

    def command(self, token: str, operations: Sequence[str]) -> list[str]:
        phases = "examples,fuzzing" if self.is_short else "examples,coverage,fuzzing"
        return [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(self.configuration)),
            *("run", f"{self.url}/openapi.json", "--url", self.url),
            *("--checks", ",".join(CHECKS), "--phases", phases, "--continue-on-failure"),
            *("--max-examples", str(self.examples), "--seed", str(self.seed)),
            *("--include-operation-id-regex", f"^({'|'.join(operations)})$"),
            *("--suppress-health-check", "all", "--warnings", "off"),
            *(["--generation-deterministic", "--no-shrink"] if self.is_short else []),
            *(["--header", f"Authorization: Bearer {token}"] if token else []),
        ]


def of_streams(
    kind: str, token: str, stage: Stage, document: Mapping[str, Any], options: Options, choice: Choice
) -> Outcome:
    """What Schemathesis would wait for to the end: see compose.security.streams."""
    chosen = [one for one in streams.Stream.all_of(document) if re.search(choice.only, one.path)]
    chance = random.Random(f"{options.seed} {kind}")  # noqa: S311  It is to be repeated.
    found = [
        defect
        for one in chosen
        for defect in streams.defects(
            options.url, one, token, streams.attempts(one, stage.ids, chance, options.examples)
        )
    ]
    text = "\n".join(found) or f"{len(chosen)} event streams, {options.examples} requests each, no defect"
    return Outcome(f"{kind}'s event streams", not found, text)


def as_kind(kind: str, token: str, pieces: Sequence[Sequence[str]], options: Options) -> Outcome:
    log = options.configuration.parent / f"{kind.replace(' ', '-')}.log"
    texts, is_good, done = list[str](), True, 0
    for operations in pieces:
        found = subprocess.run(
            options.command(token, operations),
            cwd=options.configuration.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        is_good, done = is_good and found.returncode == 0, done + len(operations)
        texts.append(found.stdout)
        log.write_text("\n".join(texts))
        say(f"{kind}: {done} of {sum(map(len, pieces))} operations, {'all well' if is_good else 'FAILED'}")
    return Outcome(kind, is_good, "\n".join(texts))

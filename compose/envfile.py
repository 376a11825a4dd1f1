"""Files of KEY=value lines that a shell can source, readable by their owner only."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {key: "".join(shlex.split(value)) for key, value in pairs}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replaces the file in one step, so that nobody reads half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{key}={shlex.quote(value)}\n" for key, value in values.items())
    draft.replace(path)

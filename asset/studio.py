"""Runs asset.media in a process of its own, within limits, without holding up this one."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import BoundedSemaphore
from typing import Any

import eventlet

from asset.media.limits import CPU_SECONDS, MEMORY_BYTES, OUTPUT_BYTES, RECIPE, VIDEO_WALL_SECONDS

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]

WALL_SECONDS = 3 * VIDEO_WALL_SECONDS
"""A probe, an encoding and a poster, each with its own limit in there."""

KILLED = -9


class StudioFailed(Exception):
    """The process broke in a way that says nothing about the file. Trying again may help."""


@dataclass(frozen=True)
class RenderedFile:
    placement: str
    format: str
    width: int
    height: int
    path: Path


@dataclass(frozen=True)
class Rendering:
    """What was made of a file, or the reason why nothing was."""

    media: str | None = None
    duration_ms: int | None = None
    files: list[RenderedFile] = field(default_factory=list)
    reason: str | None = None


class ProcessStudio:
    """At most `at_once` files are worked on at the same time; the others wait their turn.

    prlimit sets the limits and setpriv ties the process to this one, so that it dies with us; both
    are part of util-linux. The environment is empty but for what Python and ffmpeg need.
    """

    recipe = RECIPE

    def __init__(self, at_once: int) -> None:
        self._slots = BoundedSemaphore(at_once)

    @contextmanager
    def render(self, source: Path) -> Iterator[Rendering]:
        with self._slots, TemporaryDirectory(prefix="gametriggers-asset-") as folder:
            yield self._render(source, Path(folder))

    def _render(self, source: Path, folder: Path) -> Rendering:
        done = self._run(source, folder)
        if done.returncode < 0:
            return Rendering(reason="The file takes more time or memory than one file is given.")
        if done.returncode > 0:
            log.error("asset.media failed: %s", done.stderr.decode(errors="replace")[-4000:])
            raise StudioFailed(f"asset.media ended with {done.returncode}")
        return _rendering(json.loads(done.stdout), folder)

    def _run(self, source: Path, folder: Path) -> subprocess.CompletedProcess[bytes]:
        command = [
            *(
                "prlimit",
                f"--cpu={CPU_SECONDS}",
                f"--as={MEMORY_BYTES}",
                f"--fsize={OUTPUT_BYTES}",
                "--core=0",
            ),
            *("setpriv", "--pdeathsig", "KILL"),
            *(sys.executable, "-m", "asset.media", str(source.resolve()), str(folder)),
        ]
        environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
        # Eventlet's own Popen raises a TimeoutExpired that is not the one that `subprocess` exports.
        with eventlet.Timeout(WALL_SECONDS, False):
            return subprocess.run(  # noqa: S603  No shell, and every argument is ours.
                command, cwd=folder, env=environ, capture_output=True, check=False
            )
        return subprocess.CompletedProcess(command, KILLED)


class LocalClaims:
    """Who works on what in this process. A crash forgets it all, which is right: the work died, too."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    @contextmanager
    def of(self, key: str) -> Iterator[bool]:
        mine = key not in self._taken
        self._taken.add(key)
        try:
            yield mine
        finally:
            if mine:
                self._taken.discard(key)


def _rendering(answer: dict[str, Any], folder: Path) -> Rendering:
    if "refused" in answer:
        return Rendering(reason=answer["refused"])
    files = [
        RenderedFile(file["placement"], file["format"], file["width"], file["height"], folder / file["name"])
        for file in answer["files"]
    ]
    return Rendering(answer["media"], answer["duration_ms"], files)

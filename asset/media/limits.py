"""What is accepted and what is made of it. A change of what is made needs a new RECIPE."""

from __future__ import annotations

from dataclasses import dataclass

RECIPE = "v1"

PLACEMENTS = {"banner": (1920, 270), "corner": (480, 270), "full_screen": (1920, 1080)}
"""Width and height in pixels. Nothing of a creative is ever cut off: it is scaled to fit, and what
is left over is transparent in an image and black in a video, since H.264 knows no transparency."""

MEBIBYTE = 1024 * 1024
IMAGE_BYTES = 10 * MEBIBYTE
VIDEO_BYTES = 200 * MEBIBYTE
IMAGE_PIXELS = 40_000_000
ALL_FRAMES_PIXELS = 400_000_000
"""Of an animation all frames together: about 200 full-screen frames, some seconds of decoding."""

VIDEO_SIDE = 4096
"""Ultra HD in either direction."""

VIDEO_SECONDS = 60
VIDEO_TOLERANCE_MS = 500
"""Containers round up to whole packets, so that a spot of exactly 60 s often says a little more."""

FRAMES_PER_SECOND = 30

IMAGE_WALL_SECONDS = 60
VIDEO_WALL_SECONDS = 600
CPU_SECONDS = 900
"""Of all threads together. A minute of Ultra HD takes about 120 on one core."""

MEMORY_BYTES = 3 * 1024 * MEBIBYTE
"""Address space: an image of 40 megapixels takes half a gigabyte, x264 at full HD somewhat more."""

OUTPUT_BYTES = 512 * MEBIBYTE


class Refused(Exception):
    """The file is not accepted; the message is a sentence for its owner."""


@dataclass(frozen=True)
class MadeFile:
    """A variant, as the name of a file in the folder that was given."""

    placement: str
    format: str
    width: int
    height: int
    name: str


@dataclass(frozen=True)
class Made:
    """Everything that was made of one file. `duration_ms` is None for an image."""

    media: str
    duration_ms: int | None
    files: list[MadeFile]

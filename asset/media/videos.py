"""Videos: ask ffprobe what is in there, and have ffmpeg encode it anew.

The demuxer is named, so that ffmpeg does not guess (a text file can be a playlist that fetches
things), and no protocol but `file` is open to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from asset.media.containers import check_video_ends
from asset.media.limits import (
    FRAMES_PER_SECOND,
    PLACEMENTS,
    VIDEO_BYTES,
    VIDEO_SECONDS,
    VIDEO_SIDE,
    VIDEO_TOLERANCE_MS,
    VIDEO_WALL_SECONDS,
    Made,
    MadeFile,
    Refused,
)

CODECS = {
    "MP4": {"h264", "hevc", "av1", "vp9", "mpeg4"},
    "WEBM": {"vp8", "vp9", "av1"},
}
_DEMUXERS = {"MP4": "mov", "WEBM": "matroska"}
_LONGEST_MS = VIDEO_SECONDS * 1000 + VIDEO_TOLERANCE_MS
_POSTER_SIZE = PLACEMENTS["full_screen"]

# If this process is killed, so is what it has started.
_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]

_ENCODING = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-profile:v", "high", "-pix_fmt", "yuv420p"),
    *("-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000"),
    *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
    *("-flags:a", "+bitexact", "-movflags", "+faststart", "-f", "mp4"),
)


def make(kind: str, file: Path, folder: Path) -> Made:
    """An MP4 for every placement (H.264, AAC when there is sound) and a poster."""
    if file.stat().st_size > VIDEO_BYTES:
        raise Refused(f"A video may have {VIDEO_BYTES // 2**20} MB at most.")
    check_video_ends(kind, file)
    stream, duration_ms = _probe(kind, file)
    _check_stream(kind, stream)
    _check_duration(duration_ms)
    files = _encode(kind, file, folder, stream)
    encoded_ms = _probe("MP4", folder / files[-1].name)[1]
    _check_duration(encoded_ms)
    if not encoded_ms:
        raise Refused("The video has no picture.")
    return Made("video", encoded_ms, [*files, _poster(kind, file, folder, encoded_ms)])


def _probe(kind: str, file: Path) -> tuple[dict[str, Any], int | None]:
    """The first video stream, and the duration in milliseconds where the container knows it."""
    answer = _run(
        "ffprobe",
        "-v",
        "error",
        "-print_format",
        "json",
        "-show_streams",
        "-show_format",
        *_input(kind, file),
    )
    found = json.loads(answer)
    streams = [s for s in found.get("streams", []) if s.get("codec_type") == "video" and not _is_cover(s)]
    if not streams:
        raise Refused("The video has no picture.")
    seconds = found.get("format", {}).get("duration")
    return streams[0], None if seconds is None else int(Fraction(seconds) * 1000)


def _is_cover(stream: dict[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def _check_stream(kind: str, stream: dict[str, Any]) -> None:
    if stream.get("codec_name") not in CODECS[kind]:
        raise Refused(f"The video's codec is not accepted in {kind}: {', '.join(sorted(CODECS[kind]))} are.")
    width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
    if not (0 < width <= VIDEO_SIDE and 0 < height <= VIDEO_SIDE):
        raise Refused(f"A video may have {VIDEO_SIDE} pixels in either direction at most.")


def _check_duration(duration_ms: int | None) -> None:
    if duration_ms is not None and duration_ms > _LONGEST_MS:
        raise Refused(f"A video may last {VIDEO_SECONDS} seconds at most.")


def _encode(kind: str, file: Path, folder: Path, stream: dict[str, Any]) -> list[MadeFile]:
    """All placements in one run, so that the source is decoded once.

    `-xerror` turns what a player would skip over into a failure. One second more than is allowed
    is encoded at most, so that a container that lies about its duration is found out.
    """
    made = [MadeFile(placement, "mp4", *size, f"{placement}.mp4") for placement, size in PLACEMENTS.items()]
    longest = str(_LONGEST_MS // 1000 + 1)
    outputs: list[str] = []
    for variant in made:
        outputs += ["-map", f"[{variant.placement}]", "-map", "0:a:0?", "-t", longest, *_ENCODING]
        outputs.append(str(folder / variant.name))
    _run(
        *("ffmpeg", "-v", "error", "-nostdin", "-xerror", *_input(kind, file)),
        *("-filter_complex", _filters(stream), *outputs),
    )
    return made


def _filters(stream: dict[str, Any]) -> str:
    """Square pixels, at most 30 frames a second, split, and each branch letterboxed into its placement."""
    labels = "".join(f"[in_{placement}]" for placement in PLACEMENTS)
    first = f"[0:v:0]{_frame_rate(stream)}scale=iw*sar:ih,setsar=1,split={len(PLACEMENTS)}{labels}"
    branches = [
        f"[in_{placement}]scale={w}:{h}:force_original_aspect_ratio=decrease:force_divisible_by=2,"
        f"pad={w}:{h}:(ow-iw)/2:(oh-ih)/2:black,setsar=1,format=yuv420p[{placement}]"
        for placement, (w, h) in PLACEMENTS.items()
    ]
    return ";".join([first, *branches])


def _frame_rate(stream: dict[str, Any]) -> str:
    numerator, _, denominator = str(stream.get("avg_frame_rate", "0/0")).partition("/")
    known = int(denominator or 0) > 0 and int(numerator) > 0
    if known and Fraction(int(numerator), int(denominator)) <= FRAMES_PER_SECOND:
        return ""
    return f"fps={FRAMES_PER_SECOND},"


def _poster(kind: str, file: Path, folder: Path, duration_ms: int) -> MadeFile:
    """A frame from a tenth of the way, since many spots begin in black, or the first one."""
    target = folder / "poster.png"
    for at_ms in (duration_ms // 10, 0):
        _grab_frame(kind, file, at_ms, target)
        if target.exists():
            return MadeFile("poster", "png", *_png_size(target), target.name)
    raise Refused("The video has no picture.")


def _grab_frame(kind: str, file: Path, at_ms: int, target: Path) -> None:
    """Makes nothing when there is no frame at or after that time."""
    width, height = _POSTER_SIZE
    _run(
        *("ffmpeg", "-v", "error", "-nostdin", "-ss", f"{at_ms}ms", *_input(kind, file)),
        *("-map", "0:v:0", "-frames:v", "1", "-map_metadata", "-1", "-fflags", "+bitexact"),
        *("-vf", f"scale=iw*sar:ih,setsar=1,scale={width}:{height}:force_original_aspect_ratio=decrease"),
        *("-f", "image2", "-c:v", "png", str(target)),
    )


def _png_size(file: Path) -> tuple[int, int]:
    head = file.read_bytes()[:24]
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _input(kind: str, file: Path) -> tuple[str, ...]:
    return ("-protocol_whitelist", "file", "-f", _DEMUXERS[kind], "-i", f"file:{file}")


def _run(*command: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  No shell, and the file's name is ours.
            [*_WITH_PARENT, *command], capture_output=True, timeout=VIDEO_WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Refused("The video takes too long to be processed.") from None
    if done.returncode < 0:
        raise Refused("The video takes more time or memory than one video is given.")
    if done.returncode > 0:
        sys.stderr.write(done.stderr.decode(errors="replace")[-2000:])
        raise Refused("The video is damaged.")
    return done.stdout

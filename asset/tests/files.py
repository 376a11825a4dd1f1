"""Files of every kind, made on the spot: good ones, and the ones that mean harm."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

from PIL import Image, PngImagePlugin

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(width: int = 64, height: int = 32, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (200, 0, 0))
    image.paste((0, 0, 200), (width // 2, 0, width, height))
    return image.convert(mode)


def image_file(kind: str, width: int = 64, height: int = 32, **options: object) -> bytes:
    target = io.BytesIO()
    picture(width, height).save(target, format=kind, **options)  # type: ignore[arg-type]
    return target.getvalue()


def png_with_metadata() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "secret-place")
    return image_file("PNG", pnginfo=info)


def sideways_jpeg_with_metadata() -> bytes:
    """Taken with the camera on its side: stored 64 wide, to be shown 64 high."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "secret-place"
    return image_file("JPEG", exif=exif, comment=b"secret-place")


def jpeg_with_nonsense_for_metadata() -> bytes:
    """On its side, and with a fraction for TargetPrinter (0x0151), which is a text to everybody else."""
    entries = (0x0112, 3, 1, 6 << 16), (0x0151, 5, 1, 38)
    directory = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    tiff = b"MM\0*" + struct.pack(">IH", 8, len(entries)) + directory + struct.pack(">III", 0, 1, 3)
    return image_file("JPEG", exif=b"Exif\0\0" + tiff)


def animated_gif(frames: int = 3, width: int = 64, height: int = 32) -> bytes:
    target = io.BytesIO()
    pictures = [picture(width, height).rotate(10 * turn) for turn in range(frames)]
    pictures[0].save(target, format="GIF", save_all=True, append_images=pictures[1:])
    return target.getvalue()


def png_bomb(side: int) -> bytes:
    """A few kilobytes that unfold to side × side pixels."""
    rows = zlib.compress(bytes(side // 8 + 1) * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zip_archive() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("payload.js", "alert(1)")
    return target.getvalue()


def video_file(folder: Path, name: str, *options: str, seconds: float = 1, sound: bool = False) -> bytes:
    """A test picture, encoded as the name's suffix says."""
    target = folder / name
    source = ["-f", "lavfi", "-i", f"testsrc=size=128x72:rate=10:duration={seconds}"]
    if sound:
        source += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        *source,
        "-metadata",
        "title=secret-place",
        *options,
        str(target),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target.read_bytes()

"""What a file is, by its content, and where it ends.

A name or a header says nothing. A file that is one thing at its beginning and another at its end
(a polyglot) is refused, and so is one that ends too early. The structures are those of the PNG,
GIF89a, JPEG (ITU-T T.81), RIFF/WebP, ISO 14496-12 and EBML (RFC 8794) specifications.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from asset.media.limits import Refused

HEAD = 4096
ACCEPTED = "PNG, JPEG, WebP, GIF, MP4 and WebM are accepted"
TRUNCATED = "The file is truncated."
APPENDED = "Something else is appended to the {}."

_MP4_BRANDS = re.compile(rb"(iso[m2-9]|mp4[12]|avc1|dash|M4V |MSNV|cmfc)")


def recognise(file: Path) -> str:
    """PNG, JPEG, WEBP, GIF, MP4 or WEBM; Refused for anything else."""
    with file.open("rb") as source:
        head = source.read(HEAD)
    for kind, looks_like in _SIGNATURES.items():
        if looks_like(head):
            return kind
    if not head:
        raise Refused("The file is empty.")
    if b"<svg" in head.lower():
        raise Refused(f"SVG is not accepted, since it can carry scripts; {ACCEPTED}.")
    raise Refused(f"{ACCEPTED}; this file is none of these.")


def _is_mp4(head: bytes) -> bool:
    """The file type box comes first and names the brands: the major one, a version, compatible ones."""
    if head[4:8] != b"ftyp":
        return False
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, 256), 4))]
    return any(_MP4_BRANDS.fullmatch(brand) for brand in brands)


def _is_webm(head: bytes) -> bool:
    """DocType (0x4282) of the EBML header; Matroska in general is more than WebM."""
    return head.startswith(b"\x1aE\xdf\xa3") and b"\x42\x82\x84webm" in head[:64]


_SIGNATURES: dict[str, Callable[[bytes], bool]] = {
    "PNG": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "JPEG": lambda head: head.startswith(b"\xff\xd8\xff"),
    "GIF": lambda head: head[:6] in (b"GIF87a", b"GIF89a"),
    "WEBP": lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
    "MP4": _is_mp4,
    "WEBM": _is_webm,
}


def check_image_ends(kind: str, data: bytes) -> None:
    """Refused when the image's own structure ends before or after the file does."""
    try:
        end = _IMAGE_ENDS[kind](data)
    except IndexError:
        raise Refused(TRUNCATED) from None
    if end > len(data):
        raise Refused(TRUNCATED)
    if end < len(data):
        raise Refused(APPENDED.format("image"))


def _end_of_png(data: bytes) -> int:
    at = 8
    while data[at + 4 : at + 8] != b"IEND":
        if at + 12 > len(data):
            raise Refused(TRUNCATED)
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return at + 12


def _end_of_webp(data: bytes) -> int:
    size = int.from_bytes(data[4:8], "little")
    return 8 + size + size % 2


def _end_of_gif(data: bytes) -> int:
    at = 13 + _colour_table(data[10])
    while data[at] != 0x3B:
        if data[at] == 0x21:
            at = _after_sub_blocks(data, at + 2)
        elif data[at] == 0x2C:
            at = _after_sub_blocks(data, at + 11 + _colour_table(data[at + 9]))
        else:
            raise Refused("The image is damaged.")
    return at + 1


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


_JPEG_MARKER_IN_SCAN = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_SOS, _EOI = 0xDA, 0xD9


def _end_of_jpeg(data: bytes) -> int:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise Refused("The image is damaged.")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == _EOI:
            return at + 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            at = _after_scan(data, at) if marker == _SOS else at


def _after_scan(data: bytes, at: int) -> int:
    """Entropy-coded data goes on until a marker that is neither stuffed nor a restart."""
    found = _JPEG_MARKER_IN_SCAN.search(data, at)
    if found is None:
        raise Refused(TRUNCATED)
    return found.end() - 2


_IMAGE_ENDS = {"PNG": _end_of_png, "JPEG": _end_of_jpeg, "GIF": _end_of_gif, "WEBP": _end_of_webp}


def check_video_ends(kind: str, file: Path) -> None:
    """Refused unless the file consists of the container's top-level elements and of nothing else."""
    size = file.stat().st_size
    with file.open("rb") as source:
        at = 0
        while at < size:
            source.seek(at)
            end = at + _ELEMENTS[kind](source, size - at)
            if end > size:
                raise Refused(TRUNCATED)
            at = end


_BOXES = re.compile(rb"ftyp|styp|moov|mdat|moof|mfra|sidx|ssix|free|skip|wide|meta|udta|uuid|pdin|prft|emsg")


def _mp4_box(source: BinaryIO, left: int) -> int:
    """The size of one box. 0 stands for "to the end of the file", 1 for a 64-bit size that follows."""
    head = source.read(16)
    if not _BOXES.fullmatch(head[4:8]):
        raise Refused(TRUNCATED if len(head) < 8 else APPENDED.format("video"))
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        size = int.from_bytes(head[8:16], "big")
    elif size == 0:
        size = left
    if size < 8:
        raise Refused("The video is damaged.")
    return size


_EBML, _SEGMENT, _VOID = 0x1A45DFA3, 0x18538067, 0xEC


def _webm_element(source: BinaryIO, left: int) -> int:
    """The size of one top-level element: the EBML header, the segment, or nothing at all (Void).

    A segment of unknown size, as a browser's recorder writes it, goes to the end of the file.
    """
    head = source.read(12)
    id_length = _vint_length(head, 4)
    if int.from_bytes(head[:id_length], "big") not in (_EBML, _SEGMENT, _VOID):
        raise Refused(APPENDED.format("video"))
    size_length = _vint_length(head[id_length:], 8)
    bits = 7 * size_length
    size = int.from_bytes(head[id_length : id_length + size_length], "big") & ((1 << bits) - 1)
    return left if size == (1 << bits) - 1 else id_length + size_length + size


def _vint_length(data: bytes, longest: int) -> int:
    """A variable-size integer's length is the number of its leading zero bits, plus one."""
    if not data:
        raise Refused(TRUNCATED)
    length = 9 - data[0].bit_length()
    if length > longest:
        raise Refused(APPENDED.format("video"))
    return length


_ELEMENTS: dict[str, Callable[[BinaryIO, int], int]] = {"MP4": _mp4_box, "WEBM": _webm_element}

"""Images: decode all of it, then paint it anew. What is not pixels does not come along."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence

from asset.media.containers import check_image_ends
from asset.media.limits import (
    ALL_FRAMES_PIXELS,
    IMAGE_BYTES,
    IMAGE_PIXELS,
    PLACEMENTS,
    Made,
    MadeFile,
    Refused,
)

Image.MAX_IMAGE_PIXELS = IMAGE_PIXELS

_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_SAVING = {"png": {"compress_level": 6}, "webp": {"quality": 85, "method": 4}}


def make(kind: str, file: Path, folder: Path) -> Made:
    """A PNG and a WebP for every placement. Of an animation the first frame is shown."""
    data = _read(file)
    check_image_ends(kind, data)
    picture = _decode(kind, data)
    files = [made for placement in PLACEMENTS for made in _variants(picture, placement, folder)]
    return Made("image", None, files)


def _read(file: Path) -> bytes:
    if file.stat().st_size > IMAGE_BYTES:
        raise Refused(f"An image may have {IMAGE_BYTES // 2**20} MB at most.")
    return file.read_bytes()


def _decode(kind: str, data: bytes) -> Image.Image:
    """The first frame, upright and in RGBA, once every frame was decoded without complaint."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            Image.open(io.BytesIO(data), formats=[kind]).verify()
            return _first_of_all_frames(Image.open(io.BytesIO(data), formats=[kind]))
    except _TOO_MANY_PIXELS:
        raise Refused(f"An image may have {IMAGE_PIXELS // 1_000_000} megapixels at most.") from None
    except (Refused, MemoryError):
        raise
    except Exception as error:
        # Decoders stumble over hostile content in more ways than can be listed, and it stays hostile.
        raise Refused("The image is damaged.") from error


def _first_of_all_frames(image: Image.Image) -> Image.Image:
    first, pixels = None, 0
    for frame in ImageSequence.Iterator(image):
        pixels += image.width * image.height
        if pixels > ALL_FRAMES_PIXELS:
            raise Refused("The animation has too many frames; upload it as a video.")
        frame.load()
        if first is None:
            first = _upright_rgba(frame)
    assert first is not None
    return first


def _upright_rgba(frame: Image.Image) -> Image.Image:
    """The orientation is metadata, which will be gone, so it is applied. 16 bits of grey become 8."""
    upright = ImageOps.exif_transpose(frame)
    if upright.mode.startswith("I"):
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    return upright.convert("RGBA")


def _variants(picture: Image.Image, placement: str, folder: Path) -> list[MadeFile]:
    width, height = PLACEMENTS[placement]
    canvas = _letterboxed(picture, width, height)
    made = []
    for image_format, options in _SAVING.items():
        name = f"{placement}.{image_format}"
        canvas.save(folder / name, format=image_format, **options)
        made.append(MadeFile(placement, image_format, width, height, name))
    return made


def _letterboxed(picture: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / picture.width, height / picture.height)
    # A line of one pixel, scaled down, is still a line.
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    fitting = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    canvas.paste(fitting, ((width - size[0]) // 2, (height - size[1]) // 2))
    return canvas

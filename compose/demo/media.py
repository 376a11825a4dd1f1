"""The creatives of the demo: a PNG and an MP4 that are made here, so that nothing has to be fetched."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1920, 270
BACKGROUND, ACCENT, TEXT = "#101828", "#7c3aed", "#ffffff"
VIDEO_SECONDS = 3
ENCODING = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def banner(text: str) -> bytes:
    """A PNG in the shape of a banner."""
    image = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for x in range(0, WIDTH, 6):
        draw.line([(x, HEIGHT), (x + HEIGHT // 2, 0)], fill=ACCENT if x % 36 == 0 else "#1d2939", width=2)
    draw.rectangle([(60, 60), (1240, HEIGHT - 60)], fill=BACKGROUND, outline=ACCENT, width=6)
    draw.text((110, 95), text, font=ImageFont.load_default(size=72), fill=TEXT)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def clip(folder: Path) -> bytes:
    """A short MP4 without sound: ffmpeg's test picture."""
    target = folder / "creative.mp4"
    source = f"testsrc2=size=960x540:rate=15:duration={VIDEO_SECONDS}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *ENCODING, str(target)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    content = target.read_bytes()
    target.unlink()
    return content

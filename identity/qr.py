"""QR codes as SVG."""

from __future__ import annotations

import io

import segno
from eventlet import tpool

# Modules that are this many units wide, on a white ground with the border of four modules that scanners need.
SCALE, BORDER = 4, 4


def qr_svg(text: str) -> str:
    """Takes some ten milliseconds of a thread beside the hub."""
    drawn: str = tpool.execute(_drawn, text)
    return drawn


def _drawn(text: str) -> str:
    svg = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(svg, kind="svg", scale=SCALE, border=BORDER, light="#fff", xmldecl=False, svgclass=None)
    return svg.getvalue().decode()

from __future__ import annotations

import re
from xml.etree import ElementTree

import segno

from identity.qr import qr_svg

URI = (
    "otpauth://totp/Gametriggers:nova%40streams.example?digits=6"
    "&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&issuer=Gametriggers&period=30"
)


def dark_modules(svg: str) -> set[tuple[int, int]]:
    """What is black in it, read from its path: pen moves and horizontal strokes."""
    path = re.search(r'stroke="#000" d="([^"]+)"', svg)[1]
    x, y, found = 0, 0.0, set()
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if command == "h":
            found |= {(x + step, int(y)) for step in range(int(first))}
            x += int(first)
        else:
            x, y = (int(first), float(second)) if command == "M" else (x + int(first), y + float(second))
    return found


def test_the_svg_shows_the_qr_code_of_the_address_with_its_quiet_zone():
    svg = qr_svg(URI)

    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    rows = segno.make(URI, error="m", micro=False).matrix
    expected = {(x + 4, y + 4) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark & 1}
    assert dark_modules(svg) == expected

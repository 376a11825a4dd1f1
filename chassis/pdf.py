"""Documents as PDF: A4, the fonts that every reader has, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fpdf import FPDF, XPos, YPos

LINE_HEIGHT = 8
SMALL_HEIGHT = 5
INK, FAINT = (28, 34, 48), (106, 114, 133)


class Paper:
    """A document that is written from top to bottom; widths are in millimetres."""

    def __init__(self, title: str, *, creator: str, at: datetime) -> None:
        """`at` is the document's date and the only time in it, so equal content is an equal file."""
        self.pdf = FPDF(format="A4")
        self.pdf.set_creation_date(at)
        self.pdf.set_title(title)
        self.pdf.set_creator(creator)
        self.pdf.set_lang("en")
        self.pdf.set_text_color(*INK)
        self.pdf.add_page()

    @property
    def width(self) -> float:
        return self.pdf.epw

    def heading(self, content: str, size: int = 18) -> None:
        self._write(content, bold=True, size=size)

    def line(self, content: str) -> None:
        self._write(content)

    def small_print(self, content: str) -> None:
        """A faint paragraph, as many lines as it takes."""
        self.pdf.set_font("Helvetica", size=8)
        self.pdf.set_text_color(*FAINT)
        self.pdf.multi_cell(
            0, SMALL_HEIGHT, printable(content), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        self.pdf.set_text_color(*INK)

    def gap(self) -> None:
        self.pdf.ln(LINE_HEIGHT)

    def keep_together(self, height: float) -> None:
        """Begins a page where this one has less room than that."""
        if self.pdf.will_page_break(height):
            self.pdf.add_page()

    def row(self, cells: Sequence[str], widths: Sequence[float], *, bold: bool = False) -> None:
        """The first cell is a text and takes what the `widths` of the others leave; they are figures."""
        self.pdf.set_font("Helvetica", style="B" if bold else "", size=11)
        first = self.width - sum(widths)
        for index, (cell, width) in enumerate(zip(cells, (first, *widths), strict=True)):
            align = "R" if index else "L"
            self.pdf.cell(width, LINE_HEIGHT, printable(cell), border="B", align=align)
        self.pdf.ln(LINE_HEIGHT)

    def bytes(self) -> bytes:
        return bytes(self.pdf.output())

    def _write(self, content: str, *, bold: bool = False, size: int = 11) -> None:
        self.pdf.set_font("Helvetica", style="B" if bold else "", size=size)
        self.pdf.cell(0, LINE_HEIGHT, printable(content), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def printable(content: str) -> str:
    """The built-in fonts know Latin-1; what is beyond it shows as a question mark."""
    return content.encode("latin-1", "replace").decode("latin-1")

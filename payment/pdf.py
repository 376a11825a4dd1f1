"""Documents as PDF: one page, the fonts that every reader has, the same bytes each time."""

from __future__ import annotations

from fpdf import FPDF, XPos, YPos

from payment.domain.document import Document, DocumentKind

TITLES = {DocumentKind.RECEIPT: "Receipt", DocumentKind.PAYOUT_STATEMENT: "Payout statement"}
LINE_HEIGHT = 8
AMOUNT_WIDTH = 50


def render(document: Document) -> bytes:
    pdf = FPDF(format="A4")
    pdf.set_creation_date(document.issued_at)
    pdf.set_title(f"{TITLES[document.kind]} {document.number}")
    pdf.set_creator("Gametriggers")
    pdf.add_page()
    pdf.set_font("Helvetica", style="B", size=18)
    full_line(pdf, f"{TITLES[document.kind]} {document.number}")
    pdf.set_font("Helvetica", size=11)
    for label, value in facts(document):
        full_line(pdf, f"{label}: {value}")
    pdf.ln(LINE_HEIGHT)
    for line in document.lines:
        amount_line(pdf, line.description, str(line.amount))
    pdf.set_font("Helvetica", style="B", size=11)
    amount_line(pdf, "Total", str(document.total))
    return bytes(pdf.output())


def facts(document: Document) -> list[tuple[str, str]]:
    return [
        ("Issued", document.issued_at.strftime("%Y-%m-%d %H:%M UTC")),
        ("Account", document.account_id),
        ("Reference", document.reference),
    ]


def full_line(pdf: FPDF, content: str) -> None:
    pdf.cell(0, LINE_HEIGHT, printable(content), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def amount_line(pdf: FPDF, description: str, amount: str) -> None:
    pdf.cell(pdf.epw - AMOUNT_WIDTH, LINE_HEIGHT, printable(description), border="B")
    pdf.cell(AMOUNT_WIDTH, LINE_HEIGHT, amount, border="B", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def printable(content: str) -> str:
    """The built-in fonts know Latin-1; what is beyond it shows as a question mark."""
    return content.encode("latin-1", "replace").decode("latin-1")

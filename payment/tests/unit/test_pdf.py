import zlib
from dataclasses import replace

from payment.domain.document import Document, DocumentKind, Line
from payment.pdf import render
from payment.tests.mothers import MORNING, usd

RECEIPT = Document(
    "inv_1",
    DocumentKind.RECEIPT,
    7,
    "brd_acme",
    "dep_1",
    MORNING,
    (Line("Deposit through sandbox", usd(1_234_56)),),
)


def text_of(document: bytes) -> bytes:
    start = document.index(b"stream\n", document.index(b"/FlateDecode")) + len(b"stream\n")
    return zlib.decompress(document[start : document.index(b"\nendstream", start)])


def test_a_receipt_names_its_number_its_account_and_its_total():
    content = text_of(render(RECEIPT))

    assert b"REC-000007" in content
    assert b"brd_acme" in content
    assert b"1,234.56 USD" in content


def test_the_same_document_is_the_same_file():
    assert render(RECEIPT) == render(RECEIPT)


def test_letters_beyond_the_built_in_fonts_do_not_stop_a_document():
    document = replace(RECEIPT, lines=(Line("Zażółć 漢字", usd(1)),))

    assert render(document).startswith(b"%PDF")

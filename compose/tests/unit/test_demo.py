"""The demo's own arithmetic, and how its overlays read answers."""

import mailbox
from email.message import EmailMessage

import pytest

from compose.demo.actors import mailed_token
from compose.demo.api import DemoFailed
from compose.demo.figures import Counted, count, differences, earned, fee
from compose.demo.overlays import Overlay, decode_key, proof

HYBRID = {"type": "hybrid", "cpm_minor": 100, "flat_minor": 200, "required_deliveries": 2}


def delivery(qualified, viewers):
    return {"qualified": qualified, "viewers": viewers}


def test_only_qualified_showings_have_viewers():
    counted = count([delivery(True, 100), delivery(False, 50), delivery(True, 30)])

    assert counted == Counted(rendered=3, qualified=2, viewer_impressions=130)


@pytest.mark.parametrize(
    ("counted", "minor"),
    [(Counted(1, 1, 1999), 199), (Counted(2, 2, 1999), 399), (Counted(0, 0, 0), 0)],
)
def test_hybrid_pays_by_impressions_rounded_down_and_the_flat_part_once_it_is_reached(counted, minor):
    assert earned(HYBRID, counted) == minor


def test_the_fee_is_rounded_down():
    assert fee(999, 2000) == 199


def test_a_figure_that_differs_or_is_missing_is_named():
    found = differences({"gross": 5, "net": 4, "fee": 1}, {"gross": 5, "net": 3}, "ledger")

    assert [str(each) for each in found] == [
        "ledger.net: expected 4, found 3",
        "ledger.fee: expected 1, found None",
    ]


def test_the_proof_is_the_one_of_the_interface():
    signed = {
        "id": "8b0f5c0e-6a3a-4c53-9f2b-0d9f8f0a5b11",
        "seq": 1,
        "participation_id": "prt_1",
        "creative_id": "crv_1",
        "started_at": "2026-11-23T05:00:00.000Z",
        "ended_at": "2026-11-23T05:00:08.000Z",
        "visible_ms": 7990,
    }

    assert proof(decode_key("a2V5"), "ses_1", signed) == "Vij9lBg7VtT2MtGRubGgxTF0gbTgqAhSZTfNh-mp74Q"


class Door:
    """Answers posts with what it was given, in order; an exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def post(self, path, body):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


BUSY = DemoFailed("POST /x answered 503: busy", 503)
TAKEN = {"accepted": 1, "refused": []}
REPLAYED = {"accepted": 0, "refused": [{"id": "a", "reason": "replayed"}]}


@pytest.mark.parametrize("answers", [(TAKEN,), (BUSY, TAKEN), (BUSY, REPLAYED), (BUSY, BUSY, REPLAYED)])
def test_a_showing_whose_answer_was_lost_counts_as_accepted_once(answers, monkeypatch):
    monkeypatch.setattr("compose.demo.overlays.RESEND_SECONDS", 0)
    overlay = Overlay(Door(*answers), "token", "honest")
    overlay.session_id = "ses_1"

    overlay._report([{"id": "a"}])

    assert (overlay.accepted, dict(overlay.refused)) == (1, {})


@pytest.mark.parametrize("second", [(REPLAYED,), (BUSY, REPLAYED)])
def test_a_showing_that_is_sent_twice_is_refused_once(second, monkeypatch):
    monkeypatch.setattr("compose.demo.overlays.RESEND_SECONDS", 0)
    overlay = Overlay(Door(TAKEN, *second), "token", "twice")
    overlay.session_id = "ses_1"

    overlay._report([{"id": "a"}])

    assert (overlay.accepted, overlay.refused["replayed"]) == (1, 1)


def test_the_link_in_a_mail_is_found_in_the_mailbox_of_whom_it_is_for(tmp_path):
    box = mailbox.Maildir(tmp_path / "mail")
    for address, token in (("nova@streams.example", "another"), ("ada@acme.example", "a-token_of-43")):
        mail = EmailMessage()
        mail["To"] = address
        mail.set_content(f"Hello,\n\nhttp://127.0.0.1:8000/verify-email#token={token}\n\nBye.\n")
        mail.add_alternative(f'<a href="http://h/#token={token}">Confirm</a>', subtype="html")
        box.add(mail)

    assert mailed_token(tmp_path / "mail", "ada@acme.example") == "a-token_of-43"
    assert mailed_token(tmp_path / "mail", "nobody@acme.example") is None

import re
from pathlib import Path

import pytest

from notification import rendering
from notification.domain.notifications import KINDS, RULES, MailRefused, Recipient
from notification.rendering import JinjaTemplates
from notification.tests.mothers import EVENTS, acme, nova, received

TEMPLATES = Path(rendering.__file__).parent / "templates"

templates = JinjaTemplates("http://localhost:8000")


@pytest.mark.parametrize(("source", "type"), RULES)
def test_every_kind_is_rendered_for_the_inbox_and_as_text_and_html(source: str, type: str) -> None:
    rule = RULES[source, type]
    data = rule.data_of(received(source, type))

    title, body = templates.inbox(rule.kind, data)
    mail = templates.mail(rule.kind, data | extra_facts(rule.kind), acme())

    assert title
    assert title == mail.subject
    assert body in mail.text
    assert "Hello Acme," in mail.text
    assert "<!doctype html>" in mail.html
    for words in (title, body, mail.text, mail.html):
        assert "None" not in words
        assert not re.search(r"\{[{%]", words)
        assert "  " not in words or words is mail.html


def extra_facts(kind: str) -> dict[str, str]:
    """What a mail is told when it is sent."""
    if not KINDS[kind].with_link:
        return {}
    return {"url": "http://localhost/page#token=abc", "company_name": "Acme"}


def test_every_kind_has_its_two_files_and_no_file_is_left_over() -> None:
    wanted = {f"{name}.{suffix}" for name in (*KINDS, "base") for suffix in ("txt", "html")}

    assert {path.name for path in TEMPLATES.iterdir()} == wanted


def test_every_kind_has_an_event_that_leads_to_it() -> None:
    assert {rule.kind for rule in RULES.values()} == set(KINDS)
    assert set(EVENTS) == set(RULES)


def test_what_others_wrote_is_escaped_in_html() -> None:
    data = {"campaign_id": "cmp_1", "name": "<script>alert(1)</script>"}

    mail = templates.mail("campaign_approved", data, Recipient("brd_1", "brand", "a@b.example", "<b>A</b>"))

    assert "<script>" not in mail.html
    assert "<b>A</b>" not in mail.html
    assert "&lt;script&gt;" in mail.html


def test_a_name_with_line_breaks_forges_no_header() -> None:
    data = {"campaign_id": "cmp_1", "name": "Winter\r\nBcc: everybody@example.com"}

    mail = templates.mail("campaign_approved", data, acme())

    assert mail.subject == "Campaign “Winter Bcc: everybody@example.com” was approved"


def test_a_very_long_name_is_cut() -> None:
    title, _ = templates.inbox("campaign_approved", {"campaign_id": "cmp_1", "name": "x" * 10_000})

    assert len(title) == rendering.MAX_TITLE_LENGTH


def test_only_critical_mails_say_that_they_cannot_be_turned_off() -> None:
    payout = RULES["payment", "payout_paid"].data_of(received("payment", "payout_paid"))

    critical = templates.mail("payout_paid", payout, nova())
    other = templates.mail("welcome", {"account_kind": "streamer"}, nova())

    assert "always sent" in critical.text
    assert "always sent" not in other.text
    assert "overlay" in other.text


def test_data_that_a_template_lacks_refuses_the_mail_instead_of_stopping_the_queue() -> None:
    with pytest.raises(MailRefused):
        rendering.JinjaTemplates("http://localhost").mail("welcome", {"account_kind": "brand"}, None)  # type: ignore[arg-type]

"""The SMTP adapter against a mail server in another process."""

from typing import Any

import pytest

from notification.clients import SmtpMailer
from notification.domain import MailDelayed, MailRefused, RenderedMail
from notification.tests.storage.test_stores import closed_port

SENDER = "Gametriggers <no-reply@gametriggers.example>"
MAIL = RenderedMail("Grüße – 10.00 USD", "In words.\n", "<p>In <b>HTML</b>.</p>\n")


def test_a_mail_arrives_with_text_html_and_its_headers(mail_server: Any) -> None:
    SmtpMailer(mail_server.url, SENDER).send("ada@acme.example", MAIL, "ntf_1")

    [mail] = mail_server.mails()
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ada@acme.example", SENDER, MAIL.subject)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body(("plain",)).get_content() == MAIL.text
    assert mail.get_body(("html",)).get_content() == MAIL.html


def test_a_mail_that_is_sent_again_carries_the_same_message_id(mail_server: Any) -> None:
    mailer = SmtpMailer(mail_server.url, SENDER)
    mailer.send("ada@acme.example", MAIL, "ntf_1")

    mailer.send("ada@acme.example", MAIL, "ntf_1")

    assert [mail["Message-ID"] for mail in mail_server.mails()] == ["<ntf_1@gametriggers.example>"] * 2


def test_a_recipient_who_does_not_exist_is_refused_for_good(mail_server: Any) -> None:
    with pytest.raises(MailRefused) as refusal:
        SmtpMailer(mail_server.url, SENDER).send("ada@refused.example", MAIL, "ntf_1")

    assert "550" in refusal.value.detail


def test_a_busy_server_delays_the_mail(mail_server: Any) -> None:
    with pytest.raises(MailDelayed) as delay:
        SmtpMailer(mail_server.url, SENDER).send("ada@busy.example", MAIL, "ntf_1")

    assert "451" in delay.value.detail


def test_a_server_that_is_down_delays_the_mail() -> None:
    with pytest.raises(MailDelayed):
        SmtpMailer(f"smtp://127.0.0.1:{closed_port()}", SENDER).send("ada@acme.example", MAIL, "ntf_1")


def test_an_address_with_line_breaks_is_refused(mail_server: Any) -> None:
    address = "ada@acme.example\r\nBcc: all@example.com"

    with pytest.raises(MailRefused):
        SmtpMailer(mail_server.url, SENDER).send(address, MAIL, "ntf_1")


def test_credentials_never_travel_in_clear_text(mail_server: Any) -> None:
    url = mail_server.url.replace("smtp://", "smtp://ada:secret@")

    with pytest.raises(MailDelayed) as delay:
        SmtpMailer(url, SENDER).send("ada@acme.example", MAIL, "ntf_1")

    assert "SMTPNotSupportedError" in delay.value.detail
    assert mail_server.mails() == []

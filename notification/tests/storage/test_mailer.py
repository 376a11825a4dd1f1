"""The SMTP adapter against a mail server in another process."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from notification.clients.neighbours import SmtpMailer
from notification.domain.notifications import MailDelayed, MailRefused, RenderedMail
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


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_credentials_are_told_to_nobody_whose_certificate_is_not_valid(imposter: Any, scheme: str) -> None:
    port, heard = imposter(scheme)

    with pytest.raises(MailDelayed) as delay:
        SmtpMailer(f"{scheme}://ada:secret@127.0.0.1:{port}", SENDER).send("ada@acme.example", MAIL, "ntf_1")

    assert "SSLCertVerificationError" in delay.value.detail
    assert not any(b"AUTH" in line for line in heard)


@pytest.fixture
def imposter(tmp_path: Path) -> Iterator[Any]:
    """imposter(scheme) -> port, lines heard: a mail server with a certificate that it issued to itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "imposter.pem"))
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve(scheme: str) -> None:
        connection, _ = listener.accept()
        with closing(connection), suppress(OSError):
            if scheme == "smtp":
                connection.sendall(b"220 hello\r\n")
                for answer in (b"250-me\r\n250 STARTTLS\r\n", b"220 go on\r\n"):
                    heard.append(connection.recv(1000))
                    connection.sendall(answer)
            with context.wrap_socket(connection, server_side=True) as secured:
                if scheme == "smtps":
                    secured.sendall(b"220 hello\r\n")
                while line := secured.recv(1000):
                    heard.append(line)
                    secured.sendall(b"250-me\r\n250 AUTH PLAIN\r\n")

    def start(scheme: str) -> tuple[int, list[bytes]]:
        Thread(target=serve, args=(scheme,), daemon=True).start()
        return listener.getsockname()[1], heard

    yield start
    listener.close()


def self_signed(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file

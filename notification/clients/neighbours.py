"""The mail server and identity's links, in this service's terms."""

from __future__ import annotations

import smtplib
import ssl
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from urllib.parse import SplitResult, unquote, urlsplit

from chassis.errors import Error
from chassis.rpc.client import ServiceProxy
from notification.domain.notifications import MailDelayed, MailRefused, RenderedMail

# Per operation of a conversation that has about ten; the lease of a mail is longer than all of them.
TIMEOUT_SECONDS = 10.0
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
PERMANENT = range(500, 600)


class IdentityLinks:
    def __init__(self, identity: ServiceProxy) -> None:
        self._identity = identity

    def facts(self, link_id: str) -> dict[str, str]:
        try:
            answer = self._identity.mail_link({"link_id": link_id})
        except Error as error:
            if error.is_final:
                raise MailRefused(error.code) from error
            raise MailDelayed(error.code) from error
        return {name: str(value) for name, value in answer.items() if value is not None}


class SmtpMailer:
    """`url` is smtp://[user:password@]host[:port], or smtps:// for TLS from the first byte.

    Credentials never travel in clear text, nor to a server whose certificate is not valid: with smtp://
    and a user, STARTTLS is a must. SSL_CERT_FILE names the authorities where the system's do not do.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._server = urlsplit(url)
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]

    def send(self, address: str, mail: RenderedMail, mail_id: str) -> None:
        message = self.message(address, mail, mail_id)
        try:
            with self._connect() as smtp:
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, reason)] = error.recipients.values()
            raise failure(code, reason) from error
        except smtplib.SMTPDataError as error:
            raise failure(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise MailRefused("The mail server cannot deliver to this address.") from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailDelayed(type(error).__name__) from error

    def message(self, address: str, mail: RenderedMail, mail_id: str) -> EmailMessage:
        message = EmailMessage()
        try:
            message["To"] = address
        except (ValueError, MessageError) as error:
            raise MailRefused("The address is not valid.") from error
        message["From"] = self._sender
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{mail_id}@{self._domain}>"
        # Answering machines stay silent when they see this (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message

    def _connect(self) -> smtplib.SMTP:
        smtp = self._open()
        try:
            log_in(smtp, self._server)
        except (OSError, smtplib.SMTPException) as error:
            smtp.close()
            raise MailDelayed(f"The mail server does not let us in: {type(error).__name__}") from error
        return smtp

    def _open(self) -> smtplib.SMTP:
        host = self._server.hostname or ""
        port = self._server.port or DEFAULT_PORTS[self._server.scheme]
        if self._server.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)


def log_in(smtp: smtplib.SMTP, server: SplitResult) -> None:
    if not server.username:
        return
    if server.scheme == "smtp":
        # Without a context of our own, smtplib takes any certificate.
        smtp.starttls(context=ssl.create_default_context())
    smtp.login(unquote(server.username), unquote(server.password or ""))


def failure(code: int, reason: bytes | str) -> MailRefused | MailDelayed:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return MailRefused(f"{code} {text}") if code in PERMANENT else MailDelayed(f"{code} {text}")

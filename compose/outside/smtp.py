"""A local mail server that delivers nothing and keeps everything.

    SMTP_PORT=2526 MAIL_DIR=.run/mail python -m compose.outside.smtp

It listens on loopback alone, prints its address, and writes every mail into a Maildir, which any mail reader
opens; X-MailFrom and X-RcptTo say what the envelope said. So that failures can be tried out, recipients at
refused.example are refused for good (550), and those at busy.example for now (451).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
MAX_MAIL_BYTES = 5 * 1024 * 1024
REFUSALS = {
    "refused.example": "550 5.1.1 No such mailbox",
    "busy.example": "451 4.3.0 Try again later",
}


class KeepingHandler(Mailbox):
    """aiosmtpd's Maildir handler, and the domains that refuse."""

    async def handle_RCPT(  # noqa: N802  The name is aiosmtpd's.
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = REFUSALS.get(address.rpartition("@")[2].lower())
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"


def prepare(mail_dir: Path) -> None:
    """Makes the Maildir, also inside a folder that exists already and is empty."""
    for name in ("cur", "new", "tmp"):
        (mail_dir / name).mkdir(parents=True, exist_ok=True)


def mails(mail_dir: Path) -> list[EmailMessage]:
    """What has arrived, oldest first."""
    found = [path for folder in ("new", "cur") for path in (mail_dir / folder).glob("*")]
    paths = sorted(found, key=lambda path: path.stat().st_mtime_ns)
    return [BytesParser(policy=default).parsebytes(path.read_bytes()) for path in paths]


async def serve(port: int, mail_dir: Path) -> None:
    """Serves until SIGTERM or SIGINT. Port 0 takes a free one; the line printed says which."""
    prepare(mail_dir)
    loop, handler = asyncio.get_running_loop(), KeepingHandler(mail_dir)
    server = await loop.create_server(
        lambda: SMTP(handler, data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True), HOST, port
    )
    print(f"smtp://{HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    server.close()


def main() -> int:
    asyncio.run(
        serve(int(os.environ.get("SMTP_PORT", "2526")), Path(os.environ.get("MAIL_DIR", ".run/mail")))
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

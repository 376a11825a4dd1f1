from chassis import runtime

runtime.patch()

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from chassis.testing.fixtures import *

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class MailServer:
    """A mail server of this test's own, in a process of its own."""

    url: str
    folder: Path

    def mails(self) -> list[EmailMessage]:
        """What has arrived, oldest first."""
        paths = sorted(self.folder.glob("new/*"), key=lambda path: path.stat().st_mtime_ns)
        return [BytesParser(policy=default).parsebytes(path.read_bytes()) for path in paths]


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    folder = tmp_path / "mail"
    process = subprocess.Popen(
        [sys.executable, "-m", "compose.outside.smtp"],
        cwd=REPOSITORY,
        env={"SMTP_PORT": "0", "MAIL_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield MailServer(process.stdout.readline().strip(), folder)
    process.terminate()
    process.wait(timeout=5)
    process.stdout.close()

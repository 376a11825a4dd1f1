"""Where a stack keeps its files. Everything is below RUN_DIR, with two exceptions named here."""

import getpass
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

# A Unix socket's path has room for 107 characters; supervisord adds a suffix of its own while it binds.
LONGEST_SOCKET_PATH = 90

# Every account may enter it, and unlike /tmp it outlives a restart of the machine. The folder that we make in
# it belongs to one account, and PostgreSQL refuses one that others may read.
OUT_OF_THE_WAY = Path("/var/tmp")  # noqa: S108


@dataclass(frozen=True)
class Layout:
    """The folders and files of one stack."""

    run_dir: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Layout":
        return cls((REPOSITORY / environ.get("RUN_DIR", ".run")).resolve())

    @property
    def secrets(self) -> Path:
        return self.run_dir / "secrets.env"

    @property
    def infrastructure(self) -> Path:
        return self.run_dir / "infra.env"

    @property
    def lock(self) -> Path:
        return self.run_dir / "lock"

    @property
    def ports(self) -> Path:
        return self.run_dir / "ports.json"

    @property
    def asyncapi(self) -> Path:
        return self.run_dir / "asyncapi.json"

    @property
    def marker(self) -> Path:
        """Its presence says that the folder was made by us, so that `make clean` may remove it."""
        return self.run_dir / ".gametriggers"

    @property
    def logs(self) -> Path:
        return self.run_dir / "log"

    @property
    def supervisor_config(self) -> Path:
        return self.run_dir / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.run_dir / "supervisord.pid"

    @property
    def supervisor_socket(self) -> Path:
        """In RUN_DIR, unless its path is too long for a socket: then in the temporary folder."""
        path = self.run_dir / "supervisor.sock"
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        return Path(tempfile.gettempdir()) / f"gametriggers-{self.fingerprint}.sock"

    @property
    def postgres(self) -> Path:
        """In RUN_DIR, unless the user who runs PostgreSQL cannot reach it: then in /var/tmp.

        PostgreSQL refuses to run as root, and a clone below a folder that only root may enter is out of
        reach for the user it runs as instead.
        """
        if os.geteuid() != 0 or everyone_may_enter(self.run_dir):
            return self.run_dir / "postgres"
        return OUT_OF_THE_WAY / f"gametriggers-{self.fingerprint}-postgres"

    @property
    def rabbitmq(self) -> Path:
        return self.run_dir / "rabbitmq"

    @property
    def certificates(self) -> Path:
        return self.run_dir / "tls"

    @property
    def redis(self) -> Path:
        return self.run_dir / "redis"

    @property
    def mongo(self) -> Path:
        return self.run_dir / "mongo"

    @property
    def objects(self) -> Path:
        return self.run_dir / "objects"

    @property
    def mail(self) -> Path:
        return self.run_dir / "mail"

    @property
    def fingerprint(self) -> str:
        """Tells apart the files that two stacks of one account keep outside their RUN_DIR."""
        return hashlib.sha256(f"{getpass.getuser()}:{self.run_dir}".encode()).hexdigest()[:12]

    def create(self) -> None:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        if not any(self.run_dir.iterdir()):
            self.marker.touch()
            self.remove_orphaned_cluster()
        for folder in (self.logs, self.rabbitmq, self.redis, self.mongo, self.objects, self.mail):
            folder.mkdir(exist_ok=True, mode=0o700)

    def remove_orphaned_cluster(self) -> None:
        """A clone that was deleted leaves its cluster in /var/tmp, whose password went with RUN_DIR."""
        if not self.postgres.is_relative_to(self.run_dir):
            shutil.rmtree(self.postgres, ignore_errors=True)

    def remove(self) -> None:
        """Only a folder that `create` made: RUN_DIR may name one that holds other people's files."""
        if not self.marker.exists():
            return
        self.remove_data()
        shutil.rmtree(self.run_dir)

    def remove_data(self) -> None:
        """What the servers stored. Logs, results and secrets stay."""
        for folder in (self.postgres, self.rabbitmq, self.redis, self.mongo):
            shutil.rmtree(folder, ignore_errors=True)


def everyone_may_enter(folder: Path) -> bool:
    existing = [path for path in (folder, *folder.parents) if path.exists()]
    return all(path.stat().st_mode & 0o001 for path in existing)

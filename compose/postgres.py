"""A private PostgreSQL on a loopback port, run by the user postgres when the stack belongs to root."""

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import make_url

from compose import probes
from compose.errors import ComposeError, SetupImpossible
from compose.layout import Layout
from compose.program import Program

SUPERUSER = "gametriggers"
SYSTEM_USER = "postgres"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def programs_folder() -> Path:
    """The newest installed server; distributions keep it off the PATH."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4])
    )
    if versions:
        return versions[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise SetupImpossible("PostgreSQL is not installed; install the package postgresql.")


def system_user() -> str | None:
    return SYSTEM_USER if os.geteuid() == 0 else None


def admin_url(secrets: Mapping[str, str], ports: Mapping[str, int], database: str = "postgres") -> str:
    password = secrets["POSTGRES_PASSWORD_ADMIN"]
    return f"postgresql+psycopg2://{SUPERUSER}:{password}@127.0.0.1:{ports['POSTGRES_PORT']}/{database}"


def postgres(layout: Layout, secrets: Mapping[str, str], ports: Mapping[str, int]) -> Program:
    settings = {**SETTINGS, "port": str(ports["POSTGRES_PORT"])}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return Program(
        name="postgres",
        command=(str(programs_folder() / "postgres"), "-D", str(layout.postgres), *options),
        directory=Path("/"),
        ready=functools.partial(probes.answers_sql, admin_url(secrets, ports)),
        port_variables=("POSTGRES_PORT",),
        address=f"postgresql://127.0.0.1:{ports['POSTGRES_PORT']}",
        user=system_user(),
        priority=10,
    )


def prepare(layout: Layout, secrets: Mapping[str, str]) -> None:
    """Makes the database cluster, once."""
    data = layout.postgres
    if (data / "PG_VERSION").exists():
        return
    if data.exists() and any(data.iterdir()):
        raise ComposeError(f"{data} holds half of a PostgreSQL cluster; remove it and start again.")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if system_user():
        shutil.chown(data, SYSTEM_USER)
    initialise(data, secrets["POSTGRES_PASSWORD_ADMIN"])


def initialise(data: Path, password: str) -> None:
    """The password goes in through a file: a command line is for everyone to read."""
    with tempfile.NamedTemporaryFile("w", prefix="gametriggers-") as password_file:
        password_file.write(f"{password}\n")
        password_file.flush()
        if system_user():
            shutil.chown(password_file.name, SYSTEM_USER)
        command = [
            str(programs_folder() / "initdb"),
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file.name}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]
        done = subprocess.run(
            command, text=True, capture_output=True, user=system_user(), cwd="/", check=False
        )
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise ComposeError(f"PostgreSQL's initdb failed: {done.stderr.strip()}")


def create_databases(admin: str, passwords: Mapping[str, str]) -> None:
    """A role and a database of that name for each key, made when missing."""
    engine = sqlalchemy.create_engine(admin, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for name, password in passwords.items():
                create_database(connection, name, password)
    finally:
        engine.dispose()


def create_database(connection: sqlalchemy.Connection, name: str, password: str) -> None:
    """Names come from compose.names and passwords are hexadecimal, so neither can break the statement."""
    if not exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = :name", name):
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN")
    connection.exec_driver_sql(f"ALTER ROLE {name} PASSWORD '{password}'")
    if not exists(connection, "SELECT 1 FROM pg_database WHERE datname = :name", name):
        connection.exec_driver_sql(f"CREATE DATABASE {name} OWNER {name}")
        connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")


def exists(connection: sqlalchemy.Connection, statement: str, name: str) -> bool:
    return connection.execute(sqlalchemy.text(statement), {"name": name}).first() is not None


def owned_url(admin: str, name: str, password: str) -> str:
    url = make_url(admin).set(username=name, password=password, database=name)
    return url.render_as_string(hide_password=False)


def normalised(url: str) -> str:
    """The driver that works under eventlet, whatever the address says; `postgres:` is an old spelling."""
    scheme, rest = url.split(":", 1)
    if not scheme.startswith("postgres"):
        raise ComposeError("DATABASE_URL has to begin with postgresql://.")
    return f"postgresql+psycopg2:{rest}"

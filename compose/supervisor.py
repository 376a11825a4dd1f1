"""The one supervisord of a stack: its configuration, and what is asked of it while it runs."""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from compose.broker import write_private
from compose.errors import ComposeError
from compose.layout import REPOSITORY, Layout
from compose.names import SERVERS
from compose.program import Program

SECONDS_TO_START = 15
SECONDS_TO_STOP = 90
RUNNING_STATES = ("STARTING", "RUNNING", "BACKOFF")

# What a program inherits from the caller's environment. Everything else is given to it by name.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME")

# Every process of a stack carries this variable, so that one whose supervisord was killed is still found.
MARK = "GAMETRIGGERS_RUN_DIR"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS_TO_STOP)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return UnixConnection(self.path)


class Supervisor:
    """Starts, stops and lists the programs of one stack."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        proxy = xmlrpc.client.ServerProxy(
            "http://localhost", transport=UnixTransport(layout.supervisor_socket), allow_none=True
        )
        self.api: Any = proxy.supervisor

    def is_up(self) -> bool:
        try:
            self.api.getState()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        return True

    def states(self) -> dict[str, str]:
        """The state of every program it knows, in supervisord's words; none when it is not up."""
        return {name: info["statename"] for name, info in self.details().items()}

    def details(self) -> dict[str, dict[str, Any]]:
        if not self.is_up():
            return {}
        return {info["name"]: info for info in self.api.getAllProcessInfo()}

    def running(self) -> set[str]:
        return {name for name, state in self.states().items() if state in RUNNING_STATES}

    def not_stopped(self) -> set[str]:
        return {name for name, state in self.states().items() if state in (*RUNNING_STATES, "STOPPING")}

    def apply(self, programs: Iterable[Program]) -> None:
        """Makes supervisord know exactly these programs. One whose definition changed is stopped."""
        write_private(self.layout.supervisor_config, configuration(self.layout, programs))
        if not self.is_up():
            self.launch()
            return
        added, changed, removed = self.api.reloadConfig()[0]
        for name in [*changed, *removed]:
            self.api.stopProcessGroup(name)
            self.api.removeProcessGroup(name)
        for name in [*added, *changed]:
            self.api.addProcessGroup(name)

    def launch(self) -> None:
        """supervisord detaches itself, and takes nothing of the caller's environment but INHERITED."""
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.layout.supervisor_config)]
        done = subprocess.run(
            command,
            env={**inherited, MARK: str(self.layout.run_dir)},
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ComposeError(f"supervisord did not start: {done.stderr.strip() or done.stdout.strip()}")
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.is_up():
            if time.monotonic() > deadline:
                raise ComposeError(
                    f"supervisord does not answer; see {self.layout.logs / 'supervisord.log'}."
                )
            time.sleep(0.05)

    def start(self, names: Iterable[str]) -> None:
        """Asks for each program's start and does not wait for it."""
        for name in names:
            self.api.startProcess(name, False)

    def stop(self, names: Collection[str]) -> None:
        """Asks all of them at once to stop and waits until they have; supervisord kills what lingers."""
        for name in names:
            self.api.stopProcess(name, False)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while stopping := self.not_stopped() & set(names):
            if time.monotonic() > deadline:
                raise ComposeError(f"Not stopped after {SECONDS_TO_STOP} s: {', '.join(sorted(stopping))}.")
            time.sleep(0.1)

    def shut_down(self) -> None:
        """Stops the platform, then the servers that it talks to, then epmd and supervisord itself."""
        pid = self.api.getPID()
        running = self.running()
        self.stop(running - {*SERVERS, "epmd"})
        self.stop(running & set(SERVERS))
        self.stop(running & {"epmd"})
        self.api.shutdown()
        deadline = time.monotonic() + SECONDS_TO_STOP
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise ComposeError(f"supervisord (process {pid}) has not stopped after {SECONDS_TO_STOP} s.")
            time.sleep(0.1)


def configuration(layout: Layout, programs: Iterable[Program]) -> str:
    sections = [
        section(
            "unix_http_server",
            {"file": layout.supervisor_socket, "chmod": "0600"},
        ),
        section(
            "supervisord",
            {
                "logfile": layout.logs / "supervisord.log",
                "logfile_maxbytes": "5MB",
                "logfile_backups": 1,
                "pidfile": layout.supervisor_pid,
                "childlogdir": layout.logs,
                "directory": REPOSITORY,
                # Without a user of its own, a supervisord that belongs to root warns at every start.
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
        ),
        section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        *(program_section(layout, program) for program in programs),
    ]
    return "\n".join(sections)


def program_section(layout: Layout, program: Program) -> str:
    settings: dict[str, object] = {
        "command": shlex.join(program.command),
        "directory": program.directory,
        "environment": environment({**program.environment, MARK: str(layout.run_dir)}),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": 1,
        "startretries": 5,
        "priority": program.priority,
        "stopwaitsecs": program.seconds_to_stop,
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": layout.logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 1,
    }
    if program.user:
        settings["user"] = program.user
    return section(f"program:{program.name}", settings)


def section(title: str, settings: Mapping[str, object]) -> str:
    """supervisord expands `%`, so a literal one is written twice."""
    lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in settings.items()]
    return "\n".join([f"[{title}]", *lines, ""])


def environment(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={quoted(key, value)}" for key, value in values.items())


def quoted(key: str, value: str) -> str:
    """supervisord knows no escapes in a value, only two kinds of quotes, and takes any off either end."""
    if "\n" in value or ('"' in value and "'" in value) or value != value.strip("'\""):
        raise ComposeError(f"{key} holds a line break or quotes that supervisord cannot pass on.")
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}"


def log_tail(layout: Layout, name: str, lines: int = 15) -> str:
    path = layout.logs / f"{name}.log"
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

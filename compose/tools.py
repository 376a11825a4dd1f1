"""What an operator does to a stack that is up: read logs, open a shell, make an administrator."""

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from chassis.amqp_tls import TlsFiles
from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from compose.broker import write_private
from compose.errors import ComposeError
from compose.layout import Layout
from compose.names import OPERATOR, STAND_IN
from compose.stack import Stack

LINES_OF_LOG = "200"


def logs(layout: Layout, name: str, *, follow: bool) -> NoReturn:
    """Becomes `tail`, so that Ctrl-C ends it as everybody expects. A stand-in's log is its service's, too."""
    files = sorted(layout.logs.glob("*.log"))
    chosen = [file for file in files if not name or file.stem.removesuffix(STAND_IN) == name]
    if not chosen:
        known = ", ".join(file.stem for file in files if not file.stem.endswith(STAND_IN)) or "none yet"
        raise ComposeError(f"There is no log of {name or 'anything'} in {layout.logs}; there are: {known}.")
    os.execvp("tail", ["tail", "-n", LINES_OF_LOG, *(["-F"] if follow else []), *map(str, chosen)])  # noqa: S606


def shell(stack: Stack) -> int:
    """Nameko's own shell under the operator's broker user; its configuration holds that user's password."""
    configuration = stack.layout.run_dir / "shell.yml"
    # JSON is YAML as well.
    write_private(configuration, json.dumps(stock_configuration(stack.amqp_uri(OPERATOR))))
    nameko = Path(sys.executable).parent / "nameko"
    return subprocess.run([str(nameko), "shell", "--config", str(configuration)], check=False).returncode


def stock_configuration(uri: str) -> dict[str, object]:
    """Where the broker is, in stock Nameko's words: it wants the certificate's files beside the address."""
    files = TlsFiles.of(uri)
    if files is None:
        return {"AMQP_URI": uri}
    return {
        "AMQP_URI": uri.partition("?")[0].replace("amqps://", "amqp://", 1),
        "LOGIN_METHOD": "EXTERNAL",
        "AMQP_SSL": {
            "ca_certs": files.ca_file,
            "certfile": files.cert_file,
            "keyfile": files.key_file,
            "cert_reqs": int(ssl.CERT_REQUIRED),
            "server_hostname": urlsplit(uri).hostname,
        },
    }


def create_admin(stack: Stack, email: str) -> None:
    """The password is printed once and nowhere stored in a readable form."""
    connection = RpcConnection(stack.amqp_uri(OPERATOR), name=OPERATOR)
    try:
        admin = connection.call("identity", "create_admin", {"email": email})
    except Error as error:
        raise ComposeError(f"{error.code}: {error.detail or error.title}") from None
    finally:
        connection.close()
    print(f"Administrator: {admin['email']}\nOne-time password: {admin['one_time_password']}")
    print("It is good once, for 24 hours. An administrator needs an authenticator app:")
    print(f"set it up at {stack.public_url}/two-factor")

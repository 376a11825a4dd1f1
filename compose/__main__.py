"""The command line of the local stack: `python -m compose COMMAND`. The Makefile calls it."""

import argparse
import os
import subprocess
import sys

from compose import lifecycle, status
from compose.errors import ComposeError, NotReadyInTime
from compose.layout import REPOSITORY, Layout
from compose.operations import commands as operations
from compose.stack import Stack
from compose.supervisor import Supervisor

INTERRUPTED = 130


def up(arguments: argparse.Namespace) -> int:
    with lifecycle.undone_when_interrupted(Layout.of(os.environ)):
        lifecycle.up(os.environ, infrastructure_only=arguments.infra_only)
    return 0


def run(arguments: argparse.Namespace) -> int:
    """The demo's exit code is this command's; the platform stays up either way."""
    with lifecycle.undone_when_interrupted(Layout.of(os.environ)):
        try:
            stack = lifecycle.up(os.environ)
        except NotReadyInTime as error:
            raise ComposeError(f"{error}\nThe rest stays up; 'make down' stops it.") from None
        demo = subprocess.run([sys.executable, "-m", "compose", "demo"], cwd=REPOSITORY, check=False)
    print(f"\n{status.addresses_as_text(status.addresses(stack))}\n")
    print("The platform stays up. 'make status' shows it, 'make down' stops it.", flush=True)
    return demo.returncode


def down(arguments: argparse.Namespace) -> int:
    stopped = lifecycle.down(Layout.of(os.environ))
    print("Everything is stopped." if stopped else "Nothing was running.")
    return 0


def restart(arguments: argparse.Namespace) -> int:
    from compose import restart

    restart.run(running_stack(), arguments.program)
    return 0


def show_status(arguments: argparse.Namespace) -> int:
    found = status.of(Stack.of(os.environ))
    print(status.as_json(found) if arguments.json else status.as_text(found))
    return 0


def demo(arguments: argparse.Namespace) -> int:
    os.environ.update(running_stack().operator_environment())
    from compose.demo import main

    return int(main())


def logs(arguments: argparse.Namespace) -> int:
    from compose import tools

    tools.logs(Layout.of(os.environ), arguments.program, follow=arguments.follow)


def shell(arguments: argparse.Namespace) -> int:
    from compose import tools

    return tools.shell(running_stack())


def admin(arguments: argparse.Namespace) -> int:
    from compose import tools

    tools.create_admin(running_stack(), arguments.email)
    return 0


def client(arguments: argparse.Namespace) -> int:
    from compose import client

    client.build(running_stack().public_url)
    return 0


def check(arguments: argparse.Namespace) -> int:
    from compose import checks

    return 1 if checks.run() else 0


def test(arguments: argparse.Namespace) -> int:
    from compose import suites

    return suites.run(arguments.suite, os.environ)


def bench(arguments: argparse.Namespace) -> int:
    from compose.bench import command

    return command.run(arguments.rows, command.rounds_from(os.environ), os.environ)


def chaos(arguments: argparse.Namespace) -> int:
    from compose.chaos import command

    return command.run(arguments.rows, os.environ)


def fuzz(arguments: argparse.Namespace) -> int:
    from compose.security import fuzz

    return fuzz.command(running_stack(), os.environ)


def clean(arguments: argparse.Namespace) -> int:
    layout = Layout.of(os.environ)
    lifecycle.down(layout)
    layout.remove()
    return 0


def running_stack() -> Stack:
    if not Supervisor(Layout.of(os.environ)).is_up():
        raise ComposeError("The platform is not running; 'make run' starts it.")
    return Stack.of(os.environ)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compose", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.set_defaults(function=function)
        return added

    started = command("up", up, "start what is not running and wait until it is ready")
    started.add_argument("--infra-only", action="store_true", help="the servers alone, for tests")
    command("run", run, "up, then the demo, then where to look")
    command("down", down, "stop everything that was started")
    restarted = command("restart", restart, "every service and the gateway, or one, without a failed request")
    restarted.add_argument("program", nargs="?", default="")
    shown = command("status", show_status, "what runs and where")
    shown.add_argument("--json", action="store_true")
    read = command("logs", logs, "a program's log")
    read.add_argument("program", nargs="?", default="")
    read.add_argument("--follow", action="store_true")
    command("demo", demo, "the demo, against the running platform")
    command("shell", shell, "nameko shell as the operator")
    command("admin", admin, "create an administrator").add_argument("email")
    command("client", client, "the TypeScript client, from the running gateway's document")
    command("check", check, "formatting, lint, types, imports")
    command("test", test, "every suite, or one").add_argument("suite", nargs="?", default="")
    command("bench", bench, "how fast we are, against named peers").add_argument("rows", nargs="*")
    operations.add_to(commands, running_stack)
    command("chaos", chaos, "what is left when things die, by promise").add_argument("rows", nargs="*")
    command("fuzz", fuzz, "Schemathesis over the running platform's document, for each kind of account")
    command("clean", clean, "stop everything and remove what it stored")
    return parser


def main() -> int:
    arguments = parser().parse_args()
    try:
        return int(arguments.function(arguments))
    except ComposeError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output, `head` for example, has had enough; nothing is left to flush into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of the local stack: `python -m compose COMMAND`."""

import argparse
import sys

from compose import stack
from compose.errors import ComposeError
from compose.layout import Layout
from compose.supervisor import Supervisor
import os


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m compose")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up")
    up.add_argument("--infra-only", action="store_true")
    commands.add_parser("down")
    arguments = parser.parse_args()
    try:
        if arguments.command == "up":
            stack.up_infrastructure_only()
        else:
            Supervisor(Layout.of(os.environ)).shut_down()
    except ComposeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

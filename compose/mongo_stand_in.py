"""secantusd-py, with the one setting that its command line lacks: how long a transaction may be idle.

A process that is killed leaves its transactions open, and what they have touched is out of everybody's reach
until the server gives them up: after a minute, as mongod does unless it is told otherwise.
"""

import functools
import sys

from secantus import cli

from compose.mongo import TRANSACTION_SECONDS


def main() -> int:
    cli.SecantusDBServer = functools.partial(
        cli.SecantusDBServer, transaction_lifetime_seconds=TRANSACTION_SECONDS
    )
    return int(cli.main() or 0)


if __name__ == "__main__":
    sys.exit(main())

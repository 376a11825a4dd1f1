"""secantusd-py, with what its command line lacks.

How long a transaction may be idle: a process that is killed leaves its transactions open, and what they
have touched is out of everybody's reach until the server gives them up, after a minute unless told otherwise.
"""

import functools
import sys
from typing import Any

from secantus import cli, server

from compose.mongo import TRANSACTION_SECONDS


class Storage(server.Storage):
    """Without an oplog, which only change streams read: it holds a second copy of every write.

    What makes a write durable is the log of the storage engine.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{**settings, "enable_oplog": False})

    def prune_ttl_all_collections(self, **options: Any) -> int:
        """Lets go of what it has read, and not only in its next round a minute later.

        Meanwhile nothing that is newer could leave the cache, and writers would wait there for room.
        """
        try:
            return int(super().prune_ttl_all_collections(**options))
        finally:
            self.release_thread_snapshot()


def main() -> int:
    server.Storage = Storage
    cli.SecantusDBServer = functools.partial(
        cli.SecantusDBServer, transaction_lifetime_seconds=TRANSACTION_SECONDS
    )
    return int(cli.main() or 0)


if __name__ == "__main__":
    sys.exit(main())

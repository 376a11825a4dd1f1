"""A MongoDB for the stack: a real mongod where one is installed, else SecantusDB, which ships with us."""

import functools
import shutil
import sys
from collections.abc import Mapping

import pymongo
import pymongo.errors

from compose import probes
from compose.layout import REPOSITORY, Layout
from compose.program import Program

REPLICA_SET = "gametriggers"
ALREADY_INITIALISED = 23

# What a killed process leaves open blocks the rows that it touched for so long. No transaction of ours takes
# longer than the deadline of an RPC, and mongod's own limit is a minute.
TRANSACTION_SECONDS = 10

# With a quarter of it, a thousand showings a second brought the stand-in to a standstill: whoever needed room
# in the cache waited for it while holding the lock that open transactions needed to end and make room.
CACHE = "1G"


def url(ports: Mapping[str, int]) -> str:
    return f"mongodb://127.0.0.1:{ports['MONGO_PORT']}/?directConnection=true"


def mongo(layout: Layout, ports: Mapping[str, int]) -> Program:
    mongod = shutil.which("mongod")
    port = ports["MONGO_PORT"]
    return Program(
        name="mongo",
        command=real(mongod, layout, port) if mongod else stand_in(layout, port),
        directory=layout.mongo,
        environment={"HOME": str(layout.mongo), "PYTHONPATH": str(REPOSITORY)},
        ready=functools.partial(is_primary if mongod else probes.answers_mongo, url(ports)),
        port_variables=("MONGO_PORT",),
        address=f"mongodb://127.0.0.1:{port}",
        priority=10,
    )


def real(mongod: str, layout: Layout, port: int) -> tuple[str, ...]:
    return (
        mongod,
        *("--bind_ip", "127.0.0.1", "--port", str(port)),
        *("--dbpath", str(layout.mongo), "--replSet", REPLICA_SET),
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"),
    )


def stand_in(layout: Layout, port: int) -> tuple[str, ...]:
    """With --sync-on-commit: without it, acknowledged writes are lost when the process is killed."""
    return (
        *(sys.executable, "-m", "compose.mongo_stand_in"),
        *("--config", str(layout.mongo / "secantusd.toml")),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--storage-path", str(layout.mongo / "data")),
        *("--cache-size", CACHE, "--log-level", "WARNING", "--sync-on-commit"),
    )


def prepare(layout: Layout) -> None:
    """An empty configuration of our own, so that the stand-in looks for none elsewhere."""
    (layout.mongo / "secantusd.toml").write_text("")


def is_primary(uri: str) -> None:
    """Makes a new mongod a replica set of one, then waits until it is that set's primary."""
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=3000)
    try:
        if client.admin.command("hello").get("isWritablePrimary"):
            return
        member = {"_id": 0, "host": uri.split("/")[2]}
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
    except pymongo.errors.OperationFailure as error:
        if error.code != ALREADY_INITIALISED:
            raise
    finally:
        client.close()
    raise probes.StillStarting("the replica set has no primary yet")

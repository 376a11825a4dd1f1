"""A private Redis with its append-only file, on a loopback port."""

import functools
from collections.abc import Mapping

from compose import probes
from compose.broker import write_private
from compose.layout import Layout
from compose.program import Program


def url(secrets: Mapping[str, str], ports: Mapping[str, int]) -> str:
    return f"redis://:{secrets['REDIS_PASSWORD']}@127.0.0.1:{ports['REDIS_PORT']}/0"


def redis(layout: Layout, secrets: Mapping[str, str], ports: Mapping[str, int]) -> Program:
    return Program(
        name="redis",
        command=("redis-server", str(layout.redis / "redis.conf")),
        directory=layout.redis,
        ready=functools.partial(probes.answers_redis, url(secrets, ports)),
        port_variables=("REDIS_PORT",),
        address=f"redis://127.0.0.1:{ports['REDIS_PORT']}",
        priority=10,
    )


def prepare(layout: Layout, secrets: Mapping[str, str], ports: Mapping[str, int]) -> None:
    """The password is in a file, because a command line is for everyone to read."""
    lines = (
        "bind 127.0.0.1",
        f"port {ports['REDIS_PORT']}",
        f"requirepass {secrets['REDIS_PASSWORD']}",
        f'dir "{layout.redis}"',
        "daemonize no",
        "appendonly yes",
        'save ""',
        # A new title overwrites the environment, and with it the mark by which a leftover is found.
        "set-proc-title no",
    )
    write_private(layout.redis / "redis.conf", "\n".join(lines) + "\n")

"""A cable that can be disturbed: a TCP proxy, in a process of its own, between our programs and a server.

    with Proxy({"rabbitmq": 5673}) as proxy:
        connect(proxy.ports["rabbitmq"])
        proxy.disturb("rabbitmq", RESET)
        proxy.heal("rabbitmq")

A disturbance holds for the connections that are open and for new ones, until it is healed.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from compose.layout import REPOSITORY

RESET = "reset"
"""Both ends are told at once that the connection is gone, as by a firewall that has restarted."""

SILENCE = "silence"
"""Nothing arrives and nobody is told; what was sent meanwhile arrives when it is healed."""

DELAY = "delay"
"""Each piece arrives `seconds` later."""

HALF_CLOSE = "half_close"
"""The server's answers end, while what the client sends still reaches it: it works, and nobody hears."""

NONE = ""
FAULTS = (RESET, SILENCE, DELAY, HALF_CLOSE)
PIECE = 65_536
SECONDS_TO_END = 5.0
ABORTING = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST instead of FIN."""


class Proxy:
    """`ports` is where to connect instead, by the name of each server."""

    def __init__(self, servers: Mapping[str, int]) -> None:
        self._servers = dict(servers)
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Proxy:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "compose.chaos.proxy", json.dumps(self._servers)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ports = self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It ends when nobody holds the other end of its input any more, even if we are killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def disturb(self, server: str, fault: str, seconds: float = 0.0) -> int:
        """Returns how many connections were open."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"server": server, "fault": fault, "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        return int(self._answer()["open"])

    def heal(self, server: str) -> int:
        return self.disturb(server, NONE)

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout is not None
        answer: dict[str, int] = json.loads(self._process.stdout.readline())
        return answer


class Cable:
    """All connections to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._fault = NONE
        self._seconds = 0.0
        self._passable = asyncio.Event()
        self._passable.set()
        self._open: set[Connection] = set()

    def disturb(self, fault: str, seconds: float) -> int:
        self._fault, self._seconds = fault, seconds
        if fault == SILENCE:
            self._passable.clear()
        else:
            self._passable.set()
        found = len(self._open)
        for connection in tuple(self._open):
            self._afflict(connection)
        return found

    def _afflict(self, connection: Connection) -> None:
        if self._fault == RESET:
            connection.reset()
        elif self._fault == HALF_CLOSE:
            connection.end_answers()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its connection to its end."""
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            reset(writer)
            return
        connection = Connection(self, (reader, writer), upstream)
        self._open.add(connection)
        self._afflict(connection)
        try:
            await connection.carry()
        finally:
            self._open.discard(connection)

    async def end(self) -> None:
        """Reset what is open, and wait until nothing is carried any more."""
        self.disturb(RESET, 0)
        while self._open:
            await asyncio.sleep(0.01)

    async def wait_for_passage(self) -> None:
        if self._fault == DELAY:
            await asyncio.sleep(self._seconds)
        await self._passable.wait()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connection:
    def __init__(self, cable: Cable, client: Streams, server: Streams) -> None:
        self._cable = cable
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._answers_ended = False

    async def carry(self) -> None:
        try:
            await asyncio.gather(
                self._pass_on(self._from_client, self._to_server),
                self._pass_on(self._from_server, self._to_client),
            )
        except OSError:
            """One end is gone, and so is the other."""
        finally:
            self._to_client.close()
            self._to_server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            await self._cable.wait_for_passage()
            if self._answers_ended and writer is self._to_client:
                continue
            writer.write(piece)
            await writer.drain()
        await self._cable.wait_for_passage()
        if not writer.is_closing():
            writer.write_eof()

    def reset(self) -> None:
        reset(self._to_client)
        reset(self._to_server)

    def end_answers(self) -> None:
        if not self._answers_ended and not self._to_client.is_closing():
            self._answers_ended = True
            self._to_client.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTING)
    writer.transport.abort()


async def main(servers: Mapping[str, int]) -> None:
    """Say where to connect; then one line in for each disturbance, and one line out."""
    cables = {name: Cable(port) for name, port in servers.items()}
    listening = {
        name: await asyncio.start_server(cable.serve, "127.0.0.1", 0) for name, cable in cables.items()
    }
    say({name: server.sockets[0].getsockname()[1] for name, server in listening.items()})
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        command: dict[str, Any] = json.loads(line)
        say({"open": cables[command["server"]].disturb(command["fault"], command["seconds"])})
    for name, server in listening.items():
        server.close()
        await cables[name].end()


def say(answer: Mapping[str, int]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

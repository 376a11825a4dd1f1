"""Many HTTP clients in one process, each with a connection that it keeps, as cheap as Python allows."""

import asyncio
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from compose.errors import ComposeError


def requests_per_second(
    url: str, headers: Mapping[str, str], requests: int, clients: int, expected_body: bytes | None = None
) -> float:
    """GET the same URL so many times; ComposeError when an answer is not 200, or has another length."""
    return asyncio.run(_run(url, headers, requests, clients, expected_body))


async def _run(
    url: str, headers: Mapping[str, str], requests: int, clients: int, expected_body: bytes | None
) -> float:
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    left = iter(range(requests))

    async def client() -> None:
        reader = writer = None
        for _ in left:
            if writer is None or reader is None or writer.is_closing():
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(request)
            if not await _answered(reader, expected_body):
                writer.close()
        if writer is not None:
            writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return requests / (time.perf_counter() - began)


async def _answered(reader: asyncio.StreamReader, expected_body: bytes | None) -> bool:
    """Reads one answer; whether the connection can be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith((b"http/1.1 200", b"http/1.0 200")):
        raise ComposeError(f"The answer was not 200: {head.splitlines()[0].decode()}")
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if expected_body is not None and len(body) != len(expected_body):
        raise ComposeError("The answer was not the document that was asked for.")
    return b"connection: close" not in head

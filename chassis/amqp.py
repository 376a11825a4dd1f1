"""One AMQP connection that keeps itself open: the ground that RPC and events stand on.

A `Link` owns a connection, a reader that hands incoming frames to callbacks, and a writer that
sends what has gathered. It works under eventlet, gevent and plain threads alike, since it only uses
`threading`. What is in a frame is py-amqp's business; moving frames is ours (see frames.py).

Rules that py-amqp imposes, and that a Link keeps:

- a synchronous method (declare, consume …) reads its own answer, so it is only allowed while the
  link opens, before the reader runs;
- `basic_publish` reads the socket to look for connection.blocked, which would be a second reader:
  it is not used;
- a connection that a memory alarm has blocked can't be closed politely: it is dropped.
"""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp

from chassis import frames
from chassis.amqp_tls import PORTS, security_of
from chassis.errors import ServiceUnavailable
from chassis.writer import Writer

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 20
"""Shorter than a rolling restart's patience, and long enough for a busy hub on a small machine."""

SOCKET_TIMEOUT = 5.0
"""How long one read or write may block. A write that blocks longer means that the broker has stopped
reading from us (an alarm, or it is frozen), and the connection is dropped."""

CONNECT_TIMEOUT = 5.0
FLUSH_TIMEOUT = 1.0
"""How long a link that is closed waits until its last messages have left."""

CANCEL_TIMEOUT = 2.0
"""How long a consumer that stops waits for the broker to say that it delivers no more."""

CANCEL_POLL = 0.01

READ_BYTES = 64 * 1024
MAX_BACKOFF = 2.0


class Link:
    """A connection that is opened again whenever it is lost.

    `on_open(connection)` is called with every new connection before anything is read from it: it
    opens channels, declares topology and starts consuming. `on_close()` is called after every loss.
    Both run in the link's own thread.
    """

    def __init__(
        self,
        uri: str,
        name: str,
        on_open: Callable[[amqp.Connection], None],
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        parts = urlsplit(uri)
        self.user = unquote(parts.username or "guest")
        self._parts = parts
        self._name = name
        self._security = security_of(uri)
        self._on_open = on_open
        self._on_close = on_close
        self._connection: amqp.Connection | None = None
        self._writer: Writer | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._reader: threading.Thread | None = None
        self.blocked = False

    def start(self) -> None:
        """Begin connecting in the background."""
        self._reader = threading.Thread(target=self._run, name=f"amqp-{self._name}", daemon=True)
        self._reader.start()
        threading.Thread(target=self._beat, name=f"amqp-{self._name}-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Close for good. What has been handed over before still reaches the broker."""
        self._stopping.set()
        writer = self._writer
        if writer is not None:
            writer.stop(FLUSH_TIMEOUT)
        self._drop()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(timeout=SOCKET_TIMEOUT)

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    def wait_ready(self, timeout: float) -> None:
        """Wait until the link is open; ServiceUnavailable when it is not within `timeout` seconds."""
        if not self._ready.is_set() and not self._ready.wait(max(timeout, 0)):
            raise ServiceUnavailable("the message broker is not reachable")

    def publish(
        self,
        channel: amqp.Channel,
        properties: Mapping[str, Any],
        body: bytes,
        exchange: str,
        routing_key: str,
        *,
        mandatory: bool,
    ) -> None:
        """Hand over one message, its properties named as in py-amqp.

        Returning says that it will be written to the socket, no more.
        """
        writer = self._writer_of(channel)
        connection = writer.connection
        writer.write(
            frames.publish(
                channel.channel_id,
                exchange,
                routing_key,
                mandatory,
                properties,
                body,
                connection.frame_max,
            )
        )
        # py-amqp sends a heartbeat when this number has not changed.
        connection.bytes_sent += 1

    def ack(self, channel: amqp.Channel, delivery_tag: int, *, may_wait: bool = False) -> None:
        """Acknowledge; a channel that is gone has had its messages requeued, so that is not an error.

        With `may_wait`, a few milliseconds later and together with others.
        """
        try:
            self._writer_of(channel).acknowledge(channel.channel_id, delivery_tag, may_wait=may_wait)
        except ServiceUnavailable:
            log.info("a delivery was not acknowledged, the broker will deliver it again")

    def reject(self, channel: amqp.Channel, delivery_tag: int, *, requeue: bool) -> None:
        try:
            self._writer_of(channel).reject(channel.channel_id, delivery_tag, requeue)
        except ServiceUnavailable:
            log.info("a delivery was not rejected, the broker will deliver it again")

    def cancel(self, channel: amqp.Channel, consumer_tag: str) -> None:
        """Take no more deliveries on this consumer; what was on its way has been handed over on return.

        Waits for the broker's answer for CANCEL_TIMEOUT at the most. Not to be called by the reader.
        """
        try:
            self._writer_of(channel).write(frames.cancel(channel.channel_id, consumer_tag))
        except ServiceUnavailable:
            log.info("a consumer was not cancelled, its connection is gone")
            return
        until = time.monotonic() + CANCEL_TIMEOUT
        # py-amqp forgets the callback when the answer comes, and all of them when the connection is lost.
        while consumer_tag in channel.callbacks and time.monotonic() < until:
            time.sleep(CANCEL_POLL)

    def _writer_of(self, channel: amqp.Channel | None) -> Writer:
        """The writer, if the channel belongs to the connection of this moment and to no earlier one."""
        writer = self._writer
        connection = None if channel is None else channel.connection
        if writer is None or connection is None or connection is not writer.connection:
            raise ServiceUnavailable("the connection to the message broker was lost")
        return writer

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._open()
                failures = 0
                self._read()
            except Exception as error:  # noqa: BLE001  A link outlives whatever breaks its connection.
                if not self._stopping.is_set():
                    log.warning("amqp link %s lost: %s: %s", self._name, type(error).__name__, error)
            self._lost()
            failures += 1
            # The jitter keeps ten services from knocking at the same moment when the broker returns.
            self._stopping.wait(min(0.1 * 2**failures, MAX_BACKOFF) * random.uniform(0.5, 1))  # noqa: S311

    def connect_once(self) -> amqp.Connection:
        """A plain connection of the same credentials, for an operator's short session."""
        connection = self._new_connection()
        connection.connect()
        return connection

    def _new_connection(self) -> amqp.Connection:
        return amqp.Connection(
            host=f"{self._parts.hostname}:{self._parts.port or PORTS[self._parts.scheme]}",
            virtual_host=unquote(self._parts.path[1:]) or "/",
            heartbeat=HEARTBEAT_SECONDS,
            connect_timeout=CONNECT_TIMEOUT,
            on_blocked=self._on_blocked,
            on_unblocked=self._on_unblocked,
            client_properties={"connection_name": self._name},
            **self._security,
        )

    def _open(self) -> None:
        connection = self._new_connection()
        try:
            connection.connect()
            # Set once, this spares py-amqp two system calls per frame and bounds every write as well.
            connection.transport.sock.settimeout(SOCKET_TIMEOUT)
            self._connection = connection
            self._writer = Writer(connection, self._name, lambda: self._drop(connection))
            # What py-amqp itself sends, heartbeats for example, must not get between our frames.
            connection.transport._write = lambda data: self._write_for(connection, bytes(data))
            self._on_open(connection)
        except BaseException:
            _discard(connection)
            raise
        self.blocked = False
        self._ready.set()

    def _write_for(self, connection: amqp.Connection, data: bytes) -> None:
        writer = self._writer
        if writer is None or writer.connection is not connection:
            raise ConnectionError("the connection was lost")
        writer.write(data)

    def _read(self) -> None:
        connection: Any = self._connection
        receive = connection.transport.sock.recv
        splitter = frames.Splitter()
        while not self._stopping.is_set():
            try:
                data = receive(READ_BYTES)
            except (TimeoutError, socket.timeout):  # noqa: UP041  TLS sockets raise the one, others the other.
                continue
            if not data:
                raise ConnectionError("the broker closed the connection")
            for frame in splitter.feed(data):
                connection.on_inbound_frame(frame)
            # Whoever was woken goes on before this thread looks for more, of which there seldom is any.
            time.sleep(0)

    def _beat(self) -> None:
        while not self._stopping.wait(HEARTBEAT_SECONDS / 4):
            connection = self._connection
            if connection is None or not self._ready.is_set():
                continue
            try:
                connection.heartbeat_tick()
            except Exception as error:  # noqa: BLE001  Whatever it is, the connection is dead.
                log.warning("amqp link %s is dead: %s", self._name, error)
                self._drop()

    def _drop(self, only: amqp.Connection | None = None) -> None:
        """Make the reader fail at once; it then tidies up and connects again.

        With `only`, nothing happens when that connection has been replaced already.
        """
        connection = self._connection
        if only is not None and only is not connection:
            return
        self._ready.clear()
        transport = getattr(connection, "_transport", None)
        sock = getattr(transport, "sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("amqp link %s was closed by the other side", self._name)

    def _lost(self) -> None:
        self._ready.clear()
        connection, self._connection = self._connection, None
        writer, self._writer = self._writer, None
        if connection is not None:
            _discard(connection)
        if writer is not None:
            writer.stop(0)
        self._on_close()

    def _on_blocked(self, reason: str) -> None:
        log.error("the broker has blocked %s: %s", self._name, reason)
        self.blocked = True

    def _on_unblocked(self) -> None:
        log.info("the broker has unblocked %s", self._name)
        self.blocked = False


def _discard(connection: amqp.Connection) -> None:
    try:
        connection.collect()
    except Exception as error:  # noqa: BLE001  Nothing can be done about a connection that is thrown away.
        log.debug("a connection did not close cleanly: %s", error)


class Waiter:
    """One value that another thread delivers: the cheapest wait that threads and hubs share."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.value: Any = None

    def set(self, value: Any) -> None:
        """Deliver; called once."""
        self.value = value
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """True when the value came within `timeout` seconds; None waits for as long as it takes."""
        return self._lock.acquire() if timeout is None else self._lock.acquire(timeout=max(timeout, 0))


def declare_exchange(connection: amqp.Connection, exchange: str) -> None:
    """Make sure that another user's durable topic exchange is there.

    A service has no permission to configure its neighbours' exchanges, and the broker checks that
    even when nothing would change. So it only looks first, on a channel of its own, because a
    refusal closes the channel; where we may declare (a broker without our users) we do.
    """
    channel = connection.channel()
    try:
        channel.exchange_declare(exchange, type="topic", durable=True, auto_delete=False, passive=True)
        channel.close()
    except amqp.exceptions.NotFound:
        retry = connection.channel()
        retry.exchange_declare(exchange, type="topic", durable=True, auto_delete=False)
        retry.close()


def epoch_ms() -> int:
    return int(time.time() * 1000)

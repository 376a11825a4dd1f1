"""Sends messages and waits for their answers, so many in flight as it is told; a load per line of input.

`python -m compose.bench.raw.pinger`, AMQP_URI set. Reads {"calls", "at_once", "payload"}, writes {"seconds"}.
"""

import json
import os
import sys
import time
from collections import deque
from typing import Any

import amqp
import orjson
from amqp.basic_message import Message

from compose.bench.raw.connection import connect
from compose.bench.raw.ponger import QUEUE


class Pinger:
    def __init__(self, connection: amqp.Connection) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._arrived: deque[Message] = deque()
        self._reply_to = self._channel.queue_declare("", exclusive=True, auto_delete=True).queue
        self._channel.basic_consume(self._reply_to, no_ack=True, callback=self._arrived.append)
        self._to_send = self._in_flight = self._number = 0
        self._payload: Any = None

    def run(self, calls: int, at_once: int, payload: Any) -> float:
        self._payload, self._to_send = payload, calls
        began = time.perf_counter()
        for _ in range(at_once):
            self._send()
        while self._in_flight:
            # basic_publish reads from the socket too, so it must not be called from inside of a callback.
            while self._arrived:
                self._answered(self._arrived.popleft())
            if self._in_flight and not self._arrived:
                self._connection.drain_events()
        return time.perf_counter() - began

    def _send(self) -> None:
        self._to_send -= 1
        self._in_flight += 1
        self._number += 1
        message = Message(
            orjson.dumps(self._payload),
            correlation_id=str(self._number),
            reply_to=self._reply_to,
            delivery_mode=1,
        )
        self._channel.basic_publish(message, "", QUEUE)

    def _answered(self, message: Message) -> None:
        orjson.loads(message.body)
        self._in_flight -= 1
        if self._to_send:
            self._send()


def main() -> None:
    pinger = Pinger(connect(os.environ["AMQP_URI"]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": pinger.run(**json.loads(line))}), flush=True)


if __name__ == "__main__":
    main()

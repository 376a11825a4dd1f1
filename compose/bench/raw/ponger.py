"""Answers every message with its own body. `python -m compose.bench.raw.ponger`, AMQP_URI set."""

import os
from collections import deque

from amqp.basic_message import Message

from compose.bench.raw.connection import connect

QUEUE = "raw-ping"


def main() -> None:
    connection = connect(os.environ["AMQP_URI"])
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=False, auto_delete=True)

    def answer(message: Message) -> None:
        reply = Message(message.body, correlation_id=message.properties["correlation_id"], delivery_mode=1)
        channel.basic_publish(reply, "", message.properties["reply_to"])

    # basic_publish reads from the socket too, so it must not be called from inside of a callback.
    arrived: deque[Message] = deque()
    channel.basic_consume(QUEUE, no_ack=True, callback=arrived.append)
    while True:
        while arrived:
            answer(arrived.popleft())
        connection.drain_events()


if __name__ == "__main__":
    main()

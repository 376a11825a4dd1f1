"""Looks at the first message of a queue without taking it.

Getting a message and giving it back counts as a delivery, and a quorum queue gives a message up after its
delivery limit: an operator who watches a queue would kill what waits in it. The broker's own
`rabbitmq-queues peek` takes nothing, but starts an Erlang machine per queue; what it calls is called here
for all queues at once. It tells 64 bytes of a message's body, so the message is known by its id.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from compose.operations.access import Access

SECONDS_TO_ANSWER = 20

# A name is written into a program, so it may hold nothing that could end a string there.
HARMLESS_NAME = re.compile(r"[\w.:/-]+")

PROGRAM = """
lists:foreach(fun(Queue) ->
  case rabbit_quorum_queue:peek(<<"{vhost}">>, Queue, 1) of
    {{ok, Message}} ->
      io:format("~ts ~ts~n", [Queue, proplists:get_value(<<"message_id">>, Message, <<>>)]);
    _ -> ok
  end
end, [{queues}]).
"""


class CannotPeek(Exception):
    """The broker's command line is not there, or not for us."""


def first_messages(access: Access, queues: Sequence[str]) -> dict[str, str]:
    """The id of the first waiting message of each queue that has one."""
    names = [name for name in queues if HARMLESS_NAME.fullmatch(name)]
    if not names:
        return {}
    if not access.broker_cli or not HARMLESS_NAME.fullmatch(access.vhost):
        raise CannotPeek("the broker's command line is out of reach")
    program = PROGRAM.format(vhost=access.vhost, queues=", ".join(f'<<"{name}">>' for name in names))
    return parsed(evaluated(access, " ".join(program.split())))


def evaluated(access: Access, program: str) -> str:
    try:
        done = subprocess.run(
            [*access.broker_cli, "--quiet", "eval", program],
            env=dict(access.broker_environment),
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_ANSWER,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotPeek(f"the broker's command line failed ({type(error).__name__})") from None
    return done.stdout


def parsed(output: str) -> dict[str, str]:
    """The last line is what the program itself came to, a lone `ok`."""
    pairs = (line.partition(" ") for line in output.splitlines() if " " in line)
    return {name: message_id for name, _, message_id in pairs}

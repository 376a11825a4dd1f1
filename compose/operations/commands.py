"""The operator's commands. Each prints a table, or with --json what the table is made of."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from compose.errors import ComposeError
from compose.stack import Stack

if TYPE_CHECKING:
    from compose.operations.access import Access

DEFAULT_LIMIT = 50
"""What fits on a few screens."""

Command = Callable[[Any, argparse.Namespace], int]


def add_to(commands: Any, running_stack: Callable[[], Stack]) -> None:
    """Adds the operator's commands; each is given the stack that runs."""

    def leaf(parent: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = parent.add_parser(name, help=text, description=text)
        added.add_argument("--json", action="store_true", help="for programs")
        added.set_defaults(function=lambda arguments: command(access_to(running_stack()), arguments))
        return added

    def group(name: str, text: str) -> Any:
        return commands.add_parser(name, help=text).add_subparsers(required=True, metavar="ACTION")

    shown = leaf(commands, "queues", queues, "what waits in each queue, how fast it moves, what was given up")
    shown.add_argument("--all", action="store_true", help="empty delay and reply queues too")
    add_dead_letters(leaf, group("dead-letters", "messages that were given up"))
    outboxes = leaf(
        group("outbox", "events that are not published yet"),
        "status",
        outbox,
        "unpublished events by service",
    )
    with_service(outboxes)
    add_sagas(leaf, group("sagas", "flows over several services"))
    leaf(group("secrets", "what is encrypted at rest"), "reencrypt", reencrypt, "under the first SECRETS_KEY")
    add_keys(leaf, group("keys", "what access tokens are signed with"))
    reset = leaf(
        group("accounts", "people who cannot help themselves"),
        "reset-second-factor",
        reset_second_factor,
        "for whoever lost app and recovery codes: removes both, ends all sessions and API keys, mails it",
    )
    reset.add_argument("kind", choices=("admin", "brand", "member", "streamer"))
    reset.add_argument("email", metavar="EMAIL")
    verified = leaf(
        group("audit", "the log of security events"), "verify", audit, "look for entries that were touched"
    )
    verified.add_argument("--head", default="", metavar="NUMBER:HASH", help="one that was written down")
    rebuilt = leaf(commands, "rebuild", rebuild, "compute a read model anew; without a name: which there are")
    rebuilt.add_argument("read_model", nargs="?", default="", metavar="READ_MODEL")
    verified = leaf(
        commands, "verify", verify, "compare stored books with what they follow from; all, or one"
    )
    verified.add_argument("books", nargs="?", default="", metavar="BOOKS")


def add_dead_letters(leaf: Any, actions: Any) -> None:
    listed = leaf(actions, "list", list_dead_letters, "dead letters, oldest first")
    with_service(listed)
    with_limit(listed)
    shown = leaf(actions, "show", show_dead_letter, "one dead letter, with its reason and its body")
    shown.add_argument("service", metavar="SERVICE")
    shown.add_argument("id", metavar="ID")
    with_choice(leaf(actions, "replay", replay_dead_letters, "send back to the queue it came from"))
    with_choice(leaf(actions, "drop", drop_dead_letters, "throw away for good"))


def add_sagas(leaf: Any, actions: Any) -> None:
    from chassis.saga_steps import COMPENSATED, COMPENSATING, DONE, RUNNING, STUCK

    listed = leaf(actions, "list", list_sagas, "sagas that have not finished, newest first, and all counted")
    with_service(listed)
    statuses = (RUNNING, COMPENSATING, STUCK, DONE, COMPENSATED)
    listed.add_argument("--status", default="", choices=statuses, help="these instead")
    with_limit(listed)
    shown = leaf(actions, "show", show_saga, "one saga, with its data and what it went through")
    shown.add_argument("service", metavar="SERVICE")
    shown.add_argument("id", metavar="ID")
    with_choice(leaf(actions, "retry", retry_sagas, "try a saga that waits or is stuck again now"))


def add_keys(leaf: Any, actions: Any) -> None:
    leaf(actions, "list", list_keys, "signing keys, newest first")
    leaf(actions, "rotate", rotate_keys, "publish the next key, which signs ten minutes later")
    withdrawn = leaf(actions, "withdraw", withdraw_key, "a key that somebody else may know: its tokens end")
    withdrawn.add_argument("kid", metavar="KID")


def with_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", default="", metavar="SERVICE")


def with_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=at_least_one, default=DEFAULT_LIMIT, help="per service (%(default)s)")


def with_choice(parser: argparse.ArgumentParser) -> None:
    with_service(parser)
    parser.add_argument("id", nargs="?", metavar="ID")
    parser.add_argument("--all", action="store_true", help="every one, of SERVICE or of all services")


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def access_to(stack: Stack) -> Access:
    # Chassis' modules import eventlet, whose notice of its age is nothing to an operator.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    # What its connections log is told again by the sentence with which a command fails.
    logging.getLogger("chassis").addHandler(logging.NullHandler())
    from compose.operations.access import Access

    return Access.of(stack)


def queues(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import queues

    found = queues.overview(access)
    return answered(arguments, found, queues.as_text(found, everything=arguments.all))


def list_dead_letters(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import dead_letters

    found = dead_letters.of(access, arguments.service, arguments.limit)
    return answered(arguments, {"dead_letters": found}, dead_letters.as_text(found))


def show_dead_letter(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import dead_letters

    found = dead_letters.with_id(access, arguments.service, arguments.id)
    return answered(arguments, {"dead_letters": found}, dead_letters.in_full(found))


def replay_dead_letters(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import dead_letters

    counts = dead_letters.replay(access, arguments.service, one_or_all(arguments))
    return answered(arguments, {"replayed": counts}, dead_letters.told("sent back", counts))


def drop_dead_letters(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import dead_letters

    counts = dead_letters.drop(access, arguments.service, one_or_all(arguments))
    return answered(arguments, {"dropped": counts}, dead_letters.told("threw away", counts))


def outbox(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import outbox

    found = outbox.overview(access, arguments.service)
    return answered(arguments, found, outbox.as_text(found), found["errors"])


def list_sagas(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import sagas

    found = sagas.overview(access, arguments.service, arguments.status, arguments.limit)
    return answered(arguments, found, sagas.as_text(found), found["errors"])


def show_saga(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import sagas

    found = sagas.show(access, arguments.service, arguments.id)
    return answered(arguments, found, sagas.in_full(found))


def retry_sagas(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import sagas

    result = sagas.retry(access, arguments.service, one_or_all(arguments))
    return answered(arguments, result, sagas.told(result), result["errors"])


def reencrypt(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import sealed

    found = sealed.reencrypt(access)
    return answered(arguments, {"places": found}, sealed.as_text(found), sealed.errors(found))


def list_keys(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import keys

    return answered_keys(arguments, keys.listed(access))


def rotate_keys(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import keys

    return answered_keys(arguments, keys.rotate(access))


def withdraw_key(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import keys

    return answered_keys(arguments, keys.withdraw(access, arguments.kid))


def answered_keys(arguments: argparse.Namespace, found: list[dict[str, Any]]) -> int:
    from compose.operations import keys

    return answered(arguments, {"keys": found}, keys.as_text(found))


def reset_second_factor(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import accounts

    done = accounts.reset_second_factor(access, arguments.kind, arguments.email)
    return answered(arguments, done, accounts.told(done))


def audit(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import audit

    found = audit.verified(access, arguments.head)
    return answered(arguments, found, audit.as_text(found), audit.errors(found))


def rebuild(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import read_models

    if not arguments.read_model:
        known = read_models.known()
        return answered(arguments, {"read_models": known}, read_models.as_text(known))
    result = read_models.rebuild(access, arguments.read_model)
    return answered(arguments, result, read_models.told(result))


def verify(access: Access, arguments: argparse.Namespace) -> int:
    from compose.operations import read_models

    found = read_models.verify(access, arguments.books)
    wrong = [f"{one['books']} do not follow from what they are made of" for one in found if not one["right"]]
    return answered(arguments, {"books": found}, read_models.judged(found), wrong)


def one_or_all(arguments: argparse.Namespace) -> str | None:
    """The id, or None for all; naming both or neither is a slip that must not cost a message."""
    if bool(arguments.id) == arguments.all:
        raise ComposeError("Say which: SERVICE and an ID, or --all.")
    return arguments.id or None


def answered(arguments: argparse.Namespace, value: object, text: str, errors: Any = ()) -> int:
    """What could not be asked is told after what could, and makes the command fail."""
    print(json.dumps(value, indent=2, default=str) if arguments.json else text, flush=True)
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0

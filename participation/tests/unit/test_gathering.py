"""Group commit: who comes alone is not kept waiting, and nobody pays for a neighbour."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from chassis.errors import ServiceUnavailable
from participation.domain.errors import RevokedToken
from participation.gathering import Gathering, InTurn

LARGEST = 4
PATIENCE = 10.0


class Crowd:
    """Work that can be held up, so that others gather behind it; it remembers the groups that it did."""

    def __init__(self) -> None:
        self.gathering: Gathering[str, str] = Gathering(lambda item: item[0], LARGEST)
        self.groups: list[list[str]] = []
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def work(self, items: list[str]) -> list[str]:
        self.groups.append(items)
        if items == ["held"]:
            self.begun.set()
            assert self.may_go_on.wait(PATIENCE)
        return [item.upper() for item in items]

    def submit(self, item: str) -> str:
        return self.gathering.submit(item, self.work)

    def gather_behind_one(self, *items: str) -> list[Future[str]]:
        """Outcomes of items that arrived, in this order, while another one was being done."""
        with ThreadPoolExecutor(1 + len(items)) as pool:
            pool.submit(self.submit, "held")
            assert self.begun.wait(PATIENCE)
            outcomes = []
            for number, item in enumerate(items, 1):
                outcomes.append(pool.submit(self.submit, item))
                while len(self.gathering._waiting) < number:
                    threading.Event().wait(0.001)
            self.may_go_on.set()
        return outcomes


def test_who_comes_alone_is_served_at_once() -> None:
    crowd = Crowd()

    assert [crowd.submit("a"), crowd.submit("b")] == ["A", "B"]
    assert crowd.groups == [["a"], ["b"]]


def test_what_arrives_meanwhile_is_done_together() -> None:
    crowd = Crowd()

    outcomes = crowd.gather_behind_one("a", "b", "c")

    assert [outcome.result() for outcome in outcomes] == ["A", "B", "C"]
    assert crowd.groups == [["held"], ["a", "b", "c"]]


def test_a_group_is_never_larger_than_allowed() -> None:
    crowd = Crowd()

    crowd.gather_behind_one("a", "b", "c", "d", "e")

    assert crowd.groups == [["held"], ["a", "b", "c", "d"], ["e"]]


def test_two_of_the_same_key_follow_each_other() -> None:
    crowd = Crowd()

    crowd.gather_behind_one("a1", "a2", "b")

    assert crowd.groups == [["held"], ["a1", "b"], ["a2"]]


def test_a_group_that_fails_is_done_again_one_by_one() -> None:
    crowd = Crowd()
    whole = crowd.work

    def fails_with_b(items: list[str]) -> list[str]:
        done = whole(items)
        if "b" in items:
            raise KeyError("b")
        return done

    crowd.work = fails_with_b  # type: ignore[method-assign]
    first, second, third = crowd.gather_behind_one("a", "b", "c")

    assert (first.result(), third.result()) == ("A", "C")
    assert isinstance(second.exception(), KeyError)
    assert crowd.groups[1:] == [["a", "b", "c"], ["a"], ["b"], ["c"]]


def test_an_outcome_that_is_an_error_is_raised_to_its_own_caller_alone() -> None:
    crowd = Crowd()
    whole = crowd.work
    crowd.work = lambda items: [RevokedToken() if i == "B" else i for i in whole(items)]  # type: ignore

    first, second = crowd.gather_behind_one("a", "b")

    assert first.result() == "A"
    assert isinstance(second.exception(), RevokedToken)
    assert len(crowd.groups) == 2


def test_nobody_waits_for_a_worker_that_was_killed() -> None:
    crowd = Crowd()

    def killed(items: list[str]) -> list[str]:
        if items == ["held"]:
            return Crowd.work(crowd, items)
        raise SystemExit

    crowd.work = killed  # type: ignore[method-assign]
    outcomes = crowd.gather_behind_one("a", "b")

    kinds = {type(outcome.exception()) for outcome in outcomes}
    assert kinds == {SystemExit, ServiceUnavailable}


def test_an_inbox_waits_for_its_turn() -> None:
    crowd, seen = Crowd(), []

    class Inbox:
        def once(self, consumer: str, events: object, work: object) -> None:
            seen.append((consumer, crowd.gathering.turn.locked()))

    InTurn(Inbox(), crowd.gathering.turn).once("on_it", [], lambda new: None)

    assert seen == [("on_it", True)]
    assert not crowd.gathering.turn.locked()

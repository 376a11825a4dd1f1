import eventlet
import pytest
from eventlet.event import Event

from chassis.errors import NotFound
from chassis.single_flight import SingleFlight


class Library:
    """Something that is read: remembers who asked together, and may take its time."""

    def __init__(self):
        self.value = "old"
        self.asked = []
        self.may_answer = Event()
        self.may_answer.send()

    def ask(self, items):
        found = self.value
        self.asked.append(sorted(items))
        self.may_answer.wait()
        return found


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def flights():
    return SingleFlight()


def asking(flights, library, *items):
    return [eventlet.spawn(flights.share, "books", item, library.ask) for item in items]


def until_they_have_gone_as_far_as_they_can():
    for _ in range(5):
        eventlet.sleep(0)


def test_those_who_ask_at_once_share_one_call(flights, library):
    answers = [one.wait() for one in asking(flights, library, 1, 2, 3)]

    assert answers == ["old"] * 3
    assert library.asked == [[1, 2, 3]]


def test_those_who_ask_for_something_else_do_not(flights, library):
    others = [eventlet.spawn(flights.share, key, key, library.ask) for key in ("a", "b")]

    for one in others:
        one.wait()
    assert sorted(library.asked) == [["a"], ["b"]]


def test_an_answer_is_never_older_than_the_question(flights, library):
    library.may_answer = Event()
    [early] = asking(flights, library, 1)
    until_they_have_gone_as_far_as_they_can()
    library.value = "new"
    [late] = asking(flights, library, 2)
    until_they_have_gone_as_far_as_they_can()

    library.may_answer.send()

    assert (early.wait(), late.wait()) == ("old", "new")


def test_those_who_come_while_one_is_under_way_share_the_next(flights, library):
    library.may_answer = Event()
    first = asking(flights, library, 1)
    until_they_have_gone_as_far_as_they_can()
    second = asking(flights, library, 2)
    until_they_have_gone_as_far_as_they_can()
    third = asking(flights, library, 3)
    until_they_have_gone_as_far_as_they_can()

    library.may_answer.send()

    for one in (*first, *second, *third):
        one.wait()
    assert library.asked == [[1], [2, 3]]


def test_behind_a_slow_call_nobody_waits_for_long(flights, library):
    library.may_answer = Event()
    stuck = asking(flights, library, 1)
    until_they_have_gone_as_far_as_they_can()

    with eventlet.Timeout(2):
        assert flights.share("books", 2, lambda items: items) == [2]

    library.may_answer.send()
    assert stuck[0].wait() == "old"


def test_a_failure_is_raised_to_each_who_shares_it_and_to_nobody_later(flights, library):
    def fail(_items):
        raise NotFound("no such book")

    failing = [eventlet.spawn(flights.share, "books", item, fail) for item in (1, 2)]

    for one in failing:
        with pytest.raises(NotFound):
            one.wait()
    assert flights.share("books", 3, library.ask) == "old"


def test_when_the_one_who_calls_is_killed_the_others_call_for_themselves(flights, library):
    library.may_answer = Event()
    killed, alive = asking(flights, library, 1, 2)
    until_they_have_gone_as_far_as_they_can()

    killed.kill()
    library.may_answer.send()

    assert alive.wait() == "old"
    assert library.asked == [[1, 2], [2]]

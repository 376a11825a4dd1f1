"""What the samplers take for a broken rule."""

import pytest

from chassis.testing import eventually
from compose.chaos.sampler import Sampler, misplaced, uncounted


def participation(rendered=0, status="active", key="ptc_1"):
    return {"_id": key, "counts": {"rendered": rendered}, "status": status, "campaign_id": "cmp_1"}


def bucket(number, *ids):
    return {"participation_id": "ptc_1", "number": number, "deliveries": [{"id": one} for one in ids]}


def test_showings_that_are_stored_and_counted_break_nothing():
    assert uncounted([participation(3)], [bucket(1, "a", "b"), bucket(2, "c")]) == []


@pytest.mark.parametrize(
    ("rendered", "buckets"),
    [
        (3, [bucket(1, "a", "b")]),
        (1, [bucket(1, "a", "b")]),
        (2, [bucket(1, "a"), bucket(3, "b")]),
        (2, [bucket(1, "a"), bucket(2, "a")]),
    ],
    ids=["not stored", "not counted", "a gap", "twice"],
)
def test_showings_that_are_not_stored_and_counted_once_are_found(rendered, buckets):
    assert len(uncounted([participation(rendered)], buckets)) == 1


def test_a_place_is_taken_by_who_takes_part_or_took_part_to_the_end():
    held = [participation(status=status, key=status) for status in ("active", "completed", "left", "applied")]

    assert misplaced(held, [{"_id": "cmp_1", "taken": 2}]) == []
    assert misplaced(held, [{"_id": "cmp_1", "taken": 3}]) != []


def test_what_was_there_once_must_not_go():
    sampler = Sampler()

    for number in (1, 2, 2, 5):
        sampler.only_grows("postings", number)
    assert sampler.violations == set()

    sampler.only_grows("postings", 3)
    assert sampler.violations == {"postings: 2 of 5 are gone"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sampler_that_can_look_no_more_does_not_pass_for_one_that_saw_nothing_wrong():
    class Blind(Sampler):
        def look(self):
            raise KeyError("deliveries")

    with Blind() as sampler:
        eventually(lambda: sampler.violations)

    assert sampler.violations == {"the sampler can look no more: KeyError('deliveries')"}

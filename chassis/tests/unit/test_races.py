from __future__ import annotations

import pytest

from chassis.races import ATTEMPTS, retried


class Overtaken(Exception):
    pass


def losing(times: int):
    """An attempt that loses so many races, and counts itself."""
    attempts: list[int] = []

    def attempt() -> int:
        attempts.append(len(attempts) + 1)
        if len(attempts) <= times:
            raise Overtaken
        return len(attempts)

    return attempt


def test_a_lost_race_is_run_again():
    assert retried(losing(ATTEMPTS - 1), Overtaken) == ATTEMPTS


def test_whoever_loses_every_race_is_told_so():
    attempt = losing(ATTEMPTS)

    with pytest.raises(Overtaken):
        retried(attempt, Overtaken)

    assert attempt() == ATTEMPTS + 1


def test_another_error_is_not_run_again():
    attempt = losing(1)

    with pytest.raises(Overtaken):
        retried(attempt, KeyError)

    assert attempt() == 2

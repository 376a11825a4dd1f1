import pytest

from compose.errors import ComposeError
from compose.security.fuzz import KINDS, Choice
from gateway.tests.conftest import *


@pytest.fixture
def document(door):
    return door.client.get("/openapi.json").json


def test_without_a_choice_everything_is_tried_by_everybody(document):
    choice = Choice.of({})

    assert choice.kinds == KINDS
    assert len(choice.operations(document)) > 110
    assert "notification_follow_notifications" not in choice.operations(document)


def test_the_parts_are_the_whole_and_none_is_tried_twice(document):
    parts = [Choice.of({"PART": f"{number}/4"}).operations(document) for number in (1, 2, 3, 4)]

    assert sorted(name for part in parts for name in part) == sorted(Choice.of({}).operations(document))


def test_a_pattern_chooses_by_path(document):
    choice = Choice.of({"ONLY": "^/v1/wallet$", "KIND": "brand, api key"})

    assert choice.operations(document) == ["payment_get_wallet"]
    assert choice.kinds == ["brand", "api key"]


@pytest.mark.parametrize("environ", [{"PART": "3/2"}, {"PART": "0/2"}, {"PART": "all"}, {"KIND": "robot"}])
def test_what_cannot_be_chosen_is_told(environ):
    with pytest.raises(ComposeError):
        Choice.of(environ)

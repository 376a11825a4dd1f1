import pytest

from compose import readiness
from compose.errors import NotReadyInTime
from compose.layout import Layout
from compose.program import Program


@pytest.fixture
def stack(tmp_path):
    layout = Layout(tmp_path)
    layout.create()
    return layout


def a_program(name, ready, layout):
    return Program(name, ("true",), layout.run_dir, ready)


def test_waiting_ends_when_every_program_answers(stack):
    answers = iter([ConnectionRefusedError("not yet"), None])
    heard = []

    def ready():
        answer = next(answers)
        if answer:
            raise answer

    readiness.wait([a_program("campaign", ready, stack)], stack, 5, heard.append)

    assert heard == ["campaign"]


def test_a_program_that_dies_again_and_again_is_not_waited_for():
    starts = {"campaign": set()}

    verdicts = [
        readiness.given_up({"campaign": {"statename": "RUNNING", "pid": pid}}, ["campaign"], starts)
        for pid in (11, 11, 0, 12, 13, 14)
    ]

    assert verdicts == [[], [], [], [], [], ["campaign"]]


def test_a_program_that_supervisord_gave_up_is_not_waited_for():
    details = {"campaign": {"statename": "FATAL", "pid": 0}, "brand": {"statename": "STARTING", "pid": 7}}

    hopeless = readiness.given_up(details, ["campaign", "brand"], {"campaign": set(), "brand": set()})

    assert hopeless == ["campaign"]


def test_a_late_program_is_named_with_its_reason_and_the_end_of_its_log(stack):
    (stack.logs / "campaign.log").write_text("first line\nthe reason why\n")

    def refuse():
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(NotReadyInTime) as raised:
        readiness.wait(
            [a_program("campaign", refuse, stack), a_program("brand", lambda: None, stack)], stack, 0.1
        )

    message = str(raised.value)
    assert "campaign" in message.splitlines()[0]
    assert "brand" not in message
    assert "nobody listens" in message
    assert "the reason why" in message

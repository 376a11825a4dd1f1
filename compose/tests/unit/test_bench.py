import json
import xml.etree.ElementTree as ElementTree

import pytest

from compose.bench import chart, command, report
from compose.bench.measure import Row, Target, in_turn
from compose.errors import ComposeError


def a_row(name="rpc_throughput_vs_stock", **changed):
    values = {
        "what": "echo",
        "unit": "calls/s",
        "higher_is_better": True,
        "target": Target(at_least=5),
        "peer_name": "stock",
        "ours": [900.0, 1000.0, 5000.0],
        "peer": [100.0, 200.0, 300.0],
    }
    return Row(name=name, **{**values, **changed})


def test_the_ratio_is_that_of_the_medians():
    assert a_row().ratio == 5
    assert a_row().is_met


def test_for_a_time_the_shorter_one_is_the_better_one():
    row = a_row(higher_is_better=False, unit="ms", ours=[1.0], peer=[4.0], target=Target(at_least=3))

    assert row.ratio == 4
    assert row.is_met


def test_a_row_without_a_peer_is_held_to_its_own_figure():
    row = a_row(ours=[21.0, 22.0], peer=(), target=Target(at_most=20))

    assert row.value == 21.5
    assert not row.is_met
    assert "ratio" not in row.to_dict()


def test_the_sides_take_turns_and_who_begins_changes():
    order = []

    def ours():
        order.append("ours")
        return 1.0

    def peer():
        order.append("peer")
        return 2.0

    found = in_turn(ours, peer, 3, lambda *_: None)

    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert found == ([1.0] * 3, [2.0] * 3)


def test_a_short_run_keeps_the_results_of_the_other_rows(tmp_path):
    path = tmp_path / "bench.json"
    report.write(path, [a_row("b")], ["a", "b"])

    report.write(path, [a_row("a")], ["a", "b"])

    assert [row["name"] for row in report.read(path)["rows"]] == ["a", "b"]


def test_a_result_says_what_was_measured_on_what_and_how_often(tmp_path):
    path = tmp_path / "bench.json"

    report.write(path, [a_row("a")], ["a"])

    (row,) = json.loads(path.read_text())["rows"]
    assert (row["what"], row["rounds"], row["peer"]) == ("echo", 3, "stock")
    assert row["measured"]["cores"]
    assert row["measured"]["libraries"]["nameko"].startswith("2.14")


def test_the_chart_is_drawn_whatever_a_row_is_called():
    rows = [a_row("<&>").to_dict(), a_row("start", peer=()).to_dict()]

    drawn = ElementTree.fromstring(chart.draw(rows))

    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "<&>" in texts
    assert "5.00 ×" in texts


def test_a_row_that_does_not_exist_is_named_before_anything_starts():
    with pytest.raises(ComposeError, match="no row nonsense"):
        command.run(["nonsense"], 5, {})


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_rounds_that_make_no_sense_are_refused(text):
    with pytest.raises(ComposeError):
        command.rounds_from({"ROUNDS": text})


def test_five_rounds_are_the_usual():
    assert command.rounds_from({"ROUNDS": ""}) == 5

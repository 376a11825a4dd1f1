import fcntl
import os

import pytest

from compose import results, suites
from compose.errors import ComposeError
from compose.layout import Layout
from compose.results import Result

JUNIT = (
    '<testsuites><testsuite name="pytest" tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'
)


def read(tmp_path, counts, status=0):
    path = tmp_path / "campaign.xml"
    path.write_text(JUNIT.format(*counts))
    return results.read("campaign", path, status, 1.5)


def test_passed_is_what_neither_failed_nor_was_skipped(tmp_path):
    assert read(tmp_path, (10, 1, 2, 3), status=1) == Result("campaign", 4, 3, 3, 1.5)


def test_a_suite_that_collected_nothing_is_a_failure(tmp_path):
    result = read(tmp_path, (0, 0, 0, 0), status=5)

    assert not result.is_good
    assert results.totals([result]) == "0 passed, 1 failed"


def test_a_suite_that_ended_badly_after_passing_is_a_failure(tmp_path):
    result = read(tmp_path, (3, 0, 0, 0), status=3)

    assert not result.is_good
    assert results.totals([result]) == "3 passed, 1 failed"


def test_a_suite_that_died_without_a_report_is_a_failure(tmp_path):
    result = results.read("campaign", tmp_path / "absent.xml", -9, 1.5)

    assert not result.is_good
    assert "status -9" in str(result)


def test_totals_add_up_over_suites_and_name_skipped_ones_when_there_are_any():
    found = [Result("brand", passed=3), Result("asset", passed=4, failed=1, skipped=2)]

    assert results.totals(found) == "7 passed, 1 failed, 2 skipped"
    assert results.totals(found[:1]) == "3 passed, 0 failed"


def test_tests_never_see_the_address_of_somebody_elses_server():
    environ = {
        "MONGO_URI": "mongodb://production",
        "AMQP_PORT": "1",
        "HEALTH_PORT_BRAND": "2",
        "PATH": "/bin",
    }

    assert suites.without_presets(environ) == {"PATH": "/bin"}


def test_a_suite_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ComposeError, match="'bogus'"):
        suites.run("bogus", {})


def test_the_long_suites_start_first_and_the_one_that_runs_alone_last():
    started = sorted(suites.SUITES, key=suites.turn)

    assert started[: len(suites.STARTED_FIRST)] == list(suites.STARTED_FIRST)
    assert started[-1] == suites.END_TO_END


def test_the_last_user_of_the_test_infrastructure_turns_off_the_lights(tmp_path):
    path = tmp_path / "users.lock"
    with path.open("w") as first, path.open("w") as second:
        fcntl.flock(first, fcntl.LOCK_SH)
        fcntl.flock(second, fcntl.LOCK_SH)

        answers = [suites.is_last_user(first.fileno()), suites.is_last_user(second.fileno())]

    assert answers == [False, True]


@pytest.fixture
def two_suites(tmp_path, monkeypatch):
    """A repository of two suites: one passes, one fails and says why."""
    for name, body in (("good", "assert True"), ("bad", "assert 'the reason' == ''")):
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / "tests" / f"test_{name}.py").write_text(f"def test_it():\n    {body}\n")
    monkeypatch.setattr(suites, "REPOSITORY", tmp_path)
    return tmp_path


def test_every_suite_runs_and_a_failing_ones_output_is_shown_in_full(two_suites, capsys):
    found = suites.run_suites(["bad", "good"], Layout(two_suites), os.environ)

    assert results.totals(found) == "1 passed, 1 failed"
    assert "the reason" in capsys.readouterr().out
    assert {path.name for path in two_suites.glob("*.xml")} == {"bad.xml", "good.xml"}


def test_an_interrupted_run_leaves_no_suite_running(two_suites, monkeypatch):
    (two_suites / "good" / "tests" / "test_good.py").write_text("import time\n\n\ntime.sleep(60)\n")
    started = []
    begin = suites.SuiteRun.__post_init__
    monkeypatch.setattr(suites.SuiteRun, "__post_init__", lambda run: (begin(run), started.append(run)))

    def interrupt(run):
        raise KeyboardInterrupt

    monkeypatch.setattr(suites.SuiteRun, "has_ended", interrupt)
    with pytest.raises(KeyboardInterrupt):
        suites.run_suites(["good"], Layout(two_suites), os.environ)

    assert [run.process.poll() is None for run in started] == [False]

import pytest

from compose import suites
from compose.suites import Result

JUNIT = (
    '<testsuites><testsuite name="pytest" tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'
)


def read(tmp_path, counts, status=0):
    path = tmp_path / "campaign.xml"
    path.write_text(JUNIT.format(*counts))
    return suites.read_result("campaign", path, status, 1.5)


def test_passed_is_what_neither_failed_nor_was_skipped(tmp_path):
    assert read(tmp_path, (10, 1, 2, 3), status=1) == Result("campaign", 4, 3, 3, 1.5)


def test_a_suite_that_collected_nothing_is_a_failure(tmp_path):
    result = read(tmp_path, (0, 0, 0, 0), status=5)

    assert not result.is_good
    assert suites.totals_of([result]) == "0 passed, 1 failed"


def test_a_suite_that_ended_badly_after_passing_is_a_failure(tmp_path):
    result = read(tmp_path, (3, 0, 0, 0), status=3)

    assert not result.is_good
    assert suites.totals_of([result]) == "3 passed, 1 failed"


def test_totals_add_up_over_suites_and_name_skipped_ones_when_there_are_any():
    results = [Result("brand", passed=3), Result("asset", passed=4, failed=1, skipped=2)]

    assert suites.totals_of(results) == "7 passed, 1 failed, 2 skipped"
    assert suites.totals_of(results[:1]) == "3 passed, 0 failed"


def test_tests_never_see_the_address_of_somebody_elses_server():
    environ = {
        "MONGO_URI": "mongodb://production",
        "AMQP_PORT": "1",
        "HEALTH_PORT_BRAND": "2",
        "PATH": "/bin",
    }

    assert suites.without_presets(environ) == {"PATH": "/bin"}


def test_a_suite_that_does_not_exist_is_refused_by_name():
    with pytest.raises(suites.ComposeError, match="'bogus'"):
        suites.run("bogus", {})


def test_the_last_user_of_the_test_infrastructure_turns_off_the_lights(tmp_path):
    import fcntl

    path = tmp_path / "users.lock"
    with path.open("w") as first, path.open("w") as second:
        fcntl.flock(first, fcntl.LOCK_SH)
        fcntl.flock(second, fcntl.LOCK_SH)

        answers = [suites.is_last_user(first.fileno()), suites.is_last_user(second.fileno())]

    assert answers == [False, True]

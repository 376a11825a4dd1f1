import pytest

from compose import packages
from compose.errors import SetupImpossible
from compose.packages import Need

REDIS = Need("Redis", ("no-such-redis-server",), ("redis-server",), "REDIS_URL")


@pytest.fixture
def policy(tmp_path, monkeypatch):
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", path)
    monkeypatch.setattr(packages, "LOCK", tmp_path / "lock")
    return path


@pytest.fixture
def apt(monkeypatch, policy):
    """Records apt-get's arguments, and whether servers were forbidden to start at that moment."""
    calls = []
    monkeypatch.setattr(packages, "apt_get", lambda *arguments: calls.append((arguments, policy.exists())))
    monkeypatch.setattr(packages, "available", lambda names: names.split("|")[0])
    return calls


def test_what_is_absent_is_missing(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)

    assert packages.missing((REDIS,)) == [REDIS]


def test_a_server_that_runs_elsewhere_is_not_missing(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")

    assert packages.missing((REDIS,)) == []


def test_no_server_starts_while_packages_are_installed(apt, policy):
    packages.install_as_root(["redis-server"])

    assert [forbidden for _, forbidden in apt] == [True, True]
    assert not policy.exists()


def test_a_policy_of_the_machines_own_stays_as_it_is(apt, policy):
    policy.write_text("#!/bin/sh\nexit 104\n")

    packages.install_as_root(["redis-server"])

    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_policy_that_a_killed_installation_left_behind_is_removed(apt, policy):
    policy.write_text(packages.POLICY_TEXT)

    packages.install_as_root(["redis-server"])

    assert not policy.exists()


def test_the_policy_goes_even_when_the_installation_fails(monkeypatch, policy):
    def fail(*arguments):
        raise RuntimeError("no network")

    monkeypatch.setattr(packages, "apt_get", fail)

    with pytest.raises(RuntimeError):
        packages.install_as_root(["redis-server"])

    assert not policy.exists()


def test_without_a_package_manager_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)

    with pytest.raises(SetupImpossible, match=r"no apt-get.*Install Redis"):
        packages.install([REDIS])


def test_without_root_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(
        packages.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None
    )
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)

    with pytest.raises(SetupImpossible, match=r"not root.*redis-server"):
        packages.install([REDIS])

"""Secrets, folders and what is left of a stack on the disk."""

import shutil

from compose import envfile, layout, secrets
from compose.layout import Layout


def test_secrets_are_made_once_and_kept_from_others(tmp_path):
    first = secrets.load(Layout(tmp_path))

    assert secrets.load(Layout(tmp_path)) == first
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_an_older_stack_lacks_is_added_and_the_others_stay(tmp_path):
    stored = secrets.load(Layout(tmp_path))
    envfile.write(tmp_path / "secrets.env", {key: stored[key] for key in stored if key != "REDIS_PASSWORD"})

    completed = secrets.load(Layout(tmp_path))

    assert completed.keys() == stored.keys()
    assert completed["SECRETS_KEY"] == stored["SECRETS_KEY"]


def test_a_value_survives_its_file_whatever_it_holds(tmp_path):
    values = {"A": "plain", "B": "amqp://u:p@h/%2Fv?x=1&y=2", "C": 'it\'s "quoted" $HOME', "D": ""}

    envfile.write(tmp_path / "file.env", values)

    assert envfile.read(tmp_path / "file.env") == values


def test_a_relative_run_dir_is_inside_the_repository():
    assert Layout.of({}).run_dir == layout.REPOSITORY / ".run"
    assert Layout.of({"RUN_DIR": ".run/test"}).run_dir == layout.REPOSITORY / ".run" / "test"


def test_a_socket_path_that_would_be_too_long_moves_to_the_temporary_folder(tmp_path):
    deep = Layout(tmp_path / ("x" * 100))

    assert len(str(deep.supervisor_socket)) <= layout.LONGEST_SOCKET_PATH
    assert deep.supervisor_socket != Layout(tmp_path / ("y" * 100)).supervisor_socket


def test_postgres_leaves_a_folder_that_only_root_may_enter(tmp_path, monkeypatch):
    monkeypatch.setattr(layout.os, "geteuid", lambda: 0)
    monkeypatch.setattr(layout, "everyone_may_enter", lambda folder: False)

    assert layout.OUT_OF_THE_WAY in Layout(tmp_path).postgres.parents


def test_the_cluster_of_a_clone_that_was_deleted_is_not_taken_for_the_new_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(layout.os, "geteuid", lambda: 0)
    monkeypatch.setattr(layout, "everyone_may_enter", lambda folder: False)
    monkeypatch.setattr(layout, "OUT_OF_THE_WAY", tmp_path / "elsewhere")
    clone = Layout(tmp_path / "run")
    clone.create()
    clone.postgres.mkdir(parents=True)

    clone.create()
    kept = clone.postgres.exists()
    shutil.rmtree(clone.run_dir)
    clone.create()

    assert kept
    assert not clone.postgres.exists()


def test_cleaning_removes_a_folder_that_we_made(tmp_path):
    made = Layout(tmp_path / "run")
    made.create()

    made.remove()

    assert not made.run_dir.exists()


def test_cleaning_leaves_a_folder_that_held_something_before(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    shared = Layout(tmp_path)
    shared.create()

    shared.remove()

    assert (tmp_path / "thesis.txt").exists()

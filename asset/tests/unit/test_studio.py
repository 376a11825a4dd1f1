"""The process around the decoders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import eventlet
import pytest

from asset import studio
from asset.studio import LocalClaims, ProcessStudio, StudioFailed
from asset.tests import files
from chassis.testing import eventually


def upload(folder: Path, content: bytes) -> Path:
    source = folder / "upload"
    source.write_bytes(content)
    return source


def test_the_files_are_there_as_long_as_they_are_needed(tmp_path: Path):
    source = upload(tmp_path, files.image_file("PNG"))

    with ProcessStudio(1).render(source) as rendering:
        sizes = [file.path.stat().st_size for file in rendering.files]

    assert (rendering.media, len(sizes), min(sizes) > 0) == ("image", 6, True)
    assert not any(file.path.exists() for file in rendering.files)


def test_a_refusal_comes_with_its_reason(tmp_path: Path):
    with ProcessStudio(1).render(upload(tmp_path, files.SVG)) as rendering:
        assert rendering.reason is not None
        assert rendering.reason.startswith("SVG is not accepted")


def test_a_file_that_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(studio, "MEMORY_BYTES", 250 * 2**20)

    with ProcessStudio(1).render(upload(tmp_path, files.png_bomb(6_000))) as rendering:
        assert "more memory" in str(rendering.reason)


def test_a_file_that_takes_too_much_time_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(studio, "WALL_SECONDS", 0.01)

    with ProcessStudio(1).render(upload(tmp_path, files.image_file("PNG"))) as rendering:
        assert "more time" in str(rendering.reason)


def test_a_process_that_breaks_says_nothing_about_the_file(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(studio, "ROOT", tmp_path)

    with pytest.raises(StudioFailed), ProcessStudio(1).render(upload(tmp_path, b"x")):
        pass


def test_the_service_goes_on_while_a_file_is_worked_on(tmp_path: Path):
    source, beats = upload(tmp_path, files.image_file("PNG")), []

    def beat() -> None:
        while True:
            beats.append(1)
            eventlet.sleep(0.01)

    heart = eventlet.spawn(beat)
    with ProcessStudio(1).render(source):
        heart.kill()

    assert len(beats) > 5


def test_no_more_files_are_worked_on_at_once_than_there_are_slots(tmp_path: Path):
    source, at_work, most = upload(tmp_path, b"none"), [], []
    one_at_a_time = ProcessStudio(1)

    def work() -> None:
        with one_at_a_time.render(source):
            at_work.append(1)
            most.append(len(at_work))
            eventlet.sleep(0.01)
            at_work.pop()

    for worker in [eventlet.spawn(work) for _ in range(3)]:
        worker.wait()

    assert most == [1, 1, 1]


def test_a_claim_is_free_again_when_its_holder_has_left():
    claims = LocalClaims()

    with claims.of("a") as first, claims.of("a") as second, claims.of("b") as other:
        during = (first, second, other)
    with claims.of("a") as later:
        assert (*during, later) == (True, False, True, True)


def test_a_decoder_dies_with_the_process_that_started_it():
    script = (
        "import subprocess\n"
        "from asset.media.videos import _WITH_PARENT\n"
        "child = subprocess.Popen([*_WITH_PARENT, 'sleep', '60'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=studio.ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = Path("/proc") / parent.stdout.readline().strip()
    eventually(lambda: (child / "cmdline").read_bytes().startswith(b"sleep"))

    parent.kill()
    parent.wait()

    eventually(lambda: not child.exists() or "State:\tZ" in (child / "status").read_text())
    parent.stdout.close()

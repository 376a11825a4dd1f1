import os
import shutil
import signal
import subprocess
import sys

import httpx
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from compose.demo.browser import ARGUMENTS, OverlayWindow
from compose.demo.overlays import FORGERIES, SHOWINGS
from compose.demo.story import SIMULATED
from compose.layout import REPOSITORY, Layout
from compose.names import SERVICES
from compose.supervisor import Supervisor

pytestmark = pytest.mark.timeout(400)

KILLED = ("participation", "payment", "analytics", "notification", "rabbitmq")
"""The services that the money goes through, and the backbone under all of them."""


def pids(platform):
    return {name: detail["pid"] for name, detail in Supervisor(Layout(platform.run_dir)).details().items()}


def test_the_first_run_ends_with_books_that_agree(platform):
    assert platform.run.returncode == 0, platform.run.stdout + platform.run.stderr
    assert "All books agree to the minor unit." in platform.run.stdout


def test_every_program_is_ready_after_the_run(platform):
    programs = platform.status()["programs"]

    assert {program["state"] for program in programs} == {"running"}
    assert [program["name"] for program in programs if not program["ready"]] == []


def test_every_honest_showing_was_counted_and_every_forged_one_refused(platform):
    figures = platform.result()["figures"]
    forging = SIMULATED // 10

    assert figures["rendered"] > SIMULATED * SHOWINGS
    for reason, each in FORGERIES.items():
        assert figures["refused"][reason] == each * forging


def test_the_screenshot_shows_the_creative_on_a_full_hd_page(platform):
    with Image.open(platform.run_dir / "demo" / "overlay.png") as picture:
        assert picture.size == (1920, 1080)
        assert picture.convert("RGB").getcolors(maxcolors=8) is None


def test_a_browser_at_the_printed_addresses_shows_what_this_is_and_its_docs(platform):
    gateway = platform.status()["addresses"]["gateway"]

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(gateway)
        page.get_by_role("link", name="documentation").click()
        page.get_by_role("link", name="Events", exact=True).first.click()
        page.wait_for_selector("text=campaign_activated")
        page.get_by_role("link", name="Reference", exact=True).first.click()
        page.wait_for_selector(".opblock-tag", timeout=20_000)
        sections = page.locator(".opblock-tag").count()
        browser.close()

    assert errors == []
    assert sections >= len(SERVICES)


def test_a_browser_at_the_overlay_address_that_was_printed_shows_a_creative(platform, tmp_path):
    url = platform.result()["figures"]["overlay_url"]
    assert url in platform.run.stdout

    window = OverlayWindow(url)
    window.screenshot(tmp_path / "overlay.png")
    window.close()


def test_the_descriptions_of_the_doors_are_served(platform):
    gateway = platform.status()["addresses"]["gateway"]

    assert httpx.get(f"{gateway}/openapi.json").json()["openapi"].startswith("3.1")
    assert httpx.get(f"{gateway}/asyncapi.json").json()["asyncapi"] == "3.0.0"


def test_a_second_run_restarts_nothing_and_killing_services_and_the_broker_in_it_loses_nothing(platform):
    before = pids(platform)
    command = [sys.executable, "-m", "compose", "run"]
    second = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=platform.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = []
    for line in second.stdout:
        printed.append(line)
        if "the creative is on the screen" in line:
            assert pids(platform) == before
            for name in KILLED:
                os.kill(before[name], signal.SIGKILL)

    assert second.wait() == 0, "".join(printed)
    after = pids(platform)
    assert {name for name in before if after[name] != before[name]} == set(KILLED)

"""The overlay page in a real browser, at the size that OBS gives it, with a stubbed participation service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from chassis.clock import SystemClock
from chassis.errors import Gone, ServiceUnavailable
from chassis.event import ReceivedEvent
from chassis.signed_urls import sign
from chassis.testing import eventually
from chassis.times import parse_rfc3339
from gateway.feed import Feed
from gateway.tests.conftest import SIGNING_KEY, Door

TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"
KEY = hashlib.sha256(b"a session's key").digest()
SESSION = "ses_01jd2e7z5pf3rs8w6r8q6v2k20"
RED, BLUE, TRANSPARENT = (220, 20, 20, 255), (20, 20, 220, 255), (0, 0, 0, 0)
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Deliveries are sent every 0.3 s instead of every 3 s, and the most that was ever on the stage is noted.
SET_UP = """
  const setIntervalAsItIs = window.setInterval;
  window.setInterval = (work, ms) => setIntervalAsItIs(work, ms / 10);
  window.mostAtOnce = 0;
  new MutationObserver(() => {
    const shown = document.querySelectorAll("#stage > *").length;
    window.mostAtOnce = Math.max(window.mostAtOnce, shown);
  }).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        yield browser
        browser.close()


class Participation:
    """The stubbed service: one session, the given creatives, and every delivery that was posted."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.creatives: list[dict[str, Any]] = []
        self.turns: dict[str, dict[str, Any]] = {}
        self.posted: list[dict[str, Any]] = []
        self.batches = 0
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda _: None
        self.down_for = 0
        door.services.answers["participation.manifest"] = self.manifest
        door.services.answers["participation.post_deliveries"] = self.post
        door.services.answers["participation.overlay_channel"] = {"channel": "chn_1"}

    def show(self, name: str, color: tuple[int, ...], placement: str = "banner", **rules: Any) -> None:
        picture = io.BytesIO()
        Image.new("RGBA", (1920, 270), color).save(picture, "PNG")
        picture.seek(0)
        self._door.state.objects.put(f"{name}.png", picture)
        expires = self._door.state.clock.now() + timedelta(hours=1)
        self.turns[f"prt_{name}"] = rules
        self.creatives.append(
            {
                "delivery_slot": len(self.creatives) + 1,
                "participation_id": f"prt_{name}",
                "creative_id": f"crv_{name}",
                "urls": [sign(f"/media/{name}.png", expires, SIGNING_KEY)],
                "media": "image",
                "placement": placement,
                "duration_s": 1,
                "weight": 1,
            }
        )

    def play_instead(self, name: str, video: Path) -> None:
        """Replaces a picture by a video that is shorter than the time it has."""
        with video.open("rb") as file:
            self._door.state.objects.put(f"{name}.mp4", file)
        expires = self._door.state.clock.now() + timedelta(hours=1)
        url = sign(f"/media/{name}.mp4", expires, SIGNING_KEY)
        self.creatives[0] |= {"urls": [url], "media": "video", "duration_s": 30}

    def manifest(self, _: dict[str, Any]) -> dict[str, Any]:
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        key = base64.urlsafe_b64encode(KEY).decode().rstrip("=")
        return {
            "session": {"id": SESSION, "key": key, "expires_at": expires_at.isoformat()},
            "rotation": [{"participation_id": name, **rules} for name, rules in self.turns.items()],
            "creatives": self.creatives,
        }

    def post(self, request: dict[str, Any]) -> dict[str, Any]:
        self.batches += 1
        if self.down_for:
            self.down_for -= 1
            raise ServiceUnavailable()
        assert request["session_id"] == SESSION
        assert request["token"] == TOKEN
        self.posted += request["deliveries"]
        refused = [
            {"id": d["id"], "reason": reason} for d in request["deliveries"] if (reason := self.refuse(d))
        ]
        return {"accepted": len(request["deliveries"]) - len(refused), "refused": refused}

    def tell(self, type: str) -> None:
        event = ReceivedEvent(
            "evt_1", type, "/participation", datetime.now(UTC), "x", 1, {"channel": "chn_1"}
        )
        Feed(self._door.state.hub, self._door.state.revoked).receive(event)

    def wait_for_deliveries(self, count: int) -> list[dict[str, Any]]:
        return eventually(lambda: self.posted if len(self.posted) >= count else None, deadline=12)


@pytest.fixture
def participation(make_door: Callable[..., Door]) -> Participation:
    door = make_door(heartbeat_seconds=5.0)
    object.__setattr__(door.state, "clock", SystemClock())
    return Participation(door)


@pytest.fixture
def address(participation: Participation) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, participation._door.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    participation._door.state.hub.end_all()
    server.shutdown()
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    page.add_init_script(SET_UP)
    page.complaints = []  # type: ignore[attr-defined]
    page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
    yield page
    context.close()


def open_overlay(page: Page, address: str) -> None:
    page.goto(f"{address}/overlay/{TOKEN}")


def pixel(page: Page, x: int, y: int) -> tuple[int, ...]:
    picture = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
    return picture.convert("RGBA").getpixel((x, y))


def two_seconds_of_video(path: Path) -> Path:
    source = ["-f", "lavfi", "-i", "testsrc=size=480x270:rate=25:duration=2"]
    target = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-movflags", "+faststart", str(path)]
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", *source, *target], check=True)
    return path


def expected_proof(previous: str, delivery: dict[str, Any]) -> str:
    """The proof as API.md defines it."""
    names = ("id", "seq", "participation_id", "creative_id", "started_at", "ended_at", "visible_ms")
    text = "\n".join([previous, *(str(delivery[name]) for name in names)])
    digest = hmac.new(KEY, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def wait_for_stage(page: Page, selector: str) -> None:
    page.wait_for_selector(f"#stage > {selector}", timeout=8000)


def wait_for_empty_stage(page: Page) -> None:
    page.wait_for_selector("#stage > *", state="detached", timeout=8000)


def test_creatives_take_turns_and_every_showing_is_proved(
    participation: Participation, address: str, page: Page
) -> None:
    participation.show("red", RED)
    participation.show("blue", BLUE, placement="corner")

    open_overlay(page, address)
    deliveries = participation.wait_for_deliveries(3)

    previous = SESSION
    for number, delivery in enumerate(deliveries, start=1):
        assert delivery["seq"] == number
        assert delivery["proof"] == expected_proof(previous, delivery)
        previous = delivery["proof"]
        took = parse_rfc3339(delivery["ended_at"]) - parse_rfc3339(delivery["started_at"])
        assert 950 <= delivery["visible_ms"] <= took / timedelta(milliseconds=1) < 1600
    turns = [delivery["creative_id"] for delivery in deliveries]
    assert all(one != other for one, other in pairwise(turns))
    for one, after in pairwise(deliveries):
        assert parse_rfc3339(one["ended_at"]) <= parse_rfc3339(after["started_at"])
    assert page.evaluate("window.mostAtOnce") == 1
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_creative_is_painted_in_its_place_and_the_rest_is_transparent(
    participation: Participation, address: str, page: Page
) -> None:
    participation.show("red", RED)
    participation.creatives[0]["duration_s"] = 60

    open_overlay(page, address)
    wait_for_stage(page, "img.banner")
    page.wait_for_timeout(400)

    assert pixel(page, 960, 1000) == RED
    assert pixel(page, 960, 700) == TRANSPARENT


def test_a_video_is_shown_until_it_ends(
    participation: Participation, address: str, page: Page, tmp_path: Path
) -> None:
    participation.show("red", RED, placement="corner")
    participation.play_instead("red", two_seconds_of_video(tmp_path / "red.mp4"))

    open_overlay(page, address)
    wait_for_stage(page, "video.corner")

    delivery = participation.wait_for_deliveries(1)[0]
    assert 1500 < delivery["visible_ms"] < 4000


def test_a_hidden_source_shows_and_counts_nothing(
    participation: Participation, address: str, page: Page
) -> None:
    participation.show("red", RED)
    participation.creatives[0]["duration_s"] = 60
    open_overlay(page, address)
    wait_for_stage(page, "img.banner")
    page.wait_for_timeout(500)

    page.evaluate("dispatchEvent(new CustomEvent('obsSourceVisibleChanged', { detail: { visible: false } }))")

    wait_for_empty_stage(page)
    (delivery,) = participation.wait_for_deliveries(1)
    assert 300 < delivery["visible_ms"] < 5000
    assert page.locator("#stage > *").count() == 0


def test_what_was_not_received_is_sent_again_and_what_was_is_not(
    participation: Participation, address: str, page: Page
) -> None:
    participation.show("red", RED, max_per_stream=2)
    participation.down_for = 1
    arrived: set[str] = set()

    def refuse(delivery: dict[str, Any]) -> str:
        """A gap at first, and what is there already afterwards."""
        reason = "replayed" if delivery["id"] in arrived else "out_of_order"
        arrived.add(delivery["id"])
        return reason

    participation.refuse = refuse

    open_overlay(page, address)
    deliveries = participation.wait_for_deliveries(4)
    batches = participation.batches
    page.wait_for_timeout(1000)

    assert participation.batches == batches
    assert sorted(delivery["seq"] for delivery in deliveries) == [1, 1, 2, 2]
    assert deliveries[0] in deliveries[1:]


def test_a_test_card_is_shown_alone(participation: Participation, address: str, page: Page) -> None:
    participation.show("red", RED)
    participation.creatives[0]["duration_s"] = 60
    open_overlay(page, address)
    wait_for_stage(page, "img.banner")

    participation.tell("overlay_test_requested")

    wait_for_stage(page, ".test-card")
    assert page.locator(".creative").count() == 0


def test_a_changed_manifest_is_fetched_and_a_revoked_link_goes_blank(
    participation: Participation, address: str, page: Page
) -> None:
    participation.show("red", RED)
    participation.creatives[0]["duration_s"] = 60
    open_overlay(page, address)
    wait_for_stage(page, "[data-creative-id=crv_red]")

    participation.creatives.clear()
    participation.show("blue", BLUE)
    participation.creatives[0]["duration_s"] = 60
    participation.tell("manifest_changed")
    wait_for_stage(page, "[data-creative-id=crv_blue]")

    participation._door.services.answers["participation.overlay_channel"] = Gone()
    participation.tell("overlay_link_replaced")
    wait_for_empty_stage(page)


@pytest.mark.parametrize("broken", ["manifest", "media"])
def test_an_error_shows_nothing_on_the_stream(
    participation: Participation, address: str, page: Page, broken: str
) -> None:
    participation.show("red", RED)
    if broken == "media":
        participation._door.state.objects.delete("red.png")
    else:
        participation._door.services.answers["participation.manifest"] = RuntimeError("broken")

    open_overlay(page, address)
    page.wait_for_timeout(1000)

    assert page.evaluate("window.mostAtOnce") == 0
    assert page.inner_text("body").strip() == ""

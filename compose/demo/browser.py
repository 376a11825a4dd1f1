"""The overlay in a real browser: headless Chromium, in the size of an OBS browser source."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from compose.demo.api import DemoFailed

VIEWPORT = {"width": 1920, "height": 1080}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""As root Chromium has no sandbox to use, and on a closed network its own look-ups only cost time."""

SHOW_TIMEOUT_MS = 20_000


class OverlayWindow:
    """Opens an overlay's page and keeps it open until `close`."""

    def __init__(self, url: str) -> None:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        if executable is None:
            raise DemoFailed("chromium is not installed; `make run` installs it")
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        self.page: Page = self._browser.new_page(viewport=VIEWPORT)  # type: ignore[arg-type]
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)

    def screenshot(self, target: Path) -> None:
        """Keep a picture of the page while a creative is on it."""
        self.page.wait_for_function(IS_SHOWING, timeout=SHOW_TIMEOUT_MS)
        self.page.screenshot(path=target, omit_background=True)
        if not has_picture(target):
            raise DemoFailed(f"the overlay showed nothing: {target}")

    def wait(self, milliseconds: int) -> None:
        self.page.wait_for_timeout(milliseconds)

    def close(self) -> None:
        self._browser.close()
        self._playwright.stop()


IS_SHOWING = """() => [...document.querySelectorAll('img, video')].some(element => {
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const isImage = element.tagName === 'IMG';
  const drawn = isImage ? element.complete && element.naturalWidth : element.readyState >= 2;
  return drawn && box.width > 100 && style.visibility !== 'hidden' && Number(style.opacity) > 0.9;
})"""


def has_picture(screenshot: Path) -> bool:
    """True when some of the page is opaque and not of one colour."""
    with Image.open(screenshot) as image:
        visible = image.convert("RGBA").crop(image.convert("RGBA").getchannel("A").getbbox() or (0, 0, 1, 1))
        colours = visible.convert("RGB").getcolors(maxcolors=16)
        return colours is None

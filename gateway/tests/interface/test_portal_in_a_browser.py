"""The developer portal in a real browser, under the policy that it is served with."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from gateway.examples import EXAMPLES
from gateway.portal import guides
from gateway.tests.conftest import NOW, Door
from gateway.tests.interface.browsing import Visitor
from gateway.tests.surface import SCOPES
from gateway.usage.store import Count

KEY = EXAMPLES["api_keys"]["items"][0]


def test_a_newcomer_finds_the_first_guide_from_the_start_page(visitor: Visitor) -> None:
    page = visitor.goes_to("/")
    page.click("text=Read the API documentation")
    visitor.picture("overview")

    page.click("main >> text=Your first campaign in five minutes")

    assert page.inner_text("h1") == "Your first campaign in five minutes"
    assert page.locator(".sidebar [aria-current=page]").inner_text() == "Your first campaign in five minutes"
    visitor.picture("guide")


def test_a_click_copies_the_code(visitor: Visitor) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=visitor.address)
    page = visitor.goes_to("/docs/guides/first-campaign")

    page.click(".snippet:nth-of-type(1) button.copy")

    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("export GT=")


def test_every_guide_fits_a_telephone(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 844})

    for name in guides.NAMES:
        page = visitor.goes_to(f"/docs/guides/{name}")

        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    visitor.picture("telephone")


def test_the_reference_lists_the_routes_and_tries_one(visitor: Visitor, door: Door) -> None:
    door.services.answers["identity.jwks"] = {"keys": []}
    page = visitor.goes_to("/docs/reference")
    page.wait_for_selector(".opblock-tag", timeout=60_000)
    visitor.picture("reference")

    page.click("#operations-tag-keys, [data-tag='keys'] button, [data-tag='keys']")
    page.click(".opblock-summary-path[data-path='/.well-known/jwks.json']")
    page.click("button.try-out__btn")
    page.click("button.execute")

    page.wait_for_selector(".live-responses-table .response-col_status >> text=200")
    visitor.picture("tried")


class Keys:
    """Identity, with one key at the most; `asked` are the requests for new ones."""

    def __init__(self, door: Door, *kept: dict[str, Any]) -> None:
        self.kept, self.asked = list(kept), list[dict[str, Any]]()
        answers = door.services.answers
        answers["identity.login"] = EXAMPLES["brand_session"] | {"access_token": door.token("brand")}
        answers["identity.list_api_keys"] = lambda _: {"items": self.kept, "next_cursor": None}
        answers["identity.create_api_key"] = self.create
        answers["identity.get_api_key"] = KEY
        answers["identity.revoke_api_key"] = lambda _: self.kept.clear() or {}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        self.kept.append(KEY | {"name": request["name"]})
        return self.kept[0] | {"key": EXAMPLES["created_api_key"]["key"]}


def logged_in(visitor: Visitor) -> Page:
    page = visitor.goes_to("/docs/keys")
    page.fill("[name=email]", "ads@acme.example")
    page.fill("[name=password]", "a lamp in the attic")
    page.click("text=Log in >> nth=-1")
    page.wait_for_selector("text=Your keys")
    return page


def test_whoever_cannot_log_in_to_make_keys_can_ask_for_a_new_password(visitor: Visitor) -> None:
    page = visitor.goes_to("/docs/keys")

    assert page.get_by_role("link", name="Forgot your password?").get_attribute("href") == "/reset-password"
    assert page.is_hidden("#keys")


def test_a_brand_makes_a_key_sees_it_once_and_copies_it(visitor: Visitor, door: Door) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=visitor.address)
    keys = Keys(door)
    page = logged_in(visitor)
    page.wait_for_selector("text=You have no keys yet.")
    assert page.is_hidden("#log-in")
    assert page.is_hidden("#made")
    page.fill("[name=name]", "Reporting server")

    page.click("text=Make a key")

    page.wait_for_selector(".key >> text=Reporting server")
    assert page.inner_text("#secret") == EXAMPLES["created_api_key"]["key"]
    assert set(keys.asked[0]["scopes"]) == {scope for scope in SCOPES["brand"] if scope.endswith(":read")}
    page.click("#made button.copy")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == EXAMPLES["created_api_key"]["key"]
    visitor.picture("keys")


def test_a_key_is_revoked_when_that_is_confirmed_and_not_before(visitor: Visitor, door: Door) -> None:
    keys = Keys(door, KEY)
    page = logged_in(visitor)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click("button.danger")
    assert keys.kept == [KEY]
    page.once("dialog", lambda dialog: dialog.accept())

    page.click("button.danger")

    page.wait_for_selector("text=You have no keys yet.")
    assert keys.kept == []


def test_a_brand_sees_when_a_key_was_used_and_how_much_on_each_day(visitor: Visitor, door: Door) -> None:
    Keys(door, KEY | {"last_used_at": "2026-11-23T04:00:00.000000Z"})
    used(door, 0, {"ok": 1200, "errors": 30, "limited": 20})
    used(door, 8, {"ok": 400})
    visitor.page.clock.set_fixed_time(NOW)
    page = logged_in(visitor)
    assert page.get_by_text("last used 2026-11-23").is_visible()

    page.click("text=Usage")

    chart = page.get_by_role("img", name="Requests per day")
    chart.wait_for()
    assert chart.locator(".day").count() == 30
    assert chart.locator("rect").count() == 4
    assert chart.locator("desc").text_content() == (
        "1,650 requests from 2026-10-25 to 2026-11-23 (UTC): 30 refused or failed, 20 over a limit. "
        "Most on 2026-11-23: 1,250."
    )
    page.click("text=The same as a table")
    assert page.locator("tbody tr").count() == 30
    assert page.locator("tbody tr").first.inner_text().split() == ["2026-11-23", "1,250", "30", "20"]
    page.click("text=The same as a table")
    visitor.picture("usage")

    page.click("text=7 days")

    page.wait_for_selector("p >> text=1,250 requests from 2026-11-17")
    assert page.locator("[aria-pressed=true]").inner_text() == "7 days"
    page.click("text=90 days")
    page.wait_for_selector("p >> text=1,650 requests from 2026-08-26")
    page.click("text=Usage")
    assert chart.is_hidden()


def test_use_that_cannot_be_read_at_the_moment_is_said_to_be(visitor: Visitor, door: Door) -> None:
    Keys(door, KEY)
    door.usage.fails = True
    page = logged_in(visitor)

    page.click("text=Usage")

    page.wait_for_selector("#trouble:visible")
    visitor.complaints.clear()


def used(door: Door, days_ago: int, counts: dict[str, int]) -> None:
    day = NOW.date().toordinal() - days_ago
    door.usage.kept.update({Count(KEY["id"], day, outcome): number for outcome, number in counts.items()})


def test_the_charts_figures_follow_from_the_days(visitor: Visitor) -> None:
    items = [
        {"date": "2026-11-22", "requests": 0, "errors": 0, "limited": 0},
        {"date": "2026-11-23", "requests": 40, "errors": 10, "limited": 20},
    ]
    page = visitor.goes_to("/docs/keys")

    tops, columns, nothing = page.evaluate(
        """async (items) => {
          const { topOf, columnsOf, told } = await import("/pages/usage-chart.js");
          return [[0, 1, 3, 5, 11, 250, 1001].map(topOf), columnsOf(items), told(items.slice(0, 1))];
        }""",
        items,
    )

    assert tops == [2, 2, 4, 10, 20, 400, 2000]
    assert nothing == "0 requests from 2026-11-22 to 2026-11-22 (UTC)."
    assert columns[0]["parts"] == []
    # 40 is the top of the scale, 172 units high, from the ground at 186.
    assert columns[1] | {"x": 0, "width": 0} == {
        "date": "2026-11-23",
        "x": 0,
        "width": 0,
        "parts": [
            {"outcome": "ok", "y": 143, "height": 43},
            {"outcome": "errors", "y": 100, "height": 43},
            {"outcome": "limited", "y": 14, "height": 86},
        ],
    }
    assert columns[1]["x"] - columns[0]["x"] == 330
    assert columns[0]["width"] == 330 * 0.75

"""The developer portal in a real browser, under the policy that it is served with."""

from __future__ import annotations

from typing import Any

from gateway.examples import EXAMPLES
from gateway.portal import guides
from gateway.tests.conftest import Door
from gateway.tests.interface.browsing import Visitor
from gateway.tests.surface import SCOPES


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


def test_a_brand_makes_a_key_sees_it_once_and_revokes_it(visitor: Visitor, door: Door) -> None:
    keys: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []

    def create(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        keys.append(EXAMPLES["api_keys"]["items"][0] | {"name": request["name"]})
        return keys[0] | {"key": EXAMPLES["created_api_key"]["key"]}

    answers = door.services.answers
    answers["identity.login"] = EXAMPLES["brand_session"] | {"access_token": door.token("brand")}
    answers["identity.list_api_keys"] = lambda _: {"items": keys, "next_cursor": None}
    answers["identity.create_api_key"] = create
    answers["identity.revoke_api_key"] = lambda _: keys.clear() or {}
    page = visitor.goes_to("/docs/keys")
    page.on("dialog", lambda dialog: dialog.accept())
    assert page.get_by_role("link", name="Forgot your password?").get_attribute("href") == "/reset-password"

    page.fill("[name=email]", "ads@acme.example")
    page.fill("[name=password]", "a lamp in the attic")
    page.click("text=Log in >> nth=-1")
    page.wait_for_selector("text=You have no keys yet.")
    assert page.is_hidden("#log-in")
    assert page.is_hidden("#made")
    page.fill("[name=name]", "Reporting server")
    page.click("text=Make a key")

    page.wait_for_selector(".key >> text=Reporting server")
    assert page.inner_text("#secret") == EXAMPLES["created_api_key"]["key"]
    assert set(asked[0]["scopes"]) == {scope for scope in SCOPES["brand"] if scope.endswith(":read")}
    visitor.picture("keys")

    page.click("button.danger")

    page.wait_for_selector("text=You have no keys yet.")

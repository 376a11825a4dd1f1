"""A streamer comes in by Twitch and by Google: a real browser, a real platform, local providers."""

import json
import shutil

import httpx
import pytest
from playwright.sync_api import sync_playwright

from compose.demo.browser import ARGUMENTS

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def addresses(platform):
    return {program["name"]: program["address"] for program in platform.status()["programs"]}


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield chromium
        chromium.close()


def somebody_at(provider, name):
    person = {"username": name, "email": f"{name}@stream.example", "email_verified": True}
    httpx.put(f"{provider}/_control/people/{name}", json=person).raise_for_status()


def come_in(page, door, provider, name):
    page.goto(f"{door}/v1/oauth/{provider}/authorize")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"{door}/v1/oauth/{provider}/callback*")
    return json.loads(page.inner_text("body"))


@pytest.mark.parametrize(("provider", "program"), [("twitch", "twitch"), ("youtube", "google")])
def test_a_streamer_comes_in_by_a_provider_and_comes_again(addresses, browser, provider, program):
    door, name = addresses["gateway"], f"nova-at-{program}"
    somebody_at(addresses[program], name)

    first = come_in(browser.new_page(), door, provider, name)
    again = come_in(browser.new_page(), door, provider, name)

    assert first["account"] == again["account"]
    bearer = {"Authorization": f"Bearer {again['access_token']}"}
    [link] = httpx.get(f"{door}/v1/auth/providers", headers=bearer).json()["items"]
    assert (link["provider"], link["username"]) == (provider, name)


def test_an_address_that_another_browser_was_sent_back_to_lets_nobody_in(addresses, browser):
    door = addresses["gateway"]
    somebody_at(addresses["twitch"], "comet")
    at_twitch = httpx.get(f"{door}/v1/oauth/twitch/authorize").headers["Location"]
    back = httpx.post(at_twitch, data={"subject": "comet"}).headers["Location"]

    answer = browser.new_page().goto(back)

    assert (answer.status, answer.json()["code"]) == (400, "oauth_not_this_browser")

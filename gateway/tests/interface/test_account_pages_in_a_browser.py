"""The pages that links in mails lead to, in a real browser."""

from __future__ import annotations

from typing import Any

from chassis.errors import Gone, ServiceUnavailable
from gateway.tests.conftest import Door
from gateway.tests.interface.browsing import Visitor

TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


class LinkNotValid(Gone):
    code = "identity.link_not_valid"


def asked(door: Door, method: str) -> list[dict[str, Any]]:
    return [request for name, request in door.services.calls if name == method]


def test_a_click_confirms_the_address_and_opening_the_page_does_not(visitor: Visitor, door: Door) -> None:
    page = visitor.goes_to(f"/verify-email#token={TOKEN}")
    page.wait_for_selector("text=Confirm my address")
    visitor.picture("verify-email")
    before = asked(door, "identity.verify_email")

    page.click("text=Confirm my address")

    page.wait_for_selector("text=Your address is confirmed")
    assert (before, asked(door, "identity.verify_email")) == ([], [{"token": TOKEN}])


def test_the_token_leaves_the_address_and_is_in_no_request_line(visitor: Visitor, door: Door) -> None:
    requested: list[str] = []
    visitor.page.on("request", lambda request: requested.append(f"{request.url} {request.headers}"))

    page = visitor.goes_to(f"/verify-email#token={TOKEN}")
    page.wait_for_selector("text=Confirm my address")

    assert page.url == f"{visitor.address}/verify-email"
    assert TOKEN not in str(requested[1:])
    assert page.evaluate("document.referrer") == ""


def test_a_link_that_is_over_says_what_to_do(visitor: Visitor, door: Door) -> None:
    door.services.fail("identity.verify_email", LinkNotValid())
    page = visitor.goes_to(f"/verify-email#token={TOKEN}")

    page.click("text=Confirm my address")

    page.wait_for_selector("text=not valid any more")
    assert page.is_hidden("#confirm")
    visitor.complaints.clear()


def test_an_address_without_a_token_offers_nothing_to_click(visitor: Visitor) -> None:
    page = visitor.goes_to("/verify-email")

    page.wait_for_selector("text=not valid any more")
    assert page.is_hidden("#confirm")


def test_what_went_wrong_on_our_side_can_be_tried_again(visitor: Visitor, door: Door) -> None:
    door.services.fail("identity.verify_email", ServiceUnavailable())
    page = visitor.goes_to(f"/verify-email#token={TOKEN}")
    page.click("text=Confirm my address")
    page.wait_for_selector("#trouble:visible")
    door.services.answers["identity.verify_email"] = {}

    page.click("text=Confirm my address")

    page.wait_for_selector("text=Your address is confirmed")
    assert page.is_hidden("#trouble")
    visitor.complaints.clear()

"""The pages that links in mails lead to, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from chassis.errors import Gone, ServiceUnavailable, ValidationFailed
from gateway.tests.conftest import Door
from gateway.tests.interface.browsing import Visitor

TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"
PASSWORD = "a boat under the stairs"


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


def choosing(visitor: Visitor, path: str, password: str = PASSWORD) -> Page:
    """The page that a link with a token leads to, with a new password in its form."""
    page = visitor.goes_to(f"{path}#token={TOKEN}")
    page.fill("[name=new_password]", password)
    return page


@pytest.mark.parametrize(
    ("path", "method", "done"),
    [
        ("/reset-password", "identity.reset_password", "Your new password is set"),
        ("/admin-invitation", "identity.accept_admin_invitation", "Your password is set"),
    ],
    ids=["reset", "admin invitation"],
)
def test_a_password_is_chosen_with_the_token_of_the_link(
    visitor: Visitor, door: Door, path: str, method: str, done: str
) -> None:
    page = choosing(visitor, path)
    visitor.picture(path.removeprefix("/"))

    page.click("text=Set this password")

    page.wait_for_selector(f"text={done}")
    assert page.url == f"{visitor.address}{path}"
    assert asked(door, method) == [{"token": TOKEN, "new_password": PASSWORD}]


def test_a_password_that_is_refused_can_be_replaced_by_a_better_one(visitor: Visitor, door: Door) -> None:
    reason = "Is known from data breaches."
    door.services.fail("identity.reset_password", ValidationFailed("", {"new_password": [reason]}))
    page = choosing(visitor, "/reset-password", "password123")
    page.click("text=Set this password")
    page.wait_for_selector(f"#trouble:visible >> text={reason}")
    door.services.answers["identity.reset_password"] = {}

    page.fill("[name=new_password]", PASSWORD)
    page.click("text=Set this password")

    page.wait_for_selector("text=Your new password is set")
    visitor.complaints.clear()


def test_whoever_forgot_the_password_asks_for_a_link(visitor: Visitor, door: Door) -> None:
    page = visitor.goes_to("/reset-password")
    page.wait_for_selector("text=Mail me a link")
    visitor.picture("forgot-password")

    page.select_option("[name=kind]", "streamer")
    page.fill("[name=email]", "nova@stream.example")
    page.click("text=Mail me a link")

    page.wait_for_selector("text=a mail is on its way")
    [request] = asked(door, "identity.forgot_password")
    assert (request["kind"], request["email"]) == ("streamer", "nova@stream.example")


def test_a_link_that_is_opened_where_its_page_is_open_already_works(visitor: Visitor) -> None:
    page = visitor.goes_to("/reset-password")
    page.wait_for_selector("text=Mail me a link")

    visitor.goes_to(f"/reset-password#token={TOKEN}")

    page.wait_for_selector("text=Set this password")
    assert page.is_hidden("#ask")
    assert page.url == f"{visitor.address}/reset-password"


def test_a_reset_link_that_is_over_leads_to_asking_for_another(visitor: Visitor, door: Door) -> None:
    door.services.fail("identity.reset_password", LinkNotValid())
    page = choosing(visitor, "/reset-password")

    page.click("text=Set this password")

    page.wait_for_selector("text=Ask for another one")
    assert page.is_visible("text=Mail me a link")
    visitor.complaints.clear()


def invited(visitor: Visitor, password: str = PASSWORD) -> Page:
    page = visitor.goes_to(f"/team-invitation#token={TOKEN}")
    page.fill("[name=name]", "Vera")
    page.fill("[name=password]", password)
    return page


def test_whoever_is_invited_joins_with_a_name_and_a_password(visitor: Visitor, door: Door) -> None:
    door.services.answers["identity.accept_invitation"] = {"membership": {"role": "approver"}}
    page = invited(visitor)
    visitor.picture("team-invitation")

    page.click("text=Join the team")

    page.wait_for_selector("text=You are in the team, as approver")
    assert page.url == f"{visitor.address}/team-invitation"
    [request] = asked(door, "identity.accept_invitation")
    assert (request["token"], request["name"], request["password"]) == (
        TOKEN,
        "Vera",
        PASSWORD,
    )


def test_an_invitation_that_is_over_says_whom_to_ask(visitor: Visitor, door: Door) -> None:
    door.services.fail("identity.accept_invitation", LinkNotValid())
    page = invited(visitor)

    page.click("text=Join the team")

    page.wait_for_selector("text=Ask whoever invited you")
    assert page.is_hidden("#join")
    visitor.complaints.clear()


def test_an_invitation_to_administer_that_is_over_says_whom_to_ask(visitor: Visitor, door: Door) -> None:
    door.services.fail("identity.accept_admin_invitation", LinkNotValid())
    page = choosing(visitor, "/admin-invitation")

    page.click("text=Set this password")

    page.wait_for_selector("text=Ask whoever invited you")
    assert page.is_hidden("#choose")
    visitor.complaints.clear()

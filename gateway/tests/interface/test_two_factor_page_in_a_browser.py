"""Setting an authenticator app up and turning it off, in a real browser."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chassis.errors import Conflict, Error, StepUpRequired, Unauthenticated
from gateway.examples import EXAMPLES
from gateway.tests.conftest import BRAND, Door
from gateway.tests.interface.browsing import Visitor

CODE, CODES = "492039", EXAMPLES["recovery_codes"]["recovery_codes"]
GLOBEX = "brd_01jd2e7z5pf3rs8w6r8q6v2k1q"
ENROLMENT = EXAMPLES["totp_enrolment"]


class TotpRequired(Unauthenticated):
    code = "identity.totp_required"


class InvalidCode(Unauthenticated):
    code = "identity.invalid_code"


class ChooseBrand(Conflict):
    code = "identity.choose_brand"


class Identity:
    """One account, with an app or without."""

    def __init__(self, door: Door, *, enabled: bool = False) -> None:
        self.enabled, self.codes_left = enabled, 10
        self.session = EXAMPLES["brand_session"] | {"access_token": door.token("brand")}
        door.services.answers |= {
            "identity.login": self.login,
            "identity.get_totp": self.status,
            "identity.begin_totp": ENROLMENT,
            "identity.confirm_totp": self.confirm,
            "identity.step_up": lambda request: self.shown(request) or self.session,
            "identity.disable_totp": self.disable,
            "identity.replace_recovery_codes": {"recovery_codes": ["new-1", "new-2"]},
        }

    def shown(self, request: dict[str, Any]) -> None:
        if request.get("code") != CODE:
            raise InvalidCode("The code is wrong.")

    def login(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.enabled and "code" not in request:
            raise TotpRequired("Send a code of the authenticator app as well.")
        if self.enabled:
            self.shown(request)
        return self.session

    def status(self, _: Any) -> dict[str, Any]:
        at = "2026-11-23T05:00:00.000000Z" if self.enabled else None
        return {"enabled": self.enabled, "confirmed_at": at, "recovery_codes_left": self.codes_left}

    def confirm(self, request: dict[str, Any]) -> dict[str, Any]:
        self.shown(request)
        self.enabled = True
        return {"recovery_codes": CODES, "session": self.session}

    def disable(self, _: Any) -> dict[str, Any]:
        self.enabled = False
        return {}


def logged_in(visitor: Visitor, code: str = "") -> Page:
    page = visitor.goes_to("/two-factor")
    page.select_option("[name=kind]", "brands")
    page.fill("[name=email]", "ads@acme.example")
    page.fill("[name=password]", "a lamp in the attic")
    page.click("text=Log in >> nth=-1")
    if code:
        page.fill("#log-in [name=code]", code)
        page.click("text=Log in >> nth=-1")
    return page


def test_an_app_is_set_up_by_qr_code_or_key_and_its_recovery_codes_are_shown_once(
    visitor: Visitor, door: Door, tmp_path: Path
) -> None:
    Identity(door)
    page = logged_in(visitor)
    page.click("text=Set one up")
    qr = page.get_by_role("img", name="QR code for your authenticator app")
    qr.wait_for()
    assert b64decode((qr.get_attribute("src") or "").partition(",")[2]).decode() == ENROLMENT["qr_svg"]
    page.click("text=It cannot be scanned")
    assert page.inner_text("#key").replace(" ", "") == ENROLMENT["secret"]
    assert page.inner_text("#uri") == ENROLMENT["otpauth_uri"]
    visitor.picture("two-factor")

    page.fill("#confirm [name=code]", CODE)
    page.click("text=Turn it on")

    page.wait_for_selector("text=Keep these recovery codes")
    assert page.locator("#recovery li").all_inner_texts() == CODES
    with page.expect_download() as download:
        page.click("text=Download")
    kept = tmp_path / "codes.txt"
    download.value.save_as(kept)
    assert kept.read_text().split() == CODES
    assert download.value.suggested_filename == "gametriggers-recovery-codes.txt"
    visitor.picture("recovery-codes")
    page.click("text=I have kept them")
    page.wait_for_selector("text=Your app is on since 2026-11-23. Recovery codes left: 10.")
    assert CODES[0] not in page.content()
    assert ENROLMENT["secret"] not in page.content()


def test_a_wrong_code_turns_nothing_on_and_can_be_typed_again(visitor: Visitor, door: Door) -> None:
    identity = Identity(door)
    page = logged_in(visitor)
    page.click("text=Set one up")
    page.fill("#confirm [name=code]", "000000")
    page.click("text=Turn it on")
    page.wait_for_selector("#trouble:visible >> text=The code is wrong.")
    assert not identity.enabled

    page.fill("#confirm [name=code]", CODE)
    page.click("text=Turn it on")

    page.wait_for_selector("text=Keep these recovery codes")
    visitor.complaints.clear()


def test_an_app_is_turned_off_with_a_code_and_a_confirmation(visitor: Visitor, door: Door) -> None:
    identity = Identity(door, enabled=True)
    page = logged_in(visitor, CODE)
    page.wait_for_selector("text=Your app is on")
    page.fill("#change [name=code]", CODE)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click("text=Turn it off")
    assert identity.enabled
    page.fill("#change [name=code]", "000000")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("text=Turn it off")
    page.wait_for_selector("#trouble:visible >> text=The code is wrong.")
    assert identity.enabled

    page.fill("#change [name=code]", CODE)
    page.click("text=Turn it off")

    page.wait_for_selector("text=Your app is off.")
    assert not identity.enabled
    shown = [request for name, request in door.services.calls if name == "identity.step_up"]
    assert shown == [{"code": "000000"}, {"code": CODE}]
    visitor.complaints.clear()


def test_recovery_codes_are_replaced_with_a_code(visitor: Visitor, door: Door) -> None:
    Identity(door, enabled=True)
    page = logged_in(visitor, CODE)
    page.fill("#change [name=code]", CODE)

    page.click("text=New recovery codes")

    expect(page.locator("#recovery li")).to_have_text(["new-1", "new-2"])
    visitor.complaints.clear()


@pytest.mark.parametrize(
    ("refusal", "kind", "asked", "given"),
    [
        (TotpRequired(), "streamers", "code", CODE),
        (ChooseBrand("Name one.", brands=[BRAND, GLOBEX]), "members", "brand_id", GLOBEX),
    ],
    ids=["code", "brand"],
)
def test_what_a_log_in_lacks_is_asked_for(
    visitor: Visitor, door: Door, refusal: Error, kind: str, asked: str, given: str
) -> None:
    identity = Identity(door)

    def login(request: dict[str, Any]) -> dict[str, Any]:
        if request.get(asked) != given:
            raise refusal
        return identity.session

    door.services.answers |= {"identity.login": login, "identity.login_member": login}
    page = visitor.goes_to("/two-factor")
    page.select_option("[name=kind]", kind)
    page.fill("[name=email]", "vera@acme.example")
    page.fill("[name=password]", "a lamp in the attic")
    assert page.is_hidden(f"#log-in [name={asked}]")
    page.click("text=Log in >> nth=-1")
    field = page.locator(f"#log-in [name={asked}]")
    field.wait_for()
    if asked == "code":
        field.fill(given)
    else:
        field.select_option(given)

    page.click("text=Log in >> nth=-1")

    page.wait_for_selector("text=Your account has no authenticator app.")
    visitor.complaints.clear()


def test_whoever_logged_in_long_ago_is_asked_to_log_in_again(visitor: Visitor, door: Door) -> None:
    Identity(door)
    page = logged_in(visitor)
    door.services.fail("identity.begin_totp", StepUpRequired("Log in again.", acr_values="pwd", max_age=600))

    page.click("text=Set one up")

    page.wait_for_selector("#trouble:visible >> text=Log in again.")
    assert page.is_visible("#log-in")
    visitor.complaints.clear()

"""Links in mails, followed from a real mailbox through a real browser, on a real platform."""

import re
import shutil
import uuid

import httpx
import pytest
from playwright.sync_api import sync_playwright

from chassis.testing import eventually
from compose.demo.browser import ARGUMENTS
from compose.outside.smtp import mails

pytestmark = pytest.mark.timeout(300)

PASSWORD = "a lamp in the attic"
BETTER_PASSWORD = "a boat under the stairs"

SECONDS_TO_ARRIVE = 30
# What DOMAIN.md promises; the answer that shows it takes a moment, too.
SECONDS_TO_BE_OUT = 1.0


class Owner:
    """A new brand, its mailbox and its sessions."""

    def __init__(self, platform):
        self.email = f"owner-{uuid.uuid4().hex[:8]}@acme.example"
        self.mail_dir = platform.run_dir / "mail"
        self.http = httpx.Client(base_url=platform.status()["addresses"]["gateway"], timeout=10)

    def register(self):
        contact = {"name": "Ada Lund", "position": "Marketing", "phone": "+4915112345678"}
        company = {"company_name": "Acme Energy", "industry": "beverages", "contact_person": contact}
        return self.post("/v1/brands/register", {**self.credentials(PASSWORD), **company}).json()

    def log_in(self, password):
        return self.post("/v1/brands/login", self.credentials(password))

    def credentials(self, password):
        return {"email": self.email, "password": password}

    def post(self, path, body, session=None):
        headers = {"Authorization": f"Bearer {session['access_token']}"} if session else {}
        return self.http.post(path, json=body, headers=headers)

    def is_in(self, session):
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        return self.http.get("/v1/auth/sessions", headers=headers).status_code == 200

    def mail(self, subject):
        """The newest mail with this subject, once there is one."""

        def arrived():
            mine = [mail for mail in mails(self.mail_dir) if self.email in mail["To"]]
            return [mail for mail in mine if mail["Subject"] == subject]

        return eventually(arrived, SECONDS_TO_ARRIVE)[-1]

    def link(self, subject):
        text = self.mail(subject).get_body(("plain",)).get_content()
        return re.search(r"http\S+#token=\S+", text).group()


@pytest.fixture
def owner(platform):
    own = Owner(platform)
    yield own
    own.http.close()


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser.new_page()
        browser.close()


def test_the_mail_to_a_new_account_leads_to_a_verified_address(owner, page):
    session = owner.register()

    page.goto(owner.link("Confirm your e-mail address"))
    page.click("text=Confirm my address")

    page.wait_for_selector("text=Your address is confirmed")
    assert session["account"]["email_verified"] is False
    assert owner.log_in(PASSWORD).json()["account"]["email_verified"] is True


def test_a_forgotten_password_is_reset_by_mail_and_every_session_is_out_within_a_second(owner, page):
    session = owner.register()
    assert owner.is_in(session)
    page.goto(str(owner.http.base_url.join("/reset-password")))
    page.fill("[name=email]", owner.email)
    page.click("text=Mail me a link")
    page.wait_for_selector("text=a mail is on its way")

    page.goto(owner.link("Set a new password"))
    page.fill("[name=new_password]", BETTER_PASSWORD)
    page.click("text=Set this password")
    page.wait_for_selector("text=Your new password is set")

    eventually(lambda: not owner.is_in(session), SECONDS_TO_BE_OUT)
    assert owner.log_in(PASSWORD).status_code == 401
    assert owner.log_in(BETTER_PASSWORD).status_code == 200
    assert "Every session" in owner.mail("Your password was changed").get_body(("plain",)).get_content()


def test_the_owner_of_a_stolen_session_is_told_by_mail_and_in_the_inbox(owner):
    first = owner.register()
    second = owner.post("/v1/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    owner.post("/v1/auth/refresh", {"refresh_token": second["refresh_token"]})

    replay = owner.post("/v1/auth/refresh", {"refresh_token": first["refresh_token"]})

    assert replay.status_code == 401
    eventually(lambda: not owner.is_in(second), SECONDS_TO_BE_OUT)
    assert owner.mail("We ended a session of yours")
    session = owner.log_in(PASSWORD).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    inbox = owner.http.get("/v1/notifications", headers=headers).json()["items"]
    assert "refresh_token_reused" in {item["kind"] for item in inbox}


def test_no_token_of_a_link_is_in_any_log(owner, platform):
    owner.register()
    token = owner.link("Confirm your e-mail address").partition("#token=")[2]
    assert owner.post("/v1/auth/verify-email", {"token": token}).status_code == 204

    logs = [path for path in platform.run_dir.rglob("*.log*") if path.is_file()]

    assert logs
    assert [path for path in logs if token.encode() in path.read_bytes()] == []

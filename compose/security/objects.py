"""What a final verb is tried on: an object made for this one try, since it does not come back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import httpx
import jwt

from compose.demo.actors import PASSWORD, Account, go_live, link_channel, log_in, set_app_up, usd
from compose.demo.api import Api, until
from compose.security.stage import Stage, applied, invite, join, new_admin
from compose.stack import Stack

BUDGET_MINOR = 10_000
SECONDS = 10.0
AT_ONCE = 4
LOG_INS = {"brand": "/v1/brands/login", "streamer": "/v1/streamers/login", "member": "/v1/members/login"}


class Made(NamedTuple):
    """Values of path parameters, and the token to come with where it has to be a certain session's."""

    ids: Mapping[str, str] = {}
    token: str = ""


class Objects:
    """Makes them as the owner would, over HTTP."""

    def __init__(self, stage: Stage, stack: Stack) -> None:
        self._stage, self._stack = stage, stack
        self._people = {
            "brand": ("brand", stage.brand),
            "other brand": ("brand", stage.other_brand),
            "streamer": ("streamer", stage.streamer),
            "other streamer": ("streamer", stage.other_streamer),
            **{role: ("member", member) for role, member in stage.members.items()},
        }
        self._makers: Mapping[str, Callable[[str], Made]] = {
            "DELETE /v1/auth/providers/{provider}": self._provider,
            "DELETE /v1/auth/sessions/{sid}": self._session,
            "POST /v1/auth/logout": self._session,
            "DELETE /v1/auth/totp": self._app,
            "POST /v1/auth/recovery-codes": self._app,
            "DELETE /v1/api-keys/{key_id}": self._key,
            "DELETE /v1/brands/me/payment-methods/{payment_method_id}": self._payment_method,
            "PATCH /v1/brands/me/team/{member_id}": self._member,
            "DELETE /v1/brands/me/team/{member_id}": self._member,
            "DELETE /v1/brands/me/team/me": self._leaver,
            "DELETE /v1/brands/me/team/invitations/{invitation_id}": self._invitation,
            "DELETE /v1/streamers/me/platforms/{name}": self._platform,
            "DELETE /v1/campaigns/{campaign_id}": self._draft,
            "POST /v1/campaigns/{campaign_id}/complete": self._running,
            "POST /v1/campaigns/{campaign_id}/cancel": self._approved,
            "POST /v1/participations/{participation_id}/leave": self._participation,
            "POST /v1/participations/{participation_id}/remove": self._participation,
            "DELETE /v1/webhook-endpoints/{endpoint_id}": self._endpoint,
        }

    @property
    def rows(self) -> frozenset[str]:
        """The routes that it makes something for."""
        return frozenset(self._makers)

    def make(self, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], Made]:
        """By row and column; what takes its time in different services is made at the same time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            made = pool.map(lambda cell: self._makers[cell[0]](cell[1]), wanted)
            return dict(zip(wanted, made, strict=True))

    def _session(self, column: str) -> Made:
        token = self._fresh(column).token
        claims = jwt.decode(token, options={"verify_signature": False})
        return Made({"sid": claims["sid"]}, token)

    def _fresh(self, column: str) -> Api:
        """A session that may end. An administrator's code is good once, so that one is new altogether."""
        if column not in self._people:
            return self._administrator(with_app=column == "admin").api
        kind, account = self._people[column]
        return log_in(self._nobody, LOG_INS[kind], account.email, PASSWORD).api

    def _administrator(self, *, with_app: bool) -> Account:
        return new_admin(self._stack, self._nobody, some_name(), with_app=with_app)

    def _app(self, column: str) -> Made:
        """Somebody new, since whoever has an app needs it for each log-in from then on."""
        if column not in self._people:
            return Made(token=self._administrator(with_app=True).api.token)
        return Made(token=set_app_up(self._newcomer(self._people[column][0]))["access_token"])

    def _newcomer(self, kind: str) -> Api:
        email = f"{some_name()}@acme.example"
        who = (
            {"display_name": "Comet"}
            if kind == "streamer"
            else {
                "company_name": "Acme Energy",
                "industry": "beverages",
                "contact_person": {"name": "Ada Lund", "position": "Marketing", "phone": "+4915112345678"},
            }
        )
        session = self._nobody.post(f"/v1/{kind}s/register", {"email": email, "password": PASSWORD, **who})
        return Api(self._nobody.base_url, session["access_token"])

    def _provider(self, column: str) -> Made:
        """Linked as a browser does it: to the provider with our cookie, and back."""
        name, provider = some_name(), self._stack.http("TWITCH_PORT")
        person = {"username": name, "email": f"{name}@stream.example", "email_verified": True}
        with httpx.Client(base_url=self._stage.url, timeout=SECONDS) as browser:
            browser.put(f"{provider}/_control/people/{name}", json=person).raise_for_status()
            bearer = {"Authorization": f"Bearer {self._fresh(column).token}"}
            there = browser.get("/v1/oauth/twitch/authorize", headers=bearer).json()["authorize_url"]
            back = browser.post(there, data={"subject": name}).headers["Location"]
            browser.get(back).raise_for_status()
        return Made({"provider": "twitch"})

    def _key(self, _: str) -> Made:
        key = self._brand.post("/v1/api-keys", {"name": "Short-lived", "scopes": ["campaigns:read"]})
        return Made({"key_id": key["id"]})

    def _payment_method(self, column: str) -> Made:
        """The brand comes last, and takes the one that others could not."""
        if column == "brand":
            return Made()
        card = {"provider": "sandbox", "reference": "pm_card_mastercard"}
        return Made({"payment_method_id": self._brand.post("/v1/brands/me/payment-methods", card)["id"]})

    def _member(self, _: str) -> Made:
        """The owner comes last, when this one has tried everything."""
        return Made({"member_id": self._stage.members["viewer"].id})

    def _leaver(self, column: str) -> Made:
        """Somebody new in the team; the brand's own account cannot leave it, so an owner does."""
        name = some_name()
        invite(self._stage.brand, column if column in self._stage.members else "owner", name)
        member = join(self._nobody, self._stack.layout.mail, f"{name}@acme.example")
        return Made(token=member.api.token)

    def _endpoint(self, _: str) -> Made:
        made = self._brand.post("/v1/webhook-endpoints", {"url": f"{self._stage.url}/health/live"})
        return Made({"endpoint_id": made["id"]})

    def _invitation(self, _: str) -> Made:
        return Made({"invitation_id": invite(self._stage.brand, "viewer", some_name())["id"]})

    def _platform(self, column: str) -> Made:
        _, streamer = self._people[column]
        if column == "other streamer":
            login = some_name()
            go_live(self._stack.http("TWITCH_PORT"), login, 1)
            link_channel(streamer, self._stage.admin, login)
        return Made({"name": "twitch"})

    def _draft(self, _: str) -> Made:
        now = datetime.now(UTC)
        brief = {
            "name": "Over soon",
            "budget": usd(BUDGET_MINOR),
            "start_at": now.isoformat(),
            "end_at": (now + timedelta(days=7)).isoformat(),
            "creatives": [
                {"asset_id": self._stage.ids["asset_id"], "placement": "banner", "weight": 1, "duration_s": 5}
            ],
            "compensation": {"type": "cpm", "cpm_minor": 100},
            "approval": "auto",
        }
        return Made({"campaign_id": self._brand.post("/v1/campaigns", brief)["id"]})

    def _approved(self, column: str) -> Made:
        made = self._draft(column)
        self._brand.post(f"/v1/campaigns/{made.ids['campaign_id']}/submit")
        self._stage.admin.api.post(f"/v1/admin/campaigns/{made.ids['campaign_id']}/approve")
        return made

    def _running(self, column: str) -> Made:
        made = self._approved(column)
        self._brand.post(f"/v1/campaigns/{made.ids['campaign_id']}/activate")
        return made

    def _participation(self, column: str) -> Made:
        """In a campaign of its own."""
        campaign, streamer = self._running(column).ids["campaign_id"], self._stage.streamer.api
        application = until("a place in the campaign", lambda: applied(streamer, campaign))
        return Made({"participation_id": application["id"]})

    @property
    def _brand(self) -> Api:
        return self._stage.brand.api

    @property
    def _nobody(self) -> Api:
        return Api(self._stage.url)


def some_name() -> str:
    return f"guest_{uuid.uuid4().hex[:12]}"

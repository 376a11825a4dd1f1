"""One campaign read through the whole platform, against the same document through stock Nameko."""

import json
import statistics
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from compose import environment, lifecycle
from compose.bench import web
from compose.bench.context import Context
from compose.bench.machine import free_port
from compose.bench.measure import Row, Target

CLIENTS = 50
OUR_REQUESTS = 2_000
STOCK_REQUESTS = 600
WARM_UP_REQUESTS = 200

CAMPAIGN: dict[str, Any] = {
    "name": "Measured",
    "description": "A campaign that is read again and again.",
    "budget": {"amount_minor": 100_000, "currency": "USD"},
    "compensation": {"type": "cpm", "cpm_minor": 500},
}


def vs_stock_gateway(context: Context) -> Row:
    stack = lifecycle.up(context.environ)
    token = a_brand(stack.public_url)
    campaign = a_campaign(stack.public_url, token)
    ours_url = f"{stack.public_url}/v1/campaigns/{campaign['id']}"
    document = stack.layout.run_dir / "bench-document.json"
    document.write_text(json.dumps(campaign))
    port = free_port()
    context.fleet.stock("campaigns", DOCUMENT=str(document))
    context.fleet.stock("gateway", WEB_SERVER_ADDRESS=f"127.0.0.1:{port}")
    stock_url = f"http://127.0.0.1:{port}/v1/campaigns/{campaign['id']}"
    context.fleet.wait_until(lambda: answers(stock_url), "the stock gateway")
    authorization = {"Authorization": f"Bearer {token}"}
    each_its_own = [
        (f"{stack.public_url}/v1/campaigns/{a_campaign(stack.public_url, token)['id']}", authorization)
        for _ in range(CLIENTS)
    ]

    def ours(requests: int = OUR_REQUESTS) -> float:
        return web.requests_per_second(ours_url, authorization, requests, CLIENTS)

    def stock(requests: int = STOCK_REQUESTS) -> float:
        return web.requests_per_second(stock_url, {}, requests, CLIENTS)

    def apart() -> float:
        return web.mixed_requests_per_second(each_its_own, OUR_REQUESTS)

    ours(WARM_UP_REQUESTS)
    stock(WARM_UP_REQUESTS)
    found = context.in_turn(ours, stock)
    own = statistics.median(context.alone(apart))
    return Row(
        name="http_vs_stock_gateway",
        what=f"GET one campaign, {CLIENTS} clients, {OUR_REQUESTS} a round ({STOCK_REQUESTS} of stock); "
        f"ours: {environment.GATEWAY_WORKERS} gateway workers and 1 service process, the token verified by "
        "both, equal reads that come at once shared, read from the document store; stock: 1 process each, "
        "as `nameko run` starts it, no token, from memory",
        unit="requests/s",
        higher_is_better=True,
        target=Target(at_least=5),
        peer_name="stock Nameko 2.14 HTTP",
        ours=found[0],
        peer=found[1],
        details=f"each client with a campaign of its own, so that no two reads are equal: {own:,.0f} "
        f"requests/s, {own / statistics.median(found[1]):.2f} times stock",
    )


def a_brand(url: str) -> str:
    body = {
        "email": f"bench-{uuid.uuid4().hex[:12]}@example.com",
        "password": uuid.uuid4().hex,
        "company_name": "Bench",
        "industry": "software",
        "contact_person": {"name": "Bench", "position": "tester", "phone": "+49 30 1234567"},
    }
    return str(post(f"{url}/v1/brands/register", body)["access_token"])


def a_campaign(url: str, token: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {"start_at": now.isoformat(), "end_at": (now + timedelta(days=7)).isoformat()}
    return post(f"{url}/v1/campaigns", CAMPAIGN | times, {"Authorization": f"Bearer {token}"})


def post(url: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
    keyed = {"Idempotency-Key": str(uuid.uuid4()), **(headers or {})}
    response = httpx.post(url, json=body, headers=keyed, timeout=30)
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False

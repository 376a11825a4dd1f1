from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.portal import guides
from gateway.portal.events import services_of
from gateway.tests.conftest import Door

HOUSE = "https://api.house.example"


def test_the_overview_leads_to_every_guide(door: Door) -> None:
    overview = door.client.get("/docs").text

    for name in guides.NAMES:
        assert f'href="/docs/guides/{name}"' in overview
        assert door.client.get(f"/docs/guides/{name}").status_code == 200


def test_a_guide_that_does_not_exist_is_a_problem(door: Door) -> None:
    response = door.client.get("/docs/guides/..%2f..%2fapp")

    assert (response.status_code, response.json["code"]) == (404, "not_found")


def test_a_guide_says_the_address_of_this_platform(make_door: Callable[..., Door]) -> None:
    text = make_door(public_url=HOUSE).client.get("/docs/guides/first-campaign").text

    assert HOUSE in text
    assert guides.PUBLIC_URL not in text


def test_every_route_that_a_guide_names_exists(door: Door) -> None:
    paths = door.client.get("/openapi.json").json["paths"]
    known = {re.sub(r"{[^}]+}", "{}", path) for path in paths}

    for name in guides.NAMES:
        text = (guides.FOLDER / f"{name}.md").read_text()
        for path in re.findall(r"/v1/[a-z0-9/_{}$A-Z.-]+|/\.well-known/[a-z.]+", text):
            assert re.sub(r"{[^}]+}|\$[A-Z]+", "{}", path).rstrip("/.") in known, f"{path} in {name}"


def test_what_a_reader_does_with_an_answer_stands_below_the_block(door: Door) -> None:
    text = door.client.get("/docs/guides/first-campaign").text

    assert "Keep the answer's <code>access_token</code> as <code>TOKEN</code>." in text
    assert "Ask again until <code>status</code> is <code>succeeded</code>." in text


def test_markdown_brings_no_html_of_its_own() -> None:
    assert "<script>" not in guides.renderer().render("<script>alert(1)</script>")


ASYNCAPI = {
    "channels": {
        "campaign.campaign_activated": {
            "bindings": {"amqp": {"exchange": {"name": "campaign.events"}}},
        }
    },
    "components": {
        "messages": {
            "campaign.campaign_activated": {
                "name": "campaign_activated",
                "summary": "A campaign runs.",
                "payload": {
                    "properties": {
                        "subject": {"description": "the campaign_id"},
                        "eventversion": {"const": 2},
                        "data": {
                            "required": ["budget"],
                            "properties": {
                                "budget": {
                                    "type": "object",
                                    "properties": {"amount_minor": {"type": "integer"}},
                                },
                                "until": {
                                    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]
                                },
                                "tags": {"type": "array", "items": {"type": "string"}},
                            },
                        },
                    }
                },
            }
        }
    },
}


def test_an_event_is_shown_with_its_fields() -> None:
    [service] = services_of(ASYNCAPI)
    [event] = service.events

    assert (service.name, event.name, event.version) == ("campaign", "campaign_activated", 2)
    assert event.exchange == "campaign.events"
    assert [(field.name, field.type, field.depth, field.is_required) for field in event.fields] == [
        ("budget", "object", 0, True),
        ("amount_minor", "integer", 1, False),
        ("until", "date-time | null", 0, False),
        ("tags", "list of string", 0, False),
    ]


def test_the_events_page_shows_what_this_platform_publishes(
    make_door: Callable[..., Door], tmp_path: Path
) -> None:
    file = tmp_path / "asyncapi.json"
    file.write_text(json.dumps(ASYNCAPI))

    text = make_door(asyncapi_file=str(file)).client.get("/docs/events").text

    assert "campaign_activated" in text
    assert "amount_minor" in text


def test_without_a_description_the_events_page_says_so(door: Door) -> None:
    assert "without a description of its events" in door.client.get("/docs/events").text


@pytest.mark.parametrize("name", guides.NAMES)
def test_a_guide_begins_with_what_the_reader_will_have(name: str) -> None:
    guide = guides.read(name, HOUSE)

    assert guide.title
    assert guide.summary.endswith(".")
    assert guide.headings

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.examples import CAMPAIGN
from gateway.tests.conftest import Door

OF_CAMPAIGN, OWN = f"/v1/analytics/campaigns/{CAMPAIGN}", "/v1/analytics/streamers/me"
PERIOD = {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T00:00:00.000000Z", "currency": "EUR"}
EXPORTS = [(OF_CAMPAIGN, "brand", "campaign_export"), (OWN, "streamer", "streamer_export")]
CHARTS = [(OF_CAMPAIGN, "brand", "campaign_chart"), (OWN, "streamer", "streamer_chart")]
REPORTS = [
    (OF_CAMPAIGN, "brand", "campaign_report"),
    (OWN, "streamer", "streamer_report"),
    ("/v1/analytics/brands/me", "brand", "brand_report"),
]


def a_page(content: str, next_cursor: str | None = None) -> dict[str, Any]:
    return {**PERIOD, "filename": "campaign-1.csv", "content": content, "next_cursor": next_cursor}


@pytest.mark.parametrize(("path", "kind", "method"), EXPORTS)
def test_an_export_is_one_file_of_all_pages(door: Door, path: str, kind: str, method: str) -> None:
    pages = [a_page("at,rendered\r\n", "next"), a_page("x,1\r\n", "last"), a_page("y,2\r\n")]
    door.services.answers[f"analytics.{method}"] = lambda _: pages[len(door.services.calls) - 1]

    response = door.client.get(f"{path}/export.csv?bucket=hour", headers=door.as_(kind))

    assert response.data == b"at,rendered\r\nx,1\r\ny,2\r\n"
    assert response.content_type == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"] == "attachment; filename=campaign-1.csv"
    asked = [request for _, request in door.services.calls]
    assert [request.get("cursor") for request in asked] == [None, "next", "last"]
    # What the first page took for its period, all of them have, however long they take.
    assert all(PERIOD.items() <= request.items() for request in asked[1:])
    assert all(request["bucket"] == "hour" for request in asked)


def test_an_export_that_fails_on_its_way_is_no_file(door: Door) -> None:
    from chassis.errors import ServiceUnavailable

    def fails_later(request: dict[str, Any]) -> dict[str, Any]:
        if "cursor" in request:
            raise ServiceUnavailable("gone")
        return a_page("at\r\n", "next")

    door.services.answers["analytics.streamer_export"] = fails_later

    response = door.client.get(f"{OWN}/export.csv", headers=door.as_("streamer"))

    assert (response.status_code, response.content_type) == (503, "application/problem+json")


@pytest.mark.parametrize(("path", "kind", "method"), CHARTS)
def test_a_chart_is_a_picture_that_may_do_nothing(door: Door, path: str, kind: str, method: str) -> None:
    door.services.answers[f"analytics.{method}"] = {"svg": "<svg>Grün</svg>"}

    response = door.client.get(f"{path}/chart.svg?metric=net_minor&theme=dark", headers=door.as_(kind))

    assert response.text == "<svg>Grün</svg>"
    assert response.content_type == "image/svg+xml; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy.split("; ")
    assert {"metric": "net_minor", "theme": "dark"}.items() <= door.services.last[1].items()


@pytest.mark.parametrize(("path", "kind", "method"), REPORTS)
def test_a_report_is_a_file_to_keep(door: Door, path: str, kind: str, method: str) -> None:
    document = {"filename": "streamer-1-2026-10.pdf", "content_base64": base64.b64encode(b"%PDF").decode()}
    door.services.answers[f"analytics.{method}"] = document

    response = door.client.get(f"{path}/report.pdf?month=2026-10", headers=door.as_(kind))

    assert (response.data, response.content_type) == (b"%PDF", "application/pdf")
    assert response.headers["Content-Disposition"] == "attachment; filename=streamer-1-2026-10.pdf"
    assert door.services.last[1]["month"] == "2026-10"


@pytest.mark.parametrize(
    ("path", "answer"),
    [("export.csv", a_page("at\r\n")), ("chart.svg", {"svg": "<svg/>"})],
)
def test_figures_that_did_not_change_are_not_sent_again(door: Door, path: str, answer: Any) -> None:
    door.services.answers["analytics.streamer_export"] = answer
    door.services.answers["analytics.streamer_chart"] = answer
    headers = door.as_("streamer")
    first = door.client.get(f"{OWN}/{path}", headers=headers)

    again = door.client.get(f"{OWN}/{path}", headers={**headers, "If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")


@pytest.mark.parametrize(
    "question",
    [
        "export.csv?cursor=abc",
        "export.csv?by=streamer",
        "export.csv?bucket=week",
        "export.csv?from=2026-10-01T00:00:00",
        "chart.svg?metric=money",
        "chart.svg?theme=%3Cscript%3E",
        "report.pdf?month=2026-13",
        "report.pdf?month=2026-1",
        "report.pdf?month=2026-10%0A",
        "report.pdf?month=last",
    ],
)
def test_a_question_that_makes_no_sense_is_refused_before_any_service_is_asked(
    door: Door, question: str
) -> None:
    response = door.client.get(f"{OWN}/{question}", headers=door.as_("streamer"))

    assert (response.status_code, response.content_type) == (422, "application/problem+json")
    assert door.services.calls == []


@pytest.mark.parametrize("file", ["export.csv", "report.pdf", "chart.svg"])
def test_figures_are_for_those_whose_they_are(door: Door, file: str) -> None:
    assert door.client.get(f"{OWN}/{file}").status_code == 401
    assert door.client.get(f"{OWN}/{file}", headers=door.as_("brand")).status_code == 403
    assert door.client.get(f"{OF_CAMPAIGN}/{file}", headers=door.as_("streamer")).status_code == 403
    assert door.services.calls == []


def test_the_document_names_what_these_files_are(door: Door) -> None:
    paths = door.client.get("/openapi.json").json["paths"]

    found = {
        path.rpartition("/")[2]: list(paths[path]["get"]["responses"]["200"]["content"])
        for path in paths
        if path.startswith(OWN)
    }

    assert found["export.csv"] == ["text/csv"]
    assert found["report.pdf"] == ["application/pdf"]
    assert found["chart.svg"] == ["image/svg+xml"]
    assert found["live"] == ["text/event-stream"]
    assert "304" in paths[f"{OWN}/chart.svg"]["get"]["responses"]
    assert "304" not in paths[f"{OWN}/report.pdf"]["get"]["responses"]
    month = paths[f"{OWN}/report.pdf"]["get"]["parameters"][0]
    assert month["schema"]["pattern"] == "^20[2-9][0-9]-(0[1-9]|1[0-2])$"

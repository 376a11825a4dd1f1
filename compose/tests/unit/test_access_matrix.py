import pytest

from compose.demo.actors import Account
from compose.security import matrix
from compose.security.matrix import ALLOWED, COLUMNS, DONE, FORBIDDEN, MISSING, OPEN, STEP_UP, UNKNOWN, Row
from compose.security.objects import Objects
from compose.security.stage import Stage
from gateway.tests.conftest import *


def expected(line, column):
    return Row.parse(line).expected(column)


METHODS = {"get", "post", "put", "patch", "delete"}
CAMPAIGN = (
    "GET /v1/campaigns/{campaign_id} campaigns:read|marketplace:read|admin:campaigns brand streamer+ admin+"
)
END = "DELETE /v1/campaigns/{campaign_id} campaigns:write brand !"


@pytest.mark.parametrize(
    ("line", "column", "meaning"),
    [
        ("GET /health/live open", "anonymous", OPEN),
        ("GET /health/live open", "expired", OPEN),
        ("GET /v1/oauth/{provider}/authorize open streamer", "anonymous", OPEN),
        ("GET /v1/oauth/{provider}/authorize open streamer", "brand", FORBIDDEN),
        ("GET /v1/oauth/{provider}/authorize open streamer", "expired", UNKNOWN),
        (CAMPAIGN, "anonymous", UNKNOWN),
        (CAMPAIGN, "wrong audience", UNKNOWN),
        (CAMPAIGN, "brand", ALLOWED),
        (CAMPAIGN, "viewer", ALLOWED),
        (CAMPAIGN, "other brand", MISSING),
        (CAMPAIGN, "other streamer", ALLOWED),
        (CAMPAIGN, "admin", ALLOWED),
        (CAMPAIGN, "admin by password", STEP_UP),
        ("GET /v1/admin/audit admin:audit admin", "admin by password", STEP_UP),
        ("GET /v1/admin/audit admin:audit admin", "admin", ALLOWED),
        ("GET /v1/auth/totp - brand streamer admin", "admin by password", ALLOWED),
        ("DELETE /v1/auth/totp - brand streamer admin * !", "admin by password", STEP_UP),
        ("DELETE /v1/auth/totp - brand streamer admin * !", "brand", DONE),
        ("DELETE /v1/auth/totp - brand streamer admin * !", "manager", STEP_UP),
        ("DELETE /v1/auth/sessions/{sid} - brand streamer admin !", "admin", DONE),
        (END, "streamer", FORBIDDEN),
        (END, "viewer", FORBIDDEN),
        (END, "brand", DONE),
        (END, "manager", DONE),
        (END, "other brand", MISSING),
        ("GET /v1/payouts/{payout_id} payouts:request streamer ?", "streamer", MISSING),
        ("GET /v1/wallet wallet:read brand streamer", "other brand", ALLOWED),
        ("GET /v1/invoices/{invoice_id} wallet:read brand streamer-", "streamer", MISSING),
    ],
)
def test_a_cell_says_what_comes_of_a_route_and_who_comes(line, column, meaning):
    assert expected(line, column) == meaning


def test_every_route_of_the_document_has_a_row_and_every_row_a_route(door):
    """A new route fails here until somebody says in access.txt who may use it."""
    paths = door.client.get("/openapi.json").json["paths"]

    documented = {
        f"{method.upper()} {path}" for path, item in paths.items() for method in item if method in METHODS
    }

    assert documented == {str(row) for row in matrix.rows()}


def test_no_route_has_two_rows():
    assert len(matrix.rows()) == len(set(map(str, matrix.rows())))


def test_there_is_an_object_for_each_verb_that_ends_one():
    nobody = Account("", "", None)
    objects = Objects(Stage("", nobody, nobody, nobody, nobody, nobody), None)

    assert objects.rows == {str(row) for row in matrix.rows() if row.is_final}


def test_every_cell_is_tried():
    assert len(list(matrix.cells())) == len(matrix.rows()) * len(COLUMNS)

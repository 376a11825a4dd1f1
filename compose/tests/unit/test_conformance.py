from compose.security import conformance
from gateway.tests.conftest import *

METRICS = """# TYPE http_responses_total counter
http_responses_total{method="GET",route="/v1/wallet",status="200"} 4.0
http_responses_total{method="GET",route="/v1/wallet",status="410"} 1.0
http_responses_total{method="POST",route="/v1/webhooks/<any(stripe, paypal):provider>",status="302"} 1.0
http_responses_total{method="GET",route="/v1/campaigns/<id:campaign_id>",status="404"} 1.0
http_responses_total{method="GET",route="/docs",status="418"} 1.0
http_responses_total{method="GET",route="unmatched",status="404"} 1.0
"""


def test_an_answer_that_the_document_does_not_promise_is_found(door):
    document = door.client.get("/openapi.json").json

    assert conformance.undocumented(METRICS, document) == [
        "GET /v1/wallet 410",
        "POST /v1/webhooks/{provider} 302",
    ]


def test_every_route_of_the_document_is_recognised(door):
    paths = set(door.client.get("/openapi.json").json["paths"])

    recognised = {conformance.PARAMETER.sub(r"{\1}", rule.rule) for rule in door.app.url_map.iter_rules()}

    assert paths <= recognised

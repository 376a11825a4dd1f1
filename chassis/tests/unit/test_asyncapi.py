from types import ModuleType

from chassis import asyncapi
from chassis.tests.unit import test_values


def test_every_event_is_a_channel_with_its_schema():
    module = ModuleType("events")
    module.Ordered = test_values.Ordered
    module.__name__ = test_values.Ordered.__module__

    document = asyncapi.document({"shop": module}, "Shop", "1")

    assert document["asyncapi"] == "3.0.0"
    exchange = document["channels"]["shop.ordered"]["bindings"]["amqp"]["exchange"]["name"]
    assert exchange == "shop.events"
    data = document["components"]["messages"]["shop.ordered"]["payload"]["properties"]["data"]
    assert data["required"] == ["order_id", "at", "lines"]
    assert data["properties"]["lines"]["items"]["properties"]["price"]["required"] == [
        "amount_minor",
        "currency",
    ]
    assert data["properties"]["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}

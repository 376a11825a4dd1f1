import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from marshmallow import ValidationError, fields

from chassis.schema import MoneySchema, Schema, page_of


class Place(Schema):
    city = fields.String(required=True)
    zip_code = fields.String(load_only=True)


class Person(Schema):
    name = fields.String(required=True)
    home = fields.Nested(Place)
    former = fields.List(fields.Nested(Place))


class Employee(Person):
    salary = fields.Nested(MoneySchema)


def test_a_schema_is_built_once():
    assert Person() is Person()


def test_each_class_has_its_own_instance():
    assert type(Person()) is Person
    assert type(Employee()) is Employee
    assert type(page_of(Person)()) is not type(page_of(Employee)())


def test_a_field_nests_the_one_instance():
    assert Person().fields["home"].schema is Place()
    assert Person().fields["former"].inner.schema is Place()
    assert Employee().fields["home"].schema is Place()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"only": ["name"]}, {"name": "Nova"}),
        ({"only": []}, {}),
        ({"exclude": ["home"]}, {"name": "Nova"}),
        ({"exclude": ["home.city"]}, {"name": "Nova", "home": {}}),
        ({"load_only": ["home"]}, {"name": "Nova"}),
    ],
)
def test_a_schema_with_options_is_one_of_its_own(options, expected):
    nova = {"name": "Nova", "home": {"city": "Berlin"}}

    assert Person(**options).dump(nova) == expected
    assert Person().dump(nova) == nova


def test_a_schema_for_many_is_one_of_its_own():
    assert Place(many=True).dump([{"city": "Berlin"}]) == [{"city": "Berlin"}]
    assert Place(many=False).dump({"city": "Berlin"}) == {"city": "Berlin"}


def test_a_schema_that_is_declared_for_many_can_still_be_had_for_one():
    class Places(Place):
        class Meta:
            many = True

    assert Places().dump([{"city": "Berlin"}]) == [{"city": "Berlin"}]
    assert Places(many=False).dump({"city": "Berlin"}) == {"city": "Berlin"}


def test_a_refused_document_leaves_nothing_behind():
    with pytest.raises(ValidationError) as refused:
        Person().load({"home": {"city": 5}, "former": [{}], "age": 7})

    assert set(refused.value.normalized_messages()) == {"name", "home", "former", "age"}
    assert Person().load({"name": "Nova"}) == {"name": "Nova"}
    with pytest.raises(ValidationError) as refused_again:
        Person().load({})
    assert set(refused_again.value.normalized_messages()) == {"name"}


def test_threads_that_come_at_once_get_what_they_asked_for():
    class Fresh(Person):
        """Not built yet when the threads start."""

    threads = 8
    together = threading.Barrier(threads)

    def load(number):
        together.wait(timeout=10)
        return Fresh().load({"name": str(number), "home": {"city": f"City {number}"}})

    with ThreadPoolExecutor(threads) as pool:
        loaded = list(pool.map(load, range(threads)))

    assert loaded == [{"name": str(n), "home": {"city": f"City {n}"}} for n in range(threads)]

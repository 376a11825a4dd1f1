import pytest
from amqp.basic_message import Message

from chassis.events.consumer import _attempt


@pytest.mark.parametrize(("header", "attempts"), [(2, 2), (-100, 0), ("2", 0), (None, 0), ([], 0)])
def test_no_header_takes_a_message_out_of_the_list_of_delays_by_its_lower_end(header, attempts):
    assert _attempt(Message(b"", application_headers={"x-attempt": header})) == attempts

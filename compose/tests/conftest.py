import select

import pytest


def pytest_collection_finish(session):
    """These tests use threads and real sockets, and importing a service's classes replaces both for good."""
    if not hasattr(select, "poll"):
        raise pytest.UsageError("A test of compose imports a module that patches this process for eventlet.")

from __future__ import annotations

import pytest

from chassis.mongo import Mongo


@pytest.fixture
def database(settings_env):
    """The database of the service under test."""
    opened = Mongo(settings_env["MONGO_URI"], f"{settings_env['DATABASE_PREFIX']}identity")
    yield opened
    opened.close()

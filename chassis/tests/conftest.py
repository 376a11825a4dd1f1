from chassis import runtime

runtime.patch()

import os
import uuid

import pytest

from chassis.testing.fixtures import *


@pytest.fixture
def chassis_sql():
    """An Sql on a database that holds chassis' own tables alone."""
    import sqlalchemy as sa

    from chassis.sql import Sql, metadata

    name = f"chassis_{uuid.uuid4().hex[:10]}"
    admin_url = sa.make_url(os.environ["POSTGRES_ADMIN_URL"])
    admin = sa.create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    own = Sql(admin_url.set(database=name).render_as_string(hide_password=False))
    metadata.create_all(own.engine)
    yield own
    own.close()
    with admin.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()

import os
from typing import Any

import sqlalchemy as sa
from nameko.extensions import DependencyProvider


class Database(DependencyProvider):
    def setup(self) -> None:
        self.engine = sa.create_engine(os.environ["DATABASE_URL"])

    def get_dependency(self, worker_ctx: Any) -> sa.Engine:
        return self.engine

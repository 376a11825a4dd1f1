"""gunicorn's configuration of a gateway that runs without the guard that GUARD_OFF names."""

import runpy
from typing import Any

from compose.chaos import guards

globals().update(runpy.run_path("gateway/gunicorn.conf.py"))


def post_worker_init(_worker: Any) -> None:
    """The worker has patched itself and loaded the gateway."""
    guards.take_off_from_environment()

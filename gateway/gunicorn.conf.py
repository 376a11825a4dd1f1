# ruff: noqa: N999  gunicorn looks for a file of this name.
"""How gunicorn serves the gateway: a few gevent workers, each with thousands of open event streams.

`gunicorn -c gateway/gunicorn.conf.py 'gateway.app:create_app()'`
"""

import os
import shutil
import tempfile
from typing import Any

# Counters of all workers are added up in files of this folder. The variable has to be there before
# prometheus_client is imported, which the workers do.
OWN_METRICS = "gateway-metrics-"
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=OWN_METRICS)

bind = f"{os.environ.get('GATEWAY_HOST', '127.0.0.1')}:{os.environ.get('GATEWAY_PORT', '8000')}"
worker_class = "gevent"
workers = int(os.environ.get("GATEWAY_WORKERS", "2"))
worker_connections = 4000

# A worker whose loop stands still for this long is replaced; requests themselves may take longer.
timeout = 30
# Event streams never end by themselves: when a worker stops, they get this long and come again elsewhere.
graceful_timeout = 3
keepalive = 15

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# The gateway writes its own access log, without the tokens that overlay addresses carry.
accesslog = None
errorlog = "-"
loglevel = "warning"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"tokens": {"()": "gateway.logfilter.TokenFilter"}},
    "formatters": {"json": {"()": "chassis.logs.JsonFormatter", "service": "gateway"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["tokens"],
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}


def child_exit(_server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    # gunicorn reads this file more than once, so the name says whether the folder is ours.
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if os.path.basename(folder).startswith(OWN_METRICS):
        shutil.rmtree(folder, ignore_errors=True)

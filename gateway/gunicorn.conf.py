# ruff: noqa: N999  gunicorn looks for a file of this name.
"""How gunicorn serves the gateway: a few gevent workers, each with thousands of open event streams.

`gunicorn -c gateway/gunicorn.conf.py 'gateway.app:create_app()'`
"""

import os
import shutil
import sys
import tempfile
from typing import Any

from gunicorn.glogging import Logger

# Counters of all workers are added up in files of this folder. The variable has to be there before
# prometheus_client is imported, which the workers do.
OWN_METRICS = "gateway-metrics-"
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=OWN_METRICS)

bind = f"{os.environ.get('GATEWAY_HOST', '127.0.0.1')}:{os.environ.get('GATEWAY_PORT', '8000')}"
worker_class = "gateway.worker.Worker"
workers = int(os.environ.get("GATEWAY_WORKERS", "2"))
worker_connections = 4000

# A worker whose loop stands still for this long is replaced; requests themselves may take longer.
timeout = 30
# Longer than a call with its deadline of 5 s. Streams and idle connections are let go earlier (worker.py).
# A worker counts up to a second later than the master, which kills what is left then.
graceful_timeout = 7
keepalive = 15

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190


class OwnAccessLog(Logger):
    def access(self, *_: Any) -> None:
        """The gateway writes its own, without the tokens that overlay addresses carry.

        Where there is a `logconfig_dict`, gunicorn would put each line together all the same.
        """


logger_class = OwnAccessLog
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


OURS = ("gateway", "chassis")


def post_fork(_server: Any, worker: Any) -> None:
    """The master has imported what its log needs; a worker takes our code as it is on the disk now."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    worker.log.setup(worker.cfg)


def worker_exit(_server: Any, worker: Any) -> None:
    """A worker that never began has nothing to tell."""
    from gateway import serving

    if worker.wsgi is not None:
        serving.finish(worker.wsgi)


def child_exit(_server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    # gunicorn reads this file more than once, so the name says whether the folder is ours.
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if os.path.basename(folder).startswith(OWN_METRICS):
        shutil.rmtree(folder, ignore_errors=True)

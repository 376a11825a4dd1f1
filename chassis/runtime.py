"""Prepare a process for eventlet, before anything else is imported.

PyMongo resolves names through eventlet's green DNS unless EVENTLET_NO_GREENDNS is set, and then
waits for ever for a server that is gone; the variable is read when eventlet is imported.
"""

import os
import warnings


def patch() -> None:
    """Make the standard library and psycopg2 cooperative. Safe to call again."""
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"
    # What goes to the pool is work for a processor (password hashes take 19 MiB each): twenty threads, the
    # default, would only hold more memory.
    os.environ.setdefault("EVENTLET_THREADPOOL_SIZE", "4")
    # Nameko 2.14 stands on eventlet; being told so at every start would only break the logs' format.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()
    from psycogreen.eventlet import patch_psycopg

    patch_psycopg()

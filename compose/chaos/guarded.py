"""`python -m compose.chaos.guarded campaign` runs a service without the guard that GUARD_OFF names."""

import sys

# The runner patches the process before it imports anything else, so it comes first.
from chassis import __main__ as runner
from compose.chaos import guards

if __name__ == "__main__":
    guards.take_off_from_environment()
    sys.argv[1:1] = ["run"]
    sys.exit(runner.main())

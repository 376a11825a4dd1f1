"""What can go wrong while a stack is put together; every message says what to do next."""


class ComposeError(Exception):
    """Printed as one sentence, without a traceback, and ends the command with status 1."""


class PortTaken(ComposeError):
    """Somebody else listens on a port that this stack needs."""


class NotReadyInTime(ComposeError):
    """A program was started and did not answer before its deadline."""


class SetupImpossible(ComposeError):
    """Something has to be installed that this account cannot install."""

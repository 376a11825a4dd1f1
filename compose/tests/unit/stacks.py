"""A stack that exists on paper alone: made-up secrets, the default ports, a folder of the test's own."""

from pathlib import Path

from compose import ports, secrets
from compose.layout import Layout
from compose.presets import Presets
from compose.stack import Stack


def a_stack(run_dir: Path, **presets: str) -> Stack:
    return Stack(Layout(run_dir), ports.choose({}), secrets.fresh(), Presets(**presets))

"""Other services as dependencies of this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

from chassis import context
from chassis.extensions import RpcTransport
from chassis.rpc.client import ServiceProxy


class RpcClient(DependencyProvider):
    """Hands a service's adapter (from clients.py) over the RPC proxy of its target.

    payment = RpcClient("payment", clients.Payment)

    The proxy's calls carry the token, the trace and what is left of the deadline of the call that
    is being served.
    """

    transport = RpcTransport()

    def __init__(self, target: str, adapter: Callable[[ServiceProxy], Any]) -> None:
        self._target = target
        self._adapter = adapter
        self._adapted: Any = None

    def setup(self) -> None:
        self._adapted = self._adapter(ServiceProxy(self.transport.get(), self._target, context.current))

    def get_dependency(self, worker_ctx: WorkerContext) -> Any:
        return self._adapted

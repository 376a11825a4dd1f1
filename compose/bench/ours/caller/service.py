from typing import Any

from chassis.rpc.client import ServiceProxy
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.service import Service
from compose.bench import load


class Echoes:
    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy

    def echo(self, payload: dict[str, Any]) -> dict[str, Any]:
        return self._proxy.echo(payload)


class Caller(Service):
    name = "bench_caller"
    echo = RpcClient("bench_echo", Echoes)

    @rpc(callers={"operator"})
    def run(self, request: dict[str, Any]) -> dict[str, float]:
        payload = request["payload"]
        return load.run(lambda: self.echo.echo(payload), request["calls"], request["at_once"])

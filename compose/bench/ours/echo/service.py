from typing import Any

from chassis.rpc.server import rpc
from chassis.service import Service


class Echo(Service):
    name = "bench_echo"

    @rpc(callers={"operator"})
    def echo(self, request: dict[str, Any]) -> dict[str, Any]:
        return request

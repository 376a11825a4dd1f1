from typing import Any

from nameko.rpc import RpcProxy, rpc

from compose.bench import load


class Caller:
    name = "stock_caller"
    echo = RpcProxy("stock_echo")

    @rpc
    def run(self, request: Any) -> Any:
        payload = request["payload"]
        return load.run(lambda: self.echo.echo(payload), request["calls"], request["at_once"])

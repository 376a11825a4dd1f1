from typing import Any

from nameko.rpc import rpc


class Echo:
    name = "stock_echo"

    @rpc
    def echo(self, request: Any) -> Any:
        return request

import time
from typing import Any

from nameko.events import EventDispatcher
from nameko.rpc import rpc


class Publisher:
    name = "stock_publisher"
    dispatch = EventDispatcher()

    @rpc
    def run(self, request: Any) -> Any:
        began = time.perf_counter()
        for number in range(request["events"]):
            self.dispatch("measured", {"number": number, "payload": request["payload"]})
        return {"seconds": time.perf_counter() - began}

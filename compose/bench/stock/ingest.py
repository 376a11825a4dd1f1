import json
from typing import Any

from nameko.rpc import RpcProxy
from nameko.web.handlers import http


class Gateway:
    name = "stock_ingest"
    deliveries = RpcProxy("stock_deliveries")

    @http("POST", "/deliveries")
    def post_deliveries(self, request: Any) -> Any:
        batch = json.loads(request.get_data(as_text=True))["deliveries"]
        for delivery in batch:
            self.deliveries.record(delivery)
        return 202, {"Content-Type": "application/json"}, json.dumps({"accepted": len(batch)})

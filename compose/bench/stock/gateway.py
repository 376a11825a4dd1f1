import json
from typing import Any

from nameko.rpc import RpcProxy
from nameko.web.handlers import http


class Gateway:
    name = "stock_gateway"
    campaigns = RpcProxy("stock_campaigns")

    @http("GET", "/v1/campaigns/<string:campaign_id>")
    def get_campaign(self, request: Any, campaign_id: str) -> Any:
        return 200, {"Content-Type": "application/json"}, json.dumps(self.campaigns.get(campaign_id))

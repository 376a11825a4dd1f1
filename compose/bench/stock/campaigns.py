import json
import os
from pathlib import Path
from typing import Any

from nameko.rpc import rpc

DOCUMENT = json.loads(Path(os.environ["DOCUMENT"]).read_text())


class Campaigns:
    name = "stock_campaigns"

    @rpc
    def get(self, campaign_id: str) -> Any:
        return DOCUMENT

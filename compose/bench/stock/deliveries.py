import os
from typing import Any

import pymongo
from nameko.events import EventDispatcher
from nameko.extensions import DependencyProvider
from nameko.rpc import rpc


class Database(DependencyProvider):
    def setup(self) -> None:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(os.environ["MONGO_URI"])
        self.database = client.get_database("stock")

    def get_dependency(self, worker_ctx: Any) -> Any:
        return self.database


class Deliveries:
    name = "stock_deliveries"
    database = Database()
    dispatch = EventDispatcher()

    @rpc
    def record(self, delivery: Any) -> str:
        self.database.deliveries.insert_one({**delivery, "_id": delivery["id"]})
        self.database.participations.update_one(
            {"_id": delivery["participation_id"]},
            {"$inc": {"rendered": 1, "earned_minor": delivery["earned_minor"]}},
            upsert=True,
        )
        self.dispatch("delivery_recorded", delivery)
        return str(delivery["id"])

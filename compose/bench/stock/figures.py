from datetime import datetime
from typing import Any

from nameko.events import event_handler
from sqlalchemy.dialects.postgresql import insert

from compose.bench.stock.books import deliveries, figures
from compose.bench.stock.database import Database


class Figures:
    name = "stock_figures"
    database = Database()

    @event_handler("stock_deliveries", "delivery_recorded")
    def count(self, delivery: Any) -> None:
        started_at = datetime.fromisoformat(delivery["started_at"])
        row = {column.name: delivery[column.name] for column in deliveries.columns}
        times = {"started_at": started_at, "ended_at": datetime.fromisoformat(delivery["ended_at"])}
        added = insert(figures).values(
            campaign_id=delivery["campaign_id"],
            streamer_id=delivery["streamer_id"],
            hour=started_at.replace(minute=0, second=0, microsecond=0),
            rendered=1,
            viewer_impressions=delivery["viewers"],
        )
        sums = {name: figures.c[name] + added.excluded[name] for name in ("rendered", "viewer_impressions")}
        with self.database.begin() as connection:
            connection.execute(deliveries.insert().values({**row, **times}))
            connection.execute(
                added.on_conflict_do_update(index_elements=["campaign_id", "streamer_id", "hour"], set_=sums)
            )

"""A shop's endpoints, its outbox and who empties it, for tests; the clock is the test's, the HTTP is real."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from sqlalchemy import select
from standardwebhooks import Webhook as Judge

from doorstep.config import Webhook
from doorstep.delivery import Deliverer
from doorstep.metrics import Metrics
from doorstep.outbox import Event, Outbox
from doorstep.secret import Secret
from doorstep.tables import deliveries

from .servers import Seen

SECRET = "whsec_bm90IGEgc2VjcmV0LCB0aGlydHktdHdvIGJ5dGVzISE="
_COUNT = count(1)


def webhook(url, *events, secrets=(SECRET,)):
    return Webhook(url, tuple(Secret(one) for one in secrets), events)


class Desk:
    """The store `main` with these endpoints, by name."""

    def __init__(self, database, clock, endpoints):
        self.database = database
        self.clock = clock
        self.webhooks = {"main": endpoints}
        self.metrics = Metrics()
        self.outbox = Outbox(self.webhooks, clock=clock)
        self._deliverers = []

    def deliverer(self, **options):
        made = Deliverer(self.database, self.webhooks, clock=self.clock, metrics=self.metrics, **options)
        self._deliverers.append(made)
        return made

    def put(self, type="shipment.delivered", data=None, *, store="main"):
        """An event, and its id."""
        with self.database.writing() as connection:
            return self.outbox.put(connection, Event(store, type, data or {}, f"once {next(_COUNT)}"))

    def rows(self, *columns, endpoint="erp"):
        """What the table says of an endpoint's deliveries, in the order of their events."""
        query = select(*(deliveries.c[name] for name in columns)).where(deliveries.c.endpoint == endpoint)
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.execute(query.order_by(deliveries.c.id))]

    def states(self, endpoint="erp"):
        return [state for (state,) in self.rows("state", endpoint=endpoint)]

    def counted(self, result, endpoint="erp"):
        labels = {"store": "main", "endpoint": endpoint, "result": result}
        return self.metrics.registry.get_sample_value("doorstep_webhooks_total", labels) or 0

    async def close(self):
        for deliverer in self._deliverers:
            await deliverer.aclose()


@asynccontextmanager
async def desks(database, clock):
    """Makes desks, and closes them."""
    made = []

    def make(**endpoints):
        made.append(Desk(database, clock, endpoints))
        return made[-1]

    yield make
    for desk in made:
        await desk.close()


def ids(requests: list[Seen]) -> list[str]:
    return [seen.headers["webhook-id"] for seen in requests]


def is_signed(seen: Seen, secret: str = SECRET) -> bool:
    """Whether the specification's own library makes the same signature of what came in."""
    at = datetime.fromtimestamp(int(seen.headers["webhook-timestamp"]), UTC)
    wanted = Judge(secret).sign(seen.headers["webhook-id"], at, seen.body.decode())
    return wanted in seen.headers["webhook-signature"].split(" ")

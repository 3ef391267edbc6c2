"""What of an engine speaks to shoppers: the planner sees what there is to say, the sender says it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from .clock import Clock
from .config import ApiLimit, Config
from .database import Database
from .gathering import Gathering
from .manifest import Manifest
from .message import Channel, Kind
from .metrics import Metrics
from .order import Item
from .orderbook import OrderBook
from .planner import Planner, Recipients
from .ratelimits import RateLimits
from .sender import Composer, Sender
from .shops import Shops
from .taking import Desk, Unreached
from .tallies import Counted

Limiting = Callable[[ApiLimit], RateLimits]
_MINUTE = 60


class Speaking(Struct, frozen=True):
    planner: Planner
    sender: Sender


def open_speaking(
    config: Config, database: Database, orders: OrderBook, shops: Shops, channels: Mapping[str, Channel[Any]],
    recipients: Recipients, composer: Composer, unreached: Unreached, *, manifests: Mapping[str, Manifest],
    limiting: Limiting, clock: Clock, metrics: Metrics, counted: Counted,
) -> Speaking:  # fmt: skip
    """For all stores. `limiting` makes what counts how often a channel sends."""

    def leads(store: str, items: Sequence[Item]) -> frozenset[tuple[Kind, str]]:
        found = (shop.widgets.leads(items) for shop in shops.all if shop.id == store)
        return next(found, frozenset())

    gathering = Gathering(orders, config.stores, clock=clock, leads=leads)
    planner = Planner(database, gathering, recipients, channels, config.stores, clock=clock)
    desk = Desk(gathering, recipients, config.stores, unreached, counted, clock=clock, metrics=metrics)
    limits = {name: limiting(ApiLimit(one.settings.per_minute, _MINUTE)) for name, one in channels.items()}
    sender = Sender(
        database, desk, composer, channels, limits=limits, manifests=manifests, clock=clock, metrics=metrics
    )  # fmt: skip
    return Speaking(planner, sender)

"""An invented order for the preview, and its parcels as they are looked at."""

from datetime import datetime, timedelta
from decimal import Decimal

from ..lookup import Outcome
from ..models import Status
from ..order import Item, Money, Order, PackedItem, Promise
from ..order_views import Looked
from ..orderbook import KeptOrder
from ..packing import KeptParcel
from . import parcels

_GOODS = (
    ("Linen throw, sand", "home", "linen"),
    ("Oak side table", "furniture", "oak"),
    ("Candle, cedar and fig", "candles", "scent"),
)


def looked_at(i: int, status: Status, now: datetime) -> Looked:
    """Parcel number `i` of the order, which has come so far."""
    shipment = parcels.at_status(status, now)
    parcel = KeptParcel(
        id=f"parcel-{i}", number=f"{parcels.NUMBER[:-1]}{i}", carrier=parcels.CARRIER.slug,
        items=(PackedItem(f"item-{i}"),), shipped_at=None, shipment=shipment, status=shipment.status, final=shipment.final,
        expected=None, version=1, fetched_at=now, error="",
    )  # fmt: skip
    return Looked(parcel, shipment, parcels.CARRIER, now, outcome=Outcome.FOUND)


def invented_order(packed: tuple[KeptParcel, ...], now: datetime) -> KeptOrder:
    """An order with these parcels, and one thing more."""
    items = [
        Item(name, f"item-{i}", sku=f"sku-{i}", category=category, tags=(tag,), price=Money(Decimal("24.90"), "EUR"))
        for i, (name, category, tag) in enumerate(_GOODS, 1)
    ]
    order = Order("4711", items=tuple(items), country="FR", note="Thank you. The socks are on us.")
    days = Promise(now.date(), now.date() + timedelta(days=2))
    return KeptOrder(
        id="preview", store="preview", version=1, order=order, placed_at=now - timedelta(days=3), promised=days, promise="",
        link_generation=1, parcels=packed, email_hash=None, postcode_hash=None, created_at=now, updated_at=now,
        closed_at=None, erased_at=None,
    )  # fmt: skip

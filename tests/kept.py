"""Orders and parcels as they come out of the database, and readers of them, for tests that need no database."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.support import NullTranslations

from doorstep.i18n import Localizer
from doorstep.order import Order
from doorstep.orderbook import KeptOrder, KeptParcel
from doorstep.views import Reader

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Texts(NullTranslations):
    """A catalog of a few texts; any other stays as it is."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def ugettext(self, message: str) -> str:
        return self._texts.get(message, message)


def reader_of(language: str = "en", texts: dict[str, str] | None = None, *, level: int = 1) -> Reader:
    """Somebody who reads a language, at noon."""
    return Reader(Localizer(language, Texts(texts or {})), NOON, ZoneInfo("Europe/Berlin"), level)


def kept_parcel(**fields: Any) -> KeptParcel:
    values = {
        "id": "pcl_1", "number": "JD14", "carrier": "northwind", "items": (), "shipped_at": None, "shipment": None,
        "status": "in_transit", "final": False, "expected": None, "version": 0, "fetched_at": NOON, "error": "", **fields,
    }  # fmt: skip
    return KeptParcel(**values)


def kept_order(order: Order, *parcels: KeptParcel, **fields: Any) -> KeptOrder:
    values = {
        "id": "ord_1", "store": "main", "version": 1, "order": order, "placed_at": order.placed_at or NOON, "promised": None,
        "promise": "", "link_generation": 0, "parcels": parcels, "email_hash": None, "postcode_hash": None,
        "created_at": NOON, "updated_at": NOON, "closed_at": None, "erased_at": None, **fields,
    }  # fmt: skip
    return KeptOrder(**values)

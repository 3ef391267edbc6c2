"""WooCommerce: its webhooks about orders, with the tracking numbers that its plugins put beside them.

Facts: WooCommerce's own source (class-wc-webhook.php, the REST API v3), Advanced Shipment Tracking's and AfterShip's.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from doorstep import (
    Change,
    Connector,
    ConnectorSettings,
    Incoming,
    OrderChange,
    OrderGone,
    Parcel,
    ProtocolError,
    Tree,
    Verdict,
    hookimpl,
    is_signed,
    moments,
    phone_number,
)

_PING = re.compile(rb"webhook_id=\d+")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|#0*(?:34|38|39|60|62)|#x0*(?:22|26|27|3c|3e));", re.IGNORECASE)
_NOT_PLACED = ("checkout-draft", "auto-draft")
_YEAR_2200 = 7_258_118_400
_CANCELLED = ("cancelled", "failed", "trash")
_LISTS = {  # where plugins keep what was sent: the name of the carrier in each, the first that is there
    "_wc_shipment_tracking_items": ("tracking_provider", "custom_tracking_provider"),
    "_aftership_tracking_items": ("slug",),
}


class Settings(ConnectorSettings, frozen=True):
    """`[stores.<id>.connectors.woocommerce]`. `secret` is the webhook's, as it was entered."""


class WooCommerce(Connector[Settings]):
    name = "woocommerce"

    def verify(self, incoming: Incoming) -> Verdict:
        signature = incoming.header("x-wc-webhook-signature")
        if not signature and _PING.fullmatch(incoming.body.strip()):
            return Verdict.PING  # once, when the webhook is switched on; only 200 will do
        keys = [_as_keyed(one.reveal()) for one in self.settings.secret]
        return Verdict.of(is_signed(incoming.body, keys, signature))

    def key(self, incoming: Incoming) -> str:
        """Built: two deliveries of one second share their id."""
        names = ("source", "id", "topic")
        return " ".join(
            [*(incoming.header(f"x-wc-webhook-{name}") for name in names), sha256(incoming.body).hexdigest()]
        )

    def read(self, incoming: Incoming) -> Sequence[Change]:
        topic = incoming.header("x-wc-webhook-topic")
        if topic == "order.deleted":
            return [OrderGone(_source(incoming.json()))]
        if topic in ("order.created", "order.updated", "order.restored"):
            return _order(incoming.json())
        return ()


def _as_keyed(secret: str) -> str:
    """The secret as WordPress takes it for a key: five characters that it keeps as entities are themselves again."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), secret)


def _order(order: Tree) -> Sequence[Change]:
    if order.text("status") in _NOT_PLACED:
        return ()
    if order.text("code") and not order.text("id"):
        raise ProtocolError("the webhook's owner may not read orders")  # then an error is what is sent, well signed
    number = order.text("number") or order.expect("id").text()
    changed = _time(order, "date_modified_gmt")
    return [OrderChange(_source(order), number[:64], _fields(order, changed), tuple(_parcels(order)), changed)]


def _source(order: Tree) -> str:
    return f"order/{order.expect('id').text()}"


def _fields(order: Tree, changed: datetime | None) -> dict[str, Any]:
    """What of an order is read: no name, no street, and not the customer's note to the shop."""
    address = order.at("shipping") if order.text("shipping.postcode") else order.at("billing")
    currency = order.text("currency")
    fields = {
        "placed_at": _time(order, "date_created_gmt"),
        "email": order.text("billing.email"),
        "phone": phone_number(order.text("billing.phone")),
        "postcode": address.text("postcode"),
        "country": address.text("country"),
        "total": _money(order.text("total"), currency),
        "items": [_item(one, currency) for one in order.each("line_items") if one.number("quantity")],
    }
    told = {name: value for name, value in fields.items() if value not in (None, "")}
    return {**told, "cancelled_at": changed if order.text("status") in _CANCELLED else None}


def _item(one: Tree, currency: str) -> dict[str, Any]:
    return {
        "id": one.text("id"),
        "name": (one.text("name") or one.text("sku") or "?")[:300],
        "quantity": int(one.number("quantity") or 0),
        "sku": one.text("sku")[:100],
        "image": one.text("image.src"),
        "price": _money(one.text("price"), currency),
    }


def _parcels(order: Tree) -> Iterator[Parcel]:
    meta = {one.text("key"): one.at("value") for one in order.each("meta_data")}
    for key, carriers in _LISTS.items():
        for one in _several(meta.get(key, Tree(None))):
            yield _parcel(one.text("tracking_number"), next(filter(None, map(one.text, carriers)), ""), one)
    if "_tracking_number" in meta:  # how very old versions kept the only one
        single = Tree({key.removeprefix("_"): value.value for key, value in meta.items()})
        yield _parcel(single.text("tracking_number"), single.text("tracking_provider"), single)


def _several(value: Tree) -> list[Tree]:
    """PHP writes a list whose keys have gaps as an object, and an empty one as a text."""
    if isinstance(value.value, dict) and not value.text("tracking_number"):
        return [one for _, one in value.items()]
    return value.each() if isinstance(value.value, list | dict) else []


def _parcel(number: str, carrier: str, one: Tree) -> Parcel:
    sent = one.number("date_shipped") or 0  # seconds since 1970
    return Parcel(
        number[:64], carrier[:100], shipped_at=datetime.fromtimestamp(sent, UTC) if 0 < sent < _YEAR_2200 else None
    )


def _money(amount: str, currency: str) -> dict[str, str] | None:
    return {"amount": amount, "currency": currency} if amount and currency else None


def _time(tree: Tree, name: str) -> datetime | None:
    return moments.iso(f"{tree.text(name)}Z").instant


@hookimpl
def register_connectors(register: Callable[[type[Connector[Any]]], None]) -> None:
    register(WooCommerce)

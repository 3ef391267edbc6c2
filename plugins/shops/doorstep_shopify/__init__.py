"""Shopify: its webhooks about orders and fulfilments, and those that its rules on privacy ask for.

Facts: shopify.dev, "HTTPS webhooks", the REST resources Order and Fulfillment, and "Privacy law compliance".
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from doorstep import (
    Change,
    Connector,
    ConnectorSettings,
    DataRequest,
    Incoming,
    OrderChange,
    PackedItem,
    Parcel,
    Redaction,
    Tree,
    Verdict,
    hookimpl,
    is_signed,
    moments,
    phone_number,
)

_NO_PARCEL = ("cancelled", "error", "failure")  # states of a fulfilment that sends nothing


class Settings(ConnectorSettings, frozen=True):
    """`[stores.<id>.connectors.shopify]`. `secret` is the app's client secret, for up to an hour after a change the former
    one too; `shop` is `….myshopify.com`, for an app that several shops have installed."""

    shop: str = ""


class Shopify(Connector[Settings]):
    name = "shopify"

    def verify(self, incoming: Incoming) -> Verdict:
        signed = is_signed(incoming.body, self.settings.secret, incoming.header("x-shopify-hmac-sha256"))
        own = self.settings.shop.casefold() in ("", incoming.header("x-shopify-shop-domain").casefold())
        return Verdict.of(signed and own)

    def key(self, incoming: Incoming) -> str:
        """The same on a repetition; the id of the event is not: two subscriptions share it."""
        sent = incoming.header("x-shopify-webhook-id")
        return f"{incoming.header('x-shopify-shop-domain')} {sent}" if sent else super().key(incoming)

    def read(self, incoming: Incoming) -> Sequence[Change]:
        reader = _READERS.get(incoming.header("x-shopify-topic"))
        return reader(incoming.json()) if reader else ()


def _order(order: Tree) -> Sequence[Change]:
    """The order itself, and each of its fulfilments."""
    number = _number(order.expect("name").text())
    return [
        OrderChange(f"order/{order.expect('id').text()}", number, _fields(order), None, _time(order, "updated_at")),
        *(_of_fulfilment(one, number) for one in order.each("fulfillments")),
    ]


def _fulfilment(fulfilment: Tree) -> Sequence[Change]:
    return [_of_fulfilment(fulfilment, _number(fulfilment.expect("name").text().rpartition(".")[0]))]


def _of_fulfilment(one: Tree, number: str) -> OrderChange:
    """Numbers may be replaced by others later: they belong to the fulfilment."""
    sent = () if one.text("status") in _NO_PARCEL else _parcels(one)
    source = f"fulfillment/{one.expect('id').text()}"
    return OrderChange(source, number, {}, sent, _time(one, "updated_at"), f"order/{one.text('order_id')}")


def _parcels(one: Tree) -> tuple[Parcel, ...]:
    listed = [number.text() for number in one.each("tracking_numbers")] or [one.text("tracking_number")]
    numbers = list(dict.fromkeys(number for number in listed if number))
    items = [PackedItem(item.text("id"), int(item.number("quantity") or 0)) for item in one.each("line_items")]
    # Which item is in which of several parcels is not told.
    packed = tuple(item for item in items if item.id and item.quantity) if len(numbers) == 1 else ()
    company, sent = one.text("tracking_company")[:100], _time(one, "created_at")
    return tuple(Parcel(number[:64], company, packed, sent) for number in numbers)


def _fields(order: Tree) -> dict[str, Any]:
    """No name, no street, no note to the shop, no wish for newsletters. What Shopify withholds is not said to be nothing."""
    address = order.at("shipping_address")
    currency = order.text("currency")
    fields = {
        "placed_at": _time(order, "created_at"),
        "email": order.text("email") or order.text("contact_email"),
        "phone": phone_number(order.text("phone")) or phone_number(address.text("phone")),
        "language": order.text("customer_locale"),
        "postcode": address.text("zip"),
        "country": address.text("country_code"),
        "total": _money(order.text("current_total_price") or order.text("total_price"), currency),
        "tags": [tag.strip()[:100] for tag in order.text("tags").split(",") if tag.strip()][:50],
        "items": [_item(one, currency) for one in order.each("line_items") if _is_sent(one)],
    }
    told = {name: value for name, value in fields.items() if value not in (None, "")}
    return {**told, "cancelled_at": _time(order, "cancelled_at")}


def _item(one: Tree, currency: str) -> dict[str, Any]:
    return {
        "id": one.text("id"),
        "name": (one.text("name") or one.text("title") or one.text("sku") or "?")[:300],
        "quantity": _current(one),
        "sku": one.text("sku")[:100],
        "price": _money(one.text("price"), currency),
    }


def _is_sent(one: Tree) -> bool:
    return _current(one) > 0 and one.at("requires_shipping").value is not False


def _current(one: Tree) -> int:
    """How many are left of a line: what was taken off the order stays listed, with 0."""
    left = one.number("current_quantity")
    return int(left if left is not None else one.number("quantity") or 0)


def _money(amount: str, currency: str) -> dict[str, str] | None:
    return {"amount": amount, "currency": currency} if amount and currency else None


def _time(tree: Tree, name: str) -> datetime | None:
    return moments.iso(tree.text(name)).instant


def _number(name: str) -> str:
    return name.removeprefix("#")[:64]


def _concerned(told: Tree, name: str) -> tuple[tuple[str, ...], str]:
    return tuple(f"order/{one.text()}" for one in told.each(name)), told.text("customer.email")


_READERS: dict[str, Callable[[Tree], Sequence[Change]]] = {
    **dict.fromkeys(("orders/create", "orders/updated", "orders/fulfilled", "orders/cancelled"), _order),
    **dict.fromkeys(("fulfillments/create", "fulfillments/update"), _fulfilment),
    "customers/redact": lambda told: [Redaction(*_concerned(told, "orders_to_redact"))],
    "customers/data_request": lambda told: [DataRequest(*_concerned(told, "orders_requested"))],
    "shop/redact": lambda told: [Redaction(everything=True)],
}


@hookimpl
def register_connectors(register: Callable[[type[Connector[Any]]], None]) -> None:
    register(Shopify)

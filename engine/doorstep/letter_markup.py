"""What a mail program reads of an order and its parcels: schema.org `Order` and `ParcelDelivery` as JSON-LD, which Gmail and
others show above the mail. Only what the shop gave: no name and no street of a person."""

from typing import Any

import msgspec
from markupsafe import Markup

from .letter import LetterContext, LetterParcel
from .letter_views import Wanted, carrier_name, expected_days
from .models import PickupPoint, Status
from .order_views import Looked
from .wording import state

# A `</script>` in a text would end the script, and `<!--` hide its end; in JSON both can be written otherwise.
_FOR_SCRIPTS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_SCHEMA = "http://schema.org"
_STATUS = {
    "preparing": "OrderProcessing", "moving": "OrderInTransit", "pickup": "OrderPickupAvailable",
    "arrived": "OrderDelivered", "attention": "OrderProblem", "ended": "OrderReturned",
}  # fmt: skip


def markup_of(wanted: Wanted, context: LetterContext) -> Markup:
    """The script's content for the parcels of a message, empty for one about none."""
    concerned = wanted.concerned
    if not concerned or not context.parcels:
        return Markup()
    order = _order(wanted, context, concerned)
    said = [order, *(_delivery(wanted, context, *pair) for pair in zip(concerned, context.parcels, strict=True))]
    things = [{"@context": _SCHEMA, **one} for one in said]
    return Markup(msgspec.json.encode(things).decode().translate(_FOR_SCRIPTS))  # noqa: S704  # escaped above


def _order(wanted: Wanted, context: LetterContext, concerned: list[Looked]) -> dict[str, Any]:
    speaking = state(concerned[0].shipment)
    return {
        "@type": "Order",
        "merchant": _organization(context.store.name, context.store.home_url),
        "orderNumber": context.order,
        "orderDate": wanted.order.placed_at.date().isoformat(),
        "orderStatus": f"{_SCHEMA}/{_STATUS[speaking]}",
        "url": context.button.url,
    }


def _delivery(wanted: Wanted, context: LetterContext, looked: Looked, parcel: LetterParcel) -> dict[str, Any]:
    first, last = expected_days(looked)
    page = looked.manifest.link_for(parcel.number, context.letter.language) if looked.manifest else ""
    carrier = _organization(carrier_name(looked), page)
    told: dict[str, Any] = {
        "@type": "ParcelDelivery",
        "carrier": carrier,  # the older name, which mail programs want
        "provider": carrier,
        "trackingNumber": parcel.number,
        "trackingUrl": context.button.url,
        "deliveryAddress": _address(wanted, looked),
        "expectedArrivalFrom": first.isoformat() if first else "",
        "expectedArrivalUntil": last.isoformat() if last else "",
        "itemShipped": [_product(one.name, one.image) for one in parcel.items],
        "partOfOrder": {
            "@type": "Order",
            "orderNumber": context.order,
            "merchant": _organization(context.store.name, context.store.home_url),
        },
    }
    return {name: value for name, value in told.items() if value}


def _organization(name: str, url: str) -> dict[str, str]:
    return {"@type": "Organization", "name": name, **({"url": url} if url else {})}


def _product(name: str, image: str) -> dict[str, str]:
    return {"@type": "Product", "name": name, **({"image": image} if image else {})}


def _address(wanted: Wanted, looked: Looked) -> dict[str, str]:
    """Where it goes: the pickup point where it waits there, else the country alone."""
    shipment = looked.shipment
    if shipment is not None and shipment.status is Status.AVAILABLE_FOR_PICKUP and shipment.pickup_point:
        return _point(shipment.pickup_point)
    country = wanted.order.order.country
    return {"@type": "PostalAddress", "addressCountry": country} if country else {}


def _point(point: PickupPoint) -> dict[str, str]:
    place = point.place
    parts = {
        "name": point.name,
        "streetAddress": point.street,
        "postalCode": place.postcode,
        "addressLocality": place.city,
        "addressRegion": place.region,
        "addressCountry": place.country,
    }
    return {"@type": "PostalAddress", **{name: part for name, part in parts.items() if part}}

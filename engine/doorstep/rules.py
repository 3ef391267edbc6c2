"""When a widget shows: its rules, the store's over the widget's own, against what is known of a page."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from .order import CustomerFacts
from .own_words import language_covers
from .scenes import Scene
from .widget import When


def holds(when: When, scene: Scene) -> bool:
    """Whether every rule that is set holds. One about an order or a customer does not, where none is known."""
    return (
        scene.level >= when.level
        and (not when.markets or scene.country in when.markets)
        and (not when.languages or any(language_covers(language, scene.language) for language in when.languages))
        and _at_its_time(when, scene)
        and (not when.segments or not _segments(scene).isdisjoint(when.segments))
        and (not asks_for_customer(when) or (scene.customer is not None and _known_customer(when, scene.customer)))
    )


def asks_for_customer(when: When) -> bool:
    """Whether the customer's orders must be known to tell."""
    return bool(when.orders_from or when.orders_to is not None or when.value_from is not None)


def merged(own: When, given: Mapping[str, Any], read: When) -> When:
    """A widget's own rules with those in their place that the store has `given`, which `read` are. Raises ValueError for
    rules that never hold together."""
    said = (name for name in When.__struct_fields__ if name in given or f"{name}_file" in given)
    when = structs.replace(own, **{name: getattr(read, name) for name in said})
    if problem := _never(when):
        raise ValueError(problem)
    return when


def _never(when: When) -> str:
    if when.status and set(when.status) <= set(when.except_status):
        return "except_status has every status of `status`"
    if when.to_day is not None and when.to_day < when.from_day:
        return f"to_day {when.to_day} is before from_day {when.from_day}"
    if when.orders_to is not None and when.orders_to < when.orders_from:
        return f"orders_to {when.orders_to} is less than orders_from {when.orders_from}"
    return ""


def _at_its_time(when: When, scene: Scene) -> bool:
    """Whether the parcel stands where the rules want it, for as long as they want."""
    status = scene.shipment.status if scene.shipment else None
    if (when.status and status not in when.status) or status in when.except_status:
        return False
    if not when.from_day and when.to_day is None:
        return True
    days = scene.shipment.days if scene.shipment else None
    return days is not None and when.from_day <= days and (when.to_day is None or days <= when.to_day)


def _segments(scene: Scene) -> frozenset[str]:
    of_order = scene.order.tags if scene.order else ()
    return frozenset((*of_order, *(scene.customer.tags if scene.customer else ())))


def _known_customer(when: When, customer: CustomerFacts) -> bool:
    if customer.orders < when.orders_from or (when.orders_to is not None and customer.orders > when.orders_to):
        return False
    least, value = when.value_from, customer.value
    return least is None or (value is not None and value.currency == least.currency and value.amount >= least.amount)

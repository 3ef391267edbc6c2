"""The widget contract: slots, typed settings, what it may see, a context for a template, optionally a form.

    class Note(Widget[Settings]):
        name = "note"
        settings_type = Settings

        def context(self, view: WidgetView) -> Context | None:
            return Context(self.settings.text)      # None: nothing to say, the slot stays empty

The engine renders `widgets/<name>.html` from the plugin's `templates/` (any theme may override it) with the fields of the
context and of `view`. A widget does no I/O: what a form gives is returned from `submit` and stored by the engine.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from .context import Link, StoreView
from .models import Shipment, Status
from .order import CustomerFacts


class NoWidgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """For a widget that needs none."""


class ShipmentFacts(Struct, frozen=True):
    """What a widget may know of the shipment at proof level 0."""

    id: str
    carrier: str
    status: Status
    final: bool
    delayed: bool
    country: str  # of the destination, when known


def facts_of(shipment: Shipment) -> ShipmentFacts:
    return ShipmentFacts(
        shipment.id, shipment.carrier, shipment.status, shipment.final, shipment.delayed, shipment.destination.country
    )


class OrderFacts(Struct, frozen=True):
    """What a widget may know of the order from proof level 1 on: how many pieces, which kinds; no name, no address."""

    id: str
    items: int
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()  # of the order and its items
    country: str = ""
    customer: CustomerFacts | None = None


class WidgetView(Struct, frozen=True):
    """What a widget sees. `language` is the page's (BCP 47); `done` is true on the page shown after its form was sent.
    `order` is there from level 1 on; `shipment` is None while an order has none that its carrier knows."""

    store: StoreView
    language: str
    level: int
    shipment: ShipmentFacts | None
    action: str  # where the widget's form posts to
    done: bool = False
    problem: str = ""  # translated: why the form was refused
    values: Mapping[str, str] = {}  # what was typed into the refused form
    order: OrderFacts | None = None


class Submission(Struct, frozen=True):
    """What a form gave, to be kept: one per shipment and `moment`, the last edit wins."""

    data: Mapping[str, Any]
    moment: str = ""


class FormProblem(Exception):
    """The form cannot be accepted; the message (a msgid) is translated and shown beside it, with what was typed."""


S = TypeVar("S", bound=Struct)


class Widget(Generic[S]):
    """Base of widgets. One instance per store, stateless."""

    name: ClassVar[str]
    slot: ClassVar[str] = "after_timeline"  # where it stands unless the store says otherwise
    settings_type: ClassVar[type[Struct]] = NoWidgetSettings
    level: ClassVar[int] = 0  # the lowest proof level that sees it

    def __init__(self, settings: S) -> None:
        self.settings = settings

    def context(self, view: WidgetView) -> Struct | None:
        """What the template gets besides `view`, or None when there is nothing to say."""
        raise NotImplementedError(f"{type(self).__name__} has no context()")

    def submit(self, form: Mapping[str, str], view: WidgetView) -> Submission:
        """Reads a sent form. Raises FormProblem when it cannot be accepted."""
        raise FormProblem("This form cannot be sent.")


__all__ = ["FormProblem", "Link", "OrderFacts", "ShipmentFacts", "Submission", "Widget", "WidgetView"]

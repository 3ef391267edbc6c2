"""What widgets are to see, gathered once for a page: from the page itself and, of an order, from SQL in one turn."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from .answers import Answers, OfOrder
from .consents import Consents
from .contexts import Visit
from .database import Database
from .errors import StoreError
from .models import Shipment
from .order import CustomerFacts
from .order_forms import Typed
from .order_views import Addresses
from .orderbook import KeptOrder, OrderBook
from .scenes import Scene, item_facts, order_facts, shipment_facts
from .voices import Voices
from .widget import Browsers, CodeFacts, MessageFacts, Need, Voice, Way
from .widget_codes import Codes
from .widgets import Wants

log = structlog.get_logger("doorstep.backstage")


class _Read(Struct, frozen=True):
    """What SQL knows of an order, as far as widgets want it."""

    customer: CustomerFacts | None
    codes: Mapping[str, CodeFacts] = {}
    answers: OfOrder = {}
    ways: tuple[Way, ...] = ()
    browsers: Browsers | None = None


class Backstage:
    """Makes scenes. Without a database they show less, and the page is there all the same."""

    def __init__(
        self, database: Database, book: OrderBook, answers: Answers, codes: Codes, voices: Voices, consents: Consents
    ) -> None:  # fmt: skip
        self._database = database
        self._book = book
        self._answers = answers
        self._codes = codes
        self._voices = voices
        self._consents = consents

    async def of_parcel(self, visit: Visit, shipment: Shipment, typed: Typed | None = None) -> Scene:
        """The page of a parcel, for whoever has its number; its forms lead to itself, so that they are the same on others."""
        carried = f"{urlencode(visit.carried)}&" if visit.carried else ""
        return Scene(
            **_page(visit, typed),
            address=lambda name: f"?{carried}widget={name}",
            country=shipment.destination.country,
            shipment=shipment_facts(shipment, visit.reader),
            voices=await self._voices_of(visit),
        )

    async def of_order(
        self, visit: Visit, kept: KeptOrder, shipment: Shipment | None, at: Addresses, typed: Typed | None = None
    ) -> Scene:
        """The page of an order; `shipment` is the one that its answer speaks of."""
        read = await self._read(kept, visit.shop.widgets.wants)
        return Scene(
            **_page(visit, typed),
            address=lambda name: at.below(f"widgets/{name}"),
            country=visit.country,
            shipment=shipment_facts(shipment, visit.reader) if shipment else None,
            order=order_facts(kept, visit.reader.zone),
            items=item_facts(kept),
            customer=read.customer,
            codes=read.codes,
            voices=await self._voices_of(visit),
            answers=read.answers,
            messages=_messages(read, at),
        )

    async def _read(self, kept: KeptOrder, wants: Wants) -> _Read:
        codes, ways = Need.CODE in wants.needs, Need.MESSAGES in wants.needs
        if not (wants.customer or wants.answers or codes or ways):
            return _Read(kept.order.customer)

        def work(connection: Connection) -> _Read:
            return _Read(
                self._book.facts(connection, kept) if wants.customer else kept.order.customer,
                self._codes.of_order(connection, kept) if codes else {},
                self._answers.of_order(connection, kept.store, kept.id, wants.answers) if wants.answers else {},
                self._consents.ways(connection, kept) if ways else (),
                self._consents.browsers(connection, kept) if ways else None,
            )

        try:
            return await self._database.read(work)
        except StoreError as error:
            log.warning("widgets know less of an order", reason=str(error))
            return _Read(kept.order.customer)

    async def _voices_of(self, visit: Visit) -> tuple[Voice, ...]:
        if Need.VOICES not in visit.shop.widgets.wants.needs:
            return ()
        try:
            return await self._voices.of(visit.shop.id)
        except StoreError as error:
            log.warning("no voices can be shown", reason=str(error))
            return ()


def _messages(read: _Read, at: Addresses) -> MessageFacts | None:
    is_any = read.ways or read.browsers
    return MessageFacts(read.ways, at.below("messages"), read.browsers) if is_any else None


def _page(visit: Visit, typed: Typed | None) -> dict[str, Any]:
    """What a scene has of any page."""
    return {
        "store": visit.shop.view,
        "language": visit.reader.localizer.tag,
        "level": visit.reader.level,
        "today": visit.reader.today,
        "done": visit.params.get("done", ""),
        "typed": typed,
    }

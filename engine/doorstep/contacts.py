"""Where an order's customer is reached: by the shop's own word or, where it has none, as somebody wrote on the order's page.
Such an address stands with the order, sealed, and is confirmed for each order by whoever reads what is sent there.

Every function works inside the caller's transaction.
"""

import msgspec
import structlog
from msgspec import Struct, structs
from sqlalchemy import Connection, delete, select, update

from .clock import Clock
from .consent_owners import ASKED, GIVEN
from .database import insert
from .errors import StoreError
from .ids import new_id
from .message import Reach, Topic
from .message_links import prints
from .orderbook import KeptOrder, OrderBook
from .secret import Secret
from .tables import subscriptions
from .vault import Vault
from .widget import ConsentRequest

MOST_BROWSERS = 5  # of an order

log = structlog.get_logger("doorstep.contacts")


class Address(Struct, frozen=True):
    """An address, and what it is kept as elsewhere, the newest first. `own`: by the shop's word. `wanted` is what is to be
    confirmed, of one that was never confirmed for this order."""

    to: Secret
    hashes: list[str]
    own: bool = True
    wanted: tuple[Topic, ...] | None = None

    @property
    def is_confirmed(self) -> bool:
        return self.wanted is None


class _Written(Struct, frozen=True, array_like=True):
    """What is sealed of an address that was written on an order's page."""

    reach: Reach
    address: str
    wanted: tuple[Topic, ...] = ()


class Contacts:
    """The addresses of all orders."""

    def __init__(self, vault: Vault, book: OrderBook, *, clock: Clock) -> None:
        self._vault = vault
        self._book = book
        self._clock = clock

    def of(self, connection: Connection, order: KeptOrder, reach: Reach) -> list[Address]:
        """The shop's own one, else those that were written on the page, the confirmed one first. Of what nobody can read any
        more there is nothing."""
        try:
            contact = self._book.contact(connection, order.id)
            own = {Reach.EMAIL: contact.email, Reach.PHONE: contact.phone}.get(reach, "")
            if own:
                return [Address(Secret(own), self._vault.contact_hashes(reach, own))]
            query = select(subscriptions.c.id, subscriptions.c.sealed).where(subscriptions.c.order_id == order.id)
            rows = connection.execute(query.order_by(subscriptions.c.created_at.desc(), subscriptions.c.id)).all()
            found = [(row.id, msgspec.json.decode(self._vault.open(row.sealed), type=_Written)) for row in rows]
        except StoreError as error:
            log.warning("an order's addresses cannot be read", order=order.id, reason=str(error))
            return []
        addresses = [self._read(id, one) for id, one in found if one.reach is reach]
        return sorted(addresses, key=lambda one: not one.is_confirmed)

    def wanted(self, connection: Connection, order: KeptOrder, request: ConsentRequest) -> Address | None:
        """The address that a request is about. Of those that were never confirmed the last one written stays."""
        known = self.of(connection, order, request.reach)
        if known and (known[0].is_confirmed or not request.address):
            return known[0]
        if not request.address:
            return None
        topics = request.topics
        for one in known:
            self.forget(connection, order, one)
            if one.to.reveal() == request.address:
                topics = tuple(topic for topic in Topic if topic in (*topics, *(one.wanted or ())))
        return self.write(connection, order, structs.replace(request, topics=topics))

    def write(self, connection: Connection, order: KeptOrder, request: ConsentRequest) -> Address:
        """Keeps an address with the order on whose page it was written."""
        written = _Written(request.reach, request.address, request.topics)
        address = self._read(f"{ASKED}_", written)
        values = {
            "id": new_id(ASKED), "store": order.store, "order_id": order.id, "contact": address.hashes[0],
            "sealed": self._vault.seal(msgspec.json.encode(written)), "created_at": self._clock.now(),
        }  # fmt: skip
        connection.execute(insert(connection, subscriptions).values(values).on_conflict_do_nothing())
        return address

    def subscribe(self, connection: Connection, order: KeptOrder, request: ConsentRequest) -> Address:
        """Keeps a browser, whose owner it has asked itself; of many the newest stay."""
        for one in self.of(connection, order, request.reach):
            if one.to.reveal() == request.address:
                self.forget(connection, order, one)
        address = self.write(connection, order, request)
        self.confirm(connection, order, address)
        for one in self.of(connection, order, request.reach)[MOST_BROWSERS:]:
            self.forget(connection, order, one)
        return structs.replace(address, wanted=None)

    def confirm(self, connection: Connection, order: KeptOrder, address: Address) -> None:
        """Whoever reads it said that it is theirs."""
        mine = (subscriptions.c.order_id == order.id) & subscriptions.c.contact.in_(address.hashes)
        connection.execute(update(subscriptions).where(mine).values(id=new_id(GIVEN)))

    def forget(self, connection: Connection, order: KeptOrder, address: Address) -> None:
        mine = (subscriptions.c.order_id == order.id) & subscriptions.c.contact.in_(address.hashes)
        connection.execute(delete(subscriptions).where(mine))

    def printed(self, connection: Connection, order: KeptOrder, reach: Reach, print: str) -> Address | None:
        """The address that a link names by this print."""
        found = self.of(connection, order, reach)
        return next((one for one in found if print in prints(self._vault, reach, one.to)), None)

    def _read(self, id: str, one: _Written) -> Address:
        wanted = one.wanted if id.startswith(f"{ASKED}_") else None
        return Address(
            Secret(one.address), self._vault.contact_hashes(one.reach, one.address), own=False, wanted=wanted
        )

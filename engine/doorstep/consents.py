"""May somebody be written to? What shoppers agreed to, or not any more, and the proof of it.

Consent belongs to an address, a way and a topic in a store: who agreed once is not asked again for the next order. What belongs
to the order may be told unasked where the settings say so, until it is withdrawn. All else is asked for twice: on the page, and
by a message to the address itself, which alone leads to where it is confirmed. An address that the shop has not told of, but
that somebody wrote on an order's page, is confirmed for each order; it stands with the order, sealed. So does a browser, which
asks its owner itself before it subscribes.

Every function works inside the caller's transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, false, func, or_, select, update

from .clock import Clock
from .config import Messages
from .consent_owners import UNANSWERED
from .contacts import Address, Contacts
from .database import insert
from .ids import new_id
from .message import Channel, Kind, Reach, Topic
from .message_links import CONFIRMS
from .orderbook import KeptOrder, OrderBook
from .secret import Secret
from .subscription import endpoint_hash
from .tables import consents, messages, orders, unreachable
from .vault import Vault
from .widget import Agreed, Browsers, ConsentRequest, Way

MOST_A_DAY = 3  # questions to an address
MOST_AN_ORDER = 5
AGREED, WITHDRAWN = "given", "withdrawn"
_DAY = timedelta(days=1)
_NOBODY = Secret("")


class Allowed(Struct, frozen=True):
    """`to` is None: nothing is sent, for this reason."""

    to: Secret | None
    reason: str = ""  # no address, not asked, withdrawn, unreachable


class Shown(Struct, frozen=True):
    """What stood on the page where somebody agreed: the words by topic, their language (BCP 47), and which page it was."""

    words: Mapping[Topic, str]
    language: str
    source: str


class Standing(Struct, frozen=True):
    """How an address stands that was asked: what it may agree to now, and whether it agreed to anything."""

    open: tuple[Topic, ...] = ()
    is_on: bool = False


class Consents:
    """`channels` are those there are, by account; `settings` those of the stores."""

    def __init__(
        self, vault: Vault, book: OrderBook, *, clock: Clock, channels: Mapping[str, Channel[Any]],
        settings: Mapping[str, Messages],
    ) -> None:  # fmt: skip
        self._contacts = Contacts(vault, book, clock=clock)
        self._clock = clock
        self._reaches = {name: channel.reach for name, channel in channels.items()}
        self._keys = {name: channel.public_key for name, channel in channels.items() if channel.public_key}
        self._settings = settings

    def recipient(
        self, connection: Connection, order: KeptOrder, topic: Topic, reach: Reach, *, unasked: bool
    ) -> Allowed:
        """To whom a message about this topic may go; `unasked`: the channel may tell what belongs to the order without being
        asked."""
        found = self.recipients(connection, order, topic, reach, unasked=unasked)
        return next((one for one in found if one.to is not None), found[0])

    def recipients(
        self, connection: Connection, order: KeptOrder, topic: Topic, reach: Reach, *, unasked: bool
    ) -> list[Allowed]:
        """As `recipient`, of each address of this way; at least one."""
        unasked = unasked and topic is Topic.ORDER
        addresses = self._contacts.of(connection, order, _way(reach))
        if not addresses:
            return [Allowed(_NOBODY) if reach is Reach.SHOP and unasked else Allowed(None, "no address")]
        return [self._allowed(connection, order, one, topic, _way(reach), unasked=unasked) for one in addresses]

    def to_ask(self, connection: Connection, order: KeptOrder, once: str) -> Allowed:
        """To whom a question goes that was written down under `once`."""
        row = connection.execute(select(consents).where(consents.c.id == _asked_in(once))).one_or_none()
        addresses = self._contacts.of(connection, order, Reach(row.reach)) if row is not None else []
        for one in addresses:
            if row is not None and row.contact in one.hashes:
                if self._is_unreachable(connection, order.store, one, Reach(row.reach)):
                    return Allowed(None, "unreachable")
                return Allowed(one.to)
        return Allowed(None, "no address")

    def ways(self, connection: Connection, order: KeptOrder) -> tuple[Way, ...]:
        """What a shopper may choose: each way of the store that leads to one address, and what is on. Raises StoreError."""
        reaches = {_way(self._reaches[one]) for one in self._channels(order)}
        ways = (self._shown(connection, order, reach) for reach in (Reach.EMAIL, Reach.PHONE) if reach in reaches)
        return (*ways, *(self._of_browsers(connection, order) if Reach.PUSH in reaches else ()))

    def browsers(self, connection: Connection, order: KeptOrder) -> Browsers | None:
        """How one more browser may be told of the order; None where the store reaches none. Raises StoreError."""
        key = next((self._keys[one] for one in self._channels(order) if one in self._keys), "")
        if not key:
            return None
        told = self.recipients(connection, order, Topic.ORDER, Reach.PUSH, unasked=False)
        return Browsers(key, tuple(endpoint_hash(one.to.reveal()) for one in told if one.to is not None))

    def ask(self, connection: Connection, order: KeptOrder, request: ConsentRequest, shown: Shown) -> None:
        """Somebody wants messages. What needs a confirmation is asked for, by a message; nobody learns whether the address is
        known. Raises StoreError."""
        if request.reach not in {_way(self._reaches[one]) for one in self._channels(order)} or not _hold(
            connection, order
        ):
            return
        if request.reach is Reach.PUSH:
            self._agree(connection, order, request, shown)
            return
        address = self._contacts.wanted(connection, order, request)
        if address is None:
            return
        asked = [self._asked(connection, order, address, request.reach, topic, shown) for topic in request.topics]
        first = next((id for id in asked if id), "")
        if first:
            self._send(connection, order, first, request.reach, address)

    def standing(self, connection: Connection, order: KeptOrder, reach: Reach, print: str) -> Standing:
        """How the address of a confirming link stands."""
        address = self._contacts.printed(connection, order, reach, print)
        if address is None:
            return Standing()
        if address.wanted is not None:
            return Standing(address.wanted)
        rows = self._rows(connection, order.store, address, reach)
        waiting = tuple(one for one in Topic if one in rows and rows[one].state == UNANSWERED)
        return Standing(waiting, any(row.state == AGREED for row in rows.values()))

    def confirm(
        self, connection: Connection, order: KeptOrder, reach: Reach, print: str, topics: Collection[Topic]
    ) -> bool:
        """Whoever reads the address agreed to these topics; whether there was anything to agree to."""
        if not _hold(connection, order):
            return False
        address = self._contacts.printed(connection, order, reach, print)
        agreed = [one for one in self.standing(connection, order, reach, print).open if one in topics]
        if address is None or not agreed:
            return False
        rows = self._rows(connection, order.store, address, reach)
        for topic in agreed:
            if topic not in rows or rows[topic].state != AGREED:
                self._set(connection, order.store, address, reach, topic, state=AGREED, given_at=self._clock.now())
        self._contacts.confirm(connection, order, address)
        self._talk(connection, order)
        return True

    def withdraw(
        self,
        connection: Connection,
        order: KeptOrder,
        topics: Collection[Topic],
        reaches: Collection[Reach],
        source: str,
    ) -> None:
        """No more of these messages at the order's addresses. Raises StoreError."""
        if not _hold(connection, order):
            return
        for reach in dict.fromkeys(map(_way, reaches)):
            for address in self._contacts.of(connection, order, reach):
                if address.wanted is not None:  # it may be a stranger's, whose consent others are not to withdraw
                    self._contacts.forget(connection, order, address)
                    if rest := tuple(one for one in address.wanted if one not in topics):
                        self._contacts.write(connection, order, ConsentRequest(reach, rest, address.to.reveal()))
                    continue
                for topic in topics:
                    self._withdraw(connection, order, address, reach, topic, source)

    # What is on

    def _shown(self, connection: Connection, order: KeptOrder, reach: Reach) -> Way:
        addresses = self._contacts.of(connection, order, reach)
        if not addresses:
            return Way(reach)
        first = addresses[0]
        unasked = self._is_unasked(order, reach)
        rows = self._rows(connection, order.store, first, reach)
        states = {one: _agreed(rows.get(one), one, first, unasked=unasked and one is Topic.ORDER) for one in Topic}
        return Way(reach, masked(reach, first.to.reveal()), states, settled=first.is_confirmed)

    def _of_browsers(self, connection: Connection, order: KeptOrder) -> tuple[Way, ...]:
        """All that have subscribed, as one way: what is on in any of them is on."""
        addresses = self._contacts.of(connection, order, Reach.PUSH)
        rows = [self._rows(connection, order.store, one, Reach.PUSH) for one in addresses]
        on = {topic for one in rows for topic, row in one.items() if row.state == AGREED}
        states = {topic: Agreed.ON if topic in on else Agreed.OFF for topic in Topic}
        return (Way(Reach.PUSH, states=states, settled=True),) if addresses else ()

    def _allowed(
        self, connection: Connection, order: KeptOrder, address: Address, topic: Topic, reach: Reach, *, unasked: bool
    ) -> Allowed:
        if self._is_unreachable(connection, order.store, address, reach):
            return Allowed(None, "unreachable")
        row = self._rows(connection, order.store, address, reach).get(topic)
        agreed = _agreed(row, topic, address, unasked=unasked)
        if agreed is Agreed.ON:
            return Allowed(address.to)
        return Allowed(None, "withdrawn" if row is not None and row.withdrawn_at is not None else "not asked")

    def _is_unreachable(self, connection: Connection, store: str, address: Address, reach: Reach) -> bool:
        mine = (unreachable.c.store == store) & (unreachable.c.reach == reach.value)
        query = select(unreachable.c.at).where(mine, unreachable.c.contact.in_(address.hashes))
        return connection.scalar(query) is not None

    def _is_unasked(self, order: KeptOrder, reach: Reach) -> bool:
        unasked = self._settings[order.store].unasked
        return any(one in unasked and _way(self._reaches[one]) is reach for one in self._channels(order))

    def _channels(self, order: KeptOrder) -> list[str]:
        """The store's accounts that there are."""
        return [one for one in self._settings[order.store].channels if one in self._reaches]

    # Rows

    def _rows(self, connection: Connection, store: str, address: Address, reach: Reach) -> dict[Topic, Row[Any]]:
        mine = (consents.c.store == store) & (consents.c.reach == reach.value)
        rows = connection.execute(select(consents).where(mine, consents.c.contact.in_(address.hashes)))
        found: dict[Topic, Row[Any]] = {}
        for row in rows:  # under a former key's hash there may be another: the newest key's counts
            if Topic(row.topic) not in found or row.contact == address.hashes[0]:
                found[Topic(row.topic)] = row
        return found

    def _asked(
        self, connection: Connection, order: KeptOrder, address: Address, reach: Reach, topic: Topic, shown: Shown
    ) -> str:
        """Notes that somebody asked for a topic; the id of the consent if it is to be confirmed, else ""."""
        row = self._rows(connection, order.store, address, reach).get(topic)
        now = self._clock.now()
        proof = _proof(order, topic, shown, now)
        if row is not None and row.state == AGREED:
            return "" if address.is_confirmed else str(row.id)
        if address.own and topic is Topic.ORDER and self._is_unasked(order, reach):
            self._set(connection, order.store, address, reach, topic, state=AGREED, given_at=now, **proof)
            self._talk(connection, order)
            return ""
        return self._set(connection, order.store, address, reach, topic, state=UNANSWERED, **proof)

    def _agree(self, connection: Connection, order: KeptOrder, request: ConsentRequest, shown: Shown) -> None:
        """Somebody wants messages in the browser that subscribed just now, or in those that the order has."""
        if request.address:
            addresses = [self._contacts.subscribe(connection, order, request)]
        else:
            addresses = self._contacts.of(connection, order, request.reach)
        now = self._clock.now()
        for address in addresses:
            for topic in request.topics:
                proof = _proof(order, topic, shown, now)
                self._set(connection, order.store, address, request.reach, topic, state=AGREED, given_at=now, **proof)
        self._talk(connection, order)

    def _withdraw(
        self, connection: Connection, order: KeptOrder, address: Address, reach: Reach, topic: Topic, source: str
    ) -> None:
        row = self._rows(connection, order.store, address, reach).get(topic)
        if row is None or row.state != WITHDRAWN:
            values = {"state": WITHDRAWN, "source": source, "withdrawn_at": self._clock.now()}
            self._set(connection, order.store, address, reach, topic, order_id=order.id, **values)

    def _set(
        self, connection: Connection, store: str, address: Address, reach: Reach, topic: Topic, **values: Any
    ) -> str:
        """Changes a consent, or makes it; its id. It stands under the newest key's hash from now on."""
        row = self._rows(connection, store, address, reach).get(topic)
        if row is not None:
            change = update(consents).where(consents.c.id == row.id).values(contact=address.hashes[0], **values)
            connection.execute(change)
            return str(row.id)
        fresh = {
            "id": new_id("con"), "store": store, "contact": address.hashes[0], "reach": reach.value, "topic": topic.value,
            "language": "", "wording": b"", "source": "mail",
        }  # fmt: skip
        connection.execute(consents.insert().values({**fresh, **values}))
        return str(fresh["id"])

    def _talk(self, connection: Connection, order: KeptOrder) -> None:
        connection.execute(update(orders).where(orders.c.id == order.id).values(talk_at=self._clock.now()))

    def _send(
        self, connection: Connection, order: KeptOrder, consent_id: str, reach: Reach, address: Address
    ) -> None:  # fmt: skip
        """Queues the question whether the address wants this, unless it was asked often enough."""
        account = next((one for one in self._channels(order) if self._reaches[one] is reach), "")
        account = account or next((one for one in self._channels(order) if _way(self._reaches[one]) is reach), "")
        asked = _questions_of(connection, address.hashes)
        now = self._clock.now()
        waits = asked & (messages.c.order_id == order.id) & (messages.c.state == "waiting")
        of_order = (messages.c.order_id == order.id) & (messages.c.kind == Kind.CONFIRM.value)
        if (
            _count(connection, waits)
            or _count(connection, of_order) >= MOST_AN_ORDER
            or _count(connection, asked & (messages.c.created_at > now - _DAY)) >= MOST_A_DAY
        ):
            return
        number = _count(connection, messages.c.once.startswith(f"{Kind.CONFIRM}:{consent_id}:", autoescape=True)) + 1
        values = {
            "id": new_id("msg"), "store": order.store, "order_id": order.id, "parcel_id": None, "kind": Kind.CONFIRM.value,
            "channel": account, "once": f"{Kind.CONFIRM}:{consent_id}:{number}", "state": "waiting", "reason": "",
            "due_at": now, "until": now + CONFIRMS, "attempts": 0, "error": "", "reference": "", "created_at": now,
        }  # fmt: skip
        connection.execute(insert(connection, messages).values(values).on_conflict_do_nothing())


def _proof(order: KeptOrder, topic: Topic, shown: Shown, at: datetime) -> dict[str, Any]:
    """What is kept of how a consent was asked for."""
    return {
        "order_id": order.id, "language": shown.language, "wording": shown.words[topic].encode(),
        "source": shown.source, "asked_at": at,
    }  # fmt: skip


def masked(reach: Reach, address: str) -> str:
    """As much of an address as its owner needs to know it again."""
    if reach is Reach.PHONE:
        return f"{address[:3]}•••{address[-2:]}"
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"


def _way(reach: Reach) -> Reach:
    """The shop's own sender writes to whom the shop writes: what was agreed to for e-mail holds for it."""
    return Reach.EMAIL if reach is Reach.SHOP else reach


def _agreed(row: Row[Any] | None, topic: Topic, address: Address, *, unasked: bool) -> Agreed:
    """How a topic stands. Of an address that was never confirmed for an order nothing is told that others agreed to with it."""
    if address.wanted is not None:
        return Agreed.ASKED if topic in address.wanted else Agreed.OFF
    if row is None:
        return Agreed.ON if unasked and address.own else Agreed.OFF
    if row.state == AGREED or (unasked and address.own and row.withdrawn_at is None):
        return Agreed.ON
    return Agreed.ASKED if row.state == UNANSWERED else Agreed.OFF


def _hold(connection: Connection, order: KeptOrder) -> bool:
    """Holds the order until the end of the transaction; False when it was erased, or is gone."""
    query = select(orders.c.id).where(orders.c.id == order.id, orders.c.erased_at.is_(None))
    return connection.scalar(query.with_for_update()) is not None


def _asked_in(once: str) -> str:
    """The consent that a question is about, by its occasion."""
    return once.split(":")[1] if once.startswith(f"{Kind.CONFIRM}:") else ""


def _questions_of(connection: Connection, hashes: Sequence[str]) -> ColumnElement[bool]:
    """The questions that an address was sent, by whichever store and order."""
    ids = connection.scalars(select(consents.c.id).where(consents.c.contact.in_(hashes))).all()
    return or_(false(), *(messages.c.once.startswith(f"{Kind.CONFIRM}:{id}:", autoescape=True) for id in ids))


def _count(connection: Connection, matching: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(messages).where(matching)) or 0

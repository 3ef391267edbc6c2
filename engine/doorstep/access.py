"""Who may see an order: by a signed link, or by its number and what only its recipient knows.

A link that is unknown, expired, void or another store's is no link. An order that is not there and one whose proof is wrong
are answered alike, after the same work.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, select

from .clock import Clock
from .database import Database
from .errors import StoreError
from .links import Links, Proof, Ticket
from .orderbook import KeptOrder, OrderBook
from .tables import orders
from .vault import Vault, same

FOUND = timedelta(days=1)  # a link made by looking up lasts for a day's looking
PROVED = timedelta(minutes=30)  # level 2 is for now


class Seen(Struct, frozen=True):
    """An order and the proof level at which it is looked at."""

    order: KeptOrder
    level: int
    ticket: Ticket


class Access:
    """Reads and makes the tokens in the addresses of order pages."""

    def __init__(self, database: Database, book: OrderBook, links: Links, vault: Vault, *, clock: Clock) -> None:
        self._database = database
        self._book = book
        self._links = links
        self._vault = vault
        self._clock = clock
        self._stores_with_orders: set[str] = set()

    async def by_token(self, token: str, store_id: str) -> Seen | None:
        """The order of a link, or None when the link does not hold (any more) in this store. Raises StoreError."""
        ticket = self._links.read(token)
        if ticket is None or ticket.expires_at <= self._clock.now():
            return None
        order_id = ticket.order_id
        order = await self._database.read(lambda connection: self._book.by_id(connection, order_id))
        if order is None or order.store != store_id or order.erased_at is not None:
            return None
        return Seen(order, ticket.level, ticket) if order.link_generation == ticket.generation else None

    async def has_orders(self, store_id: str) -> bool:
        """Whether there is anything to look up in a store; once there was, there is."""
        if store_id not in self._stores_with_orders:
            query = select(orders.c.id).where(orders.c.store == store_id).limit(1)
            try:
                found = await self._database.read(lambda connection: connection.scalar(query))
            except StoreError:
                return False
            if found is not None:
                self._stores_with_orders.add(store_id)
        return store_id in self._stores_with_orders

    def link(self, order: KeptOrder, lasting: timedelta) -> str:
        """The token of a link that the shop gives to the order's recipient."""
        return self._links.token(Ticket(order.id, Proof.LINK, self._clock.now() + lasting, order.link_generation))

    async def by_number(self, store_id: str, number: str, offered: str) -> str | None:
        """A token for whoever knows an order's number and its e-mail address or postcode, else None. Raises StoreError."""
        kind, hashes = self._hashes(offered)
        rows = await self._database.read(lambda connection: _secrets(connection, store_id, _spellings(number)))
        proved = None
        # Where there is no order, nothing is compared, in the same time.
        for row in rows or (None,):
            if same(_kept(row, kind), hashes) and proved is None:
                proved = row
        if proved is None:
            return None
        return self._links.token(Ticket(proved.id, kind, self._clock.now() + FOUND, proved.link_generation))

    def second(self, seen: Seen, offered: str) -> str | None:
        """A token of level 2 for whoever brings a proof of another kind than the first, else None."""
        kind, hashes = self._hashes(offered)
        if kind is seen.ticket.proof or not same(_kept(seen.order, kind), hashes):
            return None
        expires_at = min(self._clock.now() + PROVED, seen.ticket.expires_at)
        return self._links.token(structs.replace(seen.ticket, second=kind, expires_at=expires_at))

    def _hashes(self, offered: str) -> tuple[Proof, Sequence[str]]:
        """What kind of proof it is, and what it may be kept as."""
        if "@" in offered:
            return Proof.EMAIL, self._vault.email_hashes(offered)
        return Proof.POSTCODE, self._vault.postcode_hashes(offered)


def second_proofs(seen: Seen) -> tuple[Proof, ...]:
    """What level 2 can still be reached with: what the order keeps, but for the proof that was given."""
    kept = {Proof.EMAIL: seen.order.email_hash, Proof.POSTCODE: seen.order.postcode_hash}
    return tuple(kind for kind, hash in kept.items() if hash and kind is not seen.ticket.proof)


def _secrets(connection: Connection, store_id: str, numbers: Sequence[str]) -> Sequence[Row[Any]]:
    columns = (orders.c.id, orders.c.email_hash, orders.c.postcode_hash, orders.c.link_generation)
    query = select(*columns).where(orders.c.store == store_id, orders.c.number.in_(numbers))
    query = query.where(orders.c.erased_at.is_(None)).order_by(orders.c.placed_at.desc())
    return [*connection.execute(query)]


def common_spelling(number: str) -> str:
    """What every spelling that may find the same order has in common: guesses at it are counted under this."""
    return "".join(number.replace("#", "").split()).upper()


def _spellings(number: str) -> list[str]:
    """The numbers that somebody may mean who copies one from a mail: with and without the sign in front."""
    bare = number.strip().removeprefix("#").strip()
    return list(dict.fromkeys(form for one in (bare, bare.upper()) for form in (one, f"#{one}")))


def _kept(order: Row[Any] | KeptOrder | None, kind: Proof) -> str | None:
    if order is None:
        return None
    kept: str | None = order.email_hash if kind is Proof.EMAIL else order.postcode_hash
    return kept

"""What became of messages, as providers and returned mail tell it: kept with the message, and with its address."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, select, update

from .clock import Clock
from .config import Store
from .contacts import Contacts
from .database import insert
from .message import Fate, Reach, Report
from .orderbook import OrderBook
from .secret import Secret
from .tables import consents, messages, unreachable
from .tallies import Kind as Counted
from .vault import Vault

# What a message may be before a fate: it was given to the provider at least.
_GIVEN = ("waiting", "sent", "in_doubt", "delivered")
_COUNTED: dict[str, Counted] = {"delivered": "delivered", "bounced": "bounced"}
_LONGEST = 200
_WHOM = re.compile(r"[^\s<>\"']*@[^\s<>\"']*|\+?\d[\d ()/-]{5,}\d")  # what a provider repeats is kept as a hash only


class Told(Struct, frozen=True):
    """A report, by whom: any account's where none is named (a mail that came back says which message it was)."""

    report: Report
    reach: Reach
    account: str = ""


class Fates:
    """Settles messages. `stores` are the settings', by id; `counted` adds to what is counted for a store."""

    def __init__(
        self, orders: OrderBook, vault: Vault, stores: Mapping[str, Store], *, clock: Clock,
        counted: Callable[[Connection, str, Counted, str], None],
    ) -> None:  # fmt: skip
        self._orders = orders
        self._vault = vault
        self._contacts = Contacts(vault, orders, clock=clock)
        self._stores = stores
        self._clock = clock
        self._counted = counted

    def settle(self, connection: Connection, told: Told) -> bool:
        """Whether there is such a message, which nobody had told this of. Raises StoreError."""
        # Each of them, whatever the one before says.
        settled = [self._settle(connection, row, told) for row in _found(connection, told)]
        return any(settled)

    def _settle(self, connection: Connection, row: Row[Any], told: Told) -> bool:
        match told.report.fate:
            case Fate.DELIVERED:
                return self._becomes(connection, row, "delivered", before=("waiting", "sent", "in_doubt"))
            case Fate.REFUSED:
                return self._becomes(connection, row, "refused", told.report.reason)
            case Fate.BOUNCED:
                self._unreachable(connection, row, told, told.report.reason or "bounced")
                return self._becomes(connection, row, "bounced", told.report.reason)
            case Fate.COMPLAINED:
                self._unreachable(connection, row, told, "complained")
                self._withdraw(connection, row, told.reach)
                return self._marked(connection, row, "complained")
            case Fate.OPENED:
                return self._opened(connection, row)

    def _becomes(
        self, connection: Connection, row: Row[Any], state: str, error: str = "", before: tuple[str, ...] = _GIVEN
    ) -> bool:
        if row.state not in before:
            return False
        values = {"state": state, "error": _without_address(error), "due_at": None, "settled_at": self._clock.now()}
        connection.execute(update(messages).where(messages.c.id == row.id).values(**values))
        if row.state != state and (counted := _COUNTED.get(state)):
            self._counted(connection, row.store, counted, row.kind)
        return True

    def _marked(self, connection: Connection, row: Row[Any], reason: str) -> bool:
        """It was delivered, and something came of it."""
        if row.state not in _GIVEN or row.reason == reason:
            return False
        self._becomes(connection, row, "delivered")
        connection.execute(update(messages).where(messages.c.id == row.id).values(reason=reason))
        return True

    def _opened(self, connection: Connection, row: Row[Any]) -> bool:
        store = self._stores.get(row.store)
        if store is None or not store.messages.opened or row.reason or not self._marked(connection, row, "opened"):
            return False
        self._counted(connection, row.store, "opened", row.kind)
        return True

    def unreached(self, connection: Connection, store: str, reach: Reach, to: Secret, reason: str) -> None:
        """Keeps in mind that nothing arrives at an address."""
        self._keep_off(connection, store, reach, self._vault.contact_hashes(reach, to.reveal()), reason)

    def _unreachable(self, connection: Connection, row: Row[Any], told: Told, reason: str) -> None:
        self._keep_off(connection, row.store, told.reach, self._hashes(connection, row, told.reach), reason)

    def _keep_off(self, connection: Connection, store: str, reach: Reach, hashes: list[str], reason: str) -> None:
        if not hashes:
            return
        values = {"reason": _without_address(reason), "at": self._clock.now()}
        written = insert(connection, unreachable).values(store=store, contact=hashes[0], reach=reach.value, **values)
        connection.execute(written.on_conflict_do_update(index_elements=["store", "contact", "reach"], set_=values))

    def _withdraw(self, connection: Connection, row: Row[Any], reach: Reach) -> None:
        mine = consents.c.contact.in_(self._hashes(connection, row, reach))
        where = (consents.c.store == row.store) & (consents.c.reach == reach.value) & mine
        ended = {"state": "withdrawn", "withdrawn_at": self._clock.now()}
        connection.execute(update(consents).where(where, consents.c.state != "withdrawn").values(**ended))

    def _hashes(self, connection: Connection, row: Row[Any], reach: Reach) -> list[str]:
        """What the address that a message went to may be kept as; nothing where only the shop knows it."""
        found = self._contacts.of(connection, self._orders.one(connection, row.order_id), reach)
        return found[0].hashes if found else []


def _without_address(said: str) -> str:
    return _WHOM.sub("…", said)[:_LONGEST]


def _found(connection: Connection, told: Told) -> Sequence[Row[Any]]:
    """The message, by its own id or by what its provider calls it, with all that was said in it. One that was never given to
    anybody is none."""
    report = told.report
    named: list[ColumnElement[bool]] = [messages.c.id == report.id] if report.id else []
    named += [messages.c.reference == report.reference] if report.reference else []
    given = select(messages).where(messages.c.handed_at.is_not(None)).with_for_update()
    given = given.where(messages.c.channel == told.account) if told.account else given
    for one in named:
        if row := connection.execute(given.where(one)).first():
            together = (messages.c.channel == row.channel) & (messages.c.reference == row.reference)
            return connection.execute(given.where(together)).all() if row.reference else [row]
    return []

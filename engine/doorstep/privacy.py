"""What is kept about people: found, told, and taken out for good.

After erasure an order is a row without a person: its amount, country, days, and how its parcels went. Its number, contact,
items, note, links, events and reports are gone, so are its parcels' numbers and what carriers said in words.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, select, update

from . import consent_owners
from .code_owners import let_go
from .errors import StoreError
from .ids import new_id
from .order import Contact, Order
from .orderbook import OrderBook
from .tables import (
    answers,
    codes,
    consents,
    deliveries,
    events,
    history,
    messages,
    order_parcels,
    orders,
    parcels,
    referrals,
    reports,
    requests,
    sources,
    subscriptions,
    unreachable,
)
from .vault import Vault

_AT_ONCE = 200  # orders looked for in one statement
_SLACK = timedelta(minutes=1)  # a request is written down a moment before the order that it brings
_UNNAMED = "ans"  # the kind of id that an answer has which belongs to nobody any more
_UNSAID = {"snapshot": None, "due_at": None, "leased_until": None, "failures": 0, "error": ""}
_LANE = (
    "carrier", "status", "reason", "delayed", "final", "expected", "first_scan_at", "last_scan_at", "delivered_at",
    "origin_country", "destination_country", "service", "fetched_at", "registered_at",
)  # fmt: skip


class Erased(Struct, frozen=True):
    """How many of what lost their personal data, or were deleted."""

    orders: int = 0
    parcels: int = 0
    events: int = 0
    reports: int = 0
    answers: int = 0


class Dossier(Struct, frozen=True):
    """Everything that is kept about an order. `order` is what the shop wrote, e-mail and postcode included."""

    id: str
    store: str
    version: int
    order: Order
    promise: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    erased_at: datetime | None
    parcels: list[dict[str, Any]]
    events: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    codes: list[dict[str, Any]]
    referrals: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    addresses: list[dict[str, Any]]  # written on the order's page
    consents: list[dict[str, Any]]
    unreachable: list[dict[str, Any]]


def find(
    connection: Connection, vault: Vault, store: str, *, order: str = "", email: str = "", postcode: str = ""
) -> list[str]:
    """The ids of a store's orders that fit all that is given; an order is its number or its id."""
    query = select(orders.c.id).where(orders.c.store == store)
    if order:
        query = query.where((orders.c.number == order) | (orders.c.id == order))
    if email:
        query = query.where(orders.c.email_hash.in_(vault.email_hashes(email)))
    if postcode:
        query = query.where(orders.c.postcode_hash.in_(vault.postcode_hashes(postcode)))
    return list(connection.scalars(query.order_by(orders.c.placed_at, orders.c.id)))


def dossier(connection: Connection, book: OrderBook, vault: Vault, order_id: str) -> Dossier:
    """Everything about an order that is there. Raises StoreError when a key is gone that is needed to read it."""
    kept = book.one(connection, order_id)
    rows = _parcels_of(connection, [order_id])
    written = book.written(connection, kept)
    contacts = {
        *consent_owners.hashes_of(vault, Contact(written.email, "", written.phone)),
        *consent_owners.written_for(connection, order_id),
    }
    return Dossier(
        kept.id, kept.store, kept.version, written, kept.promise, kept.created_at,
        kept.updated_at, kept.closed_at, kept.erased_at,
        parcels=[_parcel(connection, row) for row in rows],
        events=_events(connection, order_id),
        reports=_reports(connection, vault, order_id),
        answers=_answers(connection, [order_id, *_shipment_ids(rows)]),
        sources=_listed(connection, sources, ("connector", "key", "changed_at"), sources.c.order_id == order_id),
        codes=_codes(connection, kept.store, order_id, book.email_hashes(connection, kept)),
        referrals=_referrals(connection, kept.store, kept.order.number),
        messages=_messages(connection, order_id),
        addresses=_addresses(connection, vault, order_id),
        consents=_consents(connection, kept.store, contacts),
        unreachable=_of_contacts(connection, unreachable, ("reach", "reason", "at"), kept.store, contacts),
    )  # fmt: skip


def erase(connection: Connection, order_ids: Iterable[str], *, vault: Vault, now: datetime) -> Erased:
    """Takes the personal data out of these orders; those that have none any more are not counted."""
    wanted, counted = sorted(set(order_ids)), [0] * len(Erased.__struct_fields__)
    for start in range(0, len(wanted), _AT_ONCE):
        batch = _locked(connection, wanted[start : start + _AT_ONCE])
        done = _erase(connection, batch, vault, now) if batch else Erased()
        counted = [before + more for before, more in zip(counted, msgspec.structs.astuple(done), strict=True)]
    return Erased(*counted)


def forget_answers(connection: Connection, matching: Any, *, limit: int | None = None) -> int:
    """Takes the texts out of answers, and what they were given to; none is shown to others any more. Numbers stay: a score
    tells nothing of who gave it."""
    query = select(answers.c.id, answers.c.data).where(matching, ~answers.c.shipment.startswith(f"{_UNNAMED}_"))
    rows = connection.execute(query.order_by(answers.c.id).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        given = msgspec.json.decode(row.data, type=dict[str, Any])
        numbers = {name: value for name, value in given.items() if isinstance(value, int | float)}
        values = {"data": msgspec.json.encode(numbers), "shipment": new_id(_UNNAMED), "approved_at": None}
        connection.execute(update(answers).where(answers.c.id == row.id).values(values))
    return len(rows)


def _locked(connection: Connection, order_ids: Sequence[str]) -> list[Row[Any]]:
    mine = orders.c.id.in_(order_ids) & orders.c.erased_at.is_(None)
    return list(connection.execute(select(orders).where(mine).order_by(orders.c.id).with_for_update()))


def _erase(connection: Connection, rows: Sequence[Row[Any]], vault: Vault, now: datetime) -> Erased:
    ids = [row.id for row in rows]
    mine = _own_parcels(connection, ids)
    answered = answers.c.shipment.in_([*ids, *_shipment_ids(mine)])
    erased = Erased(
        orders=len(rows),
        parcels=len(mine),
        events=connection.execute(delete(events).where(events.c.order_id.in_(ids))).rowcount,
        reports=connection.execute(delete(reports).where(reports.c.order_id.in_(ids))).rowcount,
        answers=forget_answers(connection, answered),
    )
    _blank_replies(connection, rows, vault)
    connection.execute(update(sources).where(sources.c.order_id.in_(ids)).values(parcels=b"[]"))
    for row in rows:
        connection.execute(update(orders).where(orders.c.id == row.id).values(_without_person(row, now)))
    for row in rows:
        contact = _contact(row, vault)
        hashes = _hashes(row, contact, vault)
        let_go(connection, row.store, row.id, row.number, hashes)
        hashes.update(consent_owners.written_for(connection, row.id))
        consent_owners.let_go(connection, vault, row.store, row.id, contact, hashes)
    for parcel in mine:
        _replace(connection, parcel, now)
    return erased


def _contact(row: Row[Any], vault: Vault) -> Contact:
    with suppress(StoreError):  # an order is erased without its key, too
        return msgspec.json.decode(vault.open(row.contact), type=Contact) if row.contact else Contact()
    return Contact()


def _hashes(row: Row[Any], contact: Contact, vault: Vault) -> set[str]:
    """What the customer of an order may be kept as elsewhere."""
    hashes = {row.email_hash} if row.email_hash else set()
    return hashes.union(vault.email_hashes(contact.email) if contact.email else ())


def _without_person(row: Row[Any], now: datetime) -> dict[str, Any]:
    """What stays of an order. It counts as closed, and as changed: who has read it before must not write it back."""
    order = msgspec.json.decode(row.document, type=Order)
    bare = Order(
        row.id, placed_at=order.placed_at, language=order.language, country=order.country, promised=order.promised,
        total=order.total, cancelled_at=order.cancelled_at,
    )  # fmt: skip
    return {
        "number": row.id, "document": msgspec.json.encode(bare), "contact": None, "email_hash": None,
        "postcode_hash": None, "version": row.version + 1, "link_generation": row.link_generation + 1,
        "closed_at": row.closed_at or now, "updated_at": now, "erased_at": now,
    }  # fmt: skip


def _own_parcels(connection: Connection, order_ids: Sequence[str]) -> list[Row[Any]]:
    """The parcels of these orders alone, locked. From those that other orders have as well they are taken out."""
    named = [row.id for row in _parcels_of(connection, order_ids, lock=True)]
    others = order_parcels.c.parcel_id.in_(named) & order_parcels.c.order_id.not_in(order_ids)
    shared = set(connection.scalars(select(order_parcels.c.parcel_id).where(others)))
    theirs = order_parcels.c.parcel_id.in_(shared) & order_parcels.c.order_id.in_(order_ids)
    connection.execute(delete(order_parcels).where(theirs))
    mine = parcels.c.id.in_([id for id in named if id not in shared])
    return list(connection.execute(select(parcels).where(mine)))


def _replace(connection: Connection, parcel: Row[Any], now: datetime) -> None:
    """Puts a parcel without number and words in the place of this one. It has another id, so that an answer which is on
    its way from a carrier finds nobody to belong to."""
    id = new_id("pcl")
    bare = {**parcel._mapping, **_UNSAID, "id": id, "number": id, "era": 0, "updated_at": now}
    connection.execute(parcels.insert().values(bare))
    mine = order_parcels.c.parcel_id == parcel.id
    connection.execute(update(order_parcels).where(mine).values(parcel_id=id, contents=b"[]"))
    connection.execute(update(history).where(history.c.parcel_id == parcel.id).values(parcel_id=id))
    connection.execute(delete(parcels).where(parcels.c.id == parcel.id))


def _blank_replies(connection: Connection, rows: Sequence[Row[Any]], vault: Vault) -> None:
    """Empties the answers that the API keeps for repeated requests: their `Location` names the order."""
    ids, made = [row.id.encode() for row in rows], [row.created_at for row in rows]
    then = requests.c.created_at.between(min(made) - _SLACK, max(made) + _SLACK)
    kept = select(requests.c.scope, requests.c.key, requests.c.headers).where(then, requests.c.headers.is_not(None))
    for scope, key, headers in connection.execute(kept).all():
        if any(id in headers for id in ids):
            mine = (requests.c.scope == scope) & (requests.c.key == key)
            connection.execute(update(requests).where(mine).values(body=vault.seal(b"")))


def _parcels_of(connection: Connection, order_ids: Sequence[str], *, lock: bool = False) -> list[Row[Any]]:
    named = select(order_parcels.c.parcel_id).where(order_parcels.c.order_id.in_(order_ids))
    query = select(parcels).where(parcels.c.id.in_(named)).order_by(parcels.c.number, parcels.c.id)
    return list(connection.execute(query.with_for_update() if lock else query))


class _Named(Struct):
    id: str = ""


def _shipment_ids(rows: Iterable[Row[Any]]) -> list[str]:
    """What pages know these parcels by: answers given there are kept under it."""
    found = []
    for row in rows:
        with suppress(msgspec.MsgspecError):  # a snapshot that cannot be read has no page
            found.append(msgspec.msgpack.decode(row.snapshot or b"", type=_Named).id)
    return [id for id in found if id]


def _parcel(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    said = msgspec.msgpack.decode(row.snapshot) if row.snapshot else None
    changes = ("version", "at", "status", "reason", "delayed", "expected")
    past = _listed(connection, history, changes, history.c.parcel_id == row.id)
    told = {name: row._mapping[name] for name in ("id", "number", *_LANE)}
    return {**told, "said": said, "history": sorted(past, key=lambda one: one["version"])}


def _events(connection: Connection, order_id: str) -> list[dict[str, Any]]:
    found = _listed(connection, events, ("id", "type", "at", "data"), events.c.order_id == order_id)
    columns = ("event_id", "endpoint", "state", "attempts", "delivered_at", "error")
    sent = _listed(connection, deliveries, columns, deliveries.c.event_id.in_([one["id"] for one in found]))
    return [
        {
            **one,
            "data": msgspec.Raw(one["data"]),
            "deliveries": [each for each in sent if each["event_id"] == one["id"]],
        }
        for one in sorted(found, key=lambda one: one["at"])
    ]


def _reports(connection: Connection, vault: Vault, order_id: str) -> list[dict[str, Any]]:
    columns = ("id", "parcel_id", "kind", "created_at", "data")
    found = _listed(connection, reports, columns, reports.c.order_id == order_id)
    return [{**one, "data": msgspec.Raw(vault.open(one["data"]))} for one in found]


def _answers(connection: Connection, given_to: Collection[str]) -> list[dict[str, Any]]:
    columns = ("widget", "moment", "created_at", "updated_at", "data")
    found = _listed(connection, answers, columns, answers.c.shipment.in_(given_to))
    return [{**one, "data": msgspec.Raw(one["data"])} for one in found]


def _codes(connection: Connection, store: str, order_id: str, hashes: Collection[str]) -> list[dict[str, Any]]:
    columns = ("widget", "code", "reserved_at", "expires_at", "redeemed_at", "redeemed_by")
    own = (codes.c.order_id == order_id) | codes.c.customer.in_(hashes)
    return _listed(connection, codes, columns, (codes.c.store == store) & own)


def _referrals(connection: Connection, store: str, number: str) -> list[dict[str, Any]]:
    """By whose code the order came. The code is another customer's, and is not told."""
    mine = (referrals.c.store == store) & (referrals.c.order_number == number)
    return _listed(connection, referrals, ("id", "state", "reason", "created_at", "settled_at"), mine)


def _messages(connection: Connection, order_id: str) -> list[dict[str, Any]]:
    columns = (
        "id", "parcel_id", "kind", "channel", "state", "reason", "due_at", "handed_at", "error", "reference", "created_at",
        "settled_at",
    )  # fmt: skip
    return _listed(connection, messages, columns, messages.c.order_id == order_id)


def _addresses(connection: Connection, vault: Vault, order_id: str) -> list[dict[str, Any]]:
    found = _listed(connection, subscriptions, ("created_at", "sealed"), subscriptions.c.order_id == order_id)
    return [{"created_at": one["created_at"], "address": msgspec.Raw(vault.open(one["sealed"]))} for one in found]


def _consents(connection: Connection, store: str, contacts: Collection[str]) -> list[dict[str, Any]]:
    columns = ("reach", "topic", "state", "language", "wording", "source", "asked_at", "given_at", "withdrawn_at")
    found = _of_contacts(connection, consents, columns, store, contacts)
    return [{**one, "wording": one["wording"].decode()} for one in found]


def _of_contacts(
    connection: Connection, table: Any, columns: Sequence[str], store: str, contacts: Collection[str]
) -> list[dict[str, Any]]:  # fmt: skip
    return _listed(connection, table, columns, (table.c.store == store) & table.c.contact.in_(contacts))


def _listed(connection: Connection, table: Any, columns: Sequence[str], matching: Any) -> list[dict[str, Any]]:
    query = select(*(table.c[name] for name in columns)).where(matching)
    return [dict(row) for row in connection.execute(query).mappings()]

"""The columns of a CSV file of orders: from the cells of one order's rows to what they say of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs

from .drafts import Draft, Problem, Row
from .errors import NumberError
from .order import Item, Order, PackedItem, Parcel
from .recognition import normalise

Value = Any
Cells = Mapping[str, str]
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.ASCII | re.IGNORECASE)
_WITH_DOTS = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?P<time>.*)", re.ASCII | re.DOTALL)
_YEARS = range(1971, 2200)  # a day more or less, in whichever zone, is in those that an order may have
_PATH = re.compile(r"(?P<name>\w+)(?:\[(?P<at>\d+)\])?(?:\.(?P<rest>\w+))?", re.ASCII)


class CellError(ValueError):
    """What a cell holds cannot be meant so."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(problem)
        self.next_step = next_step


def _text(cell: str, zone: ZoneInfo) -> str:
    return cell


def _code(cell: str, zone: ZoneInfo) -> str:
    """A number that is a name: spreadsheets round what is longer than fifteen digits."""
    if _ROUNDED.fullmatch(cell):
        raise CellError(f"{cell!r} was rounded by a spreadsheet", "format the column as text and enter the number anew")
    return cell


def _parcel_number(cell: str, zone: ZoneInfo) -> str:
    try:
        return normalise(_code(cell, zone))
    except NumberError as error:
        raise CellError(error.message, error.next_step or "correct it, or leave it empty") from None


def _upper(cell: str, zone: ZoneInfo) -> str:
    return cell.upper()


def _whole(cell: str, zone: ZoneInfo) -> int:
    if not re.fullmatch(r"\d{1,9}([.,]0+)?", cell, re.ASCII):
        raise CellError(f"{cell[:40]!r} is not a whole number", "write digits alone: 2")
    return int(re.split("[.,]", cell)[0])


def _amount(cell: str, zone: ZoneInfo) -> Decimal:
    """12.90 or 12,90; thousands are not set apart."""
    try:
        return Decimal(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)
    except InvalidOperation:
        raise CellError(f"{cell[:40]!r} is not an amount", "write 1299.50, the currency in its own column") from None


def _words(cell: str, zone: ZoneInfo) -> tuple[str, ...]:
    return tuple(one.strip() for one in cell.split("|") if one.strip())


def _day(cell: str, zone: ZoneInfo) -> date:
    return _time(cell, zone).date()


def _time(cell: str, zone: ZoneInfo) -> datetime:
    dotted = _WITH_DOTS.fullmatch(cell)  # 22.11.2026: with slashes nobody knows which is the month
    written = "{year}-{month:0>2}-{day:0>2}{time}".format(**dotted.groupdict()) if dotted else cell
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise CellError(f"{cell[:40]!r} is not a date", "write 2026-11-22 or 2026-11-22 14:30") from None
    if read.year not in _YEARS:
        raise CellError(f"{cell[:40]!r} is not a date of our time", "correct the year")
    return read if read.tzinfo else read.replace(tzinfo=zone)


Reader = Callable[[str, ZoneInfo], Value]
_ORDER: dict[str, Reader] = {
    "number": _code, "placed_at": _time, "email": _text, "postcode": _code, "country": _upper, "language": _text,
    "note": _text, "tags": _words, "cancelled_at": _time, "referral": _code,
}  # fmt: skip
_PROMISED: dict[str, Reader] = {"promised_from": _day, "promised_until": _day, "promised_business_days": _whole}
_MONEY: dict[str, Reader] = {"total": _amount, "currency": _upper}
_CUSTOMER: dict[str, Reader] = {"customer_orders": _whole, "customer_value": _amount, "customer_last_order_at": _time}
_ITEM: dict[str, Reader] = {
    "item_id": _code, "item_name": _text, "item_sku": _code, "item_quantity": _whole, "item_price": _amount,
    "item_image": _text, "item_url": _text, "item_category": _text, "item_tags": _words, "item_lifetime": _whole,
    "item_warranty_until": _day,
}  # fmt: skip
_PARCEL: dict[str, Reader] = {
    "shipment_number": _parcel_number, "shipment_carrier": _text, "shipment_shipped_at": _time,
}  # fmt: skip
COLUMNS: dict[str, Reader] = {**_ORDER, **_PROMISED, **_MONEY, **_CUSTOMER, **_ITEM, **_PARCEL}
_WRITTEN = {  # what to write where the rule itself would say little
    "country": "write two letters: DE", "currency": "write three letters: EUR", "language": "write de, or pt-BR",
    "email": "write one address: name@shop.example", "item_price": "write 49.95, and EUR in the column currency",
    "item_image": "write the whole address, https://…", "item_url": "write the whole address, https://…",
}  # fmt: skip
_OF_ROWS = {**_ITEM, **_PARCEL}  # of what an order has several: each row its own


class _Line(Struct):
    """An item or a parcel that rows tell of, and the first of those rows."""

    line: int
    fields: dict[str, Value]


def draft_of(rows: Sequence[tuple[Row, Cells]], zone: ZoneInfo) -> Draft:
    """The order of these rows, which stand under one number."""
    gathered = _Gathered(zone)
    for row, cells in rows:
        gathered.take(row.line, cells)
    order = gathered.order() if not gathered.problems else None
    change = _adding(order, tuple(gathered.says)) if order else None
    return Draft(rows[0][1].get("number", ""), tuple(row for row, _ in rows), change, tuple(gathered.problems))


class _Gathered:
    """What rows say together. `says` are the order's own fields that they name."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._own: dict[str, tuple[int, Value]] = {}  # by column, with the line that said so
        self._items: dict[str, _Line] = {}
        self._parcels: dict[str, _Line] = {}
        self.problems: list[Problem] = []
        self.says: dict[str, Value] = {}

    def take(self, line: int, cells: Cells) -> None:
        values = dict(self._read(line, cells))
        for column, value in values.items():
            if column not in _OF_ROWS:
                first, said = self._own.setdefault(column, (line, value))
                if said != value:
                    self._refuse(line, column, f"differs from line {first}", "give one order one value")
        item, quantity = self._item(line, values), values.get("item_quantity", 1)
        number = values.get("shipment_number")
        if number is None:
            if values.keys() & _PARCEL.keys() and "shipment_number" not in cells:
                self._refuse(line, "shipment_number", "is missing", "name the parcel, or empty its other columns")
            return
        parcel = self._parcels.setdefault(number, _Line(line, {"number": number, "items": {}}))
        parcel.fields |= _within(values, _PARCEL, "shipment_")
        if item:
            packed = parcel.fields["items"]
            packed[item] = packed.get(item, 0) + quantity

    def order(self) -> Order | None:
        """The order, or None when something does not fit."""
        self.says = {column: value for column, (_, value) in self._own.items() if column in _ORDER}
        self.says |= self._together()
        fields = {**self.says}
        if self._items:
            fields["items"] = [one.fields for one in self._items.values()]
        if self._parcels:
            fields["shipments"] = [_packed(one.fields) for one in self._parcels.values()]
        if self.problems:
            return None
        try:
            return msgspec.convert(fields, Order)
        except msgspec.ValidationError as error:
            self._explain(error)
            return None

    def _read(self, line: int, cells: Cells) -> Iterator[tuple[str, Value]]:
        for column, cell in cells.items():
            try:
                yield column, COLUMNS[column](cell, self._zone)
            except CellError as error:
                self._refuse(line, column, str(error), error.next_step)

    def _item(self, line: int, values: Mapping[str, Value]) -> str:
        """The id of the row's item, which is noted; empty where there is none."""
        fields = _within(values, _ITEM, "item_")
        id = fields.get("id") or fields.get("sku") or str(fields.get("name", ""))[:100]
        if "name" not in fields:
            if fields and not (id and "shipment_number" in values):
                self._refuse(line, "item_name", "is missing", "name the item, or empty its other columns")
            return str(id)
        quantity = fields.pop("quantity", 1)
        known = self._items.setdefault(id, _Line(line, {"quantity": 0}))
        known.fields |= {**fields, "id": id, "quantity": known.fields["quantity"] + quantity}
        return str(id)

    def _together(self) -> dict[str, Value]:
        """Fields of the order that several columns make."""
        own = {column: value for column, (_, value) in self._own.items()}
        made: dict[str, Value] = {}
        if promised := _within(own, _PROMISED, "promised_"):
            made["promised"] = promised
        if customer := _within(own, _CUSTOMER, "customer_"):
            made["customer"] = customer
        currency = own.get("currency")
        priced = [("total", "total", own), ("customer_value", "value", customer)]
        priced += [("item_price", "price", one.fields) for one in self._items.values()]
        for column, name, fields in priced:
            if name in fields and currency is None:
                self._refuse(self._line_of(column), "currency", f"is missing beside {column}", "write EUR, USD …")
            elif name in fields:
                (made if fields is own else fields)[name] = {"amount": fields[name], "currency": currency}
        return made

    def _explain(self, error: msgspec.ValidationError) -> None:
        text, _, path = str(error).partition(" - at `$.")
        found = _PATH.match(path)
        name, at, rest = (found["name"], found["at"], found["rest"] or "") if found else ("", None, "")
        lines = {"items": self._items, "shipments": self._parcels}.get(name)
        if lines is not None and at is not None:
            column = f"{name.removesuffix('s')}_{rest}" if rest != "items" else "item_quantity"
            line = list(lines.values())[int(at)].line
        else:
            column = f"{name}_{rest}" if f"{name}_{rest}" in COLUMNS else name
            line = self._line_of(column)
        self._refuse(line, column if column in COLUMNS else "", text, _WRITTEN.get(column, "correct the value"))

    def _line_of(self, column: str) -> int:
        first = min((line for line, _ in self._own.values()), default=0)
        return self._own.get(column, (first, None))[0]

    def _refuse(self, line: int, column: str, problem: str, next_step: str) -> None:
        self.problems.append(Problem(line, column, problem, next_step))


def _within(values: Mapping[str, Value], columns: Mapping[str, Reader], prefix: str) -> dict[str, Value]:
    return {column.removeprefix(prefix): value for column, value in values.items() if column in columns}


def _packed(fields: Mapping[str, Value]) -> dict[str, Value]:
    return {**fields, "items": [{"id": id, "quantity": quantity} for id, quantity in fields["items"].items()]}


def _adding(order: Order, says: Sequence[str]) -> Callable[[Order], Order]:
    """Rows add to an order: an item or a parcel that is there is written anew, none is taken away."""
    said = {name: getattr(order, name) for name in says}

    def change(before: Order) -> Order:
        parcels = {one.number: one for one in before.shipments}
        parcels |= {one.number: _renewed(parcels.get(one.number), one) for one in order.shipments}
        items = {_key(one): one for one in (*before.items, *order.items)}
        shipments = tuple(parcels.values())
        return structs.replace(before, **said, items=_enough(items, shipments), shipments=shipments)

    return change


def _key(item: Item) -> str:
    return item.id or item.sku or item.name[:100]


def _renewed(before: Parcel | None, now: Parcel) -> Parcel:
    if before is None:
        return now
    items = {one.id: one for one in (*before.items, *now.items)}
    return Parcel(now.number, now.carrier or before.carrier, tuple(items.values()), now.shipped_at or before.shipped_at)


def _enough(items: Mapping[str, Item], parcels: Sequence[Parcel]) -> tuple[Item, ...]:
    """No fewer of an item than its parcels hold: rows that do not stand together tell of a part each."""
    packed: list[PackedItem] = [one for parcel in parcels for one in parcel.items]
    held = {key: sum(one.quantity for one in packed if one.id == key) for key in items}
    return tuple(
        structs.replace(item, quantity=held[key]) if held[key] > item.quantity else item for key, item in items.items()
    )

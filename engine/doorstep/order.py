"""What a shop tells of an order: frozen values, the JSON of `/api/v1/orders` and of imported files alike.

What a stranger must not see (everything but the parcels' numbers) is told by `doorstep.proof`; e-mail, postcode and telephone
number are kept encrypted, and hashed where they are only compared.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

LONGEST = 500
Text = Annotated[str, Meta(max_length=LONGEST)]
Name = Annotated[str, Meta(max_length=100)]
Number = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
# Of the web, or a path on the shop's own domain.
Address = Annotated[str, Meta(max_length=2000, pattern=r"^(https?://[^\s]+|/([^/\s][^\s]*)?)?$")]
Country = Annotated[str, Meta(max_length=2, pattern=r"^([A-Z]{2})?$")]
Instant = Annotated[datetime, Meta(tz=True)]
_YEARS = range(1970, 2201)
_MOST = Decimal(10) ** 15  # of a customer's orders together
_MOST_TOTAL = Decimal(10) ** 12
_DIGITS = 6  # behind the point


class Money(Struct, frozen=True, forbid_unknown_fields=True):
    """An amount, decimal and exact, with its ISO 4217 currency."""

    amount: Decimal
    currency: Annotated[str, Meta(max_length=3, pattern=r"^[A-Z]{3}$")]

    def __post_init__(self) -> None:
        _, _, exponent = self.amount.as_tuple()
        if not isinstance(exponent, int) or exponent < -_DIGITS or abs(self.amount) >= _MOST:
            raise ValueError(f"Expected an amount below {_MOST:f} with at most {_DIGITS} digits behind the point")


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of an order. `lifetime` is in days: when it is used up; `id` is what the parcels' lists of items refer to."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    id: Name = ""
    quantity: Annotated[int, Meta(ge=1, le=100_000)] = 1
    sku: Name = ""
    image: Address = ""
    url: Address = ""
    category: Name = ""
    tags: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    price: Money | None = None
    lifetime: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    warranty_until: date | None = None

    def __post_init__(self) -> None:
        _check_years(self.warranty_until)


class PackedItem(Struct, frozen=True, forbid_unknown_fields=True):
    """How many of an item are in a parcel."""

    id: Name
    quantity: Annotated[int, Meta(ge=1, le=100_000)] = 1


class Parcel(Struct, frozen=True, forbid_unknown_fields=True):
    """A parcel as the shop knows it. `carrier` is a slug or a name; empty, the number tells. No `items`: not said."""

    number: Number
    carrier: Name = ""
    items: Annotated[tuple[PackedItem, ...], Meta(max_length=500)] = ()
    shipped_at: Instant | None = None

    def __post_init__(self) -> None:
        _check_years(self.shipped_at)


class Promise(Struct, frozen=True, forbid_unknown_fields=True):
    """The days the shop promised: `from` may be missing; instead of days, `business_days` after the order was placed."""

    start: date | None = field(default=None, name="from")
    until: date | None = None
    business_days: Annotated[int, Meta(ge=0, le=365)] | None = None

    def __post_init__(self) -> None:
        _check_years(self.start, self.until)


class CustomerFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """What the shop knows of the customer: how many orders, worth how much, when the last one before this; `tags` are the
    segments it puts them in, `points` and `tier` what they have in its loyalty programme, where it keeps one itself."""

    orders: Annotated[int, Meta(ge=0)] = 0
    value: Money | None = None
    last_order_at: Instant | None = None
    tags: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    points: Annotated[int, Meta(ge=0)] | None = None
    tier: Name = ""

    def __post_init__(self) -> None:
        _check_years(self.last_order_at)


class Contact(Struct, frozen=True, array_like=True):
    """Where an order's customer is reached: what is kept encrypted."""

    email: str = ""
    postcode: str = ""
    phone: str = ""

    def packed(self) -> bytes:
        """As it is kept: without a telephone number a pair, which versions read that know of none."""
        pair = (self.email, self.postcode)
        return msgspec.json.encode((*pair, self.phone) if self.phone else pair)


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """An order as a shop writes it. Only `number` is needed.

    `placed_at` is when it was placed (now, when missing), `country` where it goes (ISO 3166-1 alpha-2), `language` BCP 47,
    `phone` E.164, `note` a personal line to the customer, `customer` computed from the other orders where it is not given,
    `referral` the code of the friend who brought this customer.
    """

    number: Number
    placed_at: Instant | None = None
    language: Annotated[str, Meta(pattern=r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$", max_length=35)] = ""
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    phone: Annotated[str, Meta(pattern=r"^(\+[1-9][0-9]{6,14})?$")] = ""
    country: Country = ""
    promised: Promise | None = None
    items: Annotated[tuple[Item, ...], Meta(max_length=500)] = ()
    shipments: Annotated[tuple[Parcel, ...], Meta(max_length=100)] = ()
    total: Money | None = None
    tags: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    note: Annotated[str, Meta(max_length=2000)] = ""
    customer: CustomerFacts | None = None
    cancelled_at: Instant | None = None
    referral: Name = ""

    def __post_init__(self) -> None:
        _check_years(self.placed_at, self.cancelled_at)
        if self.total is not None and abs(self.total.amount) >= _MOST_TOTAL:
            raise ValueError(f"Expected a total below {_MOST_TOTAL:f}")


def _check_years(*days: date | None) -> None:
    """Refuses a slip of the pen, and what the arithmetic of days and zones cannot hold."""
    if any(day is not None and day.year not in _YEARS for day in days):
        raise ValueError(f"Expected a year from {_YEARS.start} to {_YEARS.stop - 1}")

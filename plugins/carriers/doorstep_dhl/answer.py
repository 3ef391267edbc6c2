"""DHL's answer as far as it is read: what stands there once for each scan by its type, and the rest by path."""

from typing import Any

from msgspec import Struct


class Address(Struct, frozen=True, rename="camel"):
    address_locality: str | None = None
    postal_code: str | None = None
    country_code: str | None = None


class End(Struct, frozen=True):
    address: Address | None = None


class Scan(Struct, frozen=True, rename="camel"):
    timestamp: str | None = None
    location: End | None = None
    status: str | None = None
    status_code: str | None = None
    description: str | None = None
    piece_ids: Any = None


class Parcel(Struct, frozen=True, rename="camel"):
    id: Any = None
    service: str | None = None
    origin: End | None = None
    destination: End | None = None
    status: Scan | None = None
    events: list[Scan] | None = None
    details: Any = None
    estimated_time_of_delivery: Any = None
    estimated_delivery_time_frame: Any = None


class Listed(Struct, frozen=True):
    shipments: list[Parcel] | None = None

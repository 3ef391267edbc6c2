"""UPS' answer as far as it is read: what stands there once for each scan by its type, and the rest by path."""

from typing import Any

from msgspec import Struct


class Address(Struct, frozen=True, rename="camel"):
    city: str | None = None
    state_province: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    country: str | None = None


class End(Struct, frozen=True):
    address: Address | None = None
    type: str | None = None


class State(Struct, frozen=True, rename="camel"):
    type: str | None = None
    code: str | None = None
    status_code: str | None = None
    description: str | None = None


class Scan(Struct, frozen=True, rename="camel"):
    location: End | None = None
    status: State | None = None
    date: str | None = None
    time: str | None = None
    gmt_date: str | None = None
    gmt_time: str | None = None


class Package(Struct, frozen=True, rename="camel"):
    tracking_number: str | None = None
    activity: list[Scan] | None = None
    current_status: State | None = None
    package_address: list[End] | None = None
    access_point_information: Any = None
    alternate_tracking_number: Any = None
    delivery_date: Any = None
    delivery_time: Any = None
    service: Any = None
    weight: Any = None


class Consignment(Struct, frozen=True):
    package: list[Package] | None = None
    warnings: Any = None


class Track(Struct, frozen=True):
    shipment: list[Consignment] | None = None


class Details(Struct, frozen=True, rename="camel"):
    track_response: Track | None = None
    response: Any = None

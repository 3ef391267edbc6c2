"""What UPS answers, as far as it is read here. Any field may be absent or null.

Source: UPS-API/api-documentation, Tracking.yaml (Track API v1), schemas TrackApiResponse and Response.
"""

from msgspec import Struct

Text = str | None


class Problem(Struct, frozen=True):
    """A warning beside HTTP 200, or an error."""

    code: Text = None
    message: Text = None


class Address(Struct, frozen=True, rename="camel"):
    city: Text = None
    state_province: Text = None
    postal_code: Text = None
    country_code: Text = None
    country: Text = None


class Located(Struct, frozen=True):
    """The place of a scan; with a type, where the package comes from (ORIGIN) or goes to (DESTINATION)."""

    type: Text = None
    address: Address | None = None


class State(Struct, frozen=True, rename="camel"):
    """What a scan says: three codes that are read together, see codes.toml."""

    type: Text = None
    code: Text = None
    status_code: Text = None
    description: Text = None


class Scan(Struct, frozen=True, rename="camel"):
    """`date` (YYYYMMDD) and `time` (HHMMSS) are the place's wall clock, the gmt fields UTC."""

    date: Text = None
    time: Text = None
    gmt_date: Text = None
    gmt_time: Text = None
    location: Located | None = None
    status: State | None = None


class DeliveryDate(Struct, frozen=True):
    """`type` is SDD (scheduled), RDD (rescheduled) or DEL (delivered)."""

    type: Text = None
    date: Text = None


class DeliveryTime(Struct, frozen=True, rename="camel"):
    """`type` is EDW, CDW or IDW (a window), CMT (not later than), EOD (some time that day) or DEL (delivered)."""

    type: Text = None
    start_time: Text = None
    end_time: Text = None


class AlternateNumber(Struct, frozen=True):
    type: Text = None
    number: Text = None


class AccessPoint(Struct, frozen=True, rename="camel"):
    pickup_by_date: Text = None


class Service(Struct, frozen=True):
    description: Text = None


class Measure(Struct, frozen=True, rename="camel"):
    unit_of_measurement: Text = None
    weight: str | float | None = None


class Package(Struct, frozen=True, rename="camel"):
    """One package; its activity is newest first."""

    tracking_number: Text = None
    activity: list[Scan] | None = None
    current_status: State | None = None
    package_address: list[Located] | None = None
    delivery_date: list[DeliveryDate] | None = None
    delivery_time: DeliveryTime | None = None
    access_point_information: AccessPoint | None = None
    service: Service | None = None
    weight: Measure | None = None
    alternate_tracking_number: list[AlternateNumber] | None = None


class Consignment(Struct, frozen=True):
    package: list[Package] | None = None
    warnings: list[Problem] | None = None


class TrackResponse(Struct, frozen=True):
    shipment: list[Consignment] | None = None


class Answered(Struct, frozen=True, rename="camel"):
    """HTTP 200."""

    track_response: TrackResponse


class Errors(Struct, frozen=True):
    errors: list[Problem] | None = None


class Refused(Struct, frozen=True):
    """HTTP 400 and above."""

    response: Errors

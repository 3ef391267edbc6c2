"""An order's deliveries as a calendar file: iCalendar (RFC 5545), one event a parcel, the same one when the day changes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from unicodedata import category

from msgspec import Struct

from .i18n import N_
from .models import Precision, Shipment, Status, Window
from .order_views import Looked
from .orderbook import KeptOrder
from .summary import ENDS
from .views import Reader

_LONGEST = 75  # octets of a line, its end not counted (RFC 5545, 3.1)
_AGAIN = "PT4H"  # how often a calendar that subscribed may ask
_NOT_EXPECTED = ENDS | {Status.RETURNING, Status.EXCEPTION}
_DAY = timedelta(days=1)


class Appointment(Struct, frozen=True):
    """An event. `start` and `end` are days, the latter not included; or instants; or wall clocks of the place, without a
    zone. A higher `sequence` replaces what a calendar has under the same `uid`."""

    uid: str
    stamp: datetime
    sequence: int
    start: date
    end: date
    summary: str
    description: str
    url: str
    cancelled: bool = False


def deliveries(
    order: KeptOrder, looked: Iterable[Looked], reader: Reader, *, shop: str, url: str,
    described: Mapping[str, str], former: Mapping[str, date],
) -> list[Appointment]:  # fmt: skip
    """The events of those parcels that are expected on a day, or were. By a parcel's id: `described` says which it is,
    `former` is the day that was named for it last."""
    number = order.order.number
    summary = reader.localizer.text(N_("Delivery from %(shop)s, order %(number)s"), shop=shop, number=number)
    result = []
    for one in looked:
        window = one.shipment.window if one.shipment else None
        span = (_span(window) if window else None) or _whole(former.get(one.parcel.id))
        if span is None:
            continue
        appointment = Appointment(
            uid=f"{one.parcel.id}@doorstep",
            stamp=one.fetched_at or reader.now,
            sequence=one.parcel.version,
            start=span[0],
            end=span[1],
            summary=summary,
            description=f"{described[one.parcel.id]}\n{url}",
            url=url,
            cancelled=order.order.cancelled_at is not None or not _is_expected(one.shipment),
        )
        result.append(appointment)
    return result


def _is_expected(shipment: Shipment | None) -> bool:
    return shipment is not None and shipment.window is not None and shipment.status not in _NOT_EXPECTED


def calendar(appointments: Iterable[Appointment]) -> bytes:
    """The file. It has no METHOD, which would oblige it to name an organizer (RFC 5546)."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Doorstep//Deliveries//EN",
        f"REFRESH-INTERVAL;VALUE=DURATION:{_AGAIN}", f"X-PUBLISHED-TTL:{_AGAIN}",
    ]  # fmt: skip
    for one in appointments:
        lines += _event(one)
    return b"".join(_folded(line) for line in [*lines, "END:VCALENDAR"])


def _event(one: Appointment) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(one.uid)}",
        f"DTSTAMP{_time(one.stamp)}",
        f"SEQUENCE:{one.sequence}",
        f"DTSTART{_time(one.start)}",
        f"DTEND{_time(one.end)}",
        f"SUMMARY:{_text(one.summary)}",
        f"DESCRIPTION:{_text(one.description)}",
        f"URL:{_bare(one.url)}",
        f"STATUS:{'CANCELLED' if one.cancelled else 'TENTATIVE'}",
        "TRANSP:TRANSPARENT",  # nobody is busy because a parcel comes
        "END:VEVENT",
    ]


def _span(window: Window) -> tuple[date, date] | None:
    """From when to when: the hours where they are known, of one day; else the days."""
    start, end = window.start, window.end
    days = [at.date() for moment in (start, end) if moment and (at := moment.local or moment.instant)]
    if not days:
        return None
    if start and end and days[0] == days[-1] and Precision.DAY not in (start.precision, end.precision):
        for begins, ends in ((start.instant, end.instant), (start.local, end.local)):
            if begins and ends and begins < ends:
                return begins, ends
    return min(days), max(days) + _DAY


def _whole(day: date | None) -> tuple[date, date] | None:
    return (day, day + _DAY) if day else None


def _time(at: date) -> str:
    """A day, an instant in UTC, or a wall clock ("floating": the same on every clock), with what stands before it."""
    if not isinstance(at, datetime):
        return f";VALUE=DATE:{at:%Y%m%d}"
    return f":{at:%Y%m%dT%H%M%S}" if at.tzinfo is None else f":{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11); the newline is the one control character that it can say."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(_bare(line) for line in escaped.splitlines())


def _bare(text: str) -> str:
    return "".join(char for char in text if category(char) != "Cc")


def _folded(line: str) -> bytes:
    """A line with its end, broken where it is too long, never inside a character."""
    pieces, piece = [], b""
    for char in line:
        encoded = char.encode()
        if len(piece) + len(encoded) > _LONGEST:
            pieces.append(piece)
            piece = b" "
        piece += encoded
    return b"\r\n".join([*pieces, piece]) + b"\r\n"

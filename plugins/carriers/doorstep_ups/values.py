"""How UPS writes times, places and weights."""

import math
import re
from datetime import datetime

from doorstep import Moment, Place, Weight, Window, moments

from .shape import Address, Measure, Package, Scan

CLOCK = re.compile("(20[0-9]{6}) ([0-9]{1,2}):?([0-9]{2}):?([0-9]{2})")
WINDOWS = {"EDW", "CDW", "IDW"}  # CMT names an end only, EOD nothing but the day
UNITS = {"LBS": "lb", "KGS": "kg"}


def moment(scan: Scan, country: str) -> Moment:
    raw = f"{clean(scan.date)} {clean(scan.time)}".strip()
    wall, gmt = clock(scan.date, scan.time), clock(scan.gmt_date, scan.gmt_time)
    if gmt is not None:  # UTC already: gmtOffset says how far the wall clock is from it, and must not be added
        return moments.utc(gmt, raw=raw, wall=wall, country=country)
    return moments.local(wall, raw=raw, country=country) if wall else day(scan.date) or Moment(raw)


def window(package: Package, country: str) -> Window | None:
    """When UPS plans to deliver; None when it has delivered or does not say."""
    dates = {clean(date.type): clean(date.date) for date in package.delivery_date or []}
    date = dates.get("RDD") or dates.get("SDD")
    whole, times = day(date), package.delivery_time
    if whole is None or "DEL" in dates:
        return None
    kind = clean(times.type) if times else ""
    start = clock(date, times.start_time) if times and kind in WINDOWS else None
    end = clock(date, times.end_time) if times and kind in {*WINDOWS, "CMT"} else None
    if start is None and end is None:
        return Window(whole, whole)
    first, last = (moments.local(at, raw=f"{at:%Y%m%d %H%M%S}", country=country) if at else None for at in (start, end))
    return Window(first, last)


def clock(date: str | None, time: str | None) -> datetime | None:
    """A date and a time of five or six digits (UPS may leave out a leading zero), with or without colons."""
    match = CLOCK.fullmatch(f"{clean(date)} {clean(time)}")
    try:
        return datetime.fromisoformat(f"{match[1]}T{int(match[2]):02}{match[3]}{match[4]}") if match else None
    except ValueError:
        return None


def day(date: str | None) -> Moment | None:
    midnight = clock(date, "000000")
    return moments.whole_day(midnight.date(), raw=clean(date)) if midnight else None


def place(address: Address | None) -> Place:
    if address is None:
        return Place()
    country = clean(address.country_code) or clean(address.country)
    return Place(
        city=clean(address.city),
        region=clean(address.state_province),
        postcode=clean(address.postal_code),
        country=country.upper() if re.fullmatch("[A-Za-z]{2}", country) else "",
    )


def weight(measure: Measure) -> Weight | None:
    unit = UNITS.get(clean(measure.unit_of_measurement))
    try:
        value = float(measure.weight or 0)
    except ValueError:
        return None
    return Weight(value, unit) if unit and value > 0 and math.isfinite(value) else None


def clean(text: str | None) -> str:
    """Without the blanks UPS leaves at the end."""
    return " ".join((text or "").split())

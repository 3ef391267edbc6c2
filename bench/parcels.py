"""The bench's parcels: invented, delivered ones with valid numbers and texts as carriers write them, no two alike."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

import msgspec

from doorstep import Event, Found, Place, Shipment, Status, Weight, moments
from doorstep.checksums import mod10
from doorstep.intake import take_in
from doorstep.manifest import Manifest

CARRIER = "ups"
_CITIES = (
    "Aldergate", "Brindle Falls", "Castermoor", "Dunwick Hills", "East Harrowby", "Fenmarket", "Glenrowan Park",
    "Hollis Creek", "Ilmington", "Juniper Bay", "Kettleford", "Lower Marsden", "Millbrook Junction", "North Pelham",
    "Oakhurst", "Port Selwyn", "Quarry Bank", "Ravensmead", "Stonebridge", "Thornlea", "Upper Wexcombe", "Vale of Arden",
)  # fmt: skip
_LATER = (
    (Status.ACCEPTED, "P/PU/038", "Collected from the sender, bay {n}"),
    (Status.IN_TRANSIT, "I/OR/010", "Origin scan at the facility in {city}"),
)
_BETWEEN = (
    (Status.IN_TRANSIT, "I/DP/005", "Departed from the facility in {city}, trailer {n}"),
    (Status.IN_TRANSIT, "I/AR/005", "Arrived at the sorting centre {city}"),
    (Status.IN_TRANSIT, "I/XD/014", "Processed; sort lane {n}, container {hex}"),
)
_LAST = (
    (Status.IN_TRANSIT, "I/OF/072", "Loaded on the delivery vehicle, route {n}"),
    (Status.OUT_FOR_DELIVERY, "I/OT/021", "Out for delivery in {city} today"),
    (Status.DELIVERED, "D/FS/011", "Delivered. Left at the front door; signed for by {hex}"),
)
_LABEL = (Status.LABEL_CREATED, "M/MP/003", "Shipper created a label; the parcel is not here yet. Reference {hex}")


def number(n: int) -> str:
    """A valid number of the carrier, another one for each `n` below a thousand million."""
    serial = f"BN7R2T{n:09}"
    return f"1Z{serial}{mod10(serial, (1, 2))}"


def parcel(n: int, manifest: Manifest, *, scans: int = 12) -> Found:
    """What the carrier says of parcel `n`, as it is kept: checked and summarised. `scans` are six at least."""
    chance = random.Random(n)
    events = tuple(_events(chance, scans))[::-1]
    home = Place(chance.choice(_CITIES), country="US", postcode=f"{chance.randrange(10_000, 99_999)}")
    shipment = Shipment(
        number(n),
        events,
        service=chance.choice(("Ground", "3 Day Select", "Next Day Air Saver", "Standard")),
        origin=Place(chance.choice(_CITIES), country="US"),
        destination=home,
        weight=Weight(round(chance.uniform(0.2, 30), 2)),
        language="en",
    )
    found = take_in(Found((shipment,)), manifest)
    if not isinstance(found, Found):
        raise TypeError("the bench's parcel is not one")
    known = msgspec.structs.replace(found.shipments[0], id=f"{chance.getrandbits(80):020x}")
    return Found((known,))


def _events(chance: random.Random, scans: int) -> Iterator[Event]:
    """The oldest first: from the label to the door, in the days before yesterday; the same all day long."""
    middle = islice(cycle(_BETWEEN), scans - len(_LATER) - len(_LAST) - 1)
    story = (_LABEL, *_LATER, *middle, *_LAST)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = today - timedelta(days=1, hours=scans * 3)
    for status, code, text in story:
        at += timedelta(minutes=chance.randrange(20, 170), seconds=chance.randrange(60))
        city = chance.choice(_CITIES)
        said = text.format(city=city, n=chance.randrange(10, 999), hex=f"{chance.getrandbits(32):X}")
        moment = moments.iso(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-05:00"))
        yield Event(moment, status, code=code, text=said, place=Place(city, country="US"))

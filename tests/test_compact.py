"""An answer goes into few bytes and comes back as it was; what is damaged does not come back at all."""

import zlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Basis, Event, Found, Moment, NotFound, Place, Precision, Shipment, Status, compact
from doorstep.compact import FORMAT, STAMP, Unpacked, pack, stamp, unpack
from doorstep.exchange import Answer
from doorstep.freshness import Entry

from .acme import parcel

AT = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
TEXTS = (
    ("Delivered, signed for by the recipient", "Aachen", "52062"),
    ("Out for delivery, expected between 9:00 and 12:00", "Aachen", "52070"),
    ("Arrived at the delivery depot", "Aachen", "52070"),
    ("Nobody was at home, a card was left in the letter box", "Aachen", "52062"),
    ("Out for delivery", "Aachen", "52070"),
    ("Departed from sorting hub", "Köln", "51149"),
    ("Arrived at sorting hub", "Köln", "51149"),
    ("Customs clearance completed", "Köln", "51147"),
    ("Departed from the international gateway", "Villeurbanne", "69100"),
    ("Processed at the regional parcel centre", "Saint-Priest", "69800"),
    ("Picked up from the sender", "Lyon", "69007"),
    ("Shipment information received, waiting for the parcel", "", ""),
)


def travelled(number: str = "00340434161094042557") -> Entry:
    """A parcel with twelve scans in the words and places a carrier would use."""
    events = []
    for step, (text, city, postcode) in enumerate(TEXTS):
        instant = datetime(2026, 11, 21, 10, 47, 13, tzinfo=UTC) - timedelta(minutes=419 * step, seconds=17 * step)
        local = instant.replace(tzinfo=None) + timedelta(hours=1)
        moment = Moment(f"{local.isoformat()}+01:00", Precision.SECOND, Basis.OFFSET, instant, local, "+01:00")
        status = Status.DELIVERED if step == 0 else Status.IN_TRANSIT
        place = Place(city=city, postcode=postcode, country="DE" if step < 8 else "FR")
        events.append(Event(moment, status, code=f"Z{3 * step + 11}", text=text, place=place))
    shipment = Shipment(
        number, tuple(events), id="4c1f09a7be2255d06b8e", carrier="acme", status=Status.DELIVERED, final=True,
        since=events[0].moment, service="Parcel Connect", destination=Place(country="DE"), language="en",
    )  # fmt: skip
    return Entry(Found((shipment,)), AT)


ENTRIES = {
    "twelve scans": travelled(),
    "one scan": Entry(Found((parcel("123456789"),)), AT),
    "two parcels, not whole": Entry(Found((parcel("1"), parcel("2")), complete=False), AT),
    "unknown to the carrier": Entry(NotFound("no such number \u202e ä"), AT),
    "unknown for the seventh time": Entry(NotFound(), AT, 7),
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_an_answer_comes_back_as_it_was(entry):
    assert unpack(pack(entry)) == entry


# What was kept of `Entry(NotFound("no such number"), AT)` before the times were counted, in the same format.
UNCOUNTED = bytes.fromhex(
    "000660dc3778d00178bbcc0a349a6b020f25aecccb07f5144bf35296a5a496007b44ebf2f2158a4b93331420d60000509f107e"
)


def test_a_not_found_from_before_the_times_were_counted_is_the_first():
    assert unpack(UNCOUNTED) == Entry(NotFound("no such number"), AT, 1)


def test_who_does_not_count_the_times_still_reads_a_not_found():
    packed = pack(Entry(NotFound("no such number"), AT, 7))
    unpacker = zlib.decompressobj(zdict=compact._DICTIONARY)
    assert msgspec.msgpack.decode(unpacker.decompress(packed[STAMP:]), type=Answer) == NotFound("no such number")


def kept_answer(entry):
    """An answer as it is kept, inflated."""
    unpacker = zlib.decompressobj(zdict=compact._DICTIONARY)
    return msgspec.msgpack.decode(unpacker.decompress(pack(entry)[STAMP:]))


def kept_moments(entry):
    """The moments of an answer as they are kept."""
    shipment = kept_answer(entry)["shipments"][0]
    return [event["moment"] for event in shipment["events"]] + [shipment["since"]]


def test_the_times_of_a_scan_are_not_kept_where_its_text_and_offset_say_them():
    assert [{"local", "instant"} & moment.keys() for moment in kept_moments(travelled())] == [set()] * 13


def test_what_a_field_has_of_itself_is_not_kept():
    scan = Event(Moment("yesterday"), None, place=Place("Fenmarket"))
    assert kept_answer(Entry(Found((Shipment("1", (scan,)),)), AT)) == {
        "type": "found",
        "shipments": [
            {
                "number": "1",
                "events": [{"moment": {"raw": "yesterday"}, "status": None, "place": {"city": "Fenmarket"}}],
            }
        ],
    }


def test_an_answer_that_was_kept_with_all_its_fields_is_read():
    entry = travelled()
    packer = zlib.compressobj(zdict=compact._DICTIONARY)
    assert unpack(stamp(entry) + packer.compress(msgspec.msgpack.encode(entry.answer)) + packer.flush()) == entry


WALL, INSTANT = datetime(2026, 11, 22, 14, 30), datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        Moment("2026-11-22T14:30:00+05:30", Precision.SECOND, Basis.OFFSET, INSTANT, WALL, "+05:30"),
        Moment("2026-11-22T09:00:00Z", Precision.SECOND, Basis.COUNTRY, INSTANT, WALL, "+05:30"),
        Moment("2026-11-22T14:30:00", Precision.SECOND, Basis.UTC, INSTANT, None, "+05:30"),
        Moment("20261122 1430", Precision.MINUTE, Basis.UNKNOWN, None, WALL, None),
        Moment("14:30 in Kolkata", Precision.SECOND, Basis.OFFSET, INSTANT, WALL, "+05:30"),
        Moment("another instant", Precision.SECOND, Basis.UTC, INSTANT + timedelta(minutes=1), WALL, "+05:30"),
        Moment("seconds in the offset", Precision.SECOND, Basis.PLACE, INSTANT, WALL, "+05:30:00"),
        Moment("no offset at all", Precision.SECOND, Basis.PLACE, INSTANT, WALL, "IST"),
        Moment("the first day", Precision.DAY, Basis.PLACE, INSTANT, datetime.min, "+05:30"),
        Moment("wall clock only", local=WALL),
        Moment("instant only", Precision.SECOND, Basis.UTC, INSTANT, None, "+00:00"),
        Moment("?"),
    ],
    ids=lambda moment: moment.raw,
)
def test_every_moment_comes_back_as_it_was(moment):
    entry = Entry(Found((Shipment("1", (Event(moment, Status.DELIVERED),), since=moment),)), AT)
    assert unpack(pack(entry)) == entry


def test_twelve_scans_take_less_than_eight_hundred_bytes():
    assert len(pack(travelled())) < 800


def test_the_first_bytes_tell_when_it_was_given():
    entry = ENTRIES["one scan"]
    # 2026-11-22T12:00Z is 1,795,348,800 s after the epoch; then one microsecond.
    assert pack(entry)[:STAMP] == stamp(entry) == (1_795_348_800_000_001).to_bytes(8, "big")
    assert stamp(None) == b""


def test_what_is_cut_short_is_no_answer():
    packed = pack(travelled())
    for length in range(len(packed)):
        with pytest.raises(ValueError, match="no answer"):
            unpack(packed[:length])


def test_what_has_one_byte_changed_is_no_answer():
    packed = pack(travelled())
    for at in range(STAMP, len(packed)):
        with pytest.raises(ValueError, match="no answer"):
            unpack(packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1 :])


@given(st.binary(max_size=300))
@pytest.mark.fault(5)
def test_what_something_else_wrote_is_no_answer(rubbish):
    with pytest.raises(ValueError, match="no answer"):
        unpack(rubbish)


@pytest.mark.fault(6)
def test_the_format_names_the_dictionary_without_which_nothing_is_read():
    assert FORMAT.startswith("ds2-")
    assert len(FORMAT) == len("ds2-") + 4


def test_an_answer_read_once_is_the_same_one_until_others_took_its_place() -> None:
    one, other = pack(travelled("1")), pack(travelled("2"))
    unpacked = Unpacked(most_bytes=len(one) + len(other))
    first = unpacked.of(one)
    assert first == travelled("1")
    unpacked.of(other)
    assert unpacked.of(bytes(bytearray(one))) is first
    unpacked.of(pack(travelled("3")))  # in the place of the second, which was longest not asked for
    assert unpacked.of(one) is first
    assert unpacked.size <= len(one) + len(other)


def test_what_is_damaged_is_not_kept_as_read() -> None:
    unpacked = Unpacked()
    with pytest.raises(ValueError, match="no answer"):
        unpacked.of(pack(travelled())[:-5])
    assert unpacked.size == 0

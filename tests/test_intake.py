"""What a plugin returns is validated, bounded and cleaned before anything else sees it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from doorstep import Event, Flag, Found, Moment, NotFound, Piece, Place, Precision, Shipment, Status, Weight, Window
from doorstep.errors import PluginFailed
from doorstep.intake import LONGEST_TEXT, MOST_EVENTS, MOST_SHIPMENTS, take_in
from doorstep.models import UNITS_OF_WEIGHT
from doorstep.writing import Writing

from .acme import ACME, at, parcel, scan


def one(shipment):
    (taken,) = take_in(Found((shipment,)), ACME).shipments
    return taken


def test_a_good_answer_keeps_what_the_plugin_said_and_gets_what_the_engine_knows():
    taken = one(parcel("1", scan(Status.DELIVERED, at(21)), scan(moment=at(20)), service="Parcel", weight=Weight(1.5)))
    assert (taken.carrier, taken.status, taken.final, taken.since) == ("acme", Status.DELIVERED, True, at(21))
    assert (taken.number, taken.service, taken.weight) == ("1", "Parcel", Weight(1.5))
    assert taken.events == (scan(Status.DELIVERED, at(21)), scan(moment=at(20)))


def test_what_only_the_engine_may_say_is_not_taken_from_a_plugin():
    taken = one(parcel("1", carrier="other", status=Status.LOST, final=True, delayed=True, reason="x", since=at(1)))
    assert (taken.carrier, taken.status, taken.final, taken.delayed) == ("acme", Status.IN_TRANSIT, False, False)
    assert (taken.reason, taken.since) == ("", at(20))


def every_minute(count):
    """So many scans, a minute apart, newest first; their texts count them from the newest."""
    newest = datetime(2026, 11, 22, 12, tzinfo=UTC)
    instants = [newest - timedelta(minutes=minutes) for minutes in range(count)]
    return [scan(moment=Moment("", instant=instant), text=str(i)) for i, instant in enumerate(instants)]


def texts(shipment):
    return [event.text for event in one(shipment).events]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.fault(26)
def test_a_million_scans_are_cut_to_the_newest_and_the_first(turned):
    assert MOST_EVENTS == 200
    scans = every_minute(1000) * 1000
    kept = [*map(str, range(199)), "999"]
    assert texts(parcel("1", *(scans[::-1] if turned else scans))) == kept


def test_what_is_told_again_takes_no_scans_place():
    scans = every_minute(200)
    assert texts(parcel("1", *scans, *scans, *scans)) == [*map(str, range(200))]


def test_scans_of_one_minute_are_told_apart_by_their_texts_where_a_code_stands_for_many_things():
    scans = [scan(moment=at(20), code="OTHER", text=text) for text in ("Sorted", "Weighed", "Sorted")]
    finest, coarse = (
        take_in(Found((parcel("1", *scans),)), structs.replace(ACME, coarse_codes=told)) for told in (False, True)
    )
    assert [event.text for event in finest.shipments[0].events] == ["Sorted"]
    assert [event.text for event in coarse.shipments[0].events] == ["Sorted", "Weighed"]


def test_what_is_cut_still_counts_for_the_status():
    scans = every_minute(300)
    marker = structs.replace(scans[250], status=Status.RETURNING)
    delivered = structs.replace(scans[0], status=Status.DELIVERED)
    taken = one(parcel("1", delivered, *scans[1:250], marker, *scans[251:]))
    assert (taken.status, len(taken.events)) == (Status.RETURNED, 200)


def test_scans_that_cannot_be_compared_keep_the_carriers_order():
    scans = [scan(moment=Moment(raw), text=raw) for raw in ("noon", "later", "soon", "never")]
    assert texts(parcel("1", *scans)) == ["noon", "later", "soon", "never"]


def test_each_piece_gets_the_status_that_its_scans_and_the_common_ones_say():
    scans = [scan(Status.DELIVERED, at(21), piece="1"), scan(Status.IN_TRANSIT, at(20))]
    told = [Piece("1", Status.LOST), Piece("2"), Piece("3", Status.CUSTOMS)]
    taken = one(parcel("1", *scans, pieces=tuple(told)))
    assert taken.pieces == (Piece("1", Status.DELIVERED), Piece("2", Status.IN_TRANSIT), Piece("3", Status.CUSTOMS))
    assert (taken.status, taken.final) == (Status.IN_TRANSIT, False)


def test_a_piece_alone_has_the_status_of_the_parcel():
    delivered = scan(Status.DELIVERED, at(21), flags=(Flag.PICKUP_POINT,))
    assert one(parcel("1", delivered, pieces=(Piece("1"),))).pieces == (Piece("1", Status.AVAILABLE_FOR_PICKUP),)


def test_scans_come_newest_first_and_each_once_whatever_the_order():
    a, b, c = (scan(moment=at(day)) for day in (18, 19, 20))
    assert one(parcel("1", a, c, b, a, c)).events == (c, b, a)


def test_more_shipments_than_a_page_could_ask_about_are_cut():
    found = take_in(Found(tuple(parcel(str(n)) for n in range(MOST_SHIPMENTS + 5))), ACME)
    assert [shipment.number for shipment in found.shipments] == [str(n) for n in range(20)]


def test_a_text_of_a_megabyte_is_cut_and_shows_that_it_was():
    taken = one(parcel("1", scan(text="x" * 1_000_000), service="y" * 501))
    assert taken.events[0].text == "x" * 499 + "…"
    assert taken.service == "y" * 499 + "…"
    assert len(taken.service) == LONGEST_TEXT


UNWANTED = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]  # C0 and C1 without tab and line feed
UNWANTED += [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]  # bidi controls and BOM
UNWANTED += [0xD800, 0xDBFF, 0xDC00, 0xDFFF]  # lone surrogates


@pytest.mark.parametrize("code", UNWANTED, ids=hex)
def test_control_and_bidi_characters_are_removed_everywhere(code):
    dirty = f"a{chr(code)}b"
    taken = one(
        parcel(
            f"1{chr(code)}2",
            scan(text=dirty, place=Place(city=dirty, name=dirty), reason=dirty, code=dirty, piece=dirty),
            service=dirty,
            carrier_name=dirty,
            pieces=(Piece(dirty),),
        )
    )
    event = taken.events[0]
    assert {event.text, event.place.city, event.place.name, event.reason, event.code, event.piece} == {"ab"}
    assert (taken.number, taken.service, taken.carrier_name, taken.pieces[0].number) == ("12", "ab", "ab", "ab")


def of_texts(kind, text):
    """One of a kind with this text in each of its fields that may hold a text, one after the other."""
    for field in structs.fields(kind):
        if field.type in (str, str | None):
            yield {field.name: text}


@pytest.mark.parametrize("text", ["a\x00b", "a  b", " a", "a ", "x" * 501])
def test_one_unclean_text_anywhere_in_a_scan_is_seen(text):
    dirty = [structs.replace(scan(), **field) for field in of_texts(Event, text)]
    dirty += [scan(moment=structs.replace(at(20), **field)) for field in of_texts(Moment, text)]
    dirty += [scan(place=Place(**field)) for field in of_texts(Place, text)]
    assert len(dirty) == 11
    for event in dirty:
        (kept,) = one(parcel("1", event)).events
        assert repr(text)[1:-1] not in repr(kept)


def test_blanks_and_line_ends_become_one_blank():
    assert one(parcel("1", scan(text=" a\r\n\tb\u2028c\u00a0 d "))).events[0].text == "a b c d"


def test_letters_of_every_script_and_emoji_stay():
    words = "Zustellung å ё 配達完了 تم التسليم נמסר می‌رود क्ष 👩‍👧"
    assert one(parcel("1", scan(text=words))).events[0].text == words


def with_event(**fields):
    return parcel("1", structs.replace(scan(), **fields))


def with_moment(**fields):
    return with_event(moment=structs.replace(at(20), **fields))


NAIVE = datetime(2026, 11, 20, 12)
AWARE = NAIVE.replace(tzinfo=UTC)
WRONG = {
    "naive instant": with_moment(instant=NAIVE),
    "aware local time": with_moment(local=AWARE),
    "date as text": with_moment(instant="yesterday"),
    "number as moment": with_event(moment=1_700_000_000),
    "no moment": with_event(moment=None),
    "raw is not text": with_moment(raw=None),
    "status nobody knows": with_event(status="flying"),
    "status is a number": with_event(status=7),
    "flag nobody knows": with_event(flags=("x",)),
    "flags are text": with_event(flags="delayed"),
    "text is bytes": with_event(text=b"x"),
    "code is a number": with_event(code=7),
    "an instant before all time": with_moment(instant=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))),
    "text is None": with_event(text=None),
    "place is text": with_event(place="Lyon"),
    "events are no events": Shipment("1", ("x",)),
    "events are None": Shipment("1", None),
    "number is None": parcel(None),
    "number is a number": parcel(17),
    "weight is text": parcel("1", weight="1 kg"),
    "window is a day": parcel("1", window="tomorrow"),
    "pieces are texts": parcel("1", pieces=("1", "2")),
    "an object": with_event(text=object()),
    "a function": with_event(text=print),
    "itself": None,
}
loop: list = []
loop.append(loop)
WRONG["itself"] = with_event(text=loop)


@pytest.mark.parametrize("shipment", WRONG.values(), ids=WRONG)
@pytest.mark.fault(26)
def test_a_field_of_the_wrong_type_is_refused(shipment):
    with pytest.raises(PluginFailed, match=r"wrong shipment: .*: see doorstep.models"):
        take_in(Found((shipment,)), ACME)


@pytest.mark.parametrize(
    "answer", [None, 17, "x", {}, [], Found, Shipment("1"), Found(None), Found([Shipment("1")]), Found("x")]
)
def test_what_is_no_answer_is_refused(answer):
    with pytest.raises(PluginFailed, match=r"track\(\) returned"):
        take_in(answer, ACME)


@pytest.mark.parametrize("shipments", [(None,), (1,), ("x",), (Found(()),), ({},)])
def test_what_is_no_shipment_is_refused(shipments):
    with pytest.raises(PluginFailed, match="wrong shipment"):
        take_in(Found(shipments), ACME)


def test_an_instant_written_with_an_offset_is_kept_in_utc():
    paris = timezone(timedelta(hours=1))
    taken = one(with_moment(instant=datetime(2026, 11, 20, 13, tzinfo=paris))).events[0].moment.instant
    assert (taken, taken.utcoffset()) == (AWARE, timedelta())


def test_nothing_of_the_plugin_is_shared_with_what_is_kept():
    flags = [Flag.DELAYED]
    shipment = with_event(flags=flags)
    taken = one(shipment)
    flags.append("rubbish")
    assert taken.events[0].flags == (Flag.DELAYED,)


def test_found_without_a_shipment_is_not_found():
    assert take_in(Found(()), ACME) == NotFound("no shipment in the answer")


@pytest.mark.parametrize(
    ("detail", "kept"), [("no\x00such\u202e", "nosuch"), (None, ""), (17, ""), ("x" * 600, "x" * 499 + "…")]
)
def test_the_carriers_words_for_not_found_are_cleaned(detail, kept):
    assert take_in(NotFound(detail), ACME) == NotFound(kept)


MOMENTS = st.builds(
    Moment,
    raw=st.text(),
    precision=st.sampled_from(Precision),
    instant=st.none() | st.datetimes(timezones=st.just(UTC) | st.timezones()),
    local=st.none() | st.datetimes(),
    offset=st.none() | st.text(),
)
EVENTS = st.builds(
    scan,
    status=st.none() | st.sampled_from(Status),
    moment=MOMENTS,
    text=st.text(st.characters()),
    flags=st.lists(st.sampled_from(Flag)).map(tuple),
    piece=st.sampled_from(["", "1", "2"]),
)
SHIPMENTS = st.builds(
    Shipment,
    number=st.text(),
    events=st.lists(EVENTS, max_size=6).map(tuple),
    pieces=st.lists(st.sampled_from(["1", "2"]).map(Piece), max_size=3).map(tuple),
    window=st.none() | st.builds(Window, start=st.none() | MOMENTS, end=st.none() | MOMENTS),
    weight=st.none() | st.builds(Weight, value=st.floats()),
)


@given(st.lists(SHIPMENTS, min_size=1, max_size=3))
def test_every_well_typed_answer_is_taken_in_and_taking_it_in_again_changes_nothing(shipments):
    taken = take_in(Found(tuple(shipments)), ACME)
    for shipment in taken.shipments:
        assert [e.moment.instant for e in shipment.events if e.moment.instant and e.moment.instant.tzinfo is None] == []
        assert len(shipment.events) <= 200
    assert repr(take_in(taken, ACME)) == repr(taken)


@given(st.lists(EVENTS, min_size=1, max_size=12), st.data())
def test_no_scan_is_lost_and_none_is_told_twice(events, data):
    again = data.draw(st.lists(st.sampled_from(events), max_size=6))
    once = one(parcel("1", *events)).events
    told = one(parcel("1", *events, *again)).events
    assert told == once
    assert {(e.status, e.flags, e.piece) for e in told} == {(e.status, e.flags, e.piece) for e in events}


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=10,
)


@given(field=st.sampled_from(Shipment.__struct_fields__), value=JUNK)
@pytest.mark.fault(26)
def test_junk_in_any_field_is_taken_in_or_refused_and_nothing_else(field, value):
    shipment = structs.replace(parcel("1"), **{field: value})
    with suppress(PluginFailed):
        one(shipment)


@pytest.mark.parametrize("weight", [Weight(1, "stone"), Weight(1, ""), Weight(0), Weight(-1), Weight(inf), Weight(nan)])
def test_a_weight_that_no_page_can_write_is_left_out_and_nothing_else(weight):
    assert one(parcel("1", weight=weight)) == one(parcel("1"))


@pytest.mark.parametrize("unit", UNITS_OF_WEIGHT)
def test_every_unit_of_a_weight_can_be_written(unit):
    assert one(parcel("1", weight=Weight(1.5, unit))).weight == Weight(1.5, unit)
    assert "1.5" in Writing("en").weight(1.5, unit)

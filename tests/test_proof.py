"""One table says what each level sees, for every field there is; what carriers write is judged by where it was written."""

import msgspec
import pytest

from doorstep import Event, Piece, Place, Shipment, Status, Window
from doorstep.order import Item, Order, Parcel
from doorstep.proof import SEEN_FROM, near_recipient, own_words, seen, sees
from doorstep.views import coarse_shipment

from .acme import at, scan

# What the table calls by other names: a day without hours, a country without a city.
PARTS = {"shipment.expected", "shipment.origin_country", "shipment.destination_country", "event.text_near"}
# What is kept beside the models.
BESIDE = {"order.codes", "order.answers", "order.messages", "store.voices"}
KINDS = {
    "shipment": Shipment,
    "event": Event,
    "place": Place,
    "piece": Piece,
    "order": Order,
    "item": Item,
    "parcel": Parcel,
}


def test_every_field_that_is_kept_has_a_level_and_no_other_has() -> None:
    fields = {f"{kind}.{one.name}" for kind, struct in KINDS.items() for one in msgspec.structs.fields(struct)}
    # Events name their place; it has a row of its own for each of its fields.
    assert set(SEEN_FROM) - PARTS - BESIDE == fields - {"event.place"}


def test_of_an_order_a_number_alone_shows_nothing_but_its_parcels_numbers() -> None:
    of_orders = {name for name in SEEN_FROM if name.startswith(("order.", "item.", "parcel."))}
    assert {name for name in of_orders if sees(0, name)} == {"parcel.number", "parcel.carrier"}


def test_nobody_sees_email_and_postcode() -> None:
    assert not sees(2, "order.email")
    assert not sees(2, "order.postcode")


def test_documents_need_both_proofs() -> None:
    assert [sees(level, "shipment.documents") for level in (0, 1, 2)] == [False, False, True]


def test_a_field_that_nobody_decided_on_cannot_be_shown() -> None:
    with pytest.raises(KeyError):
        seen(2, "shipment", {"horoscope": "good"})


def test_a_shipment_as_data_grows_with_the_level() -> None:
    shipment = Shipment("SPY100000", (scan(),), window=Window(at(23, 7, 13), at(23, 9, 47)))
    by_level = [set(coarse_shipment(shipment, level)) for level in (0, 1, 2)]
    assert by_level[1] - by_level[0] == {"window", "destination", "pickup_point", "weight"}
    assert by_level[2] - by_level[1] == {"documents"}


@pytest.mark.parametrize("status", list(Status))
def test_carriers_words_are_for_strangers_only_far_from_the_recipient(status: Status) -> None:
    far = {Status.PENDING, Status.LABEL_CREATED, Status.ACCEPTED, Status.IN_TRANSIT, Status.CUSTOMS, Status.UNKNOWN}
    shipment = Shipment("SPY100000", (scan(status, text="said"),))
    assert coarse_shipment(shipment)["events"][0]["text"] == ("said" if status in far else "")
    assert coarse_shipment(shipment, 1)["events"][0]["text"] == "said"


def test_words_about_somebody_are_not_for_strangers_wherever_they_are_written() -> None:
    for reason in ("recipient.rescheduled", "address.wrong"):
        assert near_recipient(Shipment("SPY100000", (scan(reason=reason),))) == [True]
    assert near_recipient(Shipment("SPY100000", (scan(reason="weather"),))) == [False]


def test_news_without_a_place_on_the_way_is_judged_by_how_far_the_parcel_was() -> None:
    """Newest first: a note after the first try at the door, a try, a note before it, a scan on the way."""
    events = (scan(None, at(23)), scan(Status.DELIVERY_ATTEMPTED, at(22)), scan(None, at(21)), scan(moment=at(20)))
    assert near_recipient(Shipment("SPY100000", events)) == [True, True, False, False]


def test_words_near_the_recipient_are_for_the_recipient() -> None:
    shipment = Shipment("SPY100000", (scan(Status.OUT_FOR_DELIVERY, text="near"), scan(text="far")))
    assert [own_words(shipment, level) for level in (0, 1)] == [["", "far"], ["near", "far"]]

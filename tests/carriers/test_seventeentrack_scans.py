"""17TRACK: what its scans mean, and when and where they were."""

from datetime import UTC, datetime
from typing import Any

import pytest

from doorstep import Basis, Flag, Found, Leg, Place, Precision, Status, Weight

from .seventeentrack import NUMBER, accepted, answer_to, body, event_of, provider, scan, shipment_of


class TestTimes:
    def test_an_offset_that_17track_guessed_makes_no_instant(self) -> None:
        guessed = {"time_iso": "2026-11-20T10:00:00-05:00", "time_utc": "2026-11-20T15:00:00Z"}
        moment = event_of(country="US", **guessed).moment
        assert (moment.instant, moment.local) == (None, datetime(2026, 11, 20, 10))
        assert moment.raw == "2026-11-20 10:00:00"

    def test_one_zone_in_the_country_makes_an_instant_against_the_guess(self) -> None:
        moment = event_of(country="JP", time_utc="2026-11-20T10:00:00Z").moment
        assert (moment.instant, moment.basis) == (datetime(2026, 11, 20, 1, tzinfo=UTC), Basis.COUNTRY)

    @pytest.mark.parametrize("zone", ["+08:00", "+0800", "+08"])
    def test_a_zone_that_the_carrier_wrote_is_believed(self, zone: str) -> None:
        moment = event_of(zone=zone, country="CN").moment
        assert (moment.instant, moment.basis) == (datetime(2026, 11, 20, 2, tzinfo=UTC), Basis.OFFSET)
        assert moment.local == datetime(2026, 11, 20, 10)

    def test_the_clock_of_the_carriers_home_is_not_the_places(self) -> None:
        moment = event_of(zone="+08:00", country="DE").moment  # 10:00 in Shanghai
        assert (moment.instant, moment.local) == (datetime(2026, 11, 20, 2, tzinfo=UTC), datetime(2026, 11, 20, 3))
        assert moment.offset == "+01:00"

    @pytest.mark.parametrize(
        ("time", "zone"), [(None, None), ("", None), ("00:00:00", None), ("00:00", ""), (None, "+08:00")]
    )
    def test_a_day_is_a_day_and_no_midnight(self, time: str | None, zone: str | None) -> None:
        moment = event_of(time=time, zone=zone, country="JP", time_iso="2026-11-20T00:00:00+08:00").moment
        assert (moment.precision, moment.instant) == (Precision.DAY, None)
        assert moment.local == datetime(2026, 11, 20)

    def test_a_midnight_with_a_zone_was_written_by_somebody(self) -> None:
        moment = event_of(time="00:00:00", zone="+09:00", country="JP").moment
        assert moment.instant == datetime(2026, 11, 19, 15, tzinfo=UTC)

    def test_what_cannot_be_read_keeps_its_text(self) -> None:
        moment = event_of(day="20 Nov", time="10 a.m.").moment
        assert (moment.raw, moment.instant, moment.local) == ("20 Nov 10 a.m.", None, None)

    def test_a_guess_stands_in_for_a_clock_that_cannot_be_read_and_makes_no_instant(self) -> None:
        moment = event_of(day="20 Nov", country="US", time_iso="2026-11-20T10:00:00-05:00").moment
        assert (moment.local, moment.instant) == (datetime(2026, 11, 20, 10), None)

    def test_a_scan_without_any_time_is_kept(self) -> None:
        event = event_of("InTransit_PickedUp", day=None, time=None)
        assert (event.status, event.moment.instant, event.moment.local) == (Status.ACCEPTED, None, None)

    @pytest.mark.parametrize(
        ("end", "day"),
        [
            ("2026-11-25T00:00:00-06:00", True),
            ("2026-11-25T23:59:59-06:00", True),
            ("2026-11-25T18:00:00-06:00", False),
        ],
    )
    def test_an_estimate_of_days_is_of_days(self, end: str, day: bool) -> None:
        estimate = {"estimated_delivery_date": {"source": "17TRACK", "from": None, "to": end}}
        window = shipment_of(provider(scan()), time_metrics=estimate).window
        assert window is not None
        assert window.start is None
        assert window.end is not None
        assert window.end.raw == end
        assert window.end.instant == (None if day else datetime(2026, 11, 26, 0, tzinfo=UTC))
        assert window.end.local is not None
        assert window.end.local.date().isoformat() == "2026-11-25"


class TestMeanings:
    def test_a_new_sub_status_falls_back_to_the_stage_and_then_to_its_first_part(self) -> None:
        assert event_of("InTransit_Balloon", stage="PickedUp").status is Status.ACCEPTED
        assert event_of("Exception_Melted").status is Status.EXCEPTION
        assert not event_of("Exception_Melted").mapped

    def test_a_new_way_to_return_is_a_return(self) -> None:
        assert event_of("Exception_Boomerang", stage="Returning").flags == (Flag.RETURN,)

    def test_a_stage_alone_is_enough(self) -> None:
        event = event_of(None, stage="OutForDelivery")
        assert (event.status, event.code, event.mapped) == (Status.OUT_FOR_DELIVERY, "OutForDelivery", True)

    def test_a_main_status_in_place_of_a_sub_status_is_known(self) -> None:
        event = event_of("Delivered")
        assert (event.status, event.mapped) == (Status.DELIVERED, True)

    def test_the_latest_status_speaks_for_a_newest_scan_that_says_nothing(self) -> None:
        older = scan(None, time="09:00:00", description="Something")
        newest = scan(None, description="At the door")
        shipment = shipment_of(provider(newest, older), latest_status={"sub_status": "Delivered_Other"})
        assert [(event.status, event.mapped) for event in shipment.events] == [
            (Status.DELIVERED, True),
            (Status.UNKNOWN, False),
        ]
        assert shipment.events[0].text == "At the door"

    def test_a_delivery_that_17track_calls_a_return_went_to_the_sender(self) -> None:
        delivered = scan("Delivered_Other", country="PL")
        latest = {"status": "Exception", "sub_status": "Exception_Returned"}
        assert shipment_of(provider(delivered), latest_status=latest).status is Status.RETURNED
        assert shipment_of(provider(delivered)).status is Status.DELIVERED

    def test_expired_leaves_the_parcel_where_it_was(self) -> None:
        expired, arrived = scan("Expired_Other"), scan("InTransit_Arrival", day="2026-10-18")
        assert shipment_of(provider(expired, arrived)).status is Status.IN_TRANSIT

    def test_a_status_without_scans_is_the_only_scan(self) -> None:
        latest = {"status": "InfoReceived", "sub_status": "InfoReceived", "sub_status_descr": "Announced"}
        (event,) = shipment_of(provider(), latest_status=latest).events
        assert (event.status, event.code, event.text) == (Status.LABEL_CREATED, "InfoReceived", "Announced")

    def test_the_latest_event_counts_where_there_is_no_list(self) -> None:
        latest = scan("Delivered_Other")
        assert [event.code for event in shipment_of(latest_event=latest).events] == ["Delivered_Other"]
        assert len(shipment_of(provider(latest), latest_event=latest).events) == 1

    def test_the_carriers_own_words_come_before_a_translation(self) -> None:
        translation = {"lang": "en", "description": "Delivered"}
        assert event_of(description="Entregue", description_translation=translation).text == "Entregue"
        assert event_of(description=None, description_translation=translation).text == "Delivered"


class TestPlaces:
    @pytest.mark.parametrize(
        ("address", "location", "place"),
        [
            ({"country": "BR", "state": "PE", "city": "RECIFE"}, "RECIFE, PE", Place("RECIFE", "PE", "", "BR")),
            ({"country": "BR", "city": "RECIFE"}, "DEPOT 7, RECIFE", Place("RECIFE", "", "", "BR", "DEPOT 7, RECIFE")),
            ({"country": "CN"}, "SHENZHEN, CN", Place("SHENZHEN", "", "", "CN")),
            ({"country": "us"}, "US", Place("", "", "", "US")),
            (None, "Main St 2, Reno", Place("Reno", name="Main St 2, Reno")),
            ({"country": "USA", "city": "Reno"}, None, Place("Reno", "", "", "US")),
            ([], "", Place()),
        ],
    )
    def test_a_place_says_what_is_known(self, address: Any, location: str | None, place: Place) -> None:
        (event,) = shipment_of(provider({**scan(), "address": address, "location": location})).events
        assert event.place == place

    def test_both_ends_are_read_without_their_streets(self) -> None:
        shipping = {"recipient_address": {"country": "ES", "city": "Valencia", "street": "SOMEWHERE 2"}}
        shipment = shipment_of(provider(scan()), shipping_info=shipping)
        assert (shipment.destination, shipment.origin) == (Place("Valencia", country="ES"), Place())
        assert "SOMEWHERE" not in repr(shipment)


class TestSeveralCarriers:
    def test_scans_of_both_are_one_timeline(self) -> None:
        first = provider(
            scan("InTransit_Departure", zone="+08:00"), scan("InTransit_PickedUp", "2026-11-18", zone="+08:00")
        )
        second = provider(
            scan("Delivered_Other", "2026-11-22", zone="+01:00"),
            scan("InTransit_Arrival", "2026-11-19", zone="+01:00"),
            key=2,
            name="Correos",
        )
        codes = [event.code for event in shipment_of(first, second).events]
        assert codes == ["Delivered_Other", "InTransit_Departure", "InTransit_Arrival", "InTransit_PickedUp"]

    def test_lists_that_run_from_the_oldest_are_turned_round(self) -> None:
        first = provider(scan("InfoReceived", "2026-11-18"), scan("InTransit_PickedUp", "2026-11-19"))
        second = provider(scan("InTransit_Arrival", "2026-11-20"), scan("Delivered_Other", "2026-11-21"), key=2)
        codes = [event.code for event in shipment_of(first, second).events]
        assert codes == ["Delivered_Other", "InTransit_Arrival", "InTransit_PickedUp", "InfoReceived"]

    def test_each_carriers_own_order_holds_where_a_day_has_no_clock(self) -> None:
        first = provider(scan("Delivered_Other", time=None), scan("OutForDelivery_Other", time="08:00:00"))
        codes = [event.code for event in shipment_of(first, provider(scan(day="2026-11-18"), key=2)).events]
        assert codes == ["Delivered_Other", "OutForDelivery_Other", "InTransit_Other"]

    def test_a_scan_that_both_report_in_the_same_words_is_told_once(self) -> None:
        twin = scan("Delivered_Other", zone="-06:00", country="US", city="Chicago", description="Delivered")
        assert len(shipment_of(provider(twin), provider(twin, key=2)).events) == 1

    def test_a_scan_that_both_report_in_words_of_their_own_stands_in_both(self) -> None:
        first = scan("Delivered_Other", country="ES", description="Delivered")
        second = scan("Delivered_Other", country="ES", description="Entregado")
        shipment = shipment_of(provider(first), provider(second, key=2))
        assert [event.text for event in shipment.events] == ["Delivered", "Entregado"]
        assert shipment.status is Status.DELIVERED

    def test_one_wall_clock_in_two_zones_is_two_scans(self) -> None:
        assert len(shipment_of(provider(scan(zone="+08:00")), provider(scan(zone="-06:00"), key=2)).events) == 2

    @pytest.mark.parametrize(
        "other",
        [
            scan("InTransit_Arrival", country="US", city="Chicago"),
            scan(time="10:01:00", country="US", city="Chicago"),
            scan(country="US", city="Reno"),
            scan(country="CA"),
            scan(time=None, country="US", description="Another scan of that day"),
        ],
        ids=["code", "minute", "city", "country", "day"],
    )
    def test_what_differs_is_another_scan(self, other: dict[str, Any]) -> None:
        one = scan(country="US", city="Chicago", time=other["time_raw"]["time"] and "10:00:00", description="A scan")
        assert len(shipment_of(provider(one), provider(other, key=2)).events) == 2

    def test_one_carrier_may_say_two_things_in_a_minute(self) -> None:
        twice = provider(scan(description="Arrived"), scan(description="Sorted"))
        other = provider(scan(day="2026-11-01"), key=2)
        assert len(shipment_of(twice, other).events) == 3

    def test_the_registered_carrier_gives_the_name_and_the_others_are_legs(self) -> None:
        misc = {"local_number": "9261290357182046395738", "local_provider": "USPS"}
        carriers = [provider(scan(), key=2, name="USPS"), provider(scan(day="2026-11-18"), key="1", name="YunExpress")]
        shipment = shipment_of(*carriers, misc_info=misc)
        assert shipment.carrier_name == "YunExpress"
        assert shipment.legs == (Leg("USPS", "9261290357182046395738"),)

    def test_a_carrier_of_the_last_mile_without_scans_is_a_leg(self) -> None:
        misc = {"local_number": "9261290357182046395738", "local_provider": "USPS", "local_key": 21051}
        shipment = shipment_of(provider(scan()), misc_info=misc)
        assert (shipment.carrier_name, shipment.legs) == ("Fjord Parcel", (Leg("USPS", "9261290357182046395738"),))

    def test_a_carrier_that_is_its_own_last_mile_is_no_leg(self) -> None:
        misc = {"local_number": NUMBER, "local_provider": "Fjord Parcel", "local_key": 1}
        assert shipment_of(provider(scan()), misc_info=misc).legs == ()

    def test_a_language_is_known_where_all_write_the_same(self) -> None:
        def languages(*codes: str | None) -> str:
            return shipment_of(*(provider(scan(), lang=code) for code in codes)).language

        assert [languages("zh_CN"), languages("en", "en"), languages("en", "es"), languages("en", None)] == [
            "zh-CN",
            "en",
            "",
            "",
        ]

    def test_a_number_of_two_carriers_is_two_shipments(self) -> None:
        entries = [accepted(carrier=key, tracking={"providers": [provider(scan(), key=key)]}) for key in (1, 2)]
        answer = answer_to(body(*entries))
        assert isinstance(answer, Found)
        assert len(answer.shipments) == 2


@pytest.mark.parametrize(
    ("misc", "weight"),
    [
        ({"weight_kg": 1.2}, Weight(1.2, "kg")),
        ({"weight_kg": "0.4"}, Weight(0.4, "kg")),
        ({"weight_kg": 0}, None),
        ({"weight_kg": -1}, None),
        ({"weight_kg": None}, None),
        (None, None),
    ],
)
def test_a_weight_is_in_kilograms_as_17track_worked_it_out(misc: Any, weight: Weight | None) -> None:
    assert shipment_of(provider(scan()), misc_info=misc).weight == weight

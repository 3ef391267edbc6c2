"""A parcel in words: the day it is expected, scans without a time, and of a very long journey the way to all of them."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.support import NullTranslations

from doorstep import Leg, Moment, Status
from doorstep.context import ShipmentView
from doorstep.i18n import Localizer
from doorstep.models import Window
from doorstep.moments import whole_day
from doorstep.views import Reader, hero, shipment_view

from .acme import ACME, at, parcel, scan
from .shopfront import carriers, parsed, shop

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
READER = Reader(Localizer("en", NullTranslations()), NOON, ZoneInfo("UTC"))
SIXTY = "1047382954"  # a sample with so many scans


def shown(scans: int, rest: str = "/all") -> ShipmentView:
    """A parcel with so many scans, a minute apart and the newest at 11:59."""
    moments = [at(22, *divmod(11 * 60 + 59 - n, 60)) for n in range(scans)]
    return shipment_view(parcel("1", *(scan(moment=one) for one in moments)), ACME, READER, NOON, rest=rest)


def clocks(view: ShipmentView) -> list[str]:
    return [event.clock for day in (*view.days, *view.older) for event in day.events]


def test_of_sixty_scans_the_newest_fifty_are_shown_and_the_rest_is_behind_a_link() -> None:
    view = shown(60)
    assert len(clocks(view)) == 50
    assert (clocks(view)[0], clocks(view)[-1]) == ("11:59\u00a0AM", "11:10\u00a0AM")
    assert view.older_label == "42 older scans"
    assert view.rest is not None
    assert (view.rest.label, view.rest.url) == ("Show 10 more scans", "/all")


@pytest.mark.parametrize(("scans", "rest"), [(50, "/all"), (60, ""), (200, "")])
def test_nothing_is_left_out_of_fifty_or_where_all_are_asked_for(scans: int, rest: str) -> None:
    view = shown(scans, rest)
    assert len(clocks(view)) == scans
    assert view.rest is None


def test_the_page_leads_to_itself_with_all_scans_in_the_same_language(tmp_path: Path) -> None:
    with carriers() as (sandbox, served), shop(tmp_path, sandbox, served.url) as front:
        for path in (f"/track/{SIXTY}", f"/track/{SIXTY}?lang=de"):
            page = parsed(front.get(path).text)
            (link,) = [one for one in page.iter("a") if "events=all" in one.get("href")]
            assert len(page.findall(".//p[@class='sentence']")) == 50
            assert link.get("href").endswith("events=all#timeline-title")
            whole = parsed(front.get(link.get("href")).text)
            assert len(whole.findall(".//p[@class='sentence']")) == 60
            assert whole.get("lang") == page.get("lang")
            assert not [one for one in whole.iter("a") if "#timeline-title" in one.get("href")]
        languages = [one.get("href") for one in whole.iter("a") if one.get("hreflang")]
        assert "events=all" in languages[0]
        told = front.get(f"/api/v1/pages/{SIXTY}").json()["shipment"]["rest"]
        assert told == {"label": "Show 10 more scans", "url": f"/track/{SIXTY}?events=all"}
        assert front.get(f"/api/v1/pages/{SIXTY}?events=all").json()["shipment"]["rest"] is None


@pytest.mark.parametrize(
    ("day", "said"),
    [(22, "today"), (23, "tomorrow"), (24, "Tuesday"), (28, "Saturday"), (29, "on November 29")],
)
def test_a_day_within_a_week_has_the_name_of_its_weekday_and_a_later_one_its_date(day: int, said: str) -> None:
    expected = whole_day(date(2026, 11, day), raw="")
    coming = parcel("1", status=Status.IN_TRANSIT, window=Window(end=expected))
    assert hero(coming, READER).headline == f"Arriving {said}"


def test_a_scan_whose_time_nobody_can_read_stands_with_the_one_before_it() -> None:
    unknown = scan(moment=Moment("last week"), text="Sorted")
    days = shipment_view(parcel("1", scan(moment=at(20)), unknown, scan(moment=at(19))), ACME, READER, NOON).days
    assert [(day.iso, len(day.events)) for day in days] == [("2026-11-20", 2), ("2026-11-19", 1)]
    (alone,) = shipment_view(parcel("1", unknown), ACME, READER, NOON).days
    assert (alone.label, alone.iso) == ("Day not known", "")


def test_who_delivers_a_stretch_is_told_with_its_number_where_it_has_one() -> None:
    told = shipment_view(parcel("1", legs=(Leg("Bring", "B7"), Leg("By boat"))), ACME, READER, NOON).facts
    assert [(fact.label, fact.value) for fact in told[1:]] == [
        ("Delivered by", "Bring"), ("Number at Bring", "B7"), ("Delivered by", "By boat"),
    ]  # fmt: skip

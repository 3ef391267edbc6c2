"""A very long journey: the newest scans, and the way to all of them."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.support import NullTranslations

from doorstep.context import ShipmentView
from doorstep.i18n import Localizer
from doorstep.views import Reader, shipment_view

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

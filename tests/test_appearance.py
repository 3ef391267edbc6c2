"""Looks on pages: by market, language and season, in what is kept near and over midnight; places that no page has."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from doorstep.appearance import Layer, Season
from doorstep.config import Store

from .shopfront import DELIVERED, MOVING, Front, carriers, shop

TO_AMERICA, TO_FRANCE = DELIVERED, MOVING  # Denver, Toulouse
CORNERS = {"US": "round", "FR": "square"}
STORE = Store(
    name="Harbour & Pine",
    timezone="Europe/Berlin",
    languages=("en", "de"),
    settings={"corners": "soft"},
    market={country: Layer(settings={"corners": corners}) for country, corners in CORNERS.items()},
    language_layers={"de": Layer(settings={"logo_height": 40})},
    season=(Season(name="feast", from_=date(2026, 11, 23), until=date(2026, 11, 23), settings={"accent": "#7a3b1d"}),),
)


@pytest.fixture(scope="module")
def bundled() -> Iterator[Any]:
    with carriers() as found:
        yield found


@pytest.fixture
def front(tmp_path: Path, bundled: Any) -> Iterator[Front]:
    sandbox, served = bundled
    with shop(tmp_path, sandbox, served.url, stores={"main": STORE}) as front:
        yield front


def settings(front: Front, number: str, language: str = "en") -> tuple[str, int]:
    values = front.get(f"/api/v1/pages/{number}", language).json()["settings"]
    return values["corners"], values["logo_height"]


def sheet(front: Front, number: str, language: str = "en") -> str:
    html = front.get(f"/track/{number}", language).text
    return html.partition('rel="stylesheet" href="')[2].partition('"')[0]


def test_a_page_has_the_look_of_its_market_and_its_readers_language(front: Front) -> None:
    assert settings(front, TO_AMERICA) == ("round", 32)
    assert settings(front, TO_FRANCE) == ("square", 32)
    assert settings(front, TO_FRANCE, "de") == ("square", 40)


def test_a_page_kept_near_changes_with_the_season_at_the_stores_midnight(front: Front) -> None:
    def shown(**later: float) -> str:
        front.clock.advance(timedelta(**later).total_seconds())
        near = front.engine.metrics.near_lookups.counts
        hits = near["hit"]
        first = sheet(front, TO_AMERICA)
        while near["hit"] == hits:  # an answer may be asked for anew behind the page
            assert sheet(front, TO_AMERICA) == first
        return first

    # It is 13:00 in Berlin on the 22nd; the season is the 23rd.
    before = shown(hours=0)
    assert shown(hours=10, minutes=59, seconds=55) == before
    feast = shown(seconds=10)
    assert feast != before
    assert shown(hours=23, minutes=59, seconds=45) == feast
    assert shown(seconds=10) == before


def test_every_look_finds_its_style_sheet(front: Front) -> None:
    found = {sheet(front, number, language) for number in (TO_AMERICA, TO_FRANCE) for language in ("en", "de")}
    assert len(found) == 1  # corners and the logo's height are no custom properties of this theme
    front.clock.advance(86_400)
    found.add(sheet(front, TO_AMERICA))
    bodies = {front.get(address).text for address in found}
    assert len(bodies) == len(found) == 2


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        ("end", "widget 'survey' stands in slot 'end', which no list of sections names"),
        ("aside", ""),
    ],
)
def test_a_widget_that_no_page_has_a_place_for_is_a_problem(tmp_path: Path, bundled: Any, slot: str, said: str) -> None:
    sandbox, served = bundled
    store = Store(name="Shop", widgets={"survey": {"slot": slot}})
    with shop(tmp_path, sandbox, served.url, stores={"main": store}) as front:
        problems = front.engine.shops.all[0].problems
        assert [one.reason for one in problems] == ([said] if said else [])
        assert front.client.get("/readyz").json()["status"] == ("degraded" if said else "ready")

"""A store's appearance over HTTP: read, patched, refused with the place, shown at once."""

import re
from typing import Any

import pytest

from doorstep.appearances import Appearances
from doorstep.database import Database

from .erp import Shop

APPEARANCE = "/api/v1/appearance"
EMPTY = {
    "preset": "", "settings": {}, "sections": [], "order_sections": [], "market": {}, "in": {}, "season": [], "draft": {},
    "words": {}, "updated_at": None,
}  # fmt: skip


def corners(shop: Shop, country: str = "") -> Any:
    return (
        shop.engine.shops.find("shop.example", "/")
        .looks.find(country, "en", shop.clock.now().date())
        .settings["corners"]
    )


def test_nothing_is_set_until_somebody_does(running: Shop) -> None:
    read = running.ask("GET", APPEARANCE)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, EMPTY, '"0"')
    assert running.ask("GET", APPEARANCE, if_none_match='"0"').status_code == 304


def test_a_patch_is_kept_and_shown_at_once(running: Shop) -> None:
    body = {"settings": {"corners": "round"}, "market": {"CH": {"settings": {"corners": "square"}}}}
    changed = running.ask("PATCH", APPEARANCE, body)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    assert changed.json()["market"]["CH"]["settings"] == {"corners": "square"}
    assert (corners(running), corners(running, "CH")) == ("round", "square")
    assert running.ask("GET", APPEARANCE).json() == changed.json()
    back = running.ask("PATCH", APPEARANCE, {"settings": {"corners": None}, "market": None})
    assert (back.json()["settings"], back.json()["market"], back.headers["etag"]) == ({}, {}, '"2"')
    assert corners(running, "CH") == "soft"


def test_a_page_that_was_kept_near_is_made_anew(erp: Shop) -> None:
    def sheet() -> str:
        return re.findall('href="(.*?store.css)"', erp.front.get("/").text)[0]

    old = sheet()
    erp.ask("PATCH", APPEARANCE, {"settings": {"accent": "#7a3b1d"}})
    assert sheet() != old
    assert erp.front.get(old).status_code == 200


def test_one_store_is_no_other(erp: Shop) -> None:
    erp.ask("PATCH", APPEARANCE, {"settings": {"corners": "round"}})
    outlet = erp.engine.shops.find("shop.example", "/outlet/")
    assert outlet.look.settings["corners"] == "soft"


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        ({"settings": {"corners": "spiky"}}, "settings.corners", "expected one of square, soft, round"),
        ({"settings": {"cornres": "soft"}}, "settings.cornres", "theme 'classic' has no such setting"),
        ({"market": {"CH": {"settings": {"accent": "red"}}}}, "market.CH.settings.accent", "expected a colour"),
        ({"in": {"de": {"sections": ["heroo"]}}}, "in.de.sections[0]", "theme 'classic' has no section 'heroo'"),
        ({"preset": "loud"}, "preset", "theme 'classic' has no preset 'loud'"),
        (
            {"season": [{"name": "w", "from": "2026-12-24", "until": "2026-12-01"}]},
            "season[0].until",
            "it is before `from`",
        ),
        ({"season": [{"name": "w", "from": "soon", "until": "2026-12-01"}]}, "season[0].from", "Invalid RFC3339"),
        ({"draft": {"spring": {"theme": "gone"}}}, "", "there is no theme 'gone'"),
        ({"market": {"Switzerland": {}}}, "market", "Expected `str` matching regex"),
        ({"colour": 1}, "colour", "there is no such field"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_nothing_changes(
    erp: Shop, body: Any, path: str, problem: str
) -> None:
    refused = erp.ask("PATCH", APPEARANCE, body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    (error,) = refused.json()["errors"]
    assert error["path"].startswith(path)
    assert problem in error["problem"]
    assert erp.ask("GET", APPEARANCE).json() == EMPTY


def test_who_knows_an_older_one_writes_nothing(erp: Shop) -> None:
    erp.ask("PATCH", APPEARANCE, {"settings": {"corners": "round"}})
    late = erp.ask("PATCH", APPEARANCE, {"settings": {"corners": "square"}}, if_match='"0"')
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (412, "changed", 1)
    assert erp.ask("PATCH", APPEARANCE, {"settings": {"corners": "square"}}, if_match='"1"').status_code == 200
    assert corners(erp) == "square"


def test_what_another_process_wrote_is_seen_when_it_tells_or_half_a_minute_later(erp: Shop) -> None:
    def written_elsewhere(corners: str) -> None:
        with erp.engine.database.writing() as connection:
            others = Appearances(erp.engine.database, clock=erp.clock)
            kept = others.find(connection, "main")
            own = type(kept.appearance)(settings={"corners": corners})
            others.write(connection, "main", kept, own)

    portal = erp.front.client.portal
    assert portal is not None
    written_elsewhere("round")
    erp.engine.appearances.drop((Appearances.tag("main"),))
    portal.call(erp.engine.wardrobe.refresh)
    assert corners(erp) == "round"
    written_elsewhere("square")
    portal.call(erp.engine.wardrobe.refresh)
    assert corners(erp) == "round"
    erp.clock.advance(31)
    portal.call(erp.engine.wardrobe.refresh)
    assert corners(erp) == "square"


def test_a_key_needs_the_scope(erp: Shop) -> None:
    reader = erp.new_key("appearance:read")
    assert erp.ask("GET", APPEARANCE, key=reader).status_code == 200
    assert erp.ask("PATCH", APPEARANCE, {}, key=reader).status_code == 403


def test_what_is_kept_survives_a_restart_and_one_that_fits_no_longer_is_told(erp: Shop) -> None:
    erp.ask("PATCH", APPEARANCE, {"settings": {"corners": "round"}})
    database: Database = erp.engine.database
    with database.writing() as connection:
        kept = erp.engine.appearances.find(connection, "main")
        own = type(kept.appearance)(settings={"gone": 1})
        erp.engine.appearances.write(connection, "main", kept, own)
    erp.engine.appearances.clear()
    assert erp.front.client.portal is not None
    erp.front.client.portal.call(erp.engine.wardrobe.refresh)
    assert corners(erp) == "round"
    health = erp.front.client.get("/readyz").json()
    assert "appearance.settings.gone: theme 'classic' has no such setting" in health["amiss"][0]

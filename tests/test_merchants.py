"""The page of what a merchant changes where is true: every setting, address, command, scope and moment on it is the code's."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from doorstep.config import Config, Store
from doorstep.keys import SCOPES
from doorstep.paths import shipped
from doorstep.themes import find_themes, load_theme
from doorstep.wardrobe import LIVE

from .test_docs import DOCS, generate

TEXT = (DOCS / "merchants.md").read_text("utf-8")
FOLDERS = {
    "static/",
    "themes/<name>/",
    "themes/<name>/locales/<language>.po",
    "words/<language>.toml",
}  # of which the wardrobe sees every change
SETTINGS = load_theme("classic", find_themes([shipped("themes")])).settings
IN_FILE = dict(zip(Store.__struct_encode_fields__, Store.__struct_fields__, strict=True))


class Way(NamedTuple):
    """One way to change a thing: the words in backticks, who may, when it is live."""

    what: str
    places: list[str]
    who: str
    live: str


def ways() -> list[Way]:
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    found = []
    for what, where, who, live in (row for row in rows if row[0] not in ("what", "---")):
        for place, one, moment in zip(where.split("; "), who.split("; "), live.split("; "), strict=True):
            found.append(Way(what, re.findall(r"`([^`]+)`", place), one.strip("`"), moment))
    return found


def place_of(place: str, who: str) -> str:
    """When a change at this place is live, for who may make it; fails for a place that is not there."""
    if place.startswith("doorstep "):
        assert place.removeprefix("doorstep ") in generate.all_commands(), place
        assert who == "shell"
        return "at once"
    if " /api/v1/" in place:
        assert place in generate.all_routes(), place
        assert who in SCOPES, place
        assert who == f"{place.split('/')[3]}:write"
        return "at once"
    assert who == "shell", place
    if place in FOLDERS:
        return "seconds"
    if place.startswith("stores.<id>."):
        name, _, setting = place.removeprefix("stores.<id>.").partition(".")
        assert name in IN_FILE, place
        assert not setting or setting in SETTINGS, place
        return "seconds" if IN_FILE[name] in LIVE else "restart"
    if place == "plugins/":
        assert Config(stores={}).plugins.folder == Path("plugins")
    else:
        assert place.partition(".")[0] in Config.__struct_fields__, place
    return "restart"


@pytest.mark.parametrize("way", [pytest.param(way, id=f"{way.what}, {way.places[0]}") for way in ways()])
def test_a_way_to_change_something_is_there_for_whom_and_when_it_says(way: Way) -> None:
    assert {place_of(place, way.who) for place in way.places} == {way.live}


def test_no_setting_of_a_store_is_forgotten() -> None:
    named = {place.split(".")[2] for way in ways() for place in way.places if place.startswith("stores.<id>.")}
    assert set(IN_FILE) - named == set()


def test_no_change_by_the_api_is_forgotten() -> None:
    named = {place for way in ways() for place in way.places}
    changing = {one for one in generate.all_routes() if " /api/v1/" in one and not one.startswith("GET")}
    assert changing - named == set()


def test_a_line_that_is_not_true_is_found() -> None:
    assert place_of("stores.<id>.theme", "shell") == "seconds"
    assert place_of("stores.<id>.banners", "shell") == "restart"
    for place, who in (("stores.<id>.colour", "shell"), ("PATCH /api/v1/orders", "orders:write"),
                       ("PATCH /api/v1/appearance", "orders:write"), ("doorstep keys forget", "shell"),
                       ("stores.<id>.settings.hue", "shell")):  # fmt: skip
        with pytest.raises(AssertionError):
            place_of(place, who)

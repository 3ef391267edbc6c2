"""Looks: values by store, market, language, season and draft; sections with slots; fonts and pictures in the style sheet."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from doorstep.appearance import Appearance, Draft, Layer, Season
from doorstep.errors import ThemeError
from doorstep.looks import Look, Looks, dressed
from doorstep.themes import find_themes, load_theme
from doorstep.theming import Templates

from .themes_on_disk import write_theme

TODAY = date(2026, 11, 22)
SETTINGS = """
[settings.accent]
type = "color"
label = "Accent"
default = "#000000"
css = "--accent"
[settings.motto]
type = "text"
label = "Motto"
default = "sea"
[settings.font]
type = "font"
label = "Typeface"
default = "system"
css = "--font"
[settings.hero]
type = "image"
label = "Picture"
default = ""
css = "--hero"
[settings.dense]
type = "switch"
label = "Dense"
default = false
css = "--dense"
[presets.calm]
title = "Calm"
settings = { accent = "#111111", motto = "calm" }
"""


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return made(tmp_path)


def made(root: Path, files: dict[str, str] | None = None, store: Path | None = None) -> Templates:
    sections = {f"templates/sections/{name}.html": name for name in ("hero", "timeline", "details")}
    write_theme(
        root, "sea", {**sections, **(files or {})}, slots='["end", "top"]', sections='["hero", "timeline", "slot.end"]',
        order_sections='["hero"]', more=SETTINGS,
    )  # fmt: skip
    return Templates(load_theme("sea", find_themes([root])), files=store)


def looks(templates: Templates, *stack: Appearance, languages: Iterable[str] = ("en",), draft: Any = None) -> Looks:
    named = [(f"stores.main{i}", one) for i, one in enumerate(stack)]
    return Looks(templates, named or [("stores.main", Appearance())], languages=languages, draft=draft)


def mottos(found: Looks, *asked: tuple[str, str, date]) -> list[str]:
    return [found.find(*one).settings["motto"] for one in asked]


def says(motto: str) -> dict[str, Any]:
    return {"settings": {"motto": motto}}


# Which values count.


def test_a_store_without_layers_has_one_look(templates: Templates) -> None:
    found = looks(templates)
    assert list(found) == [found.usual]
    assert found.find("CH", "fr", TODAY) is found.usual
    assert found.usual.settings["motto"] == "sea"


def test_settings_stand_over_the_preset_and_that_over_the_defaults(templates: Templates) -> None:
    own = dressed(templates, ("stores.main", Layer(preset="calm", settings={"accent": "#222222"})))
    assert (own.settings["accent"], own.settings["motto"], own.settings["font"]) == ("#222222", "calm", "system")


def test_a_preset_of_a_later_layer_stands_over_the_settings_of_an_earlier_one(templates: Templates) -> None:
    own = dressed(templates, ("a", Layer(settings={"motto": "own", "dense": True})), ("b", Layer(preset="calm")))
    assert (own.settings["motto"], own.settings["dense"]) == ("calm", True)


def test_market_language_and_season_each_choose_a_look(templates: Templates) -> None:
    found = looks(
        templates,
        Appearance(
            settings={"motto": "store"},
            market={"CH": Layer(**says("market"))},
            language_layers={"fr": Layer(**says("language"))},
            season=(Season(name="winter", from_=date(2026, 12, 1), until=date(2026, 12, 24), **says("season")),),
        ),
        languages=("en", "fr"),
    )
    plain, before, first, last, after = (
        TODAY,
        date(2026, 11, 30),
        date(2026, 12, 1),
        date(2026, 12, 24),
        date(2026, 12, 25),
    )
    assert mottos(found, ("", "en", plain), ("DE", "en", plain)) == ["store", "store"]
    assert mottos(found, ("CH", "en", plain), ("", "fr", plain), ("CH", "fr", plain)) == [
        "market",
        "language",
        "language",
    ]
    days = [("CH", "fr", day) for day in (before, first, last, after)]
    assert mottos(found, *days) == ["language", "season", "season", "language"]


def test_a_layer_changes_what_it_names_and_leaves_the_rest(templates: Templates) -> None:
    found = looks(
        templates,
        Appearance(settings={"accent": "#222222"}, market={"CH": Layer(sections=("timeline",), **says("alps"))}),
    )
    alps = found.find("CH", "en", TODAY)
    assert (alps.settings["accent"], alps.settings["motto"]) == ("#222222", "alps")
    assert (alps.sections, alps.order_sections) == (("timeline",), ("hero",))


def test_a_base_languages_layer_counts_for_its_variants_and_theirs_stands_over_it(templates: Templates) -> None:
    own = Appearance(
        language_layers={"pt": Layer(settings={"motto": "pt", "dense": True}), "pt_BR": Layer(**says("pt_BR"))}
    )
    found = looks(templates, own, languages=("en", "pt", "pt_BR", "pt_PT"))
    assert mottos(found, *(("", code, TODAY) for code in ("en", "pt", "pt_PT", "pt_BR"))) == [
        "sea",
        "pt",
        "pt",
        "pt_BR",
    ]
    assert found.find("", "pt_BR", TODAY).settings["dense"] is True


def test_of_two_seasons_at_once_the_later_one_in_the_list_stands_over_the_earlier(templates: Templates) -> None:
    winter = Season(name="winter", from_=date(2026, 12, 1), until=date(2027, 2, 28), **says("winter"))
    feast = Season(name="feast", from_=date(2026, 12, 20), until=date(2026, 12, 26), **says("feast"))
    for seasons, said in (((winter, feast), "feast"), ((feast, winter), "winter")):
        found = looks(templates, Appearance(season=seasons))
        assert mottos(found, ("", "en", date(2026, 12, 22)), ("", "en", date(2027, 1, 5))) == [said, "winter"]


def test_at_each_level_the_api_stands_over_the_settings_but_no_level_over_a_later_one(templates: Templates) -> None:
    file = Appearance(settings={"motto": "file"}, market={"CH": Layer(**says("file CH"))})
    api = Appearance(settings={"motto": "api"}, market={"AT": Layer(**says("api AT"))})
    found = looks(templates, file, api)
    asked = [(country, "en", TODAY) for country in ("", "CH", "AT")]
    assert mottos(found, *asked) == ["api", "file CH", "api AT"]


def test_a_draft_stands_over_everything(templates: Templates) -> None:
    own = Appearance(
        market={"CH": Layer(**says("market"))}, season=(Season(name="s", from_=TODAY, until=TODAY, **says("season")),)
    )
    found = looks(templates, own, draft=("stores.main.draft.spring", Draft(**says("draft"))))
    assert mottos(found, ("CH", "en", TODAY), ("", "en", date(2027, 1, 1))) == ["draft", "draft"]


def test_equal_looks_are_one(templates: Templates) -> None:
    same = Layer(settings={"motto": "alps"})
    found = looks(templates, Appearance(market={"CH": same, "AT": same, "LI": Layer()}))
    assert len(list(found)) == 2
    assert found.find("CH", "en", TODAY) is found.find("AT", "en", TODAY)
    assert found.find("LI", "en", TODAY) is found.usual


# What is wrong.


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (Appearance(preset="loud"), "stores.main0.preset: theme 'sea' has no preset 'loud': it has: calm"),
        (Appearance(settings={"motto": 7}), "stores.main0.settings.motto: expected a text"),
        (Appearance(market={"CH": Layer(settings={"accent": "red"})}), "stores.main0.market.CH.settings.accent: "),
        (Appearance(language_layers={"en": Layer(preset="x")}), "stores.main0.in.en.preset: "),
        (Appearance(language_layers={"nl": Layer()}), "stores.main0.in.nl: no page of this store is in that language"),
        (
            Appearance(season=(Season(name="s", from_=TODAY, until=TODAY, settings={"mottoo": ""}),)),
            r"stores.main0.season\[0\].settings.mottoo: theme 'sea' has no such setting",
        ),
        (
            Appearance(season=(Season(name="s", from_=TODAY, until=date(2026, 11, 21)),)),
            r"stores.main0.season\[0\].until: it is before",
        ),
        (Appearance(sections=("hero", "heroo")), r"stores.main0.sections\[1\]: theme 'sea' has no section 'heroo'"),
        (Appearance(sections=("slot.ende",)), r"stores.main0.sections\[0\]: theme 'sea' has no slot 'slot.ende'"),
        (Appearance(sections=("hero", "hero")), r"stores.main0.sections\[1\]: 'hero' stands there twice"),
        (Appearance(market={"CH": Layer(order_sections=("x",))}), r"stores.main0.market.CH.order_sections\[0\]: "),
        (Appearance(settings={"font": "brand.woff2"}), "settings.font: there is no file static/brand.woff2"),
        (Appearance(market={"CH": Layer(settings={"hero": "x.png"})}), "market.CH.settings.hero: there is no file"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_at_start(templates: Templates, own: Appearance, said: str) -> None:
    with pytest.raises(ThemeError, match=said):
        looks(templates, own)


def test_a_themes_own_list_may_only_name_what_it_has(tmp_path: Path) -> None:
    write_theme(tmp_path, "sea", {"templates/sections/hero.html": ""}, sections='["hero", "slot.end"]')
    with pytest.raises(ThemeError, match=r"sea/theme.toml: sections\[1\]: theme 'sea' has no slot 'slot.end'"):
        dressed(Templates(load_theme("sea", find_themes([tmp_path]))))


def test_more_combinations_than_anybody_means_are_refused(templates: Templates) -> None:
    countries = [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTU" for b in "ABCDEFGHIJKLMNOPQRST"]  # 21 * 20 and one without
    with pytest.raises(ThemeError, match="421 looks, of all markets with all languages and seasons: 400 are possible"):
        looks(templates, Appearance(market=dict.fromkeys(countries, Layer())))


# The style sheet.


def sheet(look: Look) -> str:
    found = look.asset("store.css")
    assert found is not None
    return found.body.decode()


def test_values_become_custom_properties(templates: Templates) -> None:
    look = dressed(
        templates, ("", Layer(settings={"hero": "https://cdn.example/a.jpg", "dense": True, "font": "serif"}))
    )
    assert sheet(look) == (
        ':root{--accent:#000000;--font:"Iowan Old Style",Charter,"Palatino Linotype",Georgia,serif;'
        '--hero:url("https://cdn.example/a.jpg");--dense:1;}'
    )
    assert "--hero:none;--dense:0;" in sheet(dressed(templates))


def test_a_font_of_the_shops_own_is_loaded_from_the_shop(tmp_path: Path) -> None:
    templates = made(tmp_path, store=tmp_path / "static")
    (tmp_path / "static" / "fonts").mkdir(parents=True)
    (tmp_path / "static" / "fonts" / "brand.woff2").write_bytes(b"wOF2")
    templates = made(tmp_path, store=tmp_path / "static")
    look = dressed(templates, ("", Layer(settings={"font": "fonts/brand.woff2"})))
    font = look.asset("fonts/brand.woff2")
    assert font is not None
    source = f'url("../{font.fingerprint}/fonts/brand.woff2") format("woff2")'
    assert f'@font-face{{font-family:"theme-font";src:{source};' in sheet(look)
    assert '--font:"theme-font",system-ui,' in sheet(look)


def test_looks_share_files_and_script_but_not_the_style_sheet(templates: Templates) -> None:
    one, other = dressed(templates), dressed(templates, ("", Layer(settings={"accent": "#ffffff"})))
    assert one.asset("store.js") is other.asset("store.js")
    assert one.assets["store.css"].fingerprint != other.assets["store.css"].fingerprint

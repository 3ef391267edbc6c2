"""A theme's own texts: child over parent over the engine's, and mistakes with file and line."""

from pathlib import Path

import pytest

from doorstep.errors import ThemeError
from doorstep.i18n import Catalogs
from doorstep.paths import shipped
from doorstep.themes import find_themes, load_theme

from .themes_on_disk import write_theme


def catalogs(root: Path, name: str) -> Catalogs:
    return Catalogs([shipped("locales")], load_theme(name, find_themes([root])).texts)


def entry(msgid: str, msgstr: str) -> str:
    return f'\nmsgid "{msgid}"\nmsgstr "{msgstr}"\n'


def test_a_childs_text_stands_over_its_parents_and_that_over_the_engines(tmp_path: Path) -> None:
    engine = Catalogs([shipped("locales")]).localizer("de")
    write_theme(
        tmp_path, "land", {"locales/de.po": entry("Delivered", "Angekommen") + entry("Need help?", "Noch Fragen?")}
    )
    write_theme(tmp_path, "sea", {"locales/de.po": entry("Delivered", "Geliefert, ahoi")}, extends='"land"')
    assert engine.text("Delivered") == "Zugestellt"
    for name, said in (("land", "Angekommen"), ("sea", "Geliefert, ahoi")):
        german = catalogs(tmp_path, name).localizer("de")
        assert (german.text("Delivered"), german.text("Need help?")) == (said, "Noch Fragen?")
        assert german.text("Today") == engine.text("Today") == "Heute"


def test_a_theme_may_say_it_otherwise_in_the_language_of_the_engine(tmp_path: Path) -> None:
    write_theme(tmp_path, "sea", {"locales/en.po": entry("Delivered", "Ashore")})
    assert catalogs(tmp_path, "sea").localizer("en").text("Delivered") == "Ashore"


def test_what_a_theme_says_in_a_base_language_is_said_in_its_variants(tmp_path: Path) -> None:
    write_theme(
        tmp_path, "sea", {"locales/de.po": entry("Delivered", "Da!"), "locales/de_AT.po": entry("Today", "Heut")}
    )
    austrian = catalogs(tmp_path, "sea").localizer("de_AT")
    assert (austrian.text("Delivered"), austrian.text("Today")) == ("Da!", "Heut")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("klingonisch.po", "", "sea/locales/klingonisch.po: its name is no language"),
        ("de.po", "\nmsgid oops\n", r"sea/locales/de\.po:\d: it cannot be read"),
        (
            "de.po",
            entry("See it at %(carrier)s", "Bei %(carier)s"),
            r"sea/locales/de\.po:2: 'Bei %\(carier\)s' has %\(carier\)s",
        ),
        ("de.po", entry("See it at %(carrier)s", "Dort"), r"sea/locales/de\.po:2: 'Dort' leaves out %\(carrier\)s"),
        ("de.po", entry("Delivered", "100 %"), "sea/locales/de.po:2: '100 %' has %"),
    ],
)
def test_a_mistake_in_a_catalog_is_named_when_the_theme_is_loaded(
    tmp_path: Path, file: str, text: str, said: str
) -> None:
    write_theme(tmp_path, "sea", {f"locales/{file}": text})
    with pytest.raises(ThemeError, match=said):
        load_theme("sea", find_themes([tmp_path]))


def test_a_plural_form_may_leave_the_number_out_and_a_doubled_percent_sign_is_one(tmp_path: Path) -> None:
    forms = '\nmsgid "%(n)s scan"\nmsgid_plural "%(n)s scans"\nmsgstr[0] "ein Scan"\nmsgstr[1] "%(n)s Scans"\n'
    write_theme(tmp_path, "sea", {"locales/de.po": forms + entry("Delivered", "100 %% da")})
    german = catalogs(tmp_path, "sea").localizer("de")
    assert [german.plural("%(n)s scan", "%(n)s scans", n) for n in (1, 2)] == ["ein Scan", "2 Scans"]
    assert german.marked["Delivered"] == "100 % da"

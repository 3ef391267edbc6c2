"""A shop's own words: under the names of texts, checked, cleaned, and shown as HTML only where the place is HTML."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jinja2 import Environment
from starlette.testclient import TestClient

from doorstep import wording
from doorstep.app import assemble
from doorstep.appearance import Draft
from doorstep.cli import main
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.errors import CatalogError
from doorstep.html_places import html_places
from doorstep.i18n import Catalogs, Localizer
from doorstep.models import Status
from doorstep.paths import shipped
from doorstep.rewording import Rewording, Source, read_files, read_source, reworded
from doorstep.secret import Secret

from .erp import Shop

SCANS = ("%(n)s older scan", "%(n)s older scans")
CONTACT = ("", "Contact us")
FOLDERS = [shipped("locales")]
TITLE = wording.STATUS[Status.OUT_FOR_DELIVERY].headline
TREE = {"status": {"out_for_delivery": {"title": "Der Postmann kommt"}}}


@pytest.fixture(scope="module")
def source() -> Source:
    return read_source(FOLDERS)


def said(source: Source, language: str, tree: dict[str, Any], *html: tuple[str, str]) -> Localizer:
    words = reworded([("words", {language: tree})], source, [language], in_html=lambda: frozenset(html))
    return Catalogs(FOLDERS).reworded(words.of).localizer(language)


def test_a_text_is_said_in_its_place_and_no_other(source: Source) -> None:
    german = said(source, "de", TREE)
    assert german.text(TITLE) == "Der Postmann kommt"
    assert german.text(wording.STATUS[Status.OUT_FOR_DELIVERY].label) == "In Zustellung"  # the same words in English
    assert german.text("Today") == "Heute"


def test_texts_without_a_place_have_names_of_their_words(source: Source) -> None:
    german = said(source, "de", {"text": {"contact_us": "Schreiben Sie uns", "to_day": "?"}})
    assert german.text("Contact us") == "Schreiben Sie uns"
    assert str(german.marked["Contact us"]) == "Schreiben Sie uns"


def test_a_language_has_the_words_of_its_base_and_its_own_over_them(source: Source) -> None:
    trees = {"pt": {"text": {"contact_us": "Fale", "copy": "Copie"}}, "pt_BR": {"text": {"contact_us": "Fala"}}}
    words = reworded([("words", trees)], source, ["pt_BR"], in_html=frozenset)
    own = words.of("pt_BR")
    assert own is not None
    assert {key[1]: one.plain for key, one in own.texts.items()} == {"Contact us": ("Fala",), "Copy": ("Copie",)}
    assert words.of("de") is None


def test_later_layers_stand_over_earlier_ones(source: Source) -> None:
    layers = [("words", {"de": TREE}), ("api.words", {"de": {"status": {"out_for_delivery": {"title": "Gleich da"}}}})]
    words = reworded(layers, source, ["de"], in_html=frozenset)
    assert Catalogs(FOLDERS).reworded(words.of).localizer("de").text(TITLE) == "Gleich da"


def test_plural_forms_are_said_by_the_languages_rule(source: Source) -> None:
    tree = {
        "text": {
            "n_older_scans": ["%(n)s früherer", "%(n)s frühere"],
            "n_older_scan": ["%(n)s früherer", "%(n)s frühere"],
        }
    }
    german = said(source, "de", tree)
    assert [german.plural(*SCANS, n) for n in (0, 1, 2000)] == ["0 frühere", "1 früherer", "2.000 frühere"]


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"text": {"contact_us": 3}}, "words.de.text.contact_us: 3 is no text: write it in quotes, and not empty"),
        ({"text": {"contact_us": " "}}, "words.de.text.contact_us: ' ' is no text"),
        ({"text": {"contact_us": ["a", "b"]}}, r"words.de.text.contact_us: \['a', 'b'\] is no text"),
        ({"text": {"contact_us": "Für %(name)s"}}, r"its placeholders are %\(name\)s: it takes none"),
        ({"text": {"see_it_at_carrier": "Dort"}}, r"its placeholders are none: it takes %\(carrier\)s"),
        ({"text": {"n_older_scan": "mehr"}}, "1 forms, where de has 2: one each for 1; 0, 2, 3, 4, …"),
        ({"text": {"n_older_scan": ["eins", "viele"]}}, r"its placeholders are none: it takes %\(n\)s"),
        ({"text": {"contact_us": "<b>Fett"}}, "<b> has no partner: close what is opened"),
        ({"text": {"contact_us": "\u202eAbc"}}, "it has a control character of direction"),
        ({"text": {"contact_us": "x" * 1001}}, "it has 1001 letters: 1000 are the most"),
        ({"text": {"contact_us": '<a href="%(x)s">x</a>'}}, "placeholders"),
        ({"text": {"contact_us": '<a href="https://x y">x</a>'}}, "it has a link that leads nowhere"),
        ({"text": {"contact_us": '<a href="javascript:x()">x</a>'}}, "it has a link that leads nowhere"),
    ],
)
def test_what_cannot_be_said_is_named_with_its_place_and_mend(
    source: Source, tree: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CatalogError, match=problem):
        reworded([("words", {"de": tree})], source, ["de"], in_html=frozenset)


def test_what_no_text_is_named_and_what_a_language_lacks_are_listed(source: Source) -> None:
    trees = {"de": {**TREE, "text": {"nothing": "x"}}, "fr": {"text": {"copy": "Copie"}}}
    words = reworded([("words", trees)], source, ["de", "fr"], in_html=frozenset)
    assert words.unused == ("words.de.text.nothing",)
    assert words.missing == ("de.text.copy", "fr.status.out_for_delivery.title")


# Markup.


def test_markup_is_cleaned_and_stands_where_the_place_is_html(source: Source) -> None:
    tree = {"text": {"contact_us": 'Fragen? <b>Gern</b> & <a href="/hilfe" onclick="x()">hier</a><script>x()</script>'}}
    german = said(source, "de", tree, CONTACT)
    assert str(german.marked["Contact us"]) == ('Fragen? <b>Gern</b> &amp; <a href="/hilfe" rel="noopener">hier</a>')
    assert german.text("Contact us") == "Fragen? Gern & hier"


def test_elsewhere_the_words_stand_without_it_and_nothing_ends_an_attribute(source: Source) -> None:
    tree = {"text": {"contact_us": '<b>Gern</b>" onfocus="x()'}}
    german = said(source, "de", tree)
    assert str(german.marked["Contact us"]) == "Gern&quot; onfocus=&quot;x()"


def test_a_percent_sign_stands_for_itself(source: Source) -> None:
    german = said(source, "de", {"text": {"contact_us": "100 % da", "see_it_at_carrier": "100 % bei %(carrier)s"}})
    assert (german.text("Contact us"), str(german.marked["Contact us"])) == ("100 % da", "100 % da")
    assert german.text("See it at %(carrier)s", carrier="DHL") == "100 % bei DHL"


def test_a_text_stands_as_html_only_where_no_template_has_it_elsewhere() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    environment.newstyle_gettext = True
    templates = (
        '<p title="{{ _("Both") }}">{{ _("Both") }}{{ _("Filtered") | upper }}</p>'
        '<a href="/"{% if x %} title="{{ _("In a tag") }}"{% endif %}>{{ _("Between") }}</a>{% set y = _("Set") %}',
        '<p>{{ pgettext("step", "done") }}{% trans %}Said{% endtrans %}{{ _("This") if x else _("That") }}</p>',
    )
    assert html_places(map(environment.parse, templates)) == {
        ("", "Between"), ("step", "done"), ("", "Said"), ("", "This"), ("", "That"),
    }  # fmt: skip


# A store.


def test_words_are_those_of_files_settings_and_api_in_that_order(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en.toml").write_text(
        'text.track_your_parcel = "From the file"\ntext.tracking_number = "Your <b>number</b>"\n', "utf-8"
    )
    words = {"en": {"text": {"track_your_parcel": "Where is it?"}}}
    store = Store(name="Shop", languages=("en", "de"), words=words)
    engine = create_engine(Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=tmp_path))
    with TestClient(assemble(engine)) as client:
        page = client.get("/", headers={"Accept-Language": "en"}).text
        assert "<h1" in page
        assert "Where is it?" in page
        assert "From the file" not in page
        assert "Sendungsverfolgung" in client.get("/?lang=de").text


@pytest.mark.parametrize("theme", ["", "minimal"])
def test_a_draft_says_the_stores_words(tmp_path: Path, theme: str) -> None:
    words = {"en": {"text": {"track_your_parcel": "Where is it?"}}}
    store = Store(name="Shop", words=words, draft={"spring": Draft(theme=theme)})
    engine = create_engine(Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=tmp_path))
    drafted = engine.shops.all[0].drafts["spring"].localizer("en")
    assert drafted.text("Track your parcel") == "Where is it?"
    assert drafted.text("Tracking number") == "Tracking number"


def test_a_file_whose_name_is_no_language_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "german.toml").write_text("", "utf-8")
    with pytest.raises(CatalogError, match=r"words/german.toml: its name is no language: name it after one: de.toml"):
        read_files(tmp_path)


def test_a_patch_is_said_at_once_and_a_wrong_one_refused_with_its_place(running: Shop) -> None:
    def heading() -> str:
        return running.front.get("/").text

    body = {"words": {"en": {"text": {"track_your_parcel": "Where is my parcel?"}}}}
    assert running.ask("PATCH", "/api/v1/appearance", body).status_code == 200
    assert "Where is my parcel?" in heading()
    wrong = running.ask("PATCH", "/api/v1/appearance", {"words": {"en": {"text": {"track_your_parcel": "%(x)s"}}}})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["path"] == "words.en.text.track_your_parcel"
    assert "Where is my parcel?" in heading()
    back = running.ask("PATCH", "/api/v1/appearance", {"words": {"en": {"text": {"track_your_parcel": None}}}})
    assert back.status_code == 200
    assert "Track your parcel" in heading()


def test_the_command_lists_what_is_unused_and_missing_of_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doorstep.toml").write_text(
        'secret_key = "0123456789abcdef0123456789abcdef"\n[stores.main]\nname = "Shop"\nlanguages = ["en", "de"]\n'
        '[stores.main.words.de.text]\ncopy = "Kopie"\nno_such = "?"\n',
        "utf-8",
    )
    result = CliRunner().invoke(main, ["check", "locales", "--store", "main"])
    assert result.exit_code == 1
    assert "stores.main.words.de.text.no_such: no text has this name" in result.output
    assert "en.text.copy: it is said in another language" in result.output


def test_who_says_nothing_has_no_words(tmp_path: Path) -> None:
    engine = create_engine(Config(stores={"main": Store(name="Shop")}, secret_key=(Secret("k" * 32),), base=tmp_path))
    assert engine.shops.all[0].words == Rewording()

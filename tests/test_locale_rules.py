"""`doorstep check locales`: what is amiss with a language is named by rule, with its place and its mend."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import structs

from doorstep.cli import main
from doorstep.errors import CatalogError
from doorstep.locale_rules import check_language, check_locales
from doorstep.locale_rules.language import English, Glossary, Language, Source
from doorstep.locale_rules.of_texts import header_of
from doorstep.locale_texts import numbers_of, torn_markup, width
from doorstep.paths import shipped
from doorstep.po_files import Entry, read_po_file
from doorstep.text_names import named, placed, room

from . import catalogs

ORIGIN = {"X-Origin": "written by the project", "X-Reviewed-By": "none"}
SCANS = ("%(n)s scan", "%(n)s scans")
TEXTS = {("", "Your parcel"): "", ("", "Parcels"): "", ("", "Lost"): "", ("", SCANS[0]): SCANS[1]}


def german(*entries: Entry, glossary: Glossary | None = None, **header: str) -> Language:
    """A German catalog of TEXTS, with these entries in the place of the right ones."""
    right = {
        "Your parcel": {0: "Ihr Paket"}, "Parcels": {0: "Pakete"}, "Lost": {0: "Verloren"},
        SCANS[0]: {0: "Ein Scan", 1: "%(n)s Scans"},
    }  # fmt: skip
    made = {
        key: Entry(line, key[1], right[key[1]], plural=plural) for line, (key, plural) in enumerate(TEXTS.items(), 10)
    }
    made |= {one.key: one for one in entries}
    heads = {**header_of("de"), **ORIGIN, **header}
    terms = Glossary({"parcel": ("Paket",)}, english=English(("Scan", "Scans")))
    return Language("de", "de.po", heads, tuple(made.values()), Source(TEXTS), glossary or terms, "glossary.toml")


def found(language: Language) -> list[tuple[str, int]]:
    return [(one.rule, one.line) for one in check_language(language)]


def test_nothing_is_amiss_with_a_right_language() -> None:
    assert found(german()) == []


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (Entry(7, "Lost", {0: ""}), "untranslated"),
        (Entry(7, "Lost", {0: "Verloren"}, fuzzy=True), "fuzzy"),
        (Entry(7, "Lost", {0: "Verloren", 1: "Verlorene"}), "forms"),
        (Entry(7, SCANS[0], {0: "Ein Scan"}, plural=SCANS[1]), "forms"),
        (Entry(7, SCANS[0], {0: "Ein Scan", 1: "Scans"}, plural=SCANS[1]), "placeholders"),
        (Entry(7, SCANS[0], {0: "Ein Scan"}), "plural"),
        (Entry(7, "Lost", {0: "Zu 50 % verloren"}), "placeholders"),
        (Entry(7, "Lost", {0: "\u2067Verloren\u2069"}), "bidi"),
        (Entry(7, "Lost", {0: "Verloren "}), "space"),
        (Entry(7, "Lost", {0: "<b>Verloren"}), "markup"),
        (Entry(7, "Lost", {0: "Leider ist das Paket verloren gegangen, sehr sicher"}), "length"),
        (Entry(7, "Your parcel", {0: "Ihre Sendung"}), "term"),
        (Entry(7, "Your parcel", {0: "Ihr Paket, your parcel"}), "english"),
        (Entry(7, "Gone", {0: "Fort"}), "obsolete"),
    ],
)
def test_a_mistake_is_found_by_its_rule(entry: Entry, rule: str) -> None:
    assert (rule, 7) in found(german(entry))


def test_a_text_that_is_missing_or_stands_there_twice_is_found() -> None:
    language = german()
    without = structs.replace(language, entries=language.entries[1:])
    assert [one.message for one in check_language(without)] == ["missing: 'Your parcel'"]
    twice = structs.replace(language, entries=(*language.entries, language.entries[0]))
    assert [one.message for one in check_language(twice)] == ["it stands there twice: 'Your parcel'"]


def test_a_header_says_who_wrote_and_who_reviewed_it() -> None:
    assert found(german(**{"X-Reviewed-By": ""})) == [("header", 1)]
    assert found(german(**{"X-Reviewed-By": "a native speaker"})) == []
    assert found(german(Language="fr")) == [("header", 1)]


def test_a_glossary_lists_the_texts_that_do_without_a_term_and_only_such() -> None:
    excused = Glossary({"parcel": ("Paket",)}, {"parcel": ("Your parcel",)}, English(("Scan", "Scans")))
    assert found(german(Entry(7, "Your parcel", {0: "Ihre Sendung"}), glossary=excused)) == []
    gone = Glossary({"parcel": ("Paket",)}, {"order": ("An order",)}, English(("Scan", "Scans")))
    assert [one.message for one in check_language(german(glossary=gone))] == [
        "[without] has 'order', which is no term",
        "[without] order: there is no text 'An order'",
    ]


def test_of_two_terms_the_longer_one_counts() -> None:
    texts = {("", "Order number"): ""}
    glossary = Glossary({"order": ("Auftrag",), "order number": ("Bestellnummer",)})
    entry = Entry(7, "Order number", {0: "Bestellnummer"})
    language = structs.replace(german(glossary=glossary), entries=(entry,), source=Source(texts))
    assert found(language) == []


def test_names_of_code_are_no_english() -> None:
    text = "The header Allow names what PATCH can, see Retry-After and application/json."
    said = "Was PATCH kann, nennt der Header Allow; siehe Retry-After und application/json."
    language = structs.replace(german(Entry(7, text, {0: said})), source=Source({**TEXTS, ("", text): ""}))
    assert found(language) == []


def test_letters_of_east_asia_are_as_wide_as_two() -> None:
    assert (width("Paket"), width("荷物"), width("%(n)s 荷物")) == (5, 4, 5)


def test_torn_markup_is_told() -> None:
    assert torn_markup("a <b>bold</b> word<br>") == ""
    assert torn_markup("a <b>bold word") == "<b> has no partner"
    assert torn_markup("a bold</b> word") == "<b> has no partner"


def test_the_numbers_of_a_plural_form_are_told() -> None:
    assert [numbers_of("de", index) for index in range(2)] == ["1", "0, 2, 3, 4, …"]
    assert [numbers_of("lt", index) for index in range(3)] == ["1, 21, 31, 41, …", "2, 3, 4, 5, …", "0, 10, 11, 12, …"]
    assert numbers_of("ar", 2) == "2"


# Names.


def test_a_text_of_a_status_has_the_name_of_its_place() -> None:
    texts = placed()
    assert texts["status.out_for_delivery.title"] == "Out for delivery"
    assert texts["status.out_for_delivery.detail"] == "Your parcel is with the driver."
    assert texts["reason.weather.label"] == "Held up by the weather"
    assert texts["reason.recipient.not_home.title"] == "Nobody was at home"
    assert texts["step.picked_up"] == "Picked up"


def test_every_other_text_is_named_by_its_words() -> None:
    # The digests are those of BLAKE2b, of two bytes, over context, U+0004 and msgid.
    long = "Please wait an hour before you try again, or ask the shop about it."
    names = named([("", "Contact us"), ("step", "done"), ("", "See it at %(carrier)s"), ("", "Lost"), ("", long)])
    assert list(names) == [
        "text.contact_us", "text.please_wait_an_hour_before_you_try_dd86", "text.see_it_at_carrier", "text.step_done",
    ]  # fmt: skip
    assert names["text.step_done"] == ("step", "done")


def test_texts_that_differ_in_their_marks_only_have_names_of_their_own() -> None:
    names = named([("", "Copied"), ("", "Copied!")])
    assert len(names) == 2
    assert all(name.startswith("text.copied_") for name in names)


def test_every_text_of_the_source_has_a_name_and_no_text_with_a_place_is_said_elsewhere() -> None:
    source = catalogs.texts()
    texts = placed()
    assert {*named(source).values()} | {("", str(one)) for one in texts.values()} == {*source}
    own = frozenset(map(str, texts.values()))
    spoken = [file.name for file, msgid in catalogs.spoken() if msgid in own]
    assert set(spoken) == {"wording.py"}


def test_a_place_has_room_for_a_label_and_none_is_measured_where_text_flows() -> None:
    assert room("status.lost.label", "Lost") == 42
    assert room("text.copy", "Copy") == 26
    assert room("text.show_as_a_qr_code", "Show as a QR code") == 32  # 17 letters, and 1.9 times as many
    assert room("status.lost.detail", "Please tell the shop") is None
    assert room("text.to_shop", "To %(shop)s") is None


# Files.


def test_a_catalog_is_read_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "de.po"
    file.write_text(
        '# Head.\nmsgid ""\nmsgstr ""\n"Language: de\\n"\n\n'
        '#, fuzzy, python-format\nmsgctxt "step"\nmsgid "%(n)s \\"scan\\""\nmsgid_plural "scans"\n'
        'msgstr[0] "Ein"\n"er"\nmsgstr[2] "Drei"\n\n#~ msgid "Old"\n#~ msgstr "Alt"\n',
        "utf-8",
    )
    read = read_po_file(file, shown="de.po")
    assert read.header == {"Language": "de"}
    assert read.entries == (
        Entry(6, '%(n)s "scan"', {0: "Einer", 2: "Drei"}, "step", "scans", fuzzy=True),
        Entry(14, "Old", {0: "Alt"}, obsolete=True),
    )


def test_a_line_that_is_none_of_a_catalog_is_named(tmp_path: Path) -> None:
    file = tmp_path / "de.po"
    file.write_text('msgid "Lost"\nmsgstr Verloren\n', "utf-8")
    with pytest.raises(CatalogError, match=r"de\.po:2: this is no line of a catalog"):
        read_po_file(file, shown="de.po")


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """`folder(de="Verloren")` is a folder of catalogs of one text."""

    def write(**languages: str) -> Path:
        for code, text in {"en": "Lost", **languages}.items():
            file = tmp_path / code / "LC_MESSAGES" / "doorstep.po"
            file.parent.mkdir(parents=True)
            head = "".join(f'"{name}: {value}\\n"\n' for name, value in {**header_of(code), **ORIGIN}.items())
            file.write_text(f'msgid ""\nmsgstr ""\n{head}\nmsgid "Lost"\nmsgstr "{text}"\n', "utf-8")
        return tmp_path

    return write


def test_all_languages_of_a_folder_are_checked_or_those_that_are_wanted(folder: Callable[..., Path]) -> None:
    languages = folder(de="Verloren", fr="")
    assert [one.rule for one in check_locales(languages)] == ["untranslated"]
    assert check_locales(languages, ["de"]) == []
    with pytest.raises(CatalogError, match="no catalog for 'xx': there are de, en, fr"):
        check_locales(languages, ["xx"])


def test_a_glossary_that_cannot_be_read_is_a_finding(folder: Callable[..., Path]) -> None:
    languages = folder(de="Verloren")
    (languages / "de" / "glossary.toml").write_text("[term]\n", "utf-8")
    [one] = check_locales(languages)
    assert "de/glossary.toml: Object contains unknown field `term`" in one.message


def test_the_command_tells_what_is_amiss_and_exits_with_1(
    folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    languages = folder(de="")
    monkeypatch.setattr("doorstep.commands.check.shipped", lambda name: languages)
    result = CliRunner().invoke(main, ["check", "locales"])
    assert result.exit_code == 1
    assert "de/LC_MESSAGES/doorstep.po:11: untranslated: 'Lost'  [untranslated]" in result.output
    told = json.loads(CliRunner().invoke(main, ["check", "locales", "--json"]).output)
    assert [one["mend"] for one in told] == ["translate it"]
    assert CliRunner().invoke(main, ["check", "locales", "en"]).output == "locales: fine\n"


def test_the_shipped_languages_are_fine() -> None:
    assert check_locales(shipped("locales")) == []

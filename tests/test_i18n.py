"""Languages: whose text wins, which plural, whose digits, and what a stranger's header may ask for.

What locales write is CLDR's; the catalogs are small ones of these tests.
"""

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from babel import Locale, dates, numbers
from babel.support import NullTranslations
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from doorstep.i18n import Catalogs, Localizer
from doorstep.languages import NAMES, by_name, direction_of, known, match, name_of, negotiate, tag_of

TODAY = date(2026, 11, 22)
FSI, PDI = "\u2068", "\u2069"
PLURALS = {
    "de": "nplurals=2; plural=(n != 1);",
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
}
Write = Callable[..., Path]


def plain(language: str) -> Localizer:
    return Localizer(language, NullTranslations())


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """`folder("engine", de={"Track": "Verfolgen"})` writes catalogs; an entry may also be its raw .po lines."""

    def write(name: str, raw: str = "", **languages: dict[str, str]) -> Path:
        for language, texts in languages.items():
            file = tmp_path / name / language / "LC_MESSAGES" / "doorstep.po"
            file.parent.mkdir(parents=True)
            rule = PLURALS.get(language.partition("_")[0], PLURALS["de"])
            head = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {rule}\\n"\n\n'
            entries = [f'msgid "{msgid}"\nmsgstr "{msgstr}"\n' for msgid, msgstr in texts.items()]
            file.write_text(head + "\n".join(entries) + raw, "utf-8")
        return tmp_path / name

    return write


# Catalogs.


def test_a_text_is_said_in_its_language(folder: Write) -> None:
    assert Catalogs([folder("engine", de={"Track": "Verfolgen"})]).localizer("de").text("Track") == "Verfolgen"


def test_the_languages_are_those_of_the_engine_not_of_a_plugin(folder: Write) -> None:
    catalogs = Catalogs([folder("engine", de={}, pt_BR={}), folder("plugin", xx={})])
    assert catalogs.languages == {"de", "pt_BR"}


@pytest.mark.parametrize(
    ("language", "said"), [("pt_BR", "Rastrear"), ("pt", "Seguir"), ("pt_PT", "Seguir"), ("de", "Track")]
)
def test_what_a_language_lacks_comes_from_its_base_and_then_in_english(folder: Write, language: str, said: str) -> None:
    catalogs = Catalogs([folder("engine", pt={"Track": "Seguir", "Parcel": "Encomenda"}, pt_BR={"Track": "Rastrear"})])
    assert catalogs.localizer(language).text("Track") == said
    assert catalogs.localizer("pt_BR").text("Parcel") == "Encomenda"


def test_the_engines_text_wins_over_a_plugins_and_a_plugin_adds_its_own(folder: Write) -> None:
    engine = folder("engine", de={"Track": "Verfolgen"})
    plugin = folder("plugin", de={"Track": "Aufspüren", "Survey": "Umfrage"})
    localizer = Catalogs([engine, plugin]).localizer("de")
    assert (localizer.text("Track"), localizer.text("Survey")) == ("Verfolgen", "Umfrage")


def test_a_plugins_own_language_wins_over_the_engines_base_language(folder: Write) -> None:
    catalogs = Catalogs([folder("engine", pt={"Track": "Seguir"}), folder("plugin", pt_BR={"Track": "Rastrear"})])
    assert catalogs.localizer("pt_BR").text("Track") == "Rastrear"


def test_empty_and_fuzzy_entries_are_as_if_they_were_not_there(folder: Write) -> None:
    raw = '\n#, fuzzy\nmsgid "Parcel"\nmsgstr "Päckchen?"\n'
    localizer = Catalogs([folder("engine", raw, de={"Track": ""})]).localizer("de")
    assert (localizer.text("Track"), localizer.text("Parcel")) == ("Track", "Parcel")


def test_the_context_of_a_text_tells_equal_texts_apart(folder: Write) -> None:
    raw = '\nmsgctxt "verb"\nmsgid "Order"\nmsgstr "Bestellen"\n'
    localizer = Catalogs([folder("engine", raw, de={"Order": "Bestellung"})]).localizer("de")
    assert (localizer.text("Order"), localizer.text("Order", "verb")) == ("Bestellung", "Bestellen")


def test_a_catalog_is_read_once_and_kept(folder: Write) -> None:
    catalogs = Catalogs([folder("engine", de={})])
    assert catalogs.localizer("de") is catalogs.localizer("de")


ARABIC = (
    '\nmsgid "%(n)s parcel"\nmsgid_plural "%(n)s parcels"\n'
    'msgstr[0] "zero"\nmsgstr[1] "one"\nmsgstr[2] "two"\nmsgstr[3] "few"\nmsgstr[4] "many"\nmsgstr[5] "other"\n'
)


@pytest.mark.parametrize(
    ("n", "form"),
    [
        (0, "zero"), (1, "one"), (2, "two"), (3, "few"), (10, "few"), (11, "many"), (99, "many"), (100, "other"),
        (102, "other"), (103, "few"),
    ],
)  # fmt: skip
def test_arabic_has_six_plurals(folder: Write, n: int, form: str) -> None:
    localizer = Catalogs([folder("engine", ARABIC, ar={})]).localizer("ar")
    assert localizer.plural("%(n)s parcel", "%(n)s parcels", n) == form


def test_without_a_catalog_the_english_plurals_are_said() -> None:
    assert [plain("en").plural("%(n)s scan", "%(n)s scans", n) for n in (0, 1, 2000)] == [
        "0 scans",
        "1 scan",
        "2,000 scans",
    ]


# What strangers ask for.

HAVE = ("ar", "de", "en", "fr", "he", "id", "nb", "pt_BR", "zh_Hans", "zh_Hant")


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("de", "fr", "de"),  # the address before the browser
        ("xx", "fr", "fr"),  # the browser before the store
        ("", "", "en"),
        ("", "da, sv", "en"),
        ("", "fr;q=0.2, de;q=0.9", "de"),
        ("", "fr, de", "fr"),  # equal weights: in their order
        ("", "de;q=0", "en"),  # what is not wanted
        ("", "*", "en"),
        ("", "da, *;q=0.5, de;q=0.1", "de"),
        ("", "DE-de", "de"),
        ("", " fr ; q=0.8 ,de ; q=0.9", "de"),
    ],
)
def test_the_language_is_negotiated_in_order(asked: str, accepted: str, language: str) -> None:
    assert negotiate(asked, accepted, HAVE, "en") == language


@pytest.mark.parametrize(
    "accepted",
    [
        "de;q=NaN", "de;q=-1", "de;q=1e9", "de;q=inf", "de;q=", "de;q=0.0000", "de;level=1", "de\x00", "d", "de;;", "\r\nde: x",
        "../../de", "de/../fr", "%64%65", "<de>", "dе",  # the last with a Cyrillic е
    ],
)  # fmt: skip
def test_a_range_that_is_none_is_passed_over(accepted: str) -> None:
    assert negotiate("", f"{accepted}, fr;q=0.1", HAVE, "en") == "fr"


def test_a_header_is_read_to_its_tenth_range_and_no_further() -> None:
    assert negotiate("", "da," * 9 + "de", HAVE, "en") == "de"
    assert negotiate("", "da," * 10 + "de", HAVE, "en") == "en"


@pytest.mark.fault(36)
def test_a_header_of_100_kilobytes_is_read_to_its_bound_and_no_further() -> None:
    assert negotiate("", " " * 990 + ",de" + " " * 100_000, HAVE, "en") == "de"
    assert negotiate("", " " * 1000 + ",de" + " " * 100_000, HAVE, "en") == "en"
    assert negotiate("", "a" * 100_000, HAVE, "en") == "en"


@pytest.mark.parametrize(
    "asked", ["../../etc", "..", "en\x00", "de/../fr", "C:\\de", "de\n", "de.UTF-8", "x" * 100_000, "", " de", "{{de}}"]
)
@pytest.mark.fault(36)
def test_no_path_or_trick_in_the_address_is_a_language(asked: str) -> None:
    assert negotiate(asked, "", HAVE, "en") == "en"


BLANK = st.text(" \t", max_size=2)
# RFC 9110, 12.4.2 and 12.5.4: thousandths as a weight, in letters of either case.
WEIGHED = st.tuples(
    st.sampled_from([*HAVE, "xx", "da", "x-a"]), st.integers(0, 1000), BLANK, BLANK, st.sampled_from("qQ")
)


@given(st.lists(WEIGHED, max_size=10, unique_by=lambda one: one[0]))
def test_of_what_a_reader_wants_the_language_with_the_most_weight_comes_out(wanted: list[Any]) -> None:
    header = ",".join(
        f"{before}{tag_of(tag)}{after};{before}{q}={weight / 1000:.3f}{after}"
        for tag, weight, before, after, q in wanted
    )
    spoken = [(weight, -place, tag) for place, (tag, weight, *_) in enumerate(wanted) if weight and tag in HAVE]
    assert negotiate("", header, HAVE, "en") == (max(spoken)[2] if spoken else "en")


@given(st.text(max_size=60), st.text(max_size=60))
def test_only_what_is_there_ever_comes_out(asked: str, accepted: str) -> None:
    assert negotiate(asked, accepted, HAVE, "en") in HAVE


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de-AT", "de"), ("de_AT", "de"), ("pt-BR", "pt_BR"), ("pt-PT", "pt_BR"), ("pt", "pt_BR"), ("PT-br", "pt_BR"),
        ("zh", "zh_Hans"), ("zh-CN", "zh_Hans"), ("zh-SG", "zh_Hans"), ("zh-TW", "zh_Hant"), ("zh-HK", "zh_Hant"),
        ("zh-MO", "zh_Hant"), ("zh-Hant-TW", "zh_Hant"), ("zh-hans-cn", "zh_Hans"), ("no", "nb"), ("no-NO", "nb"),
        ("iw-IL", "he"), ("in-ID", "id"), ("ar-EG", "ar"), ("de-CH-1996", "de"), ("sv", None), ("", None), ("deu-x", None),
        ("zh-Hant-HK", "zh_Hant"), ("zh-Hant-CN", "zh_Hant"), ("yue-HK", "zh_Hant"), ("nn", "nb"), ("nn-NO", "nb"),
        ("de-u-co-phonebk", "de"), ("en-US-x-twain", "en"), ("pt-419", "pt_BR"),
    ],
)  # fmt: skip
def test_a_tag_finds_itself_its_base_or_a_sibling(tag: str, language: str | None) -> None:
    assert match(tag, HAVE) == language


@pytest.mark.parametrize(
    ("tag", "have", "language"),
    [
        ("pt-BR", ("pt", "pt_BR"), "pt_BR"), ("pt", ("pt", "pt_BR"), "pt"), ("pt-AO", ("pt_BR", "pt"), "pt"),
        ("sr-Latn", ("hr", "sr"), "sr"), ("sr-Latn-RS", ("sr", "sr_Latn"), "sr_Latn"), ("sr-Cyrl-ME", ("sr_Latn", "sr"), "sr"),
        ("es-419", ("es", "es_MX"), "es"), ("nn", ("nb", "nn"), "nn"), ("zh-TW", ("zh_Hans",), "zh_Hans"),
    ],
)  # fmt: skip
def test_of_several_that_would_do_the_nearest_is_chosen(tag: str, have: tuple[str, ...], language: str) -> None:
    assert match(tag, have) == language


def test_the_orders_language_comes_before_the_browsers_and_after_the_addresss() -> None:
    assert negotiate("", "fr", HAVE, "en", ordered="de") == "de"
    assert negotiate("ar", "fr", HAVE, "en", ordered="de") == "ar"
    assert negotiate("", "fr", HAVE, "en", ordered="sv") == "fr"  # which the shop does not speak


def test_languages_are_named_and_written_as_cldr_has_it_without_its_tables() -> None:
    said = {"id": "Bahasa Indonesia", "ms": "Bahasa Melayu"}  # whose names alone are a country's and a people's
    for code, name in NAMES.items():
        locale = Locale.parse(code)
        written = str(locale.get_display_name())
        assert name == said.get(code, written[:1].upper() + written[1:])
        assert direction_of(code) == locale.text_direction
    assert (name_of("ca"), direction_of("ckb")) == ("Català", "rtl")  # no catalog of ours


def test_a_reader_finds_languages_by_their_names() -> None:
    assert by_name(["zh_Hans", "sv", "de", "ar", "ru", "en"]) == ("de", "en", "sv", "ru", "ar", "zh_Hans")


@pytest.mark.parametrize("name", ["en", "pt_BR", "zh_Hant", "en_US"])
def test_cldr_knows_these(name: str) -> None:
    assert known(name)


@pytest.mark.parametrize("name", ["", "xx", "../../etc", "en\x00", "a" * 1000, "/etc/passwd", "en_US_"])
def test_and_none_of_these(name: str) -> None:
    assert not known(name)


# How a locale writes.


@pytest.mark.parametrize(
    ("language", "tag", "dir"), [("pt_BR", "pt-BR", "ltr"), ("ar", "ar", "rtl"), ("he", "he", "rtl")]
)
def test_a_language_has_its_tag_and_direction(language: str, tag: str, dir: str) -> None:
    assert (plain(language).tag, plain(language).dir) == (tag, dir)


@pytest.mark.parametrize(
    ("language", "name"), [("de", "Deutsch"), ("fr", "Français"), ("ar", "العربية"), ("ja", "日本語")]
)
def test_a_language_is_named_in_itself(language: str, name: str) -> None:
    assert plain(language).name == name


def test_values_are_isolated_in_a_right_to_left_sentence_and_only_there() -> None:
    assert plain("ar").text("%(name)s!", name="Leaf & Loom") == f"{FSI}Leaf & Loom{PDI}!"
    assert plain("en").text("%(name)s!", name="Leaf & Loom") == "Leaf & Loom!"
    assert plain("ar").isolate("") == ""


def test_a_text_without_values_may_hold_a_percent_sign() -> None:
    assert plain("en").text("100% linen") == "100% linen"


def test_a_value_is_never_taken_for_a_placeholder() -> None:
    assert plain("en").text("%(name)s", name="%(secret)s %s") == "%(secret)s %s"


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2026, 11, 22), "Today"),
        (date(2026, 11, 21), "Yesterday"),
        (date(2026, 11, 23), "Tomorrow"),
        (date(2026, 11, 20), "Friday, November 20"),
        (date(2025, 11, 22), "Saturday, November 22, 2025"),
    ],
)
def test_a_day_is_labelled_as_a_person_says_it(day: date, label: str) -> None:
    assert plain("en").day(day, TODAY) == label


def test_yesterday_may_be_last_year() -> None:
    assert plain("en").day(date(2025, 12, 31), date(2026, 1, 1)) == "Yesterday"
    assert plain("de").long_date(date(2025, 12, 30), date(2026, 1, 1)) == "Dienstag, 30. Dezember 2025"


@pytest.mark.parametrize(
    ("language", "long", "short", "weekday", "clock"),
    [
        ("en", "Friday, November 20", "November 20", "Friday", "2:05\u00a0PM"),
        ("de", "Freitag, 20. November", "20. November", "Freitag", "14:05"),
        ("fr", "vendredi 20 novembre", "20 novembre", "vendredi", "14:05"),
        ("ja", "11月20日(金曜日)", "11月20日", "金曜日", "14:05"),
        ("fa", "جمعه ۲۹ آبان", "۲۹ آبان", "جمعه", "۱۴:۰۵"),
    ],
)
def test_dates_and_times_are_written_as_the_culture_writes_them(
    language: str, long: str, short: str, weekday: str, clock: str
) -> None:
    localizer, day = plain(language), date(2026, 11, 20)
    assert (localizer.long_date(day, TODAY), localizer.day_and_month(day)) == (long, short)
    assert (localizer.weekday(day), localizer.clock(time(14, 5))) == (weekday, clock)


def test_a_day_and_a_time_stand_together_only_where_there_are_both() -> None:
    assert plain("en").joined("Today", "14:05") == "Today, 14:05"
    assert plain("en").joined("Today", "") == "Today"
    assert plain("en").joined("", "14:05") == "14:05"


@pytest.mark.parametrize(
    ("language", "written"), [("en", "1,234,567"), ("de", "1.234.567"), ("hi", "12,34,567"), ("fa", "۱٬۲۳۴٬۵۶۷")]
)
def test_numbers_have_the_locales_groups_and_digits(language: str, written: str) -> None:
    assert plain(language).number(1234567) == written


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1234.5", "EUR", "€1,234.50"), (7, "JPY", "¥7"), ("free", "EUR", "free EUR"), ("", "EUR", " EUR"),
        ("NaN", "EUR", "NaN EUR"), ("Infinity", "EUR", "Infinity EUR"), ("1e999999", "EUR", "1e999999 EUR"),
    ],
)  # fmt: skip
def test_money_is_written_with_its_currency_or_left_as_it_is(amount: str | int, currency: str, written: str) -> None:
    assert plain("en").money(amount, currency) == written


def test_money_in_german_stands_before_its_sign() -> None:
    assert plain("de").money("1234.5", "EUR") == "1.234,50\u00a0€"


@pytest.mark.parametrize(
    ("offset", "written"),
    [
        ("+01:00", "UTC+1"), ("-03:30", "UTC−3:30"), ("+00:00", "UTC"), ("+05:45", "UTC+5:45"), ("+14:00", "UTC+14"),
        ("+10:00", "UTC+10"),
    ],
)  # fmt: skip
def test_an_offset_is_written_short(offset: str, written: str) -> None:
    assert plain("en").offset(offset) == written


def test_an_offset_of_half_an_hour_keeps_its_sign() -> None:
    assert plain("en").offset("-00:30") == "UTC−0:30"


def test_a_country_has_its_name_or_keeps_its_code() -> None:
    assert plain("de").country("no") == "Norwegen"
    assert plain("de").country("QQ") == "QQ"


# What is kept says what Babel says.

KEPT = {
    name: plain(name)
    for name in (
        "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it",
        "ja", "ko", "lt", "lv", "ms", "my", "nb", "ne", "nl", "pl", "pt", "pt_BR", "ro", "ru", "sk", "sl", "sr", "sv", "sw",
        "ta", "th", "tr", "uk", "ur", "vi", "zh_Hans", "zh_Hant",
    )
}  # fmt: skip
DIGITS = {
    "bn": "০১২৩৪৫৬৭৮৯", "fa": "۰۱۲۳۴۵۶۷۸۹", "my": "၀၁၂၃၄၅၆၇၈၉", "ne": "०१२३४५६७८९",
}  # fmt: skip


def native(language: str, text: str) -> str:
    """Babel's text with the digits of the language: the patterns of CLDR come with Latin ones."""
    return text.translate(str.maketrans("0123456789", DIGITS.get(language, "0123456789")))


@settings(max_examples=400)
@given(st.sampled_from(sorted(KEPT)), st.times())
def test_a_clock_is_written_as_babel_writes_it_in_every_language(language: str, at: time) -> None:
    written = dates.format_time(at, "short", locale=KEPT[language].locale).replace("\u202f", "\u00a0")
    assert KEPT[language].clock(at) == native(language, written)


@settings(max_examples=400)
@given(st.sampled_from(sorted(KEPT.keys() - {"fa", "th"})), st.dates())  # whose calendars Babel has not
def test_a_day_of_another_year_is_written_as_babel_writes_it_in_every_language(language: str, day: date) -> None:
    another_year = date(day.year - 1 if day.year > 1 else 2, 6, 1)
    written = dates.format_date(day, "full", locale=KEPT[language].locale)
    assert KEPT[language].long_date(day, another_year) == native(language, written)


@given(st.sampled_from(sorted(KEPT)), st.integers(-1_000_000, 1_000_000), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_numbers_and_money_are_written_as_babel_writes_them(language: str, value: int, currency: str) -> None:
    options: Any = {"locale": KEPT[language].locale, "numbering_system": "default"}
    assert KEPT[language].number(value) == native(language, numbers.format_decimal(value, **options))
    amount = f"{value / 100:.2f}"
    written = numbers.format_currency(Decimal(amount), currency, **options)
    assert KEPT[language].money(amount, currency) == native(language, written)


def test_the_first_second_of_midnight_is_told_from_the_rest_of_its_minute() -> None:
    localizer = plain("zh_Hant")
    assert [localizer.clock(time(0, 0, second)) for second in (0, 1, 59, 0)] == [
        "午夜12:00",
        "凌晨12:00",
        "凌晨12:00",
        "午夜12:00",
    ]


def test_equal_numbers_of_different_types_are_kept_apart() -> None:
    assert [plain("en").number(value) for value in (1, 1.0, Decimal("1.50"), -0.0, 0)] == ["1", "1", "1.5", "-0", "0"]


def test_a_day_is_kept_apart_for_this_year_and_another() -> None:
    localizer, day = plain("en"), date(2026, 11, 20)
    assert localizer.long_date(day, TODAY) == "Friday, November 20"
    assert localizer.long_date(day, date(2027, 1, 1)) == "Friday, November 20, 2026"
    assert localizer.long_date(day, TODAY) == "Friday, November 20"


# Texts in HTML.


def test_a_text_in_html_is_looked_up_once_by_itself_and_with_its_context(folder: Write) -> None:
    raw = '\nmsgctxt "verb"\nmsgid "Order"\nmsgstr "<b>Bestellen</b> %%"\n'
    marked = Catalogs([folder("engine", raw, de={"Order": "Bestellung"})]).localizer("de").marked
    assert (marked["Order"], marked["verb", "Order"]) == ("Bestellung", Markup("<b>Bestellen</b> %"))
    assert marked["Order"] is marked["Order"]


def test_a_text_in_html_with_a_placeholder_that_nothing_fills_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="gone"):
        plain("en").marked["%(gone)s"]

"""Every state of every page and every message in every language with a catalog: nothing is left in English, nothing is torn,
and what runs the other way is isolated."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest

from doorstep.i18n import Localizer
from doorstep.languages import NAMES
from doorstep.po_files import read_po_file
from doorstep.preview import pseudo

from . import catalogs
from .states import States, spoken

_WORD = re.compile(r"\b[A-Za-z]{3,}\b")
_TORN = re.compile(r"\bNone\b|%\(|%s|\{\{|\}\}|&(?:amp|lt|gt|quot|#\d+);")
_ISOLATED = re.compile("\u2068[^\u2068\u2069]*\u2069")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
# What invented parcels, shops and customers say themselves; and marks that have no translation.
_SAID = """
    Accepted Arrived Came Cancelled Candle Centre Classic December Declared Delivered Departed Depot
    Distribution Event Express Fenland Forwarded Free Friends Gut Hamburg Hanover Held How Ines Instagram
    International LINEN Label Leaf Linen Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch Loaded
    Logistics Loom Lyon NPS Nobody North Northway Oak Olu Our Paket Parcel Paris Pont Post Readers Ready
    Returned Returning Roissy Saver Scan Shipment Silver Standard Stoneware Tabac Thank The UTC Wash Weather
    West Worldwide and are autumn both candle cedar centre choice clearance collection cool counter damaged
    data day delay delivery dhl dpd dry early example fair fig for gerne help home hub linen lost mill mug off
    offer old received referral relabelling rooms rue sand sender shop show side smells socks soft sorting
    stays survey table thank the their throw ups vehicle verpackt wieder wind wonderful you your
"""
INVENTED = frozenset(_SAID.split())
_NAMED = frozenset(_WORD.findall(" ".join(NAMES.values())))  # the switch has them in every language
# A digit that is no part of a number behind a Latin word (Depot 57), of a code (UTF-8) or of a telephone number (+33).
_WESTERN_DIGIT = re.compile(r"(?<![A-Za-z] )(?<![\w+/-])[0-9]", re.ASCII)
LANGUAGES = catalogs.languages()

Pages = dict[str, list[str]]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[States]:
    # Each page is rendered once a language: to write templates anew for pages that come often would take longer.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("doorstep.often.Often.find", lambda *_: None)
        yield States(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="module")
def english(states: States) -> dict[str, set[str]]:
    return {name: words(texts) for name, texts in said(states, states.localizer("en")).items()}


def said(states: States, localizer: Localizer) -> Pages:
    pages = {name: spoken(page) for name, page in states.pages(localizer)}
    return pages | {name: [*lines, *spoken(html)] for name, html, lines in states.letters(localizer)}


def words(texts: Iterable[str]) -> set[str]:
    return set(_WORD.findall(" ".join(texts)))


def own_words(language: str) -> set[str]:
    """The Latin words of a catalog, which has its own rule about English."""
    po = read_po_file(catalogs.catalog(language), shown=language)
    return set(_LATIN.findall(" ".join(form for entry in po.entries for form in entry.forms.values())))


def unisolated(text: str, known: set[str]) -> bool:
    """Whether a text that runs to the left has a foreign word in it that is not isolated."""
    left = _ISOLATED.sub(" ", text)
    return bool(_RIGHT_TO_LEFT.search(left)) and not set(_LATIN.findall(left)) <= known


def misnumbered(text: str) -> bool:
    """Whether a text in letters that are not Latin has a number in Western digits, where the language has its own."""
    left = _ISOLATED.sub(" ", text)
    return bool(_WESTERN_DIGIT.search(left)) and any(char.isalpha() and not char.isascii() for char in left)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_nothing_is_said_in_english_or_torn(states: States, english: dict[str, set[str]], language: str) -> None:
    localizer = states.localizer(language)
    known = own_words(language) | words(dates_of(localizer))
    has_own_digits = localizer.number(0) != "0"
    wrong: defaultdict[str, set[str]] = defaultdict(set)
    for name, texts in said(states, localizer).items():
        for word in (words(texts) & english[name]) - known - INVENTED - _NAMED:
            wrong[f"English: {word}"].add(name)
        for text in texts:
            if _TORN.search(text):
                wrong[f"torn: {text}"].add(name)
            if localizer.dir == "rtl" and unisolated(text, known | {"UTC"}):
                wrong[f"not isolated: {text}"].add(name)
            if has_own_digits and misnumbered(text):
                wrong[f"not in the language's digits: {text}"].add(name)
    assert [f"{what}, in {min(names)}" for what, names in wrong.items()] == []


def test_every_text_comes_out_of_a_catalog(states: States) -> None:
    """In a language made of the English texts, all that is left in plain letters is invented, or CLDR's."""
    accented = said(states, pseudo.localizer("en-XA"))
    of_cldr = _NAMED | words(dates_of(states.localizer("en")))
    plain = set().union(*map(words, accented.values()))
    assert plain - INVENTED - of_cldr == set()
    assert not INVENTED - plain, "no page has it"


def dates_of(localizer: Localizer) -> list[str]:
    locale = localizer.locale
    named = [*locale.months["format"]["wide"].values(), *locale.days["format"]["wide"].values()]
    short = [*locale.months["format"]["abbreviated"].values(), *locale.days["format"]["abbreviated"].values()]
    return [*named, *short, *(localizer.country(code) for code in ("AT", "DE", "FR", "GB", "US"))]


def test_what_is_not_isolated_is_found() -> None:
    assert not unisolated("عرض التتبع لدى \u2068Northway Parcel\u2069", set())
    assert unisolated("عرض التتبع لدى Northway Parcel", set())
    assert not unisolated("رمز QR", {"QR"})
    assert not unisolated("Northway Parcel", set())


def test_what_is_not_in_the_languages_digits_is_found() -> None:
    assert misnumbered("5-এর মধ্যে ৪")
    assert misnumbered("این صفحه 3 ثانیه دیگر")
    for text in ("Depot 57, জার্মানি", "\u20684711\u2069 سفارش", "+880 দিয়ে", "UTF-8-এ", "12 rue du Pont"):
        assert not misnumbered(text)


def test_the_steps_of_a_scale_are_in_the_languages_digits(states: States) -> None:
    pages = states.pages(states.localizer("fa"))
    survey = next(page for name, page in pages if name.startswith("widget survey delivered"))
    assert {"۰", "۵", "۱۰"} <= set(spoken(survey))


def test_pages_and_messages_have_every_text_that_shoppers_read(states: States) -> None:
    """What no state shows is listed: a text for which there is no state is one that nobody has looked at."""
    texts = {text for texts in said(states, states.localizer("en")).values() for text in texts}
    everything = "\n".join(sorted(texts))
    unseen = [msgid for _, msgid in catalogs.texts() if not re.search(shape(msgid), everything)]
    assert len(unseen) < 45, unseen


def shape(msgid: str) -> str:
    return ".+?".join(map(re.escape, re.split(r"%\(\w+\)s", msgid)))

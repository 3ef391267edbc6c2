"""Rules about each text by itself: it is there, whole, of the right forms, and fits its place."""

import gettext
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from unicodedata import category, east_asian_width

from babel.messages.plurals import get_plural

from ..po_files import Entry
from .language import SOURCE, Finding, Language

ORIGIN = {"X-Origin": "written by the project, machine-assisted", "X-Reviewed-By": "none"}
PLACEHOLDER = re.compile(r"%\(\w+\)s")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NUMBERS = range(1001)  # enough to see whether a plural form stands for a single number, which it may then leave out
_VOID = frozenset({"br"})


def header_of(language: str) -> dict[str, str]:
    """What a catalog's header says beside its origin."""
    return {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": get_plural(language).plural_forms,
    }


def header(language: Language) -> Iterator[Finding]:
    expected = {**header_of(language.code), **ORIGIN}
    for name, value in expected.items():
        found = language.header.get(name)
        if found != value and (name not in ORIGIN or not found):
            yield _of_file(language, "header", f"header: {name} is {found!r}, not {value!r}", "write it so")
    for name in sorted(language.header.keys() - expected.keys()):
        yield _of_file(language, "header", f"header: {name} is of no use here", "remove it")


def complete(language: Language) -> Iterator[Finding]:
    """Every text of the source once, and no other."""
    source = language.source.plurals
    keys = Counter(one.key for one in language.entries)
    for (_, msgid), _count in filter(lambda one: one[1] > 1, keys.items()):
        yield _of_file(language, "twice", f"it stands there twice: {msgid!r}", "keep one of them")
    for _, msgid in sorted(source.keys() - keys.keys()):
        yield _of_file(language, "missing", f"missing: {msgid!r}", "./dev locales update adds it")
    for entry in language.entries:
        if entry.obsolete or entry.key not in source:
            yield _of(language, entry, "obsolete", "obsolete", "./dev locales update drops it")
        elif entry.plural != source[entry.key]:
            yield _of(language, entry, "plural", f"its plural is {entry.plural!r}, not {source[entry.key]!r}",
                      "./dev locales update makes it anew")  # fmt: skip


def translated(language: Language) -> Iterator[Finding]:
    for entry in language.entries:
        if entry.fuzzy:
            yield _of(language, entry, "fuzzy", "fuzzy", "read it, and remove the mark")
        count = get_plural(language.code).num_plurals if entry.plural else 1
        if sorted(entry.forms) != list(range(count)):
            yield _of(language, entry, "forms", f"{len(entry.forms)} plural forms, not {count}", "write one for each")
        for index, form in sorted(entry.forms.items()):
            if not form:
                yield _of(language, entry, "untranslated", "untranslated", "translate it")
            elif not _same_placeholders(language.code, entry, index, form):
                yield _of(language, entry, "placeholders", f"other placeholders in {form!r}", "keep those of the text")


def written(language: Language) -> Iterator[Finding]:
    """The text as such: no control characters, no torn markup, the white space of the English around it."""
    for entry in language.entries:
        for index, form in sorted(entry.forms.items()):
            msgid = entry.plural if entry.plural and index else entry.msgid
            if _BIDI.search(form):
                yield _of(language, entry, "bidi", f"a bidi control in {form!r}", "remove it: the engine isolates")
            if form and _edges(form) != _edges(msgid):
                yield _of(language, entry, "space", f"other white space around {form!r}", "as around the English")
            if torn := torn_markup(form):
                yield _of(language, entry, "markup", f"{torn} in {form!r}", "close what is opened")
            if language.code == SOURCE and form != msgid:
                yield _of(language, entry, "source", f"{form!r} is not the msgid", "change it in the source")


def lengths(language: Language) -> Iterator[Finding]:
    for entry in language.entries:
        most = language.source.rooms.get(entry.key)
        for form in entry.forms.values() if most else ():
            if most and (long := width(form)) > most:
                yield _of(language, entry, "length", f"{long} letters where {most} fit, {form!r}", "say it shorter")


def width(text: str) -> int:
    """How many letters wide a text is, placeholders aside; those of East Asia are as wide as two, and the marks
    on a letter (vowels of India and Thailand, points of Arabic) take no room of their own."""
    letters = (char for char in PLACEHOLDER.sub("", text) if category(char) not in ("Mn", "Me", "Cf"))
    return sum(1 + (east_asian_width(char) in "WF") for char in letters)


def torn_markup(text: str) -> str:
    """What is wrong with the tags of a text, or ""."""
    reader = _Tags()
    reader.feed(text)
    reader.close()
    if reader.torn or reader.open:
        return f"<{(reader.torn or reader.open)[0]}> has no partner"
    return ""


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.torn: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.torn.append(tag)


def _same_placeholders(language: str, entry: Entry, index: int, form: str) -> bool:
    wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.plural))
    found = set(PLACEHOLDER.findall(form))
    if "%" in PLACEHOLDER.sub("", form):
        return False
    if not entry.plural or found == wanted:
        return found == wanted
    return single(language, index) and len(wanted - found) == 1 and found < wanted


def single(language: str, index: int) -> bool:
    """Whether a plural form stands for a single number, which it may then leave out."""
    choose = gettext.c2py(get_plural(language).plural_expr)
    return sum(choose(number) == index for number in _NUMBERS) <= 1


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _of(language: Language, entry: Entry, rule: str, what: str, mend: str) -> Finding:
    return Finding(rule, language.file, entry.line, f"{what}: {entry.msgid!r}", mend)


def _of_file(language: Language, rule: str, what: str, mend: str) -> Finding:
    return Finding(rule, language.file, 1, what, mend)

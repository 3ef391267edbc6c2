"""Rules about each text by itself: it is there, whole, of the right forms, and fits its place."""

from collections import Counter
from collections.abc import Iterator

from babel.messages.plurals import get_plural

from ..locale_texts import PLACEHOLDER, find_bidi, numbers_of, torn_markup, width
from ..po_files import Entry
from .language import SOURCE, Finding, Language

ORIGIN = {"X-Origin": "written by the project, machine-assisted", "X-Reviewed-By": "none"}


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
            if find_bidi(form):
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


def _same_placeholders(language: str, entry: Entry, index: int, form: str) -> bool:
    wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.plural))
    found = set(PLACEHOLDER.findall(form))
    if "%" in PLACEHOLDER.sub("", form):
        return False
    if not entry.plural or found == wanted:
        return found == wanted
    # A form for a single number may leave the number out.
    return numbers_of(language, index).isdecimal() and len(wanted - found) == 1 and found < wanted


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _of(language: Language, entry: Entry, rule: str, what: str, mend: str) -> Finding:
    return Finding(rule, language.file, entry.line, f"{what}: {entry.msgid!r}", mend)


def _of_file(language: Language, rule: str, what: str, mend: str) -> Finding:
    return Finding(rule, language.file, 1, what, mend)

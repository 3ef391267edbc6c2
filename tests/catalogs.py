"""Keeps the catalogs in step with the source: `python tests/catalogs.py update|check [LANGUAGE…]`.

`update` adds texts that are new, untranslated, and drops those that are gone, naming both; what is translated stays as it
is. A language without a catalog gets one. `check` names everything amiss and exits with 1. What is extracted, and from
where, is said here and nowhere else.
"""

import gettext
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polib
from babel import Locale
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.plurals import get_plural

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "locales"
SOURCE = "en"  # the language of the msgids
FOLDERS = ("engine", "plugins/widgets", "themes")
# What a new theme or widget is copied from says its own texts in its own catalogs.
METHODS = [("doorstep/scaffold/**", "ignore"), ("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
# Beside gettext's own (`N_` among them): a Localizer's `plural`, and what a widget says of a form it refuses.
KEYWORDS = {**DEFAULT_KEYWORDS, "plural": (1, 2), "FormProblem": None}
ORIGIN = {"X-Origin": "written by the project, machine-assisted", "X-Reviewed-By": "none"}

_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NUMBERS = range(1001)  # enough to see whether a plural form stands for a single number, which it may then leave out

Key = tuple[str, str]  # context and msgid


def catalog(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "doorstep.po"


def languages() -> list[str]:
    return sorted(file.parents[1].name for file in LOCALES.glob("*/LC_MESSAGES/doorstep.po"))


def texts() -> dict[Key, str]:
    """Every text of the source, by context and msgid, with its plural or ""; sorted as they stand in a catalog."""
    found: dict[Key, str] = {}
    for folder in FOLDERS:
        for _, _, message, _, context in extract_from_dir(ROOT / folder, METHODS, OPTIONS, KEYWORDS):
            msgid, plural = message if isinstance(message, tuple) else (message, "")
            if found.setdefault((context or "", msgid), plural) != plural:
                raise ValueError(
                    f"{msgid!r} has two plurals, {found[context or '', msgid]!r} and {plural!r}: choose one"
                )
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[0][0])))


def update(language: str, source: dict[Key, str]) -> tuple[list[str], list[str]]:
    """Brings one catalog in step; returns the msgids that were added and those that were dropped."""
    old = _read(language)
    kept = {_key(entry): entry for entry in old if not entry.obsolete}
    new = polib.POFile(wrapwidth=0)
    new.header = f"The texts of Doorstep's pages, {Locale.parse(language).english_name}."
    new.metadata = {**ORIGIN, **_only_x(old.metadata), **_header(language)}
    added = []
    for (context, msgid), plural in source.items():
        entry: polib.POEntry | None = kept.pop((context, msgid), None)
        if entry is None or entry.msgid_plural != plural:
            added.append(msgid)
            entry = None
        if entry is None or language == SOURCE:
            entry = _empty(language, context, msgid, plural)
        new.append(entry)
    file = catalog(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{new}\n".rstrip("\n") + "\n", "utf-8")
    return added, [msgid for _, msgid in kept]


def problems(language: str, source: dict[Key, str]) -> Iterator[str]:
    """What is amiss with one catalog, each as one line."""
    po = _read(language)
    entries = {_key(entry): entry for entry in po}
    if len(entries) != len(po):
        yield "a msgid stands there twice"
    yield from (f"missing: {msgid!r}" for context, msgid in source.keys() - entries.keys())
    yield from (f"obsolete: {msgid!r}" for context, msgid in entries.keys() - source.keys())
    expected = {**_header(language), **ORIGIN}
    yield from (f"header: {name} is {po.metadata.get(name)!r}, not {value!r}" for name, value in expected.items()
                if po.metadata.get(name) != value and (name not in ORIGIN or not po.metadata.get(name)))  # fmt: skip
    yield from (f"header: {name} is of no use here" for name in po.metadata.keys() - expected.keys())
    for entry in po:
        plural = source.get(_key(entry), entry.msgid_plural)
        if entry.msgid_plural != plural:
            yield f"plural of {entry.msgid!r} is {entry.msgid_plural!r}, not {plural!r}"
        yield from (f"{problem}: {entry.msgid!r}" for problem in _amiss(language, entry))


def _amiss(language: str, entry: polib.POEntry) -> Iterator[str]:
    if entry.fuzzy or entry.obsolete:
        yield "fuzzy" if entry.fuzzy else "obsolete"
    forms = entry.msgstr_plural if entry.msgid_plural else {0: entry.msgstr}
    count = get_plural(language).num_plurals if entry.msgid_plural else 1
    if sorted(forms) != list(range(count)):
        yield f"{len(forms)} plural forms, not {count}"
    for index, form in sorted(forms.items()):
        msgid = entry.msgid_plural if entry.msgid_plural and index else entry.msgid
        if not form:
            yield "untranslated"
        elif not _same_placeholders(language, entry, index, form):
            yield f"other placeholders in {form!r}"
        if _BIDI.search(form):
            yield f"a bidi control in {form!r}"
        if form and _edges(form) != _edges(msgid):
            yield f"other white space around {form!r}"
        if language == SOURCE and form != msgid:
            yield f"{form!r} is not the msgid"


def _same_placeholders(language: str, entry: polib.POEntry, index: int, form: str) -> bool:
    wanted = set(_PLACEHOLDER.findall(entry.msgid)) | set(_PLACEHOLDER.findall(entry.msgid_plural))
    found = set(_PLACEHOLDER.findall(form))
    if "%" in _PLACEHOLDER.sub("", form):
        return False
    if not entry.msgid_plural or found == wanted:
        return found == wanted
    choose = gettext.c2py(get_plural(language).plural_expr)  # type: ignore[attr-defined]
    only_one = sum(choose(number) == index for number in _NUMBERS) <= 1
    return only_one and len(wanted - found) == 1 and found < wanted


def _read(language: str) -> polib.POFile:
    file = catalog(language)
    return polib.pofile(str(file), encoding="utf-8") if file.exists() else polib.POFile()


def _key(entry: polib.POEntry) -> Key:
    return entry.msgctxt or "", entry.msgid


def _empty(language: str, context: str, msgid: str, plural: str) -> polib.POEntry:
    entry = polib.POEntry(msgid=msgid, msgid_plural=plural, msgctxt=context or None)
    if _PLACEHOLDER.search(msgid + plural):
        entry.flags = ["python-format"]
    if plural:
        entry.msgstr_plural = dict.fromkeys(range(get_plural(language).num_plurals), "")
    if language == SOURCE:
        entry.msgstr = "" if plural else msgid
        entry.msgstr_plural = {0: msgid, 1: plural} if plural else {}
    return entry


def _header(language: str) -> dict[str, str]:
    return {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": get_plural(language).plural_forms,
    }


def _only_x(metadata: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name in ORIGIN}


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def main(arguments: Sequence[str]) -> int:
    command, *wanted = arguments or ("",)
    if command not in ("update", "check"):
        print("usage: python tests/catalogs.py update|check [LANGUAGE…]", file=sys.stderr)
        return 2
    source, found = texts(), 0
    for language in wanted or languages():
        if command == "update":
            added, dropped = update(language, source)
            lines = [*(f"new: {msgid!r}" for msgid in added), *(f"dropped: {msgid!r}" for msgid in dropped)]
        else:
            lines = sorted(problems(language, source))
            found += len(lines)
        print(
            *(f"{catalog(language).relative_to(ROOT)}: {line}" for line in lines), sep="\n", end="\n" if lines else ""
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

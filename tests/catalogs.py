"""Keeps the catalogs in step with the source: `./dev locales [update|check|report] [LANGUAGE…]`; alone it updates all of them.

`update` adds texts that are new, untranslated, and drops those that are gone, naming both; what is translated stays as it
is. A language without a folder gets one. `check` names everything amiss, by the rules of `doorstep check locales` and against
the source itself, and exits with 1. `report`, which also ends an update, says how much is translated and who has read it. What
is extracted, and from where, is said here and nowhere else.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polib
from babel import Locale
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.plurals import get_plural

from doorstep.locale_rules import check_language
from doorstep.locale_rules.language import Source, read_language
from doorstep.locale_rules.of_texts import ORIGIN, header_of
from doorstep.locale_texts import PLACEHOLDER

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "locales"
SOURCE = "en"  # the language of the msgids
FOLDERS = ("engine", "plugins/widgets", "themes")
# What a new theme or widget is copied from says its own texts in its own catalogs.
METHODS = [("doorstep/scaffold/**", "ignore"), ("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
# Beside gettext's own (`N_` among them): a Localizer's `plural`, and what a widget says of a form it refuses.
KEYWORDS = {**DEFAULT_KEYWORDS, "plural": (1, 2), "FormProblem": None}

GLOSSARY = """\
# The words of this language: the English term, and by which stems a translation may say it, the word itself first.
[terms]
# Texts that are natural here without the word.
[without]
# English words that this language uses as they are, where a text of ours holds them.
[english]
words = []
"""

Key = tuple[str, str]  # context and msgid


def catalog(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "doorstep.po"


def languages() -> list[str]:
    return sorted(file.parents[1].name for file in LOCALES.glob("*/LC_MESSAGES/doorstep.po"))


def texts() -> dict[Key, str]:
    """Every text of the source, by context and msgid, with its plural or ""; sorted as they stand in a catalog."""
    found: dict[Key, str] = {}
    for _, context, msgid, plural in _extracted():
        if found.setdefault((context, msgid), plural) != plural:
            raise ValueError(f"{msgid!r} has two plurals, {found[context, msgid]!r} and {plural!r}: choose one")
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[0][0])))


def spoken() -> list[tuple[Path, str]]:
    """Where each text of the source is said."""
    return [(file, msgid) for file, _, msgid, _ in _extracted()]


def _extracted() -> Iterator[tuple[Path, str, str, str]]:
    """File, context, msgid and plural of every text, each time that it is said."""
    for folder in FOLDERS:
        for file, _, message, _, context in extract_from_dir(ROOT / folder, METHODS, OPTIONS, KEYWORDS):
            msgid, plural = message if isinstance(message, tuple) else (message, "")
            yield ROOT / folder / file, context or "", msgid, plural


def update(language: str, source: dict[Key, str]) -> tuple[list[str], list[str]]:
    """Brings one catalog in step; returns the msgids that were added and those that were dropped."""
    old = _read(language)
    kept = {_key(entry): entry for entry in old if not entry.obsolete}
    new = polib.POFile(wrapwidth=0)
    new.header = f"The texts of Doorstep's pages, {Locale.parse(language).english_name}."
    new.metadata = {**ORIGIN, **_only_x(old.metadata), **header_of(language)}
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


def problems(language: str, source: dict[Key, str]) -> list[str]:
    """What the engine finds amiss with one catalog against these texts, each as one line."""
    found = check_language(read_language(LOCALES, language, Source(source)))
    return [one.message for one in found]


def _read(language: str) -> polib.POFile:
    file = catalog(language)
    return polib.pofile(str(file), encoding="utf-8") if file.exists() else polib.POFile()


def _key(entry: polib.POEntry) -> Key:
    return entry.msgctxt or "", entry.msgid


def _empty(language: str, context: str, msgid: str, plural: str) -> polib.POEntry:
    entry = polib.POEntry(msgid=msgid, msgid_plural=plural, msgctxt=context or None)
    if PLACEHOLDER.search(msgid + plural):
        entry.flags = ["python-format"]
    if plural:
        entry.msgstr_plural = dict.fromkeys(range(get_plural(language).num_plurals), "")
    if language == SOURCE:
        entry.msgstr = "" if plural else msgid
        entry.msgstr_plural = {0: msgid, 1: plural} if plural else {}
    return entry


def _only_x(metadata: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name in ORIGIN}


def progress(language: str, source: dict[Key, str]) -> str:
    """One line of the report: how much of the source a language says, and who has read it."""
    po = _read(language)
    said = sum(_is_said(entry) for entry in po if _key(entry) in source)
    percent = 100 * said // len(source)
    return f"{language:8} {Locale.parse(language).english_name:24} {percent:4} %   {po.metadata.get('X-Reviewed-By', 'none')}"


def _is_said(entry: polib.POEntry) -> bool:
    forms = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
    return all(forms) and not entry.fuzzy


def _updated(language: str, source: dict[Key, str]) -> list[str]:
    added, dropped = update(language, source)
    glossary = LOCALES / language / "glossary.toml"
    if not glossary.exists() and language != SOURCE:
        glossary.write_text(GLOSSARY, "utf-8")
    return [*(f"new: {msgid!r}" for msgid in added), *(f"dropped: {msgid!r}" for msgid in dropped)]


def main(arguments: Sequence[str]) -> int:
    command, *wanted = arguments or ("update",)
    if command not in ("update", "check", "report"):
        print("usage: ./dev locales [update|check|report] [LANGUAGE…]", file=sys.stderr)
        return 2
    source, found = texts(), 0
    for language in wanted or languages():
        lines = []
        if command == "update":
            lines = _updated(language, source)
        elif command == "check":
            lines = sorted(problems(language, source))
            found += len(lines)
        for line in lines:
            print(f"{catalog(language).relative_to(ROOT)}: {line}")
    if command != "check":
        print(*(progress(language, source) for language in wanted or languages()), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

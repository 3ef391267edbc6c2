"""Rules about words: one term one translation, by the language's glossary, and no English that it does not know."""

import re
from collections.abc import Iterator

from ..locale_texts import PLACEHOLDER
from .language import SOURCE, Finding, Language

_ENGLISH = re.compile(r"\b[A-Za-z]{3,}\b")
# What is code in an English text stays as it is: addresses, and names of headers, of scales and of formats.
_CODE = re.compile(
    r"\S*[/_@]\S*|\w*[A-Z]\w*[A-Z]\w*|\b[A-Z][a-z]+(?:-[A-Z][a-z]+)+|(?:header|Authorization:) \w+|“\w+”|ASCII"
)


def terms(language: Language) -> Iterator[Finding]:
    """Where the English has a term, the translation has one of its stems."""
    stems = {term.casefold(): [stem.casefold() for stem in own] for term, own in language.glossary.terms.items()}
    without = {term.casefold(): frozenset(texts) for term, texts in language.glossary.without.items()}
    if not stems or language.code == SOURCE:
        return
    longest_first = "|".join(re.escape(term) for term in sorted(stems, key=len, reverse=True))
    pattern = re.compile(rf"\b({longest_first})s?\b", re.IGNORECASE)
    for entry in language.entries:
        found = {one[1].casefold() for one in pattern.finditer(_plain(entry.msgid))}
        for term in sorted(term for term in found if entry.msgid not in without.get(term, ())):
            for form in filter(None, entry.forms.values()):
                if not any(stem in form.casefold() for stem in stems[term]):
                    what = f"{form!r} does not say {term!r} as the glossary has it: {entry.msgid!r}"
                    mend = f"say {' or '.join(map(repr, stems[term]))}, or list it in [without]"
                    yield Finding("term", language.file, entry.line, what, mend)


def english(language: Language) -> Iterator[Finding]:
    """No word of the English text that the glossary does not name."""
    allowed = {word.casefold() for word in language.glossary.english.words}
    if language.code == SOURCE:
        return
    for entry in language.entries:
        source = set(_ENGLISH.findall(_plain(f"{entry.msgid} {entry.plural}")))
        kept = {word for form in entry.forms.values() for word in _ENGLISH.findall(_plain(form))} & source
        for word in sorted(word for word in kept if word.casefold() not in allowed):
            what = f"{word!r} is English, in {next(iter(entry.forms.values()))!r}: {entry.msgid!r}"
            yield Finding("english", language.file, entry.line, what, "translate it, or add it to [english]")


def unused(language: Language) -> Iterator[Finding]:
    """What a glossary names that is not there."""
    known = {entry.msgid for entry in language.entries}
    for term, texts in language.glossary.without.items():
        if term not in language.glossary.terms:
            yield _of_glossary(language, f"[without] has {term!r}, which is no term")
        yield from (
            _of_glossary(language, f"[without] {term}: there is no text {text!r}")
            for text in texts
            if text not in known
        )


def _plain(text: str) -> str:
    return _CODE.sub(" ", PLACEHOLDER.sub(" ", text))


def _of_glossary(language: Language, what: str) -> Finding:
    return Finding("glossary", language.glossary_file, 1, what, "remove it")

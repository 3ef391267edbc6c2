"""`doorstep check locales`: every mistake of a catalog by rule, file and line, and the mend. A rule is one function of a
`Language`; they are listed here, in the order in which they are told."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..errors import CatalogError
from .language import Finding, Language, Source, languages_in, read_language, read_source
from .of_texts import complete, header, lengths, translated, written
from .of_words import english, terms, unused

__all__ = ["RULES", "Finding", "Source", "check_language", "check_locales"]
RULES: tuple[Callable[[Language], Iterator[Finding]], ...] = (
    header, complete, translated, written, lengths, terms, english, unused,
)  # fmt: skip


def check_locales(folder: Path, wanted: Iterable[str] = ()) -> list[Finding]:
    """What is amiss with the languages in a folder: all, or those wanted. Raises CatalogError for one that is not there."""
    there = languages_in(folder)
    chosen = list(wanted) or there
    for code in chosen:
        if code not in there:
            raise CatalogError(f"there is no catalog for {code!r}", next_step=f"there are {', '.join(there)}")
    source = read_source(folder)
    return [finding for code in chosen for finding in _checked(folder, code, source)]


def check_language(language: Language) -> list[Finding]:
    return [finding for rule in RULES for finding in rule(language)]


def _checked(folder: Path, code: str, source: Source) -> list[Finding]:
    try:
        return check_language(read_language(folder, code, source))
    except CatalogError as error:
        return [Finding("unreadable", code, 1, error.message, error.next_step)]

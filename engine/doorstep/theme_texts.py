"""A theme's own texts: `locales/<language>.po` in its folder, over the engine's."""

import re
from collections.abc import Sequence
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import PoFileError, read_po

from .errors import ThemeError
from .languages import known

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(.?))", re.DOTALL)


def own_texts(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The catalogs of a theme and its parents, child first. Raises ThemeError: a catalog that cannot be read, a language
    nobody knows, a translation with other placeholders than its text."""
    files = [file for folder in folders for file in sorted((folder / "locales").glob("*.po"))]
    for file in files:
        _check(file, f"{file.parents[1].name}/locales/{file.name}")
    return tuple(files)


def _check(file: Path, shown: str) -> None:
    if not known(file.stem):
        raise ThemeError("its name is no language", file=shown, next_step="name it after one: de.po, pt_BR.po")
    try:
        with file.open("rb") as source:
            catalog = read_po(source, locale=file.stem, abort_invalid=True)
    except PoFileError as error:
        raise ThemeError(f"it cannot be read: {error.args[0]}", file=shown, line=error.lineno) from None
    except (OSError, ValueError) as error:
        raise ThemeError(f"it cannot be read: {error}", file=shown) from None
    for message in catalog:
        if message.id and (problem := _problem(message)):
            raise ThemeError(problem, file=shown, line=message.lineno, next_step="keep what stands between %( and )s")


def _problem(message: Message) -> str:
    sources = message.id if isinstance(message.id, list | tuple) else (message.id,)
    texts = message.string if isinstance(message.string, list | tuple) else (message.string,)
    allowed = set().union(*map(_placeholders, sources))
    for text in filter(None, texts):
        found = _placeholders(text)
        # A plural form may leave the number out; nothing may bring in what nobody fills.
        if unknown := found - allowed:
            return f"{text!r} has {', '.join(sorted(unknown))}, which {sources[0]!r} has not"
        if len(sources) == 1 and (missing := allowed - found):
            return f"{text!r} leaves out {', '.join(sorted(missing))}"
    return ""


def _placeholders(text: str) -> set[str]:
    """The names in a text; a percent sign that is neither doubled nor begins one stands for itself as a mistake."""
    return {f"%({one[1]})s" if one[1] else f"%{one[2]}" for one in _PLACEHOLDER.finditer(text) if one[2] != "%"}

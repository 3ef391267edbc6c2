"""What a shop says in its own words in place of the engine's, by the names of texts: in files, settings and by the API.

    [status.out_for_delivery]                 # words/de.toml; [stores.main.words.de.status.out_for_delivery] in the settings
    title = "Heute klingelt es bei Ihnen"
    [text]
    n_older_scans = ["%(n)s früheres Ereignis", "%(n)s frühere Ereignisse"]   # a form for each plural of the language

Markup is cleaned, and stands where the place is HTML; elsewhere the words stand without it. A name that no text has changes
nothing, and is told by `doorstep check locales --store`.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any

import nh3
from babel.messages.plurals import get_plural
from msgspec import Struct

from .addresses import is_web_address
from .errors import CatalogError
from .i18n import Own, Said
from .languages import known, tag_of, widening
from .locale_texts import PLACEHOLDER, find_bidi, numbers_of, torn_markup
from .po_files import read_po_file
from .text_names import Key, named, placed

FOLDER = "words"  # beside the settings: <language>.toml
LONGEST = 1000  # letters of one text
_TAGS = {"b", "i", "strong", "em", "br", "a"}
_HREF = re.compile(r'href="([^"]*)"')
_PERCENT = re.compile(r"%(?!\(\w+\)s)")
_SCHEMES = {"https", "http", "mailto", "tel"}

Tree = Mapping[str, Any]  # names, nested by their dots
Layer = tuple[
    str, Mapping[str, Tree]
]  # where they stand, and a tree by language; a later layer stands over an earlier one


class Source(Struct, frozen=True):
    """The texts that there are: the msgid or key of each name, and plurals by key."""

    places: dict[str, str]
    texts: dict[str, Key]
    plurals: Mapping[Key, str]

    def of(self, name: str) -> tuple[str, str] | None:
        """Msgid and plural of a name."""
        if name in self.places:
            return self.places[name], ""
        key = self.texts.get(name)
        return None if key is None else (key[1], self.plurals[key])


class Rewording(Struct, frozen=True):
    """The words of a store: by language, and the names that no text has, or that a language of the store lacks."""

    own: Mapping[str, Own] = {}
    unused: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def of(self, language: str) -> Own | None:
        """What is said in a language: its own words over those of its base."""
        found = [self.own[code] for code in reversed(widening(language)) if code in self.own]
        if not found:
            return None
        return Own(
            {name: said for one in found for name, said in one.placed.items()},
            {key: said for one in found for key, said in one.texts.items()},
        )


def read_source(folders: Sequence[Path], own: Iterable[Path] = ()) -> Source:
    """The texts of catalogs: of each folder those of its English one, else of all it has; and of a theme's own files."""
    files = [file for folder in folders for file in _sources(folder)]
    entries = [entry for file in (*files, *own) for entry in read_po_file(file, shown=file.name).entries]
    plurals = {entry.key: entry.plural for entry in entries if not entry.obsolete}
    return Source({name: str(text) for name, text in placed().items()}, named(plurals), plurals)


def read_files(folder: Path) -> Mapping[str, Tree]:
    """The words in `<language>.toml` files, by language. Raises CatalogError."""
    found = {}
    for file in sorted(folder.glob("*.toml")):
        if not known(file.stem):
            raise CatalogError(
                f"{FOLDER}/{file.name}: its name is no language", next_step="name it after one: de.toml, pt_BR.toml"
            )
        try:
            found[file.stem] = tomllib.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise CatalogError(f"{FOLDER}/{file.name}: {error}", next_step="correct the line") from None
    return found


def reworded(
    layers: Iterable[Layer], source: Source, languages: Collection[str], *, in_html: Callable[[], frozenset[Key]]
) -> Rewording:
    """Raises CatalogError, naming the place of what cannot be said. `in_html` are the texts that stand as HTML alone."""
    said: dict[str, dict[str, tuple[str, ...]]] = {}
    unused = []
    for where, trees in layers:
        for language, tree in trees.items():
            for name, value in _flat(tree):
                place = f"{where}{'.' if where else ''}{language}.{name}"
                text = source.of(name)
                if text is None:
                    unused.append(place)
                else:
                    said.setdefault(language, {})[name] = _checked(place, language, value, *text)
    own = {language: _own(words, source, in_html) for language, words in said.items()}
    return Rewording(own, tuple(unused), tuple(_missing(said, languages)))


def _sources(folder: Path) -> list[Path]:
    english = sorted(folder.glob("en/LC_MESSAGES/*.po"))
    return english or sorted(folder.glob("*/LC_MESSAGES/*.po"))


def _flat(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _missing(said: Mapping[str, Mapping[str, object]], languages: Collection[str]) -> Iterator[str]:
    """What is said in one language of the store and not in another one."""
    every = dict.fromkeys(name for words in said.values() for name in words)
    for language in languages:
        has = {name for code in widening(language) for name in said.get(code, ())}
        yield from (f"{language}.{name}" for name in every if name not in has)


def _checked(place: str, language: str, value: Any, msgid: str, plural: str) -> tuple[str, ...]:
    """The forms of a text. Raises CatalogError."""
    forms = value if plural and isinstance(value, list | tuple) else [value]
    if not all(isinstance(form, str) and form.strip() for form in forms):
        raise CatalogError(f"{place}: {value!r} is no text", next_step="write it in quotes, and not empty")
    count = get_plural(language).num_plurals if plural else 1
    if len(forms) != count:
        numbers = "; ".join(numbers_of(language, index) for index in range(count))
        raise CatalogError(
            f"{place}: {len(forms)} forms, where {tag_of(language)} has {count}", next_step=f"one each for {numbers}"
        )
    for index, form in enumerate(forms):
        if problem := _problem(language, form, index, msgid, plural):
            raise CatalogError(f"{place}: {problem[0]}", next_step=problem[1])
    return tuple(forms)


def _problem(language: str, form: str, index: int, msgid: str, plural: str) -> tuple[str, str] | None:
    """What is wrong with a form, and the mend."""
    wanted = set(PLACEHOLDER.findall(msgid)) | set(PLACEHOLDER.findall(plural))
    found = set(PLACEHOLDER.findall(form))
    may_lack_one = plural and numbers_of(language, index).isdecimal()
    if found - wanted or len(wanted - found) > bool(may_lack_one):
        listed = ", ".join(sorted(wanted)) or "none"
        return f"its placeholders are {', '.join(sorted(found)) or 'none'}", f"it takes {listed}"
    if len(form) > LONGEST:
        return f"it has {len(form)} letters", f"{LONGEST} are the most"
    if find_bidi(form):
        return "it has a control character of direction", "remove it: the engine isolates what needs it"
    if torn := torn_markup(form):
        return torn, "close what is opened"
    cleaned = _cleaned(form)
    kept = [unescape(address) for address in _HREF.findall(cleaned)]
    if cleaned.count("<a ") > len(kept) or not all(map(_is_linkable, kept)):
        return "it has a link that leads nowhere", "write https://…, mailto:… or a path, without a placeholder"
    return None


def _is_linkable(address: str) -> bool:
    return "%(" not in address and (is_web_address(address, paths=True) or address.startswith(("mailto:", "tel:")))


def _own(words: Mapping[str, tuple[str, ...]], source: Source, in_html: Callable[[], frozenset[Key]]) -> Own:
    places, texts = {}, {}
    for name, forms in words.items():
        key = source.texts.get(name, ("", ""))
        if name in source.places:
            places[name] = _said(forms, filled="%(" in source.places[name], marked=False)
        else:
            filled = "%(" in key[1] + source.plurals[key]
            marked = any("<" in form or "&" in form for form in forms) and key in in_html()
            texts[key] = _said(forms, filled=filled or bool(source.plurals[key]), marked=marked)
    return Own(places, texts)


def _said(forms: Sequence[str], *, filled: bool, marked: bool) -> Said:
    """The forms for both kinds of places. What is filled in has its own percent signs doubled; HTML always is filled in."""
    plain = [_plain(form) for form in forms]
    html = [_cleaned(form) for form in forms] if marked else [escape(form) for form in plain]
    return Said(
        tuple(_PERCENT.sub("%%", form) if filled else form for form in plain),
        tuple(_PERCENT.sub("%%", form) for form in html),
    )


def _cleaned(form: str) -> str:
    return nh3.clean(form, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES, link_rel="noopener")


def _plain(form: str) -> str:
    return unescape(nh3.clean(form.replace("<br>", " "), tags=set()))

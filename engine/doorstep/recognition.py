"""Which carriers a number may belong to: ranked candidates with evidence, from manifests alone.

What is typed is normalised first and bounded. Its length and a few of its characters then leave the few formats that it can
have: no other pattern sees it. None sees more than 64 characters, and a manifest with a pattern that could backtrack badly
does not load.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from .errors import NumberError
from .manifest import Checksum, Format, Manifest, parsed

LONGEST = 64
_SHORTEST = 4
_TYPED_LONGEST = 128
_SEPARATORS = re.compile(r"[\s\-._/·]+")
_PLAIN = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{4,64}", re.ASCII)
_INVISIBLE = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp"})
_DASHES = frozenset("‐‑‒–—―−")
# Letters of other alphabets that look like ours and come with a wrong keyboard: Cyrillic, Greek, Turkish.
_LOOK_ALIKES = str.maketrans(
    "АВЕКМНОРСТУХЅІЈ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "İ",
    "ABEKMHOPCTYXSIJ" + "ABEZHIKMNOPTYX" + "I",
)
_IDENTIFIERS = re.compile(r"\((42[01]|9[0-9])\)")  # GS1: the postal code of the destination, a carrier's own
_PAGE = re.compile(r"https?://[^\s/]{1,80}/(\S+)", re.IGNORECASE)
_IN_PAGE = re.compile(r"[0-9A-Za-z]{8,64}", re.ASCII)
_LABELLED = re.compile(r"\D*[:#](.+)", re.DOTALL)

_ALPHABET = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOOKED_AT = (0, 1, 2, 3, -2, -1)  # prefixes, and the country at the end of a postal number

_ENDING = re.compile(r"([^|]*[\])}])([A-Z0-9]+)")  # a literal end: the posts' numbers differ in nothing else

Places = list[tuple[frozenset[str], str, str]]
Spans = dict[int, tuple[frozenset[str], ...]]


class Candidate(Struct, frozen=True, cache_hash=True):
    """A carrier the number may belong to. `score` is 0 to 1; `why` is the evidence, in words for operators."""

    carrier: str
    format: str
    score: float
    why: tuple[str, ...]


class Hints(Struct, frozen=True):
    """What else is known: carriers in use at the shop, countries it ships to, where this parcel comes from and goes to.

    Countries as ISO 3166-1 alpha-2.
    """

    carriers: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    origin: str = ""
    destination: str = ""

    @property
    def places(self) -> Places:
        """The countries that are known, each kind with the words for a carrier that works there and for one that does not."""
        kinds = (
            (self.countries, "the shop ships to"),
            (frozenset({self.origin, self.destination} - {""}), "the parcel comes from or goes to"),
        )
        return [(some, f"it works where {what}", f"it does not work where {what}") for some, what in kinds if some]


_NOTHING_KNOWN = Hints()


class _Claim(Struct, frozen=True):
    """That a number of some form may be a carrier's: the candidate before anything else is known."""

    candidate: Candidate
    countries: frozenset[str]

    def weighed(self, used: frozenset[str], places: Places) -> Candidate:
        score, why = self.candidate.score, self.candidate.why
        if self.candidate.carrier in used:
            score += (1 - score) * 0.3
            why += ("the shop uses this carrier",)
        for countries, works, does_not in places if self.countries else ():
            if self.countries.isdisjoint(countries):
                score *= 0.7
                why += (does_not,)
            else:
                score += (1 - score) * 0.1
                why += (works,)
        return Candidate(self.candidate.carrier, self.candidate.format, round(score, 3), why)


class _Shape:
    """A pattern with a checksum, tried once for all carriers whose numbers have it."""

    def __init__(self, pattern: str, checksum: Checksum | None) -> None:
        self._text = pattern
        self._checksum = checksum
        self.claims: list[_Claim] = []

    @cached_property
    def pattern(self) -> Any:  # re.Pattern
        """Compiled when the first number comes that may have this shape: most posts of the world wait in vain."""
        return re.compile(self._text, re.ASCII)

    def fits(self, number: str) -> bool:
        match = self.pattern.fullmatch(number)
        if match is None or self._checksum is None:
            return match is not None
        return self._checksum.holds(match["serial"], match["check"])


class Recognizer:
    """All formats of all manifests. A shape is a bit; each place of a number that is looked at leaves the bits of the shapes
    that allow what stands there."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        shapes: dict[tuple[str, Checksum | None], _Shape] = {}
        self._wholes: dict[str, str] = {}  # of carriers that are a part of another
        for manifest in manifests:
            if manifest.part_of:
                self._wholes[manifest.slug] = manifest.part_of
            for one in manifest.formats:
                key = (one.pattern, one.checksum)
                shape = shapes.setdefault(key, _Shape(*key))
                countries = frozenset(one.countries or manifest.countries)
                shape.claims.append(_Claim(_candidate(manifest.slug, one), countries))
        self._shapes = list(shapes.values())
        self._tables = _tables([pattern for pattern, _ in shapes])

    def candidates(self, number: str, hints: Hints = _NOTHING_KNOWN) -> list[Candidate]:
        """Candidates for a normalised number, best first; a carrier appears once, with its best format. Of a carrier and its
        part, the one that the shop uses stands for both, and the whole where it uses neither."""
        places = None if hints == _NOTHING_KNOWN else hints.places
        best: dict[str, Candidate] = {}
        for shape in self._possible(number):
            if shape.fits(number):
                for claim in shape.claims:
                    candidate = claim.candidate if places is None else claim.weighed(hints.carriers, places)
                    known = best.get(candidate.carrier)
                    if known is None or candidate.score > known.score:
                        best[candidate.carrier] = candidate
        for part, whole in self._wholes.items():
            if part in best and whole in best and not hints.carriers.issuperset((part, whole)):
                del best[whole if part in hints.carriers else part]
        ranked = sorted(best.values(), key=attrgetter("carrier"))
        ranked.sort(key=attrgetter("score"), reverse=True)
        return ranked

    def _possible(self, number: str) -> Iterator[_Shape]:
        bits = -1 if len(number) in self._tables else 0
        for place, allowed in self._tables.get(len(number), ()):
            bits &= allowed.get(number[place], 0)
        while bits:
            lowest = bits & -bits
            yield self._shapes[lowest.bit_length() - 1]
            bits ^= lowest


def _candidate(carrier: str, one: Format) -> Candidate:
    why = (f"has the form of {one.name}",)
    return Candidate(carrier, one.name, one.rank / 100, (*why, "its check digit is right") if one.checksum else why)


_Table = list[tuple[int, dict[str, int]]]


def _tables(patterns: list[str]) -> dict[int, _Table]:
    """By length, for each place that is looked at: a character, and the patterns that allow it there as bits."""
    bits: dict[int, dict[int, dict[frozenset[str], int]]] = defaultdict(lambda: {place: {} for place in _LOOKED_AT})
    for number, pattern in enumerate(patterns):
        for length, places in spans(pattern).items():
            if length >= _SHORTEST:
                for place, at_place in bits[length].items():
                    at_place[places[place]] = at_place.get(places[place], 0) | 1 << number
    return {length: [(place, _spread(at_place)) for place, at_place in at.items()] for length, at in bits.items()}


def _spread(bits: dict[frozenset[str], int]) -> dict[str, int]:
    table: dict[str, int] = defaultdict(int)
    for chars, some in bits.items():
        for char in chars:
            table[char] |= some
    return dict(table)


def spans(pattern: str) -> Spans:
    """What may stand at each place of a match, by the length of the match; rather too much than too little."""
    ending = _ENDING.fullmatch(pattern)
    if ending is None:
        return _sequence(parsed(pattern))
    return _joined(_beginning(ending[1]), {len(ending[2]): tuple(map(frozenset, ending[2]))})


@lru_cache(64)
def _beginning(pattern: str) -> Spans:
    return _sequence(parsed(pattern))


def _sequence(parts: Any) -> Spans:
    whole: Spans = {0: ()}
    for op, value in parts:
        whole = _joined(whole, _part(str(op), value))
    return whole


def _part(op: str, value: Any) -> Spans:
    match op:
        case "LITERAL":
            return {1: (frozenset(chr(value)),)}
        case "IN":
            return {1: (_characters(tuple(value)),)}
        case "SUBPATTERN":
            return _sequence(value[-1])
        case "BRANCH":
            return _either(_sequence(branch) for branch in value[1])
        case "MAX_REPEAT":
            low, high, body = value
            return _repeated(_sequence(body), low, high)
        case "AT":
            return {0: ()}
        case _:
            return {1: (_ALPHABET,)}


def _joined(first: Spans, second: Spans) -> Spans:
    found: Spans = {}
    for one, before in first.items():
        for other, after in second.items():
            if one + other <= LONGEST:
                _add(found, one + other, before + after)
    return found


def _repeated(once: Spans, low: int, high: int) -> Spans:
    if len(once) == 1:  # what repeats is mostly one class
        ((length, places),) = once.items()
        return {length * times: places * times for times in range(low, high + 1) if length * times <= LONGEST}
    times: list[Spans] = [{0: ()}]
    for _ in range(high):
        times.append(_joined(times[-1], once))
    return _either(times[low:])


def _either(several: Iterable[Spans]) -> Spans:
    found: Spans = {}
    for one in several:
        for length, places in one.items():
            _add(found, length, places)
    return found


def _add(spans: Spans, length: int, places: tuple[frozenset[str], ...]) -> None:
    known = spans.get(length)
    spans[length] = places if known is None else tuple(a | b for a, b in zip(known, places, strict=True))


@lru_cache(256)
def _characters(items: tuple[Any, ...]) -> frozenset[str]:
    """The characters of a class such as [A-Z7]."""
    chars: set[str] = set()
    for op, value in items:
        if str(op) == "LITERAL":
            chars.add(chr(value))
        elif str(op) == "RANGE":
            low, high = map(chr, value)
            chars.update(char for char in _ALPHABET if low <= char <= high)
        else:
            return _ALPHABET
    return frozenset(chars & _ALPHABET)


def normalise(typed: str) -> str:
    """The number in what somebody typed or pasted: upper case, plain digits, without blanks, hyphens or "(00)".

    A look-alike of a letter becomes the letter; a label in front ("Tracking number:") and the address of a carrier's page
    around it fall away. Raises NumberError when it cannot be a tracking number.
    """
    if _PLAIN.fullmatch(typed):  # as it stands in nearly all addresses
        return typed
    if len(typed) > _TYPED_LONGEST:
        raise NumberError("this is too long for a tracking number")
    if not typed.isascii():
        typed = _folded(typed)
    number = _compact(typed)
    if not _PLAIN.fullmatch(number):
        number = _compact(_within(typed))
    if not _PLAIN.fullmatch(number):
        raise NumberError(
            "a tracking number has 4 to 64 letters and digits", next_step="copy it from the shop's message"
        )
    return number


def _compact(text: str) -> str:
    number = _SEPARATORS.sub("", text).upper().removeprefix("%")  # which a scanner puts in front of a DPD barcode
    return _IDENTIFIERS.sub(r"\1", number.removeprefix("(00)")) if "(" in number else number


def _within(text: str) -> str:
    """The one number in the address of a page, or what follows a label; empty where there is no such thing."""
    if "://" in text:
        page = _PAGE.search(text)
        found = {part for part in _IN_PAGE.findall(page[1]) if sum(map(str.isdigit, part)) >= 6} if page else set()
        return found.pop() if len(found) == 1 else ""
    labelled = _LABELLED.fullmatch(text)
    return labelled[1] if labelled else ""


def _folded(text: str) -> str:
    """Plain letters, digits and hyphens for what looks like them; the rest unchanged (and then refused)."""
    upper = unicodedata.normalize("NFKC", text).upper().translate(_LOOK_ALIKES)
    return "".join(_plain(char) for char in upper if unicodedata.category(char) not in _INVISIBLE)


def _plain(char: str) -> str:
    """Digits of any script as 0-9, dashes as hyphens; everything else unchanged."""
    value = unicodedata.decimal(char, None)
    return str(value) if value is not None else "-" if char in _DASHES else char


def carrier_named(manifests: Mapping[str, Manifest]) -> Callable[[str], str]:
    """From what a shop calls a carrier (a slug, a name: "DHL Express", "colissimo") to its slug; "" for one nobody knows.
    Case, blanks and punctuation do not count."""
    known = {_bare(name): slug for slug, manifest in manifests.items() for name in (manifest.name, slug)}
    return lambda name: known.get(_bare(name), "")


def _bare(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())

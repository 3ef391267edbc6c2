"""Which carriers a number may belong to: ranked candidates with evidence, from manifests alone.

What is typed is normalised first and bounded; then only the formats of its length are tried. No pattern sees more than 64
characters, and a manifest with a pattern that could backtrack badly does not load.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from .errors import NumberError
from .manifest import Format, Manifest

LONGEST = 64
_TYPED_LONGEST = 128
_SEPARATORS = re.compile(r"[\s\-._/·]+")
_PLAIN = re.compile(r"[A-Z0-9]{4,64}", re.ASCII)
_INVISIBLE = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp"})


class Candidate(Struct, frozen=True):
    """A carrier the number may belong to. `score` is 0 to 1; `why` is the evidence, in words for operators."""

    carrier: str
    format: str
    score: float
    why: tuple[str, ...]


class Hints(Struct, frozen=True):
    """What else is known: carriers in use at the shop, countries it ships to."""

    carriers: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()


class _Rule(Struct, frozen=True):
    carrier: str
    format: Format
    pattern: Any  # re.Pattern


class Recognizer:
    """All formats of all manifests, indexed by length."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._by_length: dict[int, list[_Rule]] = defaultdict(list)
        self._countries: dict[str, frozenset[str]] = {}
        for manifest in manifests:
            self._countries[manifest.slug] = frozenset(manifest.countries)
            for number_format in manifest.formats:
                pattern = re.compile(number_format.pattern, re.ASCII)
                low, high = vars(re)["_parser"].parse(number_format.pattern).getwidth()
                rule = _Rule(manifest.slug, number_format, pattern)
                for length in range(low, min(high, LONGEST) + 1):
                    self._by_length[length].append(rule)

    def candidates(self, number: str, hints: Hints = Hints()) -> list[Candidate]:  # noqa: B008
        """Candidates for a normalised number, best first; a carrier appears once, with its best format."""
        best: dict[str, Candidate] = {}
        for rule in self._by_length.get(len(number), ()):
            match = rule.pattern.fullmatch(number)
            if match is None:
                continue
            checksum = rule.format.checksum
            if checksum is not None and not checksum.holds(match["serial"], match["check"]):
                continue
            candidate = self._weigh(rule, hints)
            if candidate.carrier not in best or candidate.score > best[candidate.carrier].score:
                best[candidate.carrier] = candidate
        return sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.carrier))

    def _weigh(self, rule: _Rule, hints: Hints) -> Candidate:
        why = [f"has the form of {rule.format.name}"]
        score = rule.format.rank / 100
        if rule.format.checksum is not None:
            why.append("its check digit is right")
        if hints.carriers and rule.carrier in hints.carriers:
            score += (1 - score) * 0.3
            why.append("the shop uses this carrier")
        countries = frozenset(rule.format.countries) or self._countries[rule.carrier]
        if hints.countries and countries:
            if countries & hints.countries:
                score += (1 - score) * 0.1
                why.append("it serves a country the shop ships to")
            else:
                score *= 0.7
                why.append("it serves no country the shop ships to")
        return Candidate(rule.carrier, rule.format.name, round(score, 3), tuple(why))


def normalise(typed: str) -> str:
    """The number in what somebody typed or pasted: upper case, plain digits, without blanks, hyphens or "(00)".

    Raises NumberError when it cannot be a tracking number.
    """
    if len(typed) > _TYPED_LONGEST:
        raise NumberError("this is too long for a tracking number")
    if not typed.isascii():
        folded = unicodedata.normalize("NFKC", typed)
        typed = "".join(_plain(char) for char in folded if unicodedata.category(char) not in _INVISIBLE)
    number = _SEPARATORS.sub("", typed).upper().removeprefix("(00)")
    if not _PLAIN.fullmatch(number) or not any(char.isdigit() for char in number):
        raise NumberError(
            "a tracking number has 4 to 64 letters and digits", next_step="copy it from the shop's message"
        )
    return number


def _plain(char: str) -> str:
    """Digits of any script as 0-9; everything else unchanged (and then refused, if it is no letter of the alphabet)."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)

"""Prices as shops write them: "19.90 EUR", "EUR 1.299,00", "€19,90"."""

import re
from functools import lru_cache
from typing import NamedTuple

_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₴": "UAH", "₪": "ILS"}  # what stands for one currency alone
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})  # have three digits behind the point
_NAME = r"[^0-9\s.,'’-]{0,4}"
_WRITTEN = re.compile(rf"(?P<before>{_NAME}) ?(?P<amount>[0-9][0-9.,'’ ]{{0,24}}?) ?(?P<after>{_NAME})")
_CODE = re.compile(r"[A-Z]{3}")
_PLAIN = re.compile(r"[0-9]{1,12}\.[0-9]{1,2}")  # as most are
_MOST_DIGITS = 12


class Amount(NamedTuple):
    """A decimal text and an ISO 4217 code."""

    text: str
    currency: str


@lru_cache(4096)
def amount_of(written: str, currency: str = "") -> Amount:
    """A price as a shop has written it; `currency` where it names none. Raises ValueError, also for what can be read in two
    ways: no price is better than a wrong one."""
    shown = f"price {written[:40]!r}"
    found = _WRITTEN.fullmatch(" ".join(written[:60].split()))
    if found is None:
        raise ValueError(f"{shown} cannot be read: write it like '19.90 EUR'")
    named = (found["before"] or found["after"]).upper()
    code = next((one for one in (_SIGNS.get(named, named), currency) if _CODE.fullmatch(one)), "")
    if not code:
        raise ValueError(f"{shown} names no currency: write it like '19.90 EUR'")
    digits = _decimal(re.sub(r"[ '’]", "", found["amount"]), code)
    if not digits:
        raise ValueError(f"{shown} can be read in more than one way: write it like '19.90 EUR'")
    return Amount(digits, code)


def _decimal(text: str, currency: str) -> str:
    """The amount with a point and nothing else between its digits; empty where nobody can know what is meant."""
    if _PLAIN.fullmatch(text):
        return text
    marks = re.findall(r"[.,]", text)
    whole, rest = text, ""
    if marks and marks.count(marks[-1]) == 1:
        whole, _, rest = text.rpartition(marks[-1])
        lone = len(marks) == 1
        if not 1 <= len(rest) <= 4 or (lone and len(rest) == 3 and currency not in _THOUSANDTHS):
            return ""
    first, *thousands = re.split(r"[.,]", whole)
    if len(set(re.findall(r"[.,]", whole))) > 1 or any(len(group) != 3 for group in thousands):
        return ""
    if not first or (thousands and len(first) > 3) or len(whole) > _MOST_DIGITS:
        return ""
    return "".join([first, *thousands]) + (f".{rest}" if rest else "")

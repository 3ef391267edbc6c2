"""Check digits of tracking numbers, by the names that manifests use.

Sources: UPU S10-12 (s10), GS1 General Specifications 7.9 (mod10 with weights 3,1), ISO 7064 (mod37_36), and the carriers'
published formats. A function takes the serial as upper-case text and gives the expected check character.
"""

from collections.abc import Callable, Sequence

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def mod10(serial: str, weights: Sequence[int]) -> str:
    """Weighted sum mod 10, weights repeated from the left; letters count as (code - 3) mod 10, as UPS prescribes."""
    total = sum(_value(char) * weights[i % len(weights)] for i, char in enumerate(serial))
    return str(-total % 10)


def mod11(serial: str, weights: Sequence[int]) -> str:
    """Weighted sum mod 11 mod 10 (FedEx)."""
    return str(sum(_value(char) * weights[i % len(weights)] for i, char in enumerate(serial)) % 11 % 10)


def mod7(serial: str, weights: Sequence[int]) -> str:
    """The number mod 7 (DHL Express waybills, Japanese carriers)."""
    return str(int(serial) % 7)


def luhn(serial: str, weights: Sequence[int]) -> str:
    doubled = (int(char) * 2 if i % 2 == 0 else int(char) for i, char in enumerate(reversed(serial)))
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def s10(serial: str, weights: Sequence[int]) -> str:
    """UPU S10: weights 8 6 4 2 3 5 9 7, 11 minus the sum mod 11; 10 becomes 0, 11 becomes 5."""
    rest = 11 - sum(int(char) * weight for char, weight in zip(serial, (8, 6, 4, 2, 3, 5, 9, 7), strict=True)) % 11
    return str({10: 0, 11: 5}.get(rest, rest))


def mod37_36(serial: str, weights: Sequence[int]) -> str:
    """ISO 7064 MOD 37,36 (DPD)."""
    carry = 36
    for char in serial:
        carry = (carry + _ALPHABET.index(char)) % 36 or 36
        carry = carry * 2 % 37
    return _ALPHABET[(37 - carry) % 36]


def _value(char: str) -> int:
    return int(char) if char.isdigit() else (ord(char) - 3) % 10


CHECKSUMS: dict[str, Callable[[str, Sequence[int]], str]] = {
    "mod10": mod10, "mod11": mod11, "mod7": mod7, "luhn": luhn, "s10": s10, "mod37_36": mod37_36,
}  # fmt: skip
WEIGHTED = frozenset({"mod10", "mod11"})  # these need the manifest's weights

"""Check digits of tracking numbers, by the names that manifests use.

Sources: UPU S10-12 (s10), GS1 General Specifications 7.9 (mod10 with weights 3,1), ISO 7064 (mod37_36), and the carriers'
published formats. A function takes the serial as upper-case text and gives the expected check character; it raises
ValueError for a serial that it cannot read.
"""

from collections.abc import Callable, Sequence
from itertools import cycle
from operator import mul

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = bytes((code - 48 if code < 58 else code - 3) % 10 for code in range(256))  # of a character's code
_DOUBLED = bytes(sum(divmod(value * 2, 10)) for value in range(256))  # of a digit
_S10 = (8, 6, 4, 2, 3, 5, 9, 7)


def mod10(serial: str, weights: Sequence[int]) -> str:
    """Weighted sum mod 10, weights repeated from the left; letters count as (code - 3) mod 10, as UPS prescribes."""
    return str(-_weighted(serial, weights) % 10)


def mod11(serial: str, weights: Sequence[int]) -> str:
    """Weighted sum mod 11 mod 10 (FedEx)."""
    return str(_weighted(serial, weights) % 11 % 10)


def mod7(serial: str, weights: Sequence[int]) -> str:
    """The number mod 7 (DHL Express waybills, Japanese carriers)."""
    return str(int(serial) % 7)


def luhn(serial: str, weights: Sequence[int]) -> str:
    digits = _digits(serial)
    return str(-(sum(digits[-1::-2].translate(_DOUBLED)) + sum(digits[-2::-2])) % 10)


def s10(serial: str, weights: Sequence[int]) -> str:
    """UPU S10: weights 8 6 4 2 3 5 9 7, 11 minus the sum mod 11; 10 becomes 0, 11 becomes 5."""
    digits = _digits(serial)
    if len(digits) != len(_S10):
        raise ValueError(serial)
    rest = 11 - sum(map(mul, digits, _S10)) % 11
    return str({10: 0, 11: 5}.get(rest, rest))


def mod37_36(serial: str, weights: Sequence[int]) -> str:
    """ISO 7064 MOD 37,36 (DPD)."""
    carry = 36
    for char in serial:
        carry = (carry + _ALPHABET.index(char)) % 36 or 36
        carry = carry * 2 % 37
    return _ALPHABET[(37 - carry) % 36]


def _weighted(serial: str, weights: Sequence[int]) -> int:
    return sum(map(mul, serial.encode("ascii").translate(_VALUES), cycle(weights)))


def _digits(serial: str) -> bytes:
    if not serial.isdecimal():
        raise ValueError(serial)
    return serial.encode("ascii").translate(_VALUES)


CHECKSUMS: dict[str, Callable[[str, Sequence[int]], str]] = {
    "mod10": mod10, "mod11": mod11, "mod7": mod7, "luhn": luhn, "s10": s10, "mod37_36": mod37_36,
}  # fmt: skip
WEIGHTED = frozenset({"mod10", "mod11"})  # these need the manifest's weights

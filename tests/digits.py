"""Tracking numbers for tests: check digits again, in another way than the engine's, and numbers that fit a pattern."""

import random
import re
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from doorstep.manifest import Checksum


def value(char: str) -> int:
    return int(char) if char.isdigit() else (ord(char) - ord("A") + 2) % 10  # UPS: A is 2, B is 3, …


def weighted(serial: str, weights: tuple[int, ...]) -> int:
    return sum(value(char) * weight for char, weight in zip(serial, cycle(weights), strict=False))


def holds_luhn(number: str) -> bool:
    digits = [int(char) for char in number][::-1]
    return sum(digits[0::2] + [sum(map(int, str(2 * digit))) for digit in digits[1::2]]) % 10 == 0


def holds_s10(serial: str, check: str) -> bool:
    rest = sum(int(char) * weight for char, weight in zip(serial, (8, 6, 4, 2, 3, 5, 9, 7), strict=True)) % 11
    return int(check) == {0: 5, 1: 0}.get(rest, 11 - rest)


def holds_iso_7064(number: str) -> bool:
    """MOD 37,36 as the standard checks it: the last sum is 1."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    product = 36
    for char in number[:-1]:
        total = (product + alphabet.index(char)) % 36
        product = 2 * (total or 36) % 37
    return (product + alphabet.index(number[-1])) % 36 == 1


def holds(checksum: Checksum, serial: str, check: str) -> bool:
    serial = checksum.before + serial
    kinds: dict[str, Callable[[], bool]] = {
        "mod10": lambda: (weighted(serial, checksum.weights) + int(check)) % 10 == 0,
        "mod11": lambda: weighted(serial, checksum.weights) % 11 % 10 == int(check),
        "mod7": lambda: int(serial) % 7 == int(check),
        "luhn": lambda: holds_luhn(serial + check),
        "s10": lambda: holds_s10(serial, check),
        "mod37_36": lambda: holds_iso_7064(serial + check),
    }
    return kinds[checksum.kind]()


def a_number(pattern: str, chance: random.Random) -> str:
    """A text that fits a pattern; what looks ahead in it is not minded."""
    return "".join(_chosen(vars(re)["_parser"].parse(pattern), chance))


def _chosen(parts: Any, chance: random.Random) -> Iterator[str]:
    for op, value in parts:
        match str(op):
            case "LITERAL":
                yield chr(value)
            case "IN":
                yield chance.choice([chr(code) for kind, one in value for code in _codes(str(kind), one)])
            case "SUBPATTERN":
                yield from _chosen(value[-1], chance)
            case "BRANCH":
                yield from _chosen(chance.choice(value[1]), chance)
            case "MAX_REPEAT":
                for _ in range(chance.randint(value[0], value[1])):
                    yield from _chosen(value[2], chance)


def _codes(kind: str, value: Any) -> range:
    return range(value, value + 1) if kind == "LITERAL" else range(value[0], value[1] + 1)

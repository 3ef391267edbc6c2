"""What a rule of widgets is."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from .trial import Trial


class Rule(Struct, frozen=True):
    """One thing that every widget keeps. `broken` tells how a widget breaks it: what is wrong, why it matters, what to do."""

    name: str
    broken: Callable[[Trial], Iterator[str]]

"""What a rule of widgets is."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from .trial import CannotTry, Raised, Trial


class Rule(Struct, frozen=True):
    """One thing that every widget keeps. `broken` tells how a widget breaks it: what is wrong, why it matters, what to do."""

    name: str
    broken: Callable[[Trial], Iterator[str]]

    def problems(self, trial: Trial) -> list[str]:
        """How the widget breaks the rule; where it raises before that can be said, that it does."""
        try:
            return list(self.broken(trial))
        except (Raised, CannotTry) as error:
            return [str(error)]

"""What is rendered again and again is worth being written for just that: beside the pages, in one thread, and kept."""

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

import structlog
from jinja2 import Template
from jinja2.nodes import Impossible
from msgspec import Struct

log = structlog.get_logger("doorstep.templates")

_OFTEN = 50  # pages, after which as many are likely again as make it worth its while
_MOST = 64  # templates, of a tenth of a megabyte each
_MOST_COUNTED = 512

_TOLD_APART = frozenset({str, bool, int})

_WRITER = ThreadPoolExecutor(1, "doorstep-templates")  # at the end of the process it is waited for, some milliseconds


class _One(Struct):
    held: tuple[object, ...]  # so that nothing else gets their ids
    asked: int = 0
    begun: bool = False
    made: Template | None = None


class Often:
    """Of one look: its templates by what is known of their variables. The first that are rendered often have them."""

    def __init__(self) -> None:
        self._ones: dict[Hashable, _One] = {}
        self._begun = 0

    def find(self, key: Hashable, values: tuple[object, ...], make: Callable[[], Template]) -> Template | None:
        """The template for pages with these values, told apart by which objects they are, once it is made; where `make` raises
        Impossible it never is."""
        of_these = (key, *[value if type(value) in _TOLD_APART else id(value) for value in values])
        one = self._ones.get(of_these)
        if one is None:
            one = self._counted(of_these, values)
        if one.made is None:
            one.asked += 1
            if one.asked == _OFTEN and self._begun < _MOST:
                one.begun = True
                self._begun += 1
                _WRITER.submit(_write, one, make)
        return one.made

    def _counted(self, of_these: Hashable, values: tuple[object, ...]) -> _One:
        if len(self._ones) >= _MOST_COUNTED:
            self._ones = {key: one for key, one in self._ones.items() if one.begun}
        one = self._ones[of_these] = _One(values)
        return one


def _write(one: _One, make: Callable[[], Template]) -> None:
    try:
        one.made = make()
    except Impossible:
        pass
    except Exception as error:  # a mistake of ours: the pages go on as before
        log.warning("a template cannot be written as one piece", error=type(error).__name__)

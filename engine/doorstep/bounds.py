"""What a template may cost: steps, text and lists, counted while it runs, so that one that runs away ends with its own page.

A page's own work is far below: a step is a turn of a loop, a call of a macro or block, an included template.
"""

from collections.abc import Iterable, Sized
from contextvars import ContextVar
from itertools import islice
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.filters import do_batch, do_join, do_replace, do_round, do_tojson
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context
from markupsafe import Markup

LARGEST_PAGE = 500_000  # characters, of a page and of whatever a template makes on its way
MOST_STEPS = 50_000  # of one page
_AT_ONCE = 32  # parts of a page that are made before its size is looked at
_LONGEST_RANGE = 1_000
_MOST_BITS = 256  # of a number
_MOST_DIGITS = 20  # behind its point

_left: ContextVar[list[int]] = ContextVar("left")  # steps, of the page that is being made


class counting:
    """Within it, steps are those of one page."""

    def __enter__(self) -> None:
        self._token = _left.set([MOST_STEPS])

    def __exit__(self, *_: object) -> None:
        _left.reset(self._token)


def bounded(parts: Iterable[str]) -> str:
    """The page from its parts, as `pieces` allows."""
    return "".join(pieces(parts))


def pieces(parts: Iterable[str]) -> list[str]:
    """The parts of a page. Raises SecurityError when it, or the work for it, grows beyond any reason."""
    coming = iter(parts)
    made: list[str] = []
    size = 0
    with counting():
        while some := list(islice(coming, _AT_ONCE)):  # to look at each one takes longer
            made += some
            size += sum(map(len, some))
            if size > LARGEST_PAGE:
                raise SecurityError(f"the page is larger than {LARGEST_PAGE} characters")
    return made


def step(steps: int = 1) -> None:
    """Some work begins. Raises SecurityError when the page has none left."""
    left = _left.get(None)
    if left is not None:
        left[0] -= steps
        if left[0] < 0:
            raise SecurityError(f"the page takes more than {MOST_STEPS} turns of loops, macros and includes")


def counted(iterable: Any) -> Any:
    """What a loop runs over, its turns taken from the page's."""
    sized = iterable if type(iterable) is tuple or isinstance(iterable, Sized) else list(iterable)
    step(len(sized) + 1)
    return sized


def fitting(text: Any) -> Any:
    """A text that is no larger than a page may be."""
    if len(text) > LARGEST_PAGE:
        raise SecurityError(f"a text is larger than {LARGEST_PAGE} characters")
    return text


def joined(parts: Iterable[str]) -> str:
    """Parts as one text, measured before it is made."""
    listed = parts if type(parts) is list else list(parts)
    if sum(map(len, listed)) > LARGEST_PAGE:
        raise SecurityError(f"a text is larger than {LARGEST_PAGE} characters")
    return "".join(listed)


def weighed(value: Any) -> Any:
    """A list or table that is not larger, written out, than a page may be: one that holds itself twice, and so on, would be."""
    left = LARGEST_PAGE
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            left -= len(one)
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
        left -= 1
        if left < 0 or len(waiting) > LARGEST_PAGE:
            raise SecurityError(f"a list is larger than {LARGEST_PAGE} characters")
    return value


def added(left: Any, right: Any) -> Any:
    """`left + right`, of numbers, texts and lists."""
    total = left + right
    return fitting(total) if isinstance(total, str) else weighed(total)


def multiplied(left: int | float, right: int | float) -> None:
    """Raises SecurityError where the product would be a number without end."""
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MOST_BITS:
        raise SecurityError("a number has too many digits")


def span(context: object, *args: int) -> range:
    """`range()` of templates."""
    result = range(*args)
    if len(result) > _LONGEST_RANGE:
        raise SecurityError(f"range() gives at most {_LONGEST_RANGE} numbers")
    return result


@pass_eval_context
def _replace(eval_ctx: EvalContext, s: Any, old: Any, new: Any, count: int | None = None) -> Any:
    text, one, other = str(s), str(old), str(new)
    if len(text) + text.count(one) * max(len(other) - len(one), 0) > LARGEST_PAGE:
        raise SecurityError(f"a text is larger than {LARGEST_PAGE} characters")
    return do_replace(eval_ctx, s, old, new, count)


@pass_eval_context
def _join(eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> Any:
    listed = weighed(list(value))
    if len(d) * len(listed) > LARGEST_PAGE:
        raise SecurityError(f"a text is larger than {LARGEST_PAGE} characters")
    return do_join(eval_ctx, listed, d, attribute)


def _batch(value: Iterable[Any], linecount: int, fill_with: Any = None) -> list[list[Any]]:
    if linecount > _LONGEST_RANGE:
        raise SecurityError(f"batch() makes rows of at most {_LONGEST_RANGE}")
    rows: list[list[Any]] = weighed(list(do_batch(value, linecount, fill_with)))
    return rows


@pass_eval_context
def _tojson(eval_ctx: EvalContext, value: Any, indent: int | None = None) -> Markup:
    made: Markup = fitting(do_tojson(eval_ctx, value, min(indent, 8) if indent is not None else None))
    return made


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    return do_round(value, max(min(precision, _MOST_DIGITS), -_MOST_DIGITS), method)


FILTERS = {"replace": _replace, "join": _join, "batch": _batch, "tojson": _tojson, "round": _round}

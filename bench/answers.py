"""A carrier's answer as long as is wanted: its sample, whose further scans say what its own do, each some days before."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

from doorstep.samples import shifted

Items = list[Any]


def of_length(count: int, body: bytes, dates: tuple[str, ...], scans: Callable[[bytes], int]) -> bytes:
    """The body with so many scans, by the list in it that they stand in; `scans` tells how many a body has."""
    more, place = count - scans(body), 0
    for longer in _longer(body, more, dates):
        if scans(longer) == count:
            return longer
        place += 1
    raise LookupError(f"none of {place} lists in the answer is that of its scans")


def _longer(body: bytes, more: int, dates: tuple[str, ...]) -> Iterator[bytes]:
    """The body with more, or fewer, items in its first list, then in its second, and so on."""
    xml = body.lstrip().startswith(b"<")
    load: Callable[[bytes], Any] = ElementTree.fromstring if xml else lambda body: _opened(json.loads(body))
    dump: Callable[[Any], bytes] = ElementTree.tostring if xml else _compact
    for place in range(sum(1 for _ in _lists(load(body)))):
        whole = load(body)
        there = list(_lists(whole))[place]
        items = _alike(there)
        days = (1 + n // len(items) for n in range(max(more, 0)))
        again = [load(shifted(dump(items[n % len(items)]), dates, -day)) for n, day in enumerate(days)]
        others = [item for item in there if not any(item is one for one in items)]
        there[:] = [*others, *items[: len(items) + min(more, 0)], *again]
        yield dump(whole)


def _lists(value: Any) -> Iterator[Any]:
    """Lists of objects, elements with several of a kind; outer ones first."""
    if isinstance(value, ElementTree.Element):
        yield from (one for one in value.iter() if len(_alike(one)) > 1)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _lists(item)
    elif isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            yield value
        for item in value:
            yield from _lists(item)


def _alike(there: Any) -> Items:
    """The items of a list; of an element, those with the name that most of them have."""
    if isinstance(there, list):
        return list(there)
    names = Counter(child.tag for child in there).most_common(1)
    return [child for child in there if child.tag == names[0][0]] if names else []


class _Letter(dict[str, Any]):
    """An object that stands as text within another one."""


def _opened(value: Any) -> Any:
    """With the objects that stand as texts in it."""
    if isinstance(value, str) and value.startswith("{"):
        return _Letter(_opened(json.loads(value)))
    if isinstance(value, dict):
        return {name: _opened(item) for name, item in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value


def _closed(value: Any) -> Any:
    if isinstance(value, dict):
        closed = {name: _closed(item) for name, item in value.items()}
        return json.dumps(closed) if isinstance(value, _Letter) else closed
    return [_closed(item) for item in value] if isinstance(value, list) else value


def _compact(value: Any) -> bytes:
    return json.dumps(_closed(value), separators=(",", ":")).encode()

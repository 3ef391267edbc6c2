"""What carriers and those who sit between send when things go wrong: bodies no plugin may fall over."""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.ElementTree import fromstring

BODIES: dict[str, bytes] = {
    "empty": b"",
    "truncated": b'{"shipments": [{"id": "1", "events": [{"time',
    "html": b"<!doctype html><title>Sorry</title><p>We will be back soon.",
    "null": b"null",
    "number": b"17",
    "list": b"[]",
    "empty object": b"{}",
    "deep": b"[" * 5000 + b"]" * 5000,
    "not a number": b'{"value": NaN}',
    "huge number": b'{"value": ' + b"9" * 5000 + b"}",
    "wrong encoding": '{"text": "é"}'.encode("latin-1"),
    "xml": b"<a><b/></a>",
    "xml truncated": b"<a><b>",
    "xml bomb": b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
    "xml external": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
    "xml deep": b"<a>" * 5000 + b"</a>" * 5000,
    "soap without a body": b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>',
}

_WRONG: tuple[Any, ...] = (None, 17, "x", [], {})
_SPOTS = 60


def damaged(body: bytes) -> Iterator[bytes]:
    """A body again and again, each time with another defect: cut off, in another encoding, a value of the wrong type."""
    yield from (body[: len(body) * part // 4] for part in (1, 2, 3))
    yield body.decode("utf-8", "replace").encode("utf-16")
    try:
        yield from _other_types(json.loads(body))
    except ValueError:
        yield from _other_elements(body)


def _other_types(tree: Any) -> Iterator[bytes]:
    for container, key in list(_spots(tree))[:_SPOTS]:
        kept = container[key]
        for wrong in _WRONG:
            container[key] = wrong
            yield json.dumps(tree).encode()
        container[key] = kept


def _spots(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys: Any = tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys):
        yield tree, key
        yield from _spots(tree[key])


def _other_elements(body: bytes) -> Iterator[bytes]:
    """Without an element's content, with a text in its place, and with the element under another name."""
    try:
        root: Element = fromstring(body)
    except (ParseError, ValueError):
        return
    for spot in list(root.iter())[:_SPOTS]:
        tag, text, children = spot.tag, spot.text, list(spot)
        for other in (None, "x", "-1"):
            spot[:] = []
            spot.text = other
            yield tostring(root)
        spot[:], spot.text, spot.tag = children, text, "unheard-of"
        yield tostring(root)
        spot.tag = tag

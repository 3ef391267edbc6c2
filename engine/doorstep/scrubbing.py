"""A carrier's real answer made fit to be published: nobody in it is a person, no number in it is a parcel.

Shape and types stay as they are, so that the plugin reads it as before. Names of fields decide: carriers put the same things
under much the same names. What a text may tell beyond that, only a reader can say; `Scrubbed.texts` lists them.
"""

import json
import random
import re
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct

GONE = "removed"
_LONG = 400  # characters without a blank: a picture or a document

_PERSON = re.compile(
    r"name|sign|recipient|receiv|consignee|shipper|sender|contact|phone|tel$|mobile|mail|street|address|line_?\d|company"
    r"|reference|customer|account|latitude|longitude|lat$|lng$|image|photo|note|instruction",
    re.IGNORECASE,
)
_THING = re.compile(
    r"(event|service|product|status|city|state|region|country|location|facility|carrier|depot|type|mail|category|provider)"
    r"_?(short|full|long)?_?(name|class)|mail_?(class|type|piece)|address_?type|(signature|sender)_?(required|option)",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"post_?al|postcode|post_?code|zip|plz", re.IGNORECASE)
_NUMBER = re.compile(
    r"(track|waybill|parcel|piece|barcode|shipment|package|item|unique|transaction|consignment).*(id|number|no|code|nr)s?$"
    r"|^(id|number|awb|barcode)$",
    re.IGNORECASE,
)
_TEXT = re.compile(r"desc|text|comment|remark|message|label|detail|summary|content", re.IGNORECASE)
_SENTENCE = 3  # words from which a text of any field may tell of somebody
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


class Scrubbed(Struct):
    """The body fit to publish; the fields that were replaced; the texts that somebody should read before."""

    body: bytes
    replaced: list[str]
    texts: list[str]


def scrub(body: bytes, numbers: dict[str, str], secrets: Iterable[str] = ()) -> Scrubbed:
    """The body with `numbers` replaced by their stand-ins, secrets and everything personal by nothing that means anybody."""
    work = _Work(numbers)
    try:
        clean = json.dumps(work.value("", json.loads(body)), ensure_ascii=False, indent=2).encode() + b"\n"
    except ValueError:
        clean = work.document(body)
    for secret in secrets:
        clean = clean.replace(secret.encode(), GONE.encode())
    return Scrubbed(clean, sorted(work.replaced), sorted(work.texts))


def stand_in(text: str, seed: str = "") -> str:
    """Another text of the same shape, letters and first four characters kept; the same for the same text."""
    chance = random.Random(f"{seed}{text}")  # noqa: S311  # it hides nothing by itself: the original is not in the result
    return text[:4] + "".join(str(chance.randrange(10)) if char.isdigit() else char for char in text[4:])


class _Work:
    def __init__(self, numbers: dict[str, str]) -> None:
        self._numbers = numbers
        self.replaced: set[str] = set()
        self.texts: set[str] = set()

    def value(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.value(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(name, item) for item in value]
        if isinstance(value, str):
            return self.text(name, value)
        if isinstance(value, int | float) and not isinstance(value, bool) and _personal(name):
            self.replaced.add(name)
            return type(value)(0)
        return int(self._numbers.get(str(value), value)) if type(value) is int else value

    def text(self, name: str, text: str) -> str:
        """One text, by the name of its field."""
        clean = self._cleaned(name, text)
        if clean != text:
            self.replaced.add(name)
        elif len(text.split()) >= (2 if _TEXT.search(name) else _SENTENCE):
            self.texts.add(text)
        return clean

    def _cleaned(self, name: str, text: str) -> str:
        for number, other in self._numbers.items():
            text = text.replace(number, other)
        if not text.strip() or text in self._numbers.values():
            return text
        if _personal(name) or (len(text) > _LONG and " " not in text):
            return GONE
        if _POSTCODE.search(name):
            return text[:2] + "".join("0" if char.isdigit() else char for char in text[2:])
        if (
            _NUMBER.search(name)
            and sum(char.isdigit() for char in text) > 5
            and not set(self._numbers.values()) & {text}
        ):
            return text if any(other in text for other in self._numbers.values()) else stand_in(text)
        return _EMAIL.sub(f"{GONE}@shop.example", text)

    def document(self, body: bytes) -> bytes:
        """The body as XML, or as text where it is none."""
        try:
            root: Element = fromstring(body, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError):
            return self.text("", body.decode("utf-8", "replace")).encode()
        self._inside(root, "")
        written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
        return written

    def _inside(self, element: Element, within: str) -> None:
        """An element's texts, by its own name; wrappers such as `content` go by their parent's name."""
        own = element.tag.rpartition("}")[2]
        name = own if _personal(own) or not _personal(within) else within
        if element.text and element.text.strip():
            element.text = self.text(name, element.text)
        for key, text in element.attrib.items():
            element.set(key, self.text(key.rpartition("}")[2], text))
        for child in element:
            self._inside(child, name if len(element) == 1 else own)


def _personal(name: str) -> bool:
    return bool(_PERSON.search(name)) and not _THING.search(name)

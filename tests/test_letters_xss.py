"""Whatever a shop, a shopper or a carrier writes is text in a message: no element, no handler, no header, no address."""

import json
import re
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
import pytest
from msgspec import structs
from tests.lettering import composed, job, ordered, shop_of
from tests.test_xss import CORPUS, HARMLESS

from doorstep import Message, PickupPoint, Place, Status
from doorstep.errors import ThemeError
from doorstep.letters import Letter
from doorstep.message import Kind
from doorstep.order import Item, PackedItem
from doorstep.shops import Shop

HEADERS = [*CORPUS, "a\r\nBcc: evil@evil.example", "a\nSubject: b", "a\u2028b", "\u202eabc\u2069\u2069"]
TEXTS = ("value", "alt", "href", "content", "src", "style")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return shop_of(tmp_path_factory.mktemp("shop"), image_hosts=("*.example",))


def wild(shop: Shop, text: str, *kinds: Kind) -> Message:
    """A message whose every text is this one."""
    view = structs.replace(shop.view, name=text, contact_email=f"{text}@shop.example", contact_phone=text)
    shop = structs.replace(shop, view=view)
    items = tuple(
        Item(text or "-", id, sku=text, image=f"https://img.example/{text}", url=text) for id in ("item-1", "2")
    )
    order, looked = ordered(Status.AVAILABLE_FOR_PICKUP, Status.IN_TRANSIT, number=text, items=items, language=text)
    point = PickupPoint(text, text, Place(text, text, text, text, text), (text, text), None, text)
    told = []
    for one in looked:
        shipment = structs.replace(
            one.shipment, number=text, carrier_name=text, pickup_point=point, reason=text, service=text
        )
        parcel = structs.replace(one.parcel, number=text, items=(PackedItem("item-1"), PackedItem("2", 3)))
        told.append(structs.replace(one, parcel=parcel, shipment=shipment))
    order = structs.replace(order, parcels=tuple(one.parcel for one in told))
    return composed(shop, job(*kinds, parcels=(1, 2), item="item-1"), order, told)


def outline(html: str) -> list[Any]:
    """The mail without its texts, after a look at every address."""
    root: Element = html5lib.HTMLParser(namespaceHTMLElements=False).parse(html)
    for one in root.iter():
        if not isinstance(one.tag, str):
            continue
        assert not [name for name in one.attrib if name.lower().startswith("on")], one.attrib
        assert one.tag != "script" or one.get("type") == "application/ld+json"
        for name in ("href", "src"):
            if address := one.get(name):
                assert urlsplit(address).scheme in ("https", "mailto", "tel"), address
                assert urlsplit(address).netloc in ("", "shop.example", "img.example"), address
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    return [(one.tag, *sorted((k, v) for k, v in one.attrib.items() if k not in TEXTS)) for one in elements]


def shape(value: Any) -> Any:
    """JSON without its texts."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def script(html: str) -> Any:
    texts = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert len(texts) == 1
    assert not set("<>&") & set(texts[0])
    return json.loads(texts[0])


@pytest.mark.parametrize("kind", [Kind.READY_FOR_PICKUP, Kind.HOW_TO, Kind.CONFIRM])
@pytest.mark.fault(33)
def test_no_text_changes_the_mail_around_it(shop: Shop, kind: Kind) -> None:
    calm = outline(wild(shop, HARMLESS, kind).html)
    assert len(calm) > 40
    for text in HEADERS:
        assert outline(wild(shop, text, kind).html) == calm, text


def test_no_text_changes_the_data_for_mail_programs(shop: Shop) -> None:
    calm = shape(script(wild(shop, HARMLESS, Kind.READY_FOR_PICKUP).html))
    for text in HEADERS:
        assert shape(script(wild(shop, text, Kind.READY_FOR_PICKUP).html)) == calm, text


@pytest.mark.fault(34)
def test_no_text_begins_a_header_or_a_line_of_its_own(shop: Shop) -> None:
    lines = len(wild(shop, HARMLESS, Kind.HOW_TO).text.splitlines())
    for text in HEADERS:
        made = wild(shop, text, Kind.HOW_TO)
        for header in (made.subject, made.preheader):
            assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066\u2067]", header), text
            assert header.count("\u2068") == header.count("\u2069")
        assert len(made.short.splitlines()) == 2, text
        assert len(made.text.splitlines()) == lines, text
        assert json.loads(json.dumps(made.event)).keys() == {"kind", "shop", "link", "order", "item"}


def test_the_mail_of_last_resort_escapes_as_well(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(letter: Letter) -> str:
        raise ThemeError("broken")

    monkeypatch.setattr(Letter, "html", broken)
    calm = outline(wild(shop, HARMLESS, Kind.READY_FOR_PICKUP).html)
    for text in HEADERS:
        assert outline(wild(shop, text, Kind.READY_FOR_PICKUP).html) == calm, text

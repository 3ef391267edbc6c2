"""Every field that a merchant, a shop's program, a carrier or a shopper can fill has a hostile text at once, and stays text.

The fields come from the models (`filling`), so that a new one is among them. Pages are read as a browser reads them: whatever
the texts are, there are the same elements with the same attributes, and addresses lead to the shop and its friends alone.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import html5lib
import pytest

from doorstep.keys import SCOPES, Keys

from .filling import MARK
from .gates import some
from .hostile import NUMBERS, SOURCES, TEXTS, Hostile, own_words, theme_settings, trading
from .shopfront import parsed
from .test_xss import assert_no_door

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_IDS = re.compile(r"pcl_[a-z0-9]+")
_ACTIVE = frozenset(
    {"script", "img", "iframe", "object", "embed", "base", "meta", "link", "style", "video", "audio", "template"}
)
_TEXTS = ("value", "href", "src", "action", "content", "alt", "datetime")


def outline(html: str, *, odd: bool = False) -> list[Any]:
    """Every element with its attributes, but for those that hold a text or an address. `odd`: controls are no fault of it."""
    page = html5lib.parse(_CONTROLS.sub("", html), namespaceHTMLElements=False) if odd else parsed(html)
    assert_no_door(page)
    return [(one.tag, *sorted((k, _plain(v)) for k, v in one.attrib.items() if k not in _TEXTS)) for one in page.iter()]


@pytest.fixture(scope="module", params=some(("classic", "bold", "minimal"), 3))
def hostile(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Hostile]:
    with trading(tmp_path_factory.mktemp("hostile"), theme=request.param) as hostile:
        # What the calm store shows, before anybody has answered anything.
        hostile.shown = "".join(hostile.get(path(hostile, "calm")).text for path, _ in OUTPUTS.values())
        yield hostile


def as_page(answer: Any) -> Any:
    """The elements of a page."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return outline(answer.text, odd=bool(_CONTROLS.search(answer.text)))


def _plain(value: str) -> str:
    without_ids = _IDS.sub("pcl_…", value)  # in which, by chance, a mark may stand
    return "…" if MARK.search(without_ids) else without_ids


def json_shape(value: Any) -> Any:
    """Without its texts."""
    if isinstance(value, dict):
        return {key: json_shape(one) for key, one in value.items()}
    return [json_shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def as_json(answer: Any) -> Any:
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("application/json", "nosniff")
    return json_shape(json.loads(answer.content))


def as_xml(answer: Any) -> Any:
    """A feed or a picture: its elements and the names of their attributes."""
    return [(one.tag, *sorted(one.attrib)) for one in ElementTree.fromstring(answer.content).iter()]


def as_calendar(answer: Any) -> Any:
    """The names of its lines, which end as RFC 5545 wants it; no other character could end one."""
    text = answer.content.decode().replace("\r\n ", "")
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)
    return [re.split("[:;]", line)[0] for line in text.split("\r\n")]


# Where a text comes out: how to get there, and what must be the same whatever the texts are.
OUTPUTS: dict[str, tuple[Callable[[Hostile, str], str], Callable[[Any], Any]]] = {
    "on the way": (lambda shop, name: f"/{name}/track/{NUMBERS[name][0]}", as_page),
    "delivered": (lambda shop, name: f"/{name}/track/{NUMBERS[name][1]}", as_page),
    "looking up": (lambda shop, name: f"/{name}/", as_page),
    "nothing there": (lambda shop, name: f"/{name}/nothing", as_page),
    "order": (lambda shop, name: shop.order(name), as_page),
    "order just placed": (lambda shop, name: shop.order(name, "placed"), as_page),
    "order that arrived": (lambda shop, name: shop.order(name, "arrived"), as_page),
    "messages": (lambda shop, name: shop.order(name, path="/messages"), as_page),
    "feed": (lambda shop, name: shop.order(name, path="/feed.atom"), as_xml),
    "calendar": (lambda shop, name: shop.order(name, path="/delivery.ics"), as_calendar),
    "QR code": (lambda shop, name: shop.order(name, path="/qr.svg"), as_xml),
    "shipment": (lambda shop, name: f"/{name}/api/v1/shipments/{NUMBERS[name][0]}", as_json),
    "page's data": (lambda shop, name: f"/{name}/api/v1/pages/{NUMBERS[name][1]}", as_json),
    "order's data": (lambda shop, name: f"/{name}/api/v1/pages/orders/{shop.token(name)}", as_json),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.fault(33)
def test_no_text_of_anybody_changes_what_stands_around_it(hostile: Hostile, output: str) -> None:
    path, read = OUTPUTS[output]
    calm = hostile.get(path(hostile, "calm"))
    assert calm.status_code == (404 if output == "nothing there" else 200)
    assert output == "QR code" or MARK.search(calm.text), "nothing of anybody is shown"
    same = read(calm)
    for name in TEXTS:
        assert read(hostile.get(path(hostile, name))) == same, name


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [name for name in TEXTS if name != "calm"])
@pytest.mark.fault(33)
def test_a_look_that_comes_by_the_api_changes_no_more_than_one_of_the_settings(tmp_path: Path, name: str) -> None:
    with trading(tmp_path, ("calm",)) as shop:
        paths = [OUTPUTS[output][0](shop, "calm") for output in ("on the way", "looking up", "order", "messages")]
        before = [shop.get(path).text for path in paths]
        with shop.front.engine.database.writing() as connection:
            _, key = Keys(clock=shop.front.clock).new(connection, "calm", "erp", SCOPES)
        look = {"words": {"en": own_words(TEXTS[name])}, "settings": theme_settings(TEXTS[name], "classic")}
        bearer = {"Authorization": f"Bearer {key.reveal()}"}
        answer = shop.front.client.patch("/calm/api/v1/appearance", json=look, headers=bearer)
        assert answer.status_code == 200, answer.text
        after = [shop.get(path).text for path in paths]
    assert all(one != other for one, other in zip(after, before, strict=True)), "nothing of it is shown"
    assert [outline(page, odd=name == "control") for page in after] == [outline(page) for page in before]


def filled_in(form: Element, text: str) -> dict[str, str]:
    """What somebody sends who writes the text wherever the form takes one, and chooses the first of what it offers. A form
    with a field that nobody sees is refused then, and comes back with what was typed."""
    found: dict[str, str] = {}
    for one in form.iter():
        name, kind = one.get("name", ""), one.get("type", "text")
        if one.tag == "textarea" or (one.tag == "input" and kind in ("text", "email", "tel", "search", "url")):
            found[name] = text
        elif one.tag == "input" and kind == "hidden":
            found[name] = one.get("value", "")
        elif one.tag in ("input", "button") and name:
            found.setdefault(name, one.get("value", "on"))
        elif one.tag == "select":
            found[name] = next(option.get("value", "") for option in one.iter("option"))
    return found


def active(html: str) -> Counter[str]:
    """How many elements there are of those that load or run something, after a look at every handler and address."""
    page = html5lib.parse(_CONTROLS.sub("", html), namespaceHTMLElements=False)
    assert_no_door(page)
    return Counter(one.tag for one in page.iter() if one.tag in _ACTIVE)


FORMS = {
    "delivered": 1,
    "order": 5,
    "order that arrived": 5,
    "messages": 2,
    "looking up": 1,
}  # pages, and how many they have


@pytest.mark.parametrize("output", some(FORMS, 2))
@pytest.mark.fault(33)
def test_what_a_shopper_writes_in_a_form_comes_back_as_text(hostile: Hostile, output: str) -> None:
    calm = hostile.get(OUTPUTS[output][0](hostile, "calm")).text
    came_back = 0
    for name in TEXTS:
        path = OUTPUTS[output][0](hostile, name)
        text = TEXTS[name].replace("ZQ", "zq98z")
        forms = [
            one for one in parsed(_CONTROLS.sub("", hostile.get(path).text)).iter("form") if one.get("method") == "post"
        ]
        assert len(forms) >= FORMS[output]
        for form in forms:
            hostile.front.clock.advance(3601)  # so that nobody has guessed or answered too often
            answer = hostile.front.post(urljoin(path, form.get("action")), filled_in(form, text))
            assert answer.status_code in (303, 422), (name, form.get("action"))
            assert "\r" not in answer.headers.get("location", "")
            if answer.status_code == 422:
                assert active(answer.text) == active(calm), (name, form.get("action"))
                came_back += "zq98z" in answer.text
        assert active(hostile.get(path).text) == active(calm), name
    assert came_back or output == "messages", "nothing that was typed is shown again"


# What no page, feed or calendar of an order or parcel shows: it chooses, compares, or is for the shop alone.
HIDDEN = {
    "shipment": {
        "events[].place.region", "events[].place.postcode", "reason", "origin.region", "origin.postcode", "origin.name",
        "destination.region", "destination.postcode", "destination.name", "pickup_point.place.region",
        "pickup_point.place.name", "pickup_point.code", "documents[].kind", "documents[].ref", "weight.unit", "language",
    },
    "cross_sell": {
        "products[].category", "products[].tags[]", "products[].group", "bundles[].categories[]", "bundles[].tags[]",
        "guides[].categories[]", "guides[].tags[]",
    },
    "order": {"email", "postcode", "items[].category", "items[].tags[]", "tags[]", "customer.tags[]", "referral"},
    "loyalty": {"tiers[].name"},  # the order names another one
    "survey": {"review_url"},  # is for those who have answered, as is that of the next
    "review": {"url"},
}  # fmt: skip


def test_every_field_with_a_text_is_shown_somewhere_or_known_to_be_hidden(hostile: Hostile) -> None:
    """So a field that a model gets is looked at above, or fails here."""
    seen = {*MARK.findall(hostile.shown)}
    hidden: dict[str, set[str]] = {}
    for filling in hostile.filled:
        for mark, place in filling.places.items():
            if mark not in seen and place not in filling.tame:
                hidden.setdefault(SOURCES[int(mark[2:-1]) // 1000], set()).add(place)
    assert hidden == HIDDEN

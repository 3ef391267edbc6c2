"""Whatever a carrier, a shopper or a product list writes is text on the page: no element, no handler, no address of its own."""

import json
import re
import socket
import typing
from enum import StrEnum
from itertools import product
from operator import itemgetter
from urllib.parse import urlsplit

import pytest
from msgspec import Struct
from msgspec.structs import fields

from doorstep import Document, Leg, PickupPoint, Piece, Place, Shipment, Status, Weight
from doorstep.app import assemble
from doorstep.sandbox import sandbox_of
from doorstep.testing import serve

from .acme import at, scan
from .gates import telling
from .shopfront import OWN, break_themes, carriers, parsed, shop, store
from .spy import SPY, spy

HARMLESS = "harmless"
FRIENDS = ("", "spy.example", "good.example", "www.laposte.fr", "www.ups.com")
CORPUS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "'><svg/onload=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "` onclick=alert(1) `",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</bdi></p></li></ol><h1>Delivered</h1>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<!--",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "%(carrier)s %s %n {0} {carrier.__class__}",
    "<a href=https://evil.example>here</a>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example/>",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\u202e\u2066<b>\u2069",
    "＜script＞alert(1)＜/script＞",
    "<scr\x00ipt>alert(1)</script>",
    "http://evil.example/?\"><script>",
]  # fmt: skip


def parcels(text, number):
    """A parcel whose every text is this one, in a status that shows much, and one for every other status."""
    place = Place(city=text, region=text, postcode=text, country="FR", name=text)
    scans = [
        scan(status, at(19 - n), text=text, code=text, reason=text, place=place, piece=text)
        for n, status in enumerate([Status.IN_TRANSIT, None, *Status])
    ]
    return Shipment(
        number=number,
        events=tuple(scans),
        carrier_name=text,
        service=text,
        reason=text,
        origin=Place(city=text, country=text),
        destination=Place(city=text, country="de"),
        pieces=(Piece(text), Piece(text + "2")),
        legs=(Leg(text, text),),
        documents=(Document(text, text),),
        weight=Weight(1, text),
        pickup_point=PickupPoint(text, text, place, (text,), at(25), text),
        language=text,
    )


NOT_WRITTEN = {"Shipment.number", "Shipment.id", "Shipment.carrier", "Moment.raw", "Moment.offset", "Place.country"}


def texts_of(value, name=""):
    """Every text of a value, with the field that it stands in."""
    if isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from texts_of(getattr(value, field), f"{type(value).__name__}.{field}")
    elif isinstance(value, tuple):
        for one in value:
            yield from texts_of(one, name)
    elif isinstance(value, str) and not isinstance(value, StrEnum):
        yield name, value


def test_these_parcels_have_the_text_in_every_field_that_a_carrier_fills():
    """So a field that the model gets is among them, or fails here."""
    found = {}
    for name, text in texts_of(parcels(CORPUS[0], "SPY000000")):
        found[name] = found.get(name, False) or CORPUS[0] in text
    assert {name for name, filled in found.items() if not filled} <= NOT_WRITTEN
    kinds, seen = [Shipment], set()
    while kinds:
        kind = kinds.pop()
        seen.add(kind)
        inner = [one for hint in typing.get_type_hints(kind).values() for one in (hint, *typing.get_args(hint))]
        kinds += [one for one in inner if isinstance(one, type) and issubclass(one, Struct) and one not in seen]
    written = {f"{kind.__name__}.{one.name}" for kind in seen for one in fields(kind) if "str" in str(one.type)}
    assert written - {*found} - NOT_WRITTEN == set()


def outline(html):
    """The page without its texts: every element, and every attribute but those that hold a text. On the way it is made
    sure of that there is no handler, no inline script, and that every address leads to the shop or by https to a friend."""
    page = parsed(html)
    assert_no_door(page)
    texts = ("value", "alt", "datetime", "href", "action", "content", "lang", "src")
    return [(e.tag, *sorted((k, v) for k, v in e.attrib.items() if k not in texts)) for e in page.iter()]


def assert_no_door(page):
    for element in page.iter():
        assert not [name for name in element.attrib if name.lower().startswith("on")], element.attrib
        if element.tag == "script":
            assert re.match(r"(/[a-z0-9]+)?/static/[0-9a-f]{16}/store\.js$", element.get("src"))
        for name in ("href", "src", "action", "formaction", "srcset", "poster", "data"):
            if url := element.get(name):
                split = urlsplit(url)
                assert split.scheme in ("", "https", "mailto", "tel"), url
                assert split.netloc in FRIENDS, url
                assert not url.startswith(("//", "/\\")), url


@pytest.fixture
def front(tmp_path, plugin):
    """A shop in two themes, whose carrier has one parcel per entry of the corpus, and a harmless one."""
    numbers = [f"SPY{n:06}" for n in range(len(CORPUS) + 1)]
    answers = {number: (parcels(text, number),) for number, text in zip(numbers, [HARMLESS, *CORPUS], strict=True)}
    two = {f"SPY9{n:05}": (parcels(text, "x"), parcels(HARMLESS, text)) for n, text in enumerate([HARMLESS, *CORPUS])}
    stores = {"classic": store(), "minimal": store(path="/minimal", theme="minimal")}
    package = spy(plugin, {**answers, **two})
    with shop(tmp_path, sandbox_of([]), "", more=(package,), accounts=SPY, stores=stores) as front:
        yield front


@pytest.mark.parametrize(
    ("base", "kind", "language"),
    telling(product(["", "/minimal"], ["SPY", "SPY9"], ["en", "ar"]), *map(itemgetter, range(3)), id=" ".join),
)
@pytest.mark.fault(33)
def test_no_text_of_a_carrier_changes_the_page_around_it(front, base, kind, language):
    digits = 9 - len(kind)
    calm = outline(front.get(f"{base}/track/{kind}{0:0{digits}}", language).text)
    assert len(calm) > 40
    for n, text in enumerate(CORPUS, 1):
        response = front.get(f"{base}/track/{kind}{n:0{digits}}", language)
        assert response.status_code == 200, text
        assert outline(response.text) == calm, text


def test_what_is_shown_of_a_carriers_text_is_the_text_itself(front):
    page = parsed(front.get("/track/SPY000001").text)
    assert CORPUS[0] in "".join(page.itertext())


@pytest.mark.fault(33)
def test_the_page_of_last_resort_escapes_as_well(front, monkeypatch):
    break_themes(front, monkeypatch)
    for kind in ("SPY", "SPY9"):
        digits = 9 - len(kind)
        calm = outline(front.get(f"/track/{kind}{0:0{digits}}").text)
        for n, text in enumerate(CORPUS, 1):
            html = front.get(f"/track/{kind}{n:0{digits}}").text
            assert outline(html) == calm, text


@pytest.mark.fault(33)
def test_data_is_data_and_no_page(front):
    for n, text in enumerate(CORPUS, 1):
        for path in (f"/api/v1/shipments/SPY{n:06}", f"/api/v1/pages/SPY{n:06}"):
            response = front.get(path)
            assert response.headers["content-type"] == "application/json", text
            assert response.headers["x-content-type-options"] == "nosniff"
            json.loads(response.content)


@pytest.mark.fault(33)
def test_nothing_in_an_address_comes_back_as_markup(front):
    def page(path, **params):
        return front.client.get(path, params=params, headers={"Accept-Language": "en"}).text

    calm = outline(page("/track/SPY000000"))
    for text in CORPUS:
        for name in ("lang", "carrier", "parcel", "done", "x"):
            assert outline(page("/track/SPY000000", **{name: text})) == calm, (name, text)
        for path in ("/", "/nothing"):
            assert outline(page(path, number=text))


@pytest.mark.fault(34)
def test_a_header_is_never_split_by_an_address(front):
    for text in CORPUS:
        params = {"number": "SPY000000", "lang": text + "\r\nSet-Cookie: a=b"}
        response = front.client.get("/", params=params, follow_redirects=False)
        assert "set-cookie" not in response.headers
        assert response.headers["location"].startswith("/track/SPY000000")


def shop_of(path, texts):
    """A store whose ten products, and whatever else a shop may write, are these texts."""
    address = "https://good.example/"
    priced = {"price": "1.00", "currency": "EUR", "url": address, "image": address}
    widgets = {
        "cross_sell": {"products": [{"name": text, **priced} for text in texts], "count": 12},
        "survey": {"on_the_way": {"question": texts[0]}},
        "referral": {"link": address, "reward": " ".join(texts)},
    }
    return store(name=" ".join(texts), path=path, widgets=widgets, image_hosts=("good.example",))


@pytest.mark.fault(33)
def test_no_product_name_or_text_of_the_shop_changes_the_page(tmp_path):
    texts = [text.replace("\x00", "").replace("\t", " ") for text in CORPUS]
    stores = {"calm": shop_of("/calm", [HARMLESS] * 10)}
    stores |= {f"s{n}": shop_of(f"/s{n}", texts[n : n + 10]) for n in range(0, 30, 10)}
    with carriers() as (sandbox, served), shop(tmp_path, sandbox, served.url, stores=stores) as front:
        assert front.get("/readyz").json()["amiss"] == []
        pages = [front.get(f"{one.path}/track/8L40915276038").text for one in stores.values()]
    calm, *others = ([entry[0] for entry in outline(page)] for page in pages)
    assert calm.count("img") == 10
    for other in others:
        assert other == calm


@pytest.mark.fault(33)
def test_a_comment_comes_back_as_text_whatever_it_is(tmp_path):
    with carriers() as (sandbox, served), shop(tmp_path, sandbox, served.url) as front:
        calm = None
        for text in [HARMLESS, *CORPUS]:
            html = front.post("/track/1ZD0R5TP0373116441?widget=survey", {"comment": text}, headers=OWN).text
            calm = calm or outline(html)
            assert outline(html) == calm, text


def test_a_real_browser_connection_gets_one_header_block(front):
    """A line end in an Accept-Language header is refused by the server before anything reads it."""
    with serve(assemble(front.engine)) as served, socket.create_connection(("127.0.0.1", served.port), 5) as raw:
        raw.sendall(b"GET /?lang=de%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := raw.recv(65536):
            answer += chunk
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 200")
    assert b"set-cookie" not in head

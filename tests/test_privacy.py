"""With the number alone: status, carrier, days, cities of past scans. Nothing that leads to a person, a door or an order."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from starlette.routing import Route
from structlog.testing import capture_logs

from doorstep import Document, PickupPoint, Place, Shipment, Status, Weight, Window
from doorstep.order import CustomerFacts, Item, Money, Order, PackedItem, Parcel, Promise
from doorstep.sandbox import sandbox_of

from .acme import at, scan
from .shopfront import OWN, break_themes, parsed, shop, store
from .spy import SPY, spy

NAME, STREET, DOOR = "Zebulon Quixote", "Vermilion Lane 77", "behind the azalea"
POINT, HOURS, CODE = "Kiosk Nightingale", "Mo-Fr 06:66-20:77", "PICK-4711"
POSTCODE, CITY, REGION, DEPOT = "99871", "Recipientville", "Shireshire", "Depot Marmalade"
PROOF = "https://proof.example/signature/4711"
PRIVATE = {
    "name": NAME,
    "street": STREET,
    "door": DOOR,
    "pickup point": POINT,
    "opening hours": HOURS,
    "pickup code": CODE,
    "postcode": POSTCODE,
    "recipient's city": CITY,
    "region": REGION,
    "depot": DEPOT,
    "proof": PROOF,
    "weight": "17.3",
}
# Near the recipient a carrier's words may hold a name; on the way they are kept.
NEAR = (
    Status.DELIVERED,
    Status.AVAILABLE_FOR_PICKUP,
    Status.DELIVERY_ATTEMPTED,
    Status.RETURNED,
    Status.OUT_FOR_DELIVERY,
)
# The order that the parcels bring: every text of it has the mark.
MARK, ORDER_NUMBER, EMAIL, ORDER_POSTCODE = "ZPRIVATE", "Q-77", "zprivate@post.example", "ZPRIVATE 1"
ITEM = Item(
    f"{MARK} shoes", f"{MARK}-id", 7, f"{MARK}-sku", "https://img.example/ZPRIVATE.jpg", "https://shop.example/ZPRIVATE",
    f"{MARK} category", (f"{MARK} tag",), Money(Decimal("4711.13"), "CHF"), 90, date(2031, 1, 2),
)  # fmt: skip
# A widget that shows all it is told.
MIRROR = """
import msgspec
from doorstep import Need, Widget, hookimpl

class Told(msgspec.Struct):
    text: str

class Mirror(Widget):
    name = "mirror"
    needs = frozenset(Need)

    def context(self, view):
        return Told(msgspec.json.encode(view).decode())

class Modest(Mirror):
    name = "modest"
    needs = frozenset()

@hookimpl
def register_widgets(register):
    register(Mirror)
    register(Modest)
"""
SHOWN = {f"templates/widgets/{name}.html": f'<p id="{name}">{{{{ text }}}}</p>' for name in ("mirror", "modest")}
NUMBERS = {f"SPY10000{n}": status for n, status in enumerate(NEAR)}  # each the parcel of one status
AMBIGUOUS = {f"SPY20000{n}": status for n, status in enumerate(NEAR)}  # and these have a second parcel beside it
NUMBER = "SPY100000"


def told(number, status):
    """A parcel that ended with this status, and everything a carrier could tell of it."""
    place = Place(city="Lyon", region=REGION, postcode=POSTCODE, country="FR", name=DEPOT)
    words = f"Signed by {NAME}, {STREET}, {DOOR}"
    return Shipment(
        number=number,
        events=(scan(status, at(21), place=place, text=words), scan(moment=at(20), place=place, text="Sorted in Lyon")),
        service="Express",
        origin=Place(city="Lyon", postcode=POSTCODE, country="FR", name=DEPOT),
        destination=Place(city=CITY, region=REGION, postcode=POSTCODE, country="DE", name=NAME),
        window=Window(at(23, 7, 13), at(23, 9, 47)),
        pickup_point=PickupPoint(POINT, STREET, Place(CITY, REGION, POSTCODE, "DE"), (HOURS,), at(25), CODE),
        documents=(Document("signature", PROOF),),
        weight=Weight(17.3),
    )


@pytest.fixture
def front(tmp_path, plugin):
    answers = {number: (told(number, status),) for number, status in NUMBERS.items()}
    answers |= {n: (told(n, status), Shipment(n, (scan(moment=at(1)),))) for n, status in AMBIGUOUS.items()}
    shown = [status.value for status in NEAR]
    widgets = {
        "survey": {"after_delivery": {"status": shown}},
        "referral": {"link": "https://good.example/", "when": {"except_status": []}},
        "mirror": {},
        "modest": {},
    }
    stores = {"classic": store(widgets=widgets), "minimal": store(path="/minimal", theme="minimal", widgets=widgets)}
    mirror = plugin("doorstep_mirror", {"__init__.py": MIRROR, **SHOWN})
    more = (spy(plugin, answers), mirror)
    with shop(tmp_path, sandbox_of([]), "", more=more, accounts=SPY, stores=stores) as front:
        for store_id in stores:
            with front.engine.database.writing() as connection:
                front.engine.orders.create(connection, store_id, ordered())
        yield front


def ordered():
    """An order of all these parcels, with everything a shop could tell of it."""
    return Order(
        ORDER_NUMBER,
        email=EMAIL,
        postcode=ORDER_POSTCODE,
        country="CH",
        promised=Promise(until=date(2026, 12, 24)),
        items=(ITEM,),
        shipments=tuple(Parcel(number, "spy", (PackedItem(f"{MARK}-id"),)) for number in NUMBERS),
        total=Money(Decimal("4711.13"), "CHF"),
        tags=(f"{MARK} tag",),
        note=f"{MARK} note",
        customer=CustomerFacts(31, Money(Decimal("98765.43"), "CHF"), datetime(2025, 3, 4, tzinfo=UTC)),
    )


def page_of(front, store_id="classic", *, second=""):
    """The path of the order's page at level 1, or with a second proof at level 2."""
    with front.engine.database.reading() as connection:
        kept = front.engine.orders.find(connection, store_id, ORDER_NUMBER)
    base = "" if store_id == "classic" else f"/{store_id}"
    path = f"{base}/o/{front.engine.access.link(kept, timedelta(days=1))}/"
    return front.post(f"{path}proof", {"proof": second}).headers["location"] if second else path


def assert_nothing_private(text):
    for what, words in PRIVATE.items():
        assert words not in text, what
        assert words.upper() not in text.upper(), what
    for words in (MARK, MARK.lower(), ORDER_NUMBER, "4711.13", "98765", "Switzerland"):
        assert words not in text, words
    assert not re.search(r"(?<!\d)2031(?!\d)", text)  # which may well be among the digits of what is measured
    for clock in ("07:13", "7:13", "08:13", "8:13", "09:47", "9:47", "10:47"):  # of the window, in UTC and in Berlin
        assert clock not in text


@pytest.mark.parametrize("path", ["/track/", "/minimal/track/", "/api/v1/shipments/", "/api/v1/pages/"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_that_leads_to_a_person_is_in_any_answer(front, path, language):
    for number in (*NUMBERS, *AMBIGUOUS):
        response = front.get(path + number, language)
        assert response.status_code == 200
        assert_nothing_private(response.text)
        assert_nothing_private(str(response.headers))


def test_nor_on_the_pages_of_the_widgets_form(front):
    for number in NUMBERS:
        for form, status in (({"score": "5"}, 303), ({"score": ""}, 422)):
            response = front.post(f"/track/{number}?widget=survey", form)
            assert response.status_code == status
            assert_nothing_private(response.text)
        assert_nothing_private(front.get(f"/track/{number}?done=survey").text)


def test_nor_on_the_page_of_last_resort(front, monkeypatch):
    break_themes(front, monkeypatch)
    for number in (*NUMBERS, *AMBIGUOUS):
        assert_nothing_private(front.get(f"/track/{number}").text)


def test_what_may_be_seen_is_seen(front):
    """So that the tests above do not pass on an empty page."""
    for path in ("/track/", "/minimal/track/", "/api/v1/shipments/"):
        text = front.get(path + NUMBER).text
        assert "Lyon" in text
        assert "Express" in text
        assert "Sorted in Lyon" in text
        assert ("DE" if "api" in path else "Germany") in text


def test_no_level_is_gained_by_asking_for_it(front):
    for query in ("?level=1", "?postcode=" + POSTCODE, "?proof=1&token=x"):
        assert_nothing_private(front.get(f"/track/{NUMBER}{query}").text)


def test_no_log_line_and_no_counter_carries_a_number_or_a_person(tmp_path, plugin):
    package = spy(plugin, {NUMBER: (told(NUMBER, Status.DELIVERED),)})
    down = {"ups": {"endpoint": "http://127.0.0.1:1", "client_id": "sandbox", "client_secret": "sandbox-secret"}}
    ups = "1ZD0R5TP0373116441"
    with capture_logs() as logs, shop(tmp_path, sandbox_of([]), "", more=(package,), accounts={**SPY, **down}) as front:
        for number in (NUMBER, ups, "SPY000000", "hello", "SPY100000;x"):
            for path in ("/track/", "/api/v1/shipments/", "/api/v1/pages/"):
                front.get(path + number)
            front.post(f"/track/{number}?widget=survey", {"comment": NAME}, headers=OWN)
        metrics = front.get("/metrics").text
    assert logs  # UPS was down, and that was logged
    for told_to_others in (str(logs), metrics):
        for words in (NUMBER, ups, "SPY000000", *PRIVATE.values()):
            assert words not in told_to_others


def walked(front):
    """Every route there is, with a parcel's number, the order's number and a link that nobody gave."""
    router = front.client.app._app
    for app in (router._inner, router._outside):
        for route in app.routes:
            if isinstance(route, Route):
                for number in NUMBERS:
                    given = {
                        "number": number,
                        "order": ORDER_NUMBER,
                        "widget": "survey",
                        "kind": "problem",
                        "token": "x",
                    }
                    params = {name: given.get(name, "1") for name in route.param_convertors}
                    params = {name: 1 if name == "index" else value for name, value in params.items()}
                    yield route, str(route.url_path_for(route.name, **params))


def test_no_route_tells_a_stranger_anything_of_an_order(front):
    seen = set()
    for route, path in walked(front):
        for method in sorted(route.methods - {"HEAD"}):
            headers = {"Origin": "http://shop.example", "Sec-Fetch-Site": "same-origin"}
            form = {"order": "Q-78", "proof": "1", "score": "5", "text": "hello"}
            data = form if method == "POST" else None
            response = front.client.request(method, path, data=data, headers=headers, follow_redirects=False)
            seen.add((route.path, response.status_code))
            told = response.text.replace(ORDER_NUMBER, "") if ORDER_NUMBER in path else response.text
            assert_nothing_private(told)
            assert_nothing_private(str(response.headers).replace(ORDER_NUMBER, ""))
    assert {("/track/{number}", 200), ("/o/{token}/", 404), ("/", 200)} <= seen
    assert {status for path, status in seen if path.startswith("/api/v1/orders")} == {401}


@pytest.mark.parametrize("store_id", ["classic", "minimal"])
def test_with_a_link_the_order_is_seen_but_neither_proof_nor_what_proves_it(front, store_id):
    path = page_of(front, store_id)
    base = path.partition("/o/")[0]
    for address in (path, f"{base}/api/v1/pages/orders/{path.rpartition('/o/')[2][:-1]}"):
        text = front.get(address).text
        for words in (f"{MARK} shoes", f"{MARK} note", ORDER_NUMBER, POINT, STREET, HOURS, NAME):
            assert words in text, words
        for words in (EMAIL, ORDER_POSTCODE, PROOF, "/documents/", "4711.13"):
            assert words not in text, words


def test_widgets_are_told_of_the_order_what_its_kinds_are_and_never_whose_it_is(front):
    """The mirror shows what it is told; nothing else on the page says how many orders the customer has had."""
    told = front.get(page_of(front)).text
    for words in (f"{MARK}-sku", f"{MARK} category", f"{MARK} tag", "98765.43", "&#34;quantity&#34;:7"):
        assert words in told, words
    for words in (EMAIL, ORDER_POSTCODE):
        assert words not in told
    stranger = front.get(f"/track/{NUMBER}").text
    assert "&#34;level&#34;:0" in stranger
    assert "&#34;order&#34;:null" in stranger


def test_a_widget_that_asks_for_nothing_is_told_nothing(front):
    words = parsed(front.get(page_of(front)).text).find(".//p[@id='modest']").text
    told = json.loads(words)
    assert {name for name, value in told.items() if value} == {"store", "language", "level", "today", "action"}


def test_with_a_second_proof_documents_can_be_had_and_still_nothing_that_proves(front):
    path = page_of(front, second=EMAIL)
    text = front.get(path).text
    assert f"{path}documents/" in text
    for words in (EMAIL, ORDER_POSTCODE, PROOF):
        assert words not in text


def test_no_log_line_carries_what_was_typed_or_who_it_is(front):
    with capture_logs() as logs:
        path = page_of(front)
        front.post("/", {"order": ORDER_NUMBER, "proof": EMAIL})
        front.post("/", {"order": ORDER_NUMBER, "proof": "eve@post.example"})
        front.post(f"{path}reports/call", {"phone": "0207 946 0018", "text": NAME})
    for words in (MARK, EMAIL, ORDER_NUMBER, "eve@", "946", NAME, path):
        assert words not in str(logs)

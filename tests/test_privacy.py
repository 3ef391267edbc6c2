"""With the number alone: status, carrier, days, cities of past scans. Nothing that leads to a person or a door."""

import pytest
from structlog.testing import capture_logs

from doorstep import Document, PickupPoint, Place, Shipment, Status, Weight, Window
from doorstep.errors import ThemeError
from doorstep.sandbox import sandbox_of

from .acme import at, scan
from .shopfront import OWN, shop, store
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
    widgets = {"survey": {"show": shown}, "referral": {"link": "https://good.example/", "hide": []}}
    stores = {"classic": store(widgets=widgets), "minimal": store(path="/minimal", theme="minimal", widgets=widgets)}
    package = spy(plugin, answers)
    with shop(tmp_path, sandbox_of([]), "", more=(package,), accounts=SPY, stores=stores) as front:
        yield front


def assert_nothing_private(text):
    for what, words in PRIVATE.items():
        assert words not in text, what
        assert words.upper() not in text.upper(), what
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
            response = front.post(f"/track/{number}/widgets/survey", form)
            assert response.status_code == status
            assert_nothing_private(response.text)
        assert_nothing_private(front.get(f"/track/{number}?done=survey").text)


def test_nor_on_the_page_of_last_resort(front, monkeypatch):
    def broken(*args):
        raise ThemeError("broken")

    for one in front.engine.shops.all:
        monkeypatch.setattr(one.look, "render", broken)
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
            front.post(f"/track/{number}/widgets/survey", {"comment": NAME}, headers=OWN)
        metrics = front.get("/metrics").text
    assert logs  # UPS was down, and that was logged
    for told_to_others in (str(logs), metrics):
        for words in (NUMBER, ups, "SPY000000", *PRIVATE.values()):
            assert words not in told_to_others

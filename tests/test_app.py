"""The whole application: every carrier's sample parcels, and every way a look-up can end."""

import re
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from doorstep.packages import installed
from doorstep.samples import Role
from doorstep.sandbox import sandbox_of

from .gates import telling
from .shopfront import (
    BY_LINK,
    DELIVERED,
    MOVING,
    TWO_CARRIERS,
    UNKNOWN,
    UNRECOGNISED,
    WRONG,
    carriers,
    heading,
    parsed,
    shop,
    words,
)

# Who may know every carrier's numbers: of several the first is asked, any other by name.
AGGREGATORS = {one.slug for package in installed() for one in package.manifests() if one.aggregator}
PARCELS = [
    (samples.slug, case)
    for samples in sandbox_of(installed()).samples.values()
    for case in samples.of(Role.PARCEL)
    if case.name != "claimed_by_two" and len(case.expected["shipments"]) == 1  # the others ask the shopper first
]
every_parcel = pytest.mark.parametrize(
    ("slug", "case"),
    telling(
        PARCELS,
        lambda one: one[0],
        lambda one: tuple(one[1].expected["shipments"][0].get(name) for name in ("status", "reason")),
        id=lambda one: f"{one[0]}-{one[1].name}",
    ),
)
# By status, and by reason where that says more (or "status reason").
HEADINGS = {
    "pending": "Waiting for the first scan",
    "label_created": "Getting ready to ship",
    "accepted": "The carrier has your parcel|Arriving .+",
    "in_transit": "On its way|Arriving .+",
    "customs": "With customs",
    "customs customs.documents": "Customs need documents",
    "customs customs.duties": "Customs charges are due",
    "out_for_delivery": "Out for delivery|Arriving (today|tomorrow)",
    "available_for_pickup": "Ready for pickup",
    "delivery_attempted": "The carrier could not deliver",
    "delivery_attempted recipient.not_home": "Nobody was at home",
    "delivery_attempted recipient.business_closed": "The business was closed",
    "delivered": "Delivered",
    "delivered recipient.neighbour": "With your neighbour",
    "exception": "There is a problem with the delivery",
    "exception address.wrong": "The carrier cannot find the address",
    "exception carrier.damaged": "The parcel was damaged",
    "returning": "On its way back to the shop",
    "returned": "Returned to the shop",
    "cancelled": "The shipment was cancelled",
    "lost": "The carrier cannot find your parcel",
    "unknown": "News from the carrier",
}
ARABIC = re.compile("[\u0620-\u064a]")


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    with carriers() as (sandbox, served), shop(tmp_path_factory.mktemp("shop"), sandbox, served.url) as front:
        yield front


@pytest.fixture
def own_front(tmp_path):
    """A shop of this test's own, whose carriers were asked nothing yet."""
    with carriers() as (sandbox, served), shop(tmp_path, sandbox, served.url) as front:
        yield front


def path_of(slug, case):
    return f"/track/{case.number}{f'?carrier={slug}' if slug in AGGREGATORS else ''}"


@every_parcel
def test_every_sample_parcel_is_a_page_that_says_where_it_is(front, slug, case):
    (expected,) = case.expected["shipments"]
    response = front.get(path_of(slug, case))
    page = parsed(response.text)
    told = HEADINGS.get(f"{expected['status']} {expected.get('reason', '')}") or HEADINGS[expected["status"]]
    assert response.status_code == 200
    assert re.fullmatch(told, words(page.find(".//h1")))
    assert (page.get("lang"), page.get("dir")) == ("en", "ltr")
    assert expected.get("number", case.number) in words(page.find(".//main"))
    assert len(page.findall(".//ol[@class='events']/li")) == min(
        len(expected["events"]), 50
    )  # the rest is behind a link


@every_parcel
def test_every_sample_parcel_is_told_in_arabic_from_right_to_left(front, slug, case):
    page = parsed(front.get(path_of(slug, case), "ar").text)
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    titles = [page.find(".//h1"), *page.findall(".//h2[@id='timeline-title']")]
    assert len(titles) == 1 + bool(case.expected["shipments"][0]["events"])  # no timeline without a scan
    for title in titles:
        assert ARABIC.search(words(title)), words(title)
    number = page.find(".//p[@class='eyebrow']/bdi[2]")
    shown = case.expected["shipments"][0].get("number", case.number)
    assert (number.get("dir"), words(number)) == ("ltr", shown)


@pytest.mark.parametrize(("language", "told"), [("en", "Delivered"), ("de", "Zugestellt"), ("fr", "Livré")])
def test_a_language_never_multiplies_calls(front, language, told):
    assert heading(front.get(f"/track/{DELIVERED}").text) == "Delivered"
    before = front.asked()
    assert heading(front.get(f"/track/{DELIVERED}", language).text) == told
    assert front.asked() == before


@pytest.mark.parametrize(
    ("number", "status", "told"),
    [
        (WRONG, 400, "This cannot be a tracking number"),
        ("1" * 65, 400, "This cannot be a tracking number"),
        (UNKNOWN, 404, "We cannot find this number yet"),
        (UNRECOGNISED, 404, "This does not look like a tracking number we know"),
        (TWO_CARRIERS, 200, "Which carrier brings your parcel?"),
        ("4829173565", 200, "Which of these parcels is yours?"),  # two shipments of DHL
        (BY_LINK, 200, "Your parcel travels with Spee-Dee Delivery"),
    ],
)
def test_a_number_without_one_parcel_has_its_own_answer(front, number, status, told):
    response = front.get(f"/track/{number}")
    assert (response.status_code, heading(response.text).replace("\u2068", "").replace("\u2069", "")) == (status, told)


@pytest.mark.parametrize("number", [WRONG, "hello world", "%3Cscript%3E", "a" * 200, "1'--", "%00", "%E2%80%AE12"])
@pytest.mark.fault(35)
def test_what_cannot_be_a_number_is_never_asked_of_anybody(own_front, number):
    assert own_front.get(f"/track/{number}").status_code in (400, 404)
    assert own_front.asked() == 0


@pytest.mark.parametrize("number", ["%2e%2e%2fx", "a/b", "%2F"])
def test_a_path_that_is_no_page_is_404(front, number):
    response = front.get(f"/track/{number}")
    assert response.status_code in (400, 404)
    assert parsed(response.text).find(".//h1") is not None


@pytest.mark.parametrize(
    "typed",
    [
        DELIVERED.lower(),
        "1Z D0R 5TP 0373116441",
        "1ZD0R5TP-0373116441",
        "１ZD0R5TP0373116441",
        "1ZD0R5TP0373116441\u200e",
    ],
)
def test_a_number_written_otherwise_leads_to_its_one_address(front, typed):
    response = front.get(f"/track/{typed}?lang=de")
    assert (response.status_code, response.headers["location"]) == (308, f"/track/{DELIVERED}?lang=de")


def test_the_shopper_chooses_between_carriers_and_sees_that_ones_parcel(front):
    page = parsed(front.get(f"/track/{TWO_CARRIERS}").text)
    links = {words(link.find(".//bdi")): link.get("href") for link in page.findall(".//ul[@class='options']//a")}
    assert set(links) == {"DHL", "UPS"}
    for carrier, link in links.items():
        chosen = front.get(link)
        assert chosen.status_code == 200
        assert words(parsed(chosen.text).find(".//p[@class='eyebrow']/bdi")) == carrier


def test_the_shopper_chooses_between_parcels_of_one_carrier(front):
    page = parsed(front.get("/track/4829173565").text)
    links = [link.get("href") for link in page.findall(".//ul[@class='options']//a")]
    texts = {heading(front.get(link).text) for link in links}
    assert len(links) == 2
    assert "Which of these parcels is yours?" not in texts


@pytest.mark.parametrize(
    "query", ["carrier=nobody", "carrier=speedee&parcel=x", "parcel=../x", "carrier=" + "x" * 5000]
)
def test_a_choice_that_does_not_exist_is_no_error(front, query):
    assert front.get(f"/track/{DELIVERED}?{query}").status_code in (200, 404)


def test_a_number_known_by_its_form_alone_leads_to_the_carriers_own_page(own_front):
    page = parsed(own_front.get(f"/track/{BY_LINK}").text)
    action = page.find(".//p[@class='action']/a")
    assert action.get("href") == f"https://www.speedeedelivery.com/track/?tracking={BY_LINK}"
    assert {slug for slug, _ in own_front.sandbox.calls} <= AGGREGATORS


def test_a_number_nobody_knows_can_be_corrected_on_the_spot(front):
    page = parsed(front.get(f"/track/{UNKNOWN}").text)
    field = page.find(".//form[@role='search']//input[@name='number']")
    assert field.get("value") == UNKNOWN


def patiently(look, *, seconds=15):
    """What `look` gives when it gives something, asked again and again."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_through_an_outage_the_last_answer_is_shown_with_its_age(tmp_path):
    with ExitStack() as server:
        sandbox, served = server.enter_context(carriers())
        with shop(tmp_path, sandbox, served.url) as front:
            before = front.get(f"/track/{MOVING}")
            assert parsed(before.text).find(".//div[@role='note']") is None
            server.close()  # the carriers are gone
            front.clock.advance(86_400)
            assert front.get(f"/track/{MOVING}").status_code == 200

            def noted():
                return parsed(front.get(f"/track/{MOVING}").text).find(".//div[@role='note']")

            # Asked at noon, UTC, which is 13:00 in Berlin, where the shop is; a day has gone by.
            note = words(patiently(noted))
            assert re.fullmatch(r"La Poste is not answering at the moment. Last answer: Yesterday, 1:00 PM\.", note)
            after = parsed(front.get(f"/track/{MOVING}").text)
            assert len(after.findall(".//ol[@class='events']/li")) == len(
                parsed(before.text).findall(".//ol[@class='events']/li")
            )


@pytest.mark.fault(13)
def test_a_carrier_that_is_down_from_the_start_is_named_with_its_own_page(tmp_path):
    with shop(tmp_path, sandbox_of(installed()), "http://127.0.0.1:1") as front:
        response = front.get(f"/track/{DELIVERED}")
        page = parsed(response.text)
        assert (response.status_code, words(page.find(".//h1"))) == (503, "UPS is not answering")
        assert int(response.headers["retry-after"]) > 0
        assert page.find(".//p[@class='action']/a").get("href") == f"https://www.ups.com/track?tracknum={DELIVERED}"


SLOW = """
import threading
from doorstep import Carrier, Found, Shipment, Event, Moment, Status, hookimpl

GATE = threading.Event()

class Slow(Carrier):
    def track(self, query):
        GATE.wait(20)
        return Found((Shipment(query.number, (Event(Moment("now"), Status.IN_TRANSIT),)),))
        yield

@hookimpl
def register_carriers(register):
    register(Slow)
"""
MANIFEST = """
slug = "slow"
name = "Slow Post"
contract = 1
endpoint = "https://api.slow.example"
[[formats]]
name = "three letters"
pattern = "SLW[0-9]{6}"
rank = 90
"""


def test_a_page_that_cannot_wait_looks_again_by_itself_and_then_answers(tmp_path, plugin):
    files = {"__init__.py": SLOW, "carrier.toml": MANIFEST, "codes.toml": 'key = ["code"]\n[codes]\n'}
    package = plugin("doorstep_slow_post", files)
    sandbox = sandbox_of([])
    with shop(tmp_path, sandbox, "http://127.0.0.1:1", more=(package,), accounts={"slow": {}}, deadline=1) as front:
        front.get("/")  # what a first page makes would count as waiting
        waiting = front.get("/track/SLW123456")
        assert (waiting.status_code, heading(waiting.text)) == (202, "We are asking Slow Post")
        assert waiting.headers["refresh"] == "3"
        again = parsed(waiting.text).find(".//p[@class='again']")
        assert words(again) == "This page looks again by itself in 3 seconds. Look again now"
        assert again.find("a").get("href") == ""
        gate(package).set()
        answered = patiently(lambda: r if (r := front.get("/track/SLW123456")).status_code == 200 else None)
        assert heading(answered.text) == "On its way"
        assert "refresh" not in answered.headers


def gate(package) -> threading.Event:
    return sys.modules[package.module].GATE

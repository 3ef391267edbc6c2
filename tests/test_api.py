"""The headless API: the same answers as data, what is wrong as problem documents, and what an operator looks at."""

import msgspec
import pytest

from doorstep.lookup import Lookup, Outcome
from doorstep.sandbox import sandbox_of

from .acme import at, parcel, scan
from .shopfront import (
    BY_LINK,
    DELIVERED,
    MOVING,
    TWO_CARRIERS,
    UNKNOWN,
    UNRECOGNISED,
    WRONG,
    carriers,
    parsed,
    shop,
    store,
    words,
)
from .spy import SPY, spy

SHIPMENTS, PAGES = "/api/v1/shipments/", "/api/v1/pages/"
UPS_DOWN = {"endpoint": "http://127.0.0.1:1", "client_id": "sandbox", "client_secret": "sandbox-secret"}


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    with carriers() as (sandbox, served), shop(tmp_path_factory.mktemp("shop"), sandbox, served.url) as front:
        yield front


def test_a_shipment_is_data_with_its_age(front):
    response = front.get(SHIPMENTS + DELIVERED)
    body = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["cache-control"] == "no-store"
    assert (body["number"], body["outcome"], body["freshness"]) == (DELIVERED, "found", "fresh")
    assert body["fetched_at"] == "2026-11-22T12:00:00Z"
    (shipment,) = body["shipments"]
    assert (shipment["carrier"], shipment["status"], shipment["final"]) == ("ups", "delivered", True)
    assert shipment["events"][0]["status"] == "delivered"


def test_a_number_written_otherwise_is_the_same_shipment(front):
    assert front.get(SHIPMENTS + "1z-d0r5tp0373116441").json() == front.get(SHIPMENTS + DELIVERED).json()


def test_two_carriers_are_told_as_a_choice_and_each_can_be_asked_for(front):
    both = front.get(SHIPMENTS + TWO_CARRIERS).json()
    assert (both["outcome"], sorted(one["carrier"] for one in both["shipments"])) == ("choose", ["dhl", "ups"])
    for one in both["shipments"]:
        for query in (f"?carrier={one['carrier']}", f"?parcel={one['id']}"):
            alone = front.get(SHIPMENTS + TWO_CARRIERS + query).json()
            assert (alone["outcome"], alone["shipments"]) == ("found", [one])


PROBLEMS = [
    (WRONG, 400, "invalid_number", "This cannot be a tracking number", "Das kann keine Sendungsnummer sein"),
    (UNKNOWN, 404, "not_found", "We cannot find this number yet", "Wir finden diese Nummer noch nicht"),
    (UNRECOGNISED, 404, "unrecognised", "This does not look like a tracking number we know", None),
    (BY_LINK, 404, "link_only", "Your parcel travels with \u2068Spee-Dee Delivery\u2069", None),
]


@pytest.mark.parametrize(("number", "status", "code", "english", "german"), PROBLEMS)
@pytest.mark.parametrize("path", [SHIPMENTS, PAGES])
def test_what_is_wrong_is_a_problem_document_in_the_callers_language(
    front, path, number, status, code, english, german
):
    if (path, code) == (PAGES, "link_only"):
        status = 200  # as a page it is an answer like any other
    for language, title in (("en", english), ("de", german)):
        response = front.get(path + number, language)
        body = response.json()
        assert response.status_code == status
        assert response.headers["content-language"] == language
        if status == 200:
            assert body["hero"]["status"] == code
            continue
        assert response.headers["content-type"] == "application/problem+json"
        assert (body["type"], body["code"]) == (f"urn:doorstep:problem:{code.replace('_', '-')}", code)
        assert (body["status"], body["instance"]) == (status, path + number)
        assert len(body["detail"]) > 20
        if title:
            assert body["title"].replace("\u2068", "").replace("\u2069", "") == title.replace("\u2068", "").replace(
                "\u2069", ""
            )


def test_a_number_known_by_its_form_comes_with_the_carriers_own_page(front):
    body = front.get(SHIPMENTS + BY_LINK).json()
    assert body["links"] == [
        {"carrier": "speedee", "url": f"https://www.speedeedelivery.com/track/?tracking={BY_LINK}"}
    ]


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/shipments/", "/api/v2/shipments/1", "/api/v1/shipments/a/b"]
)
def test_what_is_not_there_is_a_problem_document_too(front, path):
    response = front.client.get(path, headers={"Accept-Language": "fr"})
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert (response.json()["code"], response.headers["content-language"]) == ("not_a_page", "fr")


def test_a_carrier_that_is_down_is_503_with_a_time_to_come_back(tmp_path):
    with shop(tmp_path, sandbox_of([]), "", accounts={"ups": UPS_DOWN}) as front:
        for path in (SHIPMENTS, PAGES):
            response = front.get(path + DELIVERED)
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert int(front.get(SHIPMENTS + DELIVERED).headers["retry-after"]) > 0


def test_while_a_carrier_is_being_asked_the_caller_is_told_when_to_ask_again(front, monkeypatch):
    async def waiting(number, store, **options):
        return Lookup(Outcome.WAITING, number, carriers=("ups",))

    monkeypatch.setattr(front.engine.tracker, "look_up", waiting)
    response = front.get(SHIPMENTS + DELIVERED)
    assert (response.status_code, response.headers["retry-after"], response.json()["code"]) == (202, "3", "waiting")
    assert response.headers["content-type"] == "application/problem+json"


def test_a_failure_of_our_own_is_a_problem_document_and_a_page_in_the_readers_language(front, monkeypatch):
    async def boom(*args, **options):
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(front.engine.tracker, "look_up", boom)
    api = front.get(SHIPMENTS + DELIVERED, "fi")
    page = front.get(f"/track/{DELIVERED}", "fi")
    assert (api.status_code, api.json()["code"], api.headers["content-language"]) == (500, "error", "fi")
    assert (page.status_code, parsed(page.text).get("lang")) == (500, "fi")
    for response in (api, page):
        assert "nobody foresaw" not in response.text
        assert "RuntimeError" not in response.text


def test_the_view_model_is_what_the_template_got(front, monkeypatch):
    look = next(iter(front.engine.shops.all)).look
    given = []
    pieces = look.pieces

    def spied(template, context, localizer, slots=None):
        given.append((template, context))
        return pieces(template, context, localizer, slots)

    monkeypatch.setattr(look, "pieces", spied)
    for number, template in ((MOVING, "tracking.html"), (TWO_CARRIERS, "choose.html"), (UNKNOWN, "tracking.html")):
        given.clear()
        front.get(f"/track/{number}", "fr")
        ((used, context),) = given
        body = front.get(PAGES + number, "fr").json()
        model = body.get("page") if "code" in body else body
        expected = msgspec.json.decode(msgspec.json.encode(context, enc_hook=str))
        for page in (model["page"], expected["page"]):
            page.pop("url")  # the address of the page, and of its data
        assert used == template
        assert model == expected


def test_the_view_model_is_in_the_readers_words(front):
    body = front.get(PAGES + DELIVERED, "de").json()
    assert body["page"]["language"] == "de"
    assert body["hero"]["headline"] == "Zugestellt"
    page = parsed(front.get(f"/track/{DELIVERED}", "de").text)
    assert body["hero"]["headline"] == words(page.find(".//h1"))


def test_the_api_lies_below_a_stores_path(tmp_path):
    with carriers() as (sandbox, served):
        stores = {"outlet": store(path="/outlet")}
        with shop(tmp_path, sandbox, served.url, stores=stores) as front:
            assert front.get(f"/outlet{SHIPMENTS}{DELIVERED}").status_code == 200
            problem = front.get(f"/outlet{SHIPMENTS}{WRONG}").json()
            assert problem["instance"] == f"/outlet{SHIPMENTS}{WRONG}"
            assert front.get(f"/outlet{PAGES}{DELIVERED}").json()["page"]["url"].startswith("/outlet/")
            assert front.get(SHIPMENTS + DELIVERED).status_code == 404


def test_metrics_count_and_carry_no_number(front):
    for number in (DELIVERED, UNKNOWN, BY_LINK, WRONG, TWO_CARRIERS):
        front.get(f"/track/{number}")
    text = front.get("/metrics").text
    assert 'doorstep_carrier_calls_total{account="ups",result="answered"}' in text
    assert 'doorstep_lookups_total{outcome="link_only"}' in text
    for number in (DELIVERED, UNKNOWN, BY_LINK, WRONG, TWO_CARRIERS):
        assert number not in text


def test_two_hundred_scans_are_all_in_the_data(tmp_path, plugin):
    scans = [scan(moment=at(1 + n // 24, n % 24)) for n in range(300)]
    package = spy(plugin, {"SPY123456": (parcel("SPY123456", *scans),)})
    with shop(tmp_path, sandbox_of([]), "", more=(package,), accounts=SPY) as front:
        (shipment,) = front.get(SHIPMENTS + "SPY123456").json()["shipments"]
    assert len(shipment["events"]) == 200

"""Who sees the page of an order: whoever has its link, or proves whose it is."""

import re

import pytest

from doorstep.limits import Guesses

from .ordering import (
    DELIVERED,
    EMAIL,
    MOVING,
    POSTCODE,
    UNKNOWN,
    order,
    ordering,
    page_of,
    parcel_of,
    placed,
)
from .shopfront import parsed, words


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin) as front:
        yield front


def test_it_is_private_and_needs_no_cookie(front):
    response = front.get(page_of(front, order("1001", MOVING)))
    assert response.headers["cache-control"] == "private, no-store"
    assert "set-cookie" not in response.headers
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["x-robots-tag"] == "noindex"


def test_a_link_without_its_slash_leads_there(front):
    path = page_of(front, order())
    response = front.get(f"{path[:-1]}?lang=de")
    assert (response.status_code, response.headers["location"]) == (308, f"{path}?lang=de")


def test_links_that_do_not_hold_are_answered_alike(front):
    expired = page_of(front, order("1"), days=1)
    voided = page_of(front, order("2"))
    with front.engine.database.writing() as connection:
        front.engine.orders.void_links(connection, front.engine.orders.find(connection, "main", "2").id)
    front.clock.advance(86_400)
    gone = [front.get(path) for path in (expired, voided, "/o/nothing/", "/o/" + "x" * 500 + "/")]
    assert {one.status_code for one in gone} == {404}
    assert len({re.sub(r"/o/[^/\"]*", "/o/…", one.text) for one in gone}) == 1
    for path in (expired, voided, "/o/nothing/"):
        assert front.post(f"{path}reports/problem", {"text": "hello"}).status_code == 404
        assert front.post(f"{path}proof", {"proof": EMAIL}).status_code == 404
        assert front.get(f"/api/v1/pages/orders/{path[3:-1]}").status_code == 404


def test_number_and_email_or_postcode_open_the_page(front):
    kept = placed(front, order(email=EMAIL, postcode=POSTCODE))
    for proof in (EMAIL, "sw1a2aa"):
        found = front.post("/?lang=de", {"order": "#1001", "proof": proof})
        assert found.status_code == 303
        assert found.headers["location"].endswith("/?lang=de")
        assert (
            words(parsed(front.get(found.headers["location"]).text).find(".//h1")) == "Wir bereiten Ihre Bestellung vor"
        )
    assert kept.order.number == "1001"


@pytest.mark.fault(40)
def test_no_order_and_a_wrong_proof_are_one_answer_and_the_form_is_kept(front):
    placed(front, order("1001", email=EMAIL))
    wrong = front.post("/", {"order": "1001", "proof": "eve@post.example"})
    nothing = front.post("/", {"order": "1002", "proof": "eve@post.example"})
    assert (wrong.status_code, nothing.status_code) == (422, 422)
    assert wrong.text.replace("1001", "1002") == nothing.text
    fields = {one.get("name"): one.get("value") for one in parsed(wrong.text).findall(".//form[@method='post']//input")}
    assert fields == {"order": "1001", "proof": "eve@post.example"}
    assert "cannot find an order" in words(parsed(wrong.text).find(".//p[@role='alert']"))


@pytest.mark.fault(40)
def test_after_five_wrong_proofs_order_and_network_are_refused_for_an_hour_but_no_link(front):
    path = page_of(front, order("1001", email=EMAIL))
    placed(front, order("1002", email=EMAIL))
    for guess in range(5):
        assert front.post("/", {"order": "1001", "proof": f"{guess}@post.example"}).status_code == 422
    for number in ("1001", "1002", "no order"):
        refused = front.post("/", {"order": number, "proof": EMAIL})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
        assert parsed(refused.text).find(".//input[@name='proof']").get("value") == EMAIL
    assert front.get(path).status_code == 200
    front.clock.advance(3600)
    assert front.post("/", {"order": "1001", "proof": EMAIL}).status_code == 303


def test_an_order_that_was_guessed_at_is_refused_from_everywhere(tmp_path, plugin):
    """Each network has its own count, and the order has one for all of them."""
    with ordering(tmp_path, plugin) as front:
        placed(front, order("1001", email=EMAIL))
        front.engine.limits.networks.of = lambda peer, forwarded: forwarded  # type: ignore[method-assign]
        for n, written in enumerate(["1001", "#1001", "# 1001", "#  1001", " #\u20031001"]):
            front.client.headers["X-Forwarded-For"] = f"203.0.{n}.1"
            assert front.post("/", {"order": written, "proof": "no"}).status_code == 422
        front.client.headers["X-Forwarded-For"] = "198.51.100.1"
        for written in (" #1001", "#   1001"):
            assert front.post("/", {"order": written, "proof": EMAIL}).status_code == 429
        assert front.post("/", {"order": "1002", "proof": EMAIL}).status_code == 422


def test_a_second_proof_opens_the_proof_of_delivery_for_half_an_hour(front):
    path = page_of(front, order("1001", DELIVERED, email=EMAIL, postcode=POSTCODE))
    first = front.get(path).text
    assert "/documents/" not in first
    assert parsed(first).find(f".//form[@action='{path}proof']") is not None
    wrong = front.post(f"{path}proof", {"proof": "eve@post.example"})
    assert (wrong.status_code, "does not belong to the order" in wrong.text) == (422, True)
    proved = front.post(f"{path}proof", {"proof": "SW1A 2AA"})
    assert proved.status_code == 303
    second = front.get(proved.headers["location"])
    parcel_id = parcel_of(parsed(second.text))
    links = [one.get("href") for one in parsed(second.text).iter("a") if "/documents/" in one.get("href", "")]
    assert links == [f"{proved.headers['location']}documents/{parcel_id}/{n}" for n in (0, 1)]
    front.clock.advance(1800)
    assert front.get(proved.headers["location"]).status_code == 404
    assert front.get(path).status_code == 200


def test_second_proofs_are_limited_too(front):
    path = page_of(front, order("1001", DELIVERED, email=EMAIL))
    for guess in range(5):
        assert front.post(f"{path}proof", {"proof": f"{guess}@post.example"}).status_code == 422
    refused = front.post(f"{path}proof", {"proof": EMAIL})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert front.get(path).status_code == 200


@pytest.mark.fault(40)
def test_numbers_nobody_knows_are_limited_by_network(front):
    front.engine.limits.numbers = Guesses(most=3, window=600, clock=front.clock)
    path = page_of(front, order("1001", MOVING))
    for _ in range(3):
        assert front.get(f"/track/{UNKNOWN}").status_code == 404
    by_number = (f"/track/{MOVING}", f"/api/v1/pages/{MOVING}", f"/api/v1/shipments/{MOVING}")
    for asked in (*by_number, f"/?number={MOVING},{DELIVERED}"):
        refused = front.get(asked)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "600")
    assert front.get(path).status_code == 200
    front.clock.advance(600)
    assert front.get(f"/track/{MOVING}").status_code == 200


def test_several_numbers_are_a_list(front):
    shown = parsed(front.client.get("/", params={"number": f"{MOVING}, {DELIVERED};{UNKNOWN}"}).text)
    found = {one.get("href"): words(one) for one in shown.findall(".//ul[@class='options']//a")}
    assert set(found) == {f"/track/{number}" for number in (MOVING, DELIVERED, UNKNOWN)}
    assert "Arriving Tuesday" in found[f"/track/{MOVING}"]
    assert "We cannot find this number yet" in found[f"/track/{UNKNOWN}"]


def test_the_form_for_orders_is_there_once_the_shop_has_any(front):
    assert parsed(front.get("/").text).find(".//input[@name='proof']") is None
    placed(front, order())
    assert parsed(front.get("/").text).find(".//input[@name='proof']") is not None

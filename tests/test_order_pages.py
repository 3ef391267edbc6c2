"""The page of an order, from checkout on: what it says, who sees it, and what becomes of what is written there."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from doorstep import views
from doorstep.banner import Banner
from doorstep.errors import StoreError, ThemeError
from doorstep.exchange import Found
from doorstep.freshness import Entry
from doorstep.languages import NAMES
from doorstep.limits import Guesses
from doorstep.lookup import Lookup, Outcome
from doorstep.order import Item
from doorstep.tables import answers, events, reports

from .ordering import (
    ANSWERS,
    DELIVERED,
    EMAIL,
    LATE,
    MOVING,
    PICKUP,
    POSTCODE,
    STORE,
    UNKNOWN,
    order,
    ordering,
    packed,
    page_of,
    placed,
)
from .shopfront import heading, parsed, store, words

THURSDAY = date(2026, 11, 26)


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin) as front:
        yield front


def page(front, wanted, language="en"):
    response = front.get(page_of(front, wanted), language)
    assert response.status_code == 200
    return parsed(response.text)


def text_of(element, selector):
    return [words(one) for one in element.findall(f".//{selector}")]


def parcel_of(shown):
    """The id of the first parcel of a page."""
    return next(one.get("aria-labelledby") for one in shown.iter("section") if "parcel" in one.get("class").split())


def rows(front, table):
    with front.engine.database.reading() as connection:
        return connection.execute(select(table)).all()


# What it says


def test_before_any_parcel_it_says_what_happens_and_what_was_promised(front):
    shown = page(front, order(until=THURSDAY))
    assert words(shown.find(".//h1")) == "We are preparing your order"
    assert words(shown.find(".//p[@class='when']")) == "Promised by Thursday, November 26"
    assert text_of(shown, "li[@aria-current='step']") == ["Ordered"]
    assert text_of(shown, "ul[@class='items']/li") == ["Trail shoes", "Wool socks × 3"]


def test_an_items_picture_has_its_size_and_comes_from_the_shops_own_hosts_only(front):
    stranger = order("1002", items=(Item("Cap", image="https://elsewhere.example/cap.jpg"),))
    nowhere = order("1003", items=(Item("Cap", image="https://[img.example/cap.jpg"),))
    image = page(front, order()).find(".//ul[@class='items']//img")
    assert (image.get("src"), image.get("width"), image.get("height"), image.get("alt")) == (
        "https://img.example/shoes.jpg", "56", "56", "",
    )  # fmt: skip
    assert page(front, stranger).find(".//ul[@class='items']//img") is None
    assert page(front, nowhere).find(".//ul[@class='items']//img") is None


def test_parcels_stand_by_state_each_with_its_items_and_the_rest_is_not_sent_yet(front):
    shown = page(front, order("1001", packed(DELIVERED, shoes=1), packed(MOVING, socks=1)))
    assert words(shown.find(".//h1")) == "Part of your order has arrived"
    assert words(shown.find(".//p[@class='when']")) == "Next: Arriving Tuesday"
    assert text_of(shown, "h2[@class='group']") == ["On its way", "Delivered"]
    cards = [words(one) for one in shown.findall(".//section") if "parcel" in one.get("class")]
    assert ["Wool socks" in card for card in cards] == [True, False]
    assert ["Trail shoes" in card for card in cards] == [False, True]
    unsent = shown.find(".//section[@aria-labelledby='unsent-title']")
    assert text_of(unsent, "li") == ["Wool socks × 2"]


def test_when_all_parcels_have_arrived_it_says_so(front):
    shown = page(front, order("1001", packed(DELIVERED, shoes=1, socks=3), until=date(2026, 11, 20)))
    assert words(shown.find(".//h1")) == "Delivered"
    assert "It arrived in time." in words(shown.find(".//main"))
    assert shown.find(".//section[@aria-labelledby='unsent-title']") is None


def test_what_has_not_been_sent_keeps_an_order_from_being_complete(front):
    shown = page(front, order("1001", packed(DELIVERED, shoes=1)))
    assert words(shown.find(".//h1")) == "Part of your order has arrived"
    assert "The rest follows as soon as it is ready." in words(shown.find(".//main"))


def test_a_promise_that_slips_is_told_with_the_new_day_and_the_reason(front):
    """Promised by Tuesday the 24th, expected on Friday the 27th: three days."""
    said = words(page(front, order("1001", LATE, until=date(2026, 11, 24))).find(".//div[@role='note']"))
    assert said == (
        "Promised by Tuesday, November 24 The carrier now expects Friday, November 27, 3 days later. "
        "We are sorry about that. What the carrier says: Held up by the weather"
    )


def test_a_promise_that_is_past_is_owned_up_to(front):
    said = words(page(front, order("1001", UNKNOWN, until=date(2026, 11, 20))).find(".//div[@role='note']"))
    assert "It should be with you by now, and it is not. We are sorry about that." in said


def test_a_parcel_that_came_late_was_late(front):
    """Delivered on the 20th, promised by the 18th."""
    shown = words(page(front, order("1001", DELIVERED, until=date(2026, 11, 18))).find(".//main"))
    assert "It arrived 2 days late. We are sorry about that." in shown


def test_a_cancelled_order_says_that_nothing_comes(front):
    shown = page(front, order(cancelled_at=datetime(2026, 11, 21, tzinfo=UTC), until=THURSDAY))
    assert words(shown.find(".//h1")) == "This order was cancelled"
    assert "Promised" not in words(shown.find(".//main"))


def test_a_parcel_its_carrier_does_not_know_yet_is_about_to_set_off(front):
    shown = page(front, order("1001", UNKNOWN))
    assert words(shown.find(".//h1")) == "Your parcel is about to set off"
    assert shown.find(f".//a[@href='/track/{UNKNOWN}']") is not None


def test_a_pickup_point_has_its_address_hours_last_day_and_a_link_to_a_map(front):
    card = next(one for one in page(front, order("1001", PICKUP)).iter("div") if one.get("class") == "waits")
    for said in ("Kiosk am Tor", "Torstr. 7", "10119 Berlin", "Mon–Fri 8–20", "Sat 9–13", "Until Friday, November 27"):
        assert said in words(card)
    address = "https://www.openstreetmap.org/search?query=Torstr.+7%2C+10119+Berlin%2C+DE"
    assert card.find(".//a").get("href") == address


def test_where_one_can_go_from_a_parcel(front):
    path = page_of(front, order("1001", MOVING))
    shown = parsed(front.get(path).text)
    links = {words(one): one.get("href") for one in shown.findall(".//ul[@class='links']//a")}
    parcel_id = parcel_of(shown)
    assert links == {
        "See or change it at Spy Post": f"https://spy.example/track?n={MOVING}",
        "Add to calendar": f"{path}delivery.ics?parcel={parcel_id}",
        "Link to share: shows only where it is": f"/track/{MOVING}",
        "Send something back": "https://shop.example/returns",
    }
    assert shown.find(".//img[@class='qr']").get("src") == f"{path}qr.svg"


def test_the_journey_is_folded_and_there_without_a_script(front):
    journey = page(front, order("1001", MOVING)).find(".//details[@class='fold timeline']")
    assert journey.get("open") is None
    assert "Lyon, France" in words(journey)


def test_of_a_very_long_journey_the_newest_scans_are_shown_and_all_are_one_link_away(front, monkeypatch):
    monkeypatch.setattr(views, "_MOST_EVENTS", 1)
    path = page_of(front, order("1001", DELIVERED))
    shown = parsed(front.get(f"{path}?lang=de").text)
    (link,) = [one for one in shown.iter("a") if "events=all" in one.get("href")]
    assert link.get("href") == f"{path}?lang=de&events=all#{parcel_of(shown)}"
    assert words(link) == "1 weiteres Ereignis anzeigen"
    assert len(shown.findall(".//p[@class='sentence']")) == 1
    whole = parsed(front.get(link.get("href")).text)
    assert len(whole.findall(".//p[@class='sentence']")) == 2
    assert not [one for one in whole.iter("a") if one.get("href").endswith(f"#{parcel_of(shown)}")]


def test_the_shops_note_is_shown_as_text(front):
    shown = page(front, order(note="For <b>you</b>"))
    assert words(shown.find(".//section[@aria-labelledby='note-title']/p")) == "For <b>you</b>"


def test_whatever_a_shop_or_a_shopper_writes_stays_text(front):
    evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"
    wanted = order(evil[:64], MOVING, items=(Item(evil, evil[:90], sku=evil[:90]),), note=evil, tags=(evil[:90],))
    path = page_of(front, wanted)
    written = {"text": evil, "phone": evil, "time": evil, "id": evil, "parcel": evil, "order": evil, "proof": evil}
    for response in (
        front.get(path), front.post(f"{path}reports/call", written), front.post(f"{path}proof", written),
        front.post("/", written),
    ):  # fmt: skip
        shown = parsed(response.text)
        assert [one.get("src") for one in shown.iter("script") if not one.get("src", "").startswith("/static/")] == []
        assert [one for one in shown.iter() if "onerror" in one.attrib or one.get("src") == "x"] == []
        assert "alert(1)" in response.text
        assert "49" not in words(shown.find(".//main"))


def test_a_banner_stands_on_the_pages_it_is_for(tmp_path, plugin):
    banner = Banner({"en": "Strike in France", "de": "Streik in Frankreich"}, countries=("FR",))
    with ordering(tmp_path, plugin, stores={"main": store(banners=(banner,))}) as front:
        assert "Strike in France" in front.get(page_of(front, order("1", country="FR"))).text
        assert "Streik in Frankreich" in front.get(page_of(front, order("2", country="FR")), "de").text
        assert "Strike in France" not in front.get(page_of(front, order("3", country="DE"))).text


def test_while_a_carrier_is_away_what_was_known_is_shown_with_its_age(front, monkeypatch):
    kept = placed(front, order("1001", MOVING))
    before = front.clock.now() - timedelta(hours=3)
    with front.engine.database.writing() as connection:
        shipment = ANSWERS[MOVING][0]
        known = front.client.get(f"/api/v1/shipments/{MOVING}").json()["shipments"][0]
        shipment = type(shipment)(
            shipment.number, shipment.events, id=known["id"], carrier="spy", window=shipment.window
        )
        front.engine.records.record(connection, kept.parcels[0].id, {"spy": Entry(Found((shipment,)), before)})

    async def away(number, store, **more):
        return Lookup(Outcome.UNAVAILABLE, number, carriers=("spy",))

    monkeypatch.setattr(front.engine.tracker, "look_up", away)
    shown = parsed(front.get(f"/o/{front.engine.access.link(kept, timedelta(days=1))}/").text)
    assert "Spy Post is not answering at the moment. Last answer: Today, 10:00 AM." in words(shown.find(".//main"))
    assert "Lyon, France" in words(shown.find(".//details[@class='fold timeline']"))


@pytest.mark.parametrize("language", ["de", "fr", "ar"])
def test_the_page_is_all_in_the_readers_language(front, language):
    english = {
        words(one) for one in page(front, order("1", packed(DELIVERED, shoes=1), until=THURSDAY)).iter() if not len(one)
    }
    other = page(front, order("2", packed(DELIVERED, shoes=1), until=THURSDAY), language)
    same = {
        "Trail shoes",
        "Wool socks",
        "Harbour & Pine",
        "Spy Post",
        DELIVERED,
        "Document",
        "Signature",
        "Details",
        "Lyon, France",
        "",
    }
    shared = {
        one for one in english & {words(one) for one in other.iter() if not len(one)} if re.search("[a-z]{3}", one)
    }
    assert other.get("lang") == language
    assert shared - same - {*NAMES.values()} == set()


# Who sees it


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


# What is written there


def form(front, path, kind):
    """The action of a form and its hidden fields."""
    found = parsed(front.get(path).text).find(f".//details[@id='form-{kind}']//form")
    return found.get("action"), {one.get("name"): one.get("value") for one in found.findall(".//input[@type='hidden']")}


def test_a_problem_is_kept_sealed_with_its_event_and_thanked_for(front):
    path = page_of(front, order("1001", MOVING, email=EMAIL))
    action, hidden = form(front, path, "problem")
    sent = front.post(action, {**hidden, "text": "The left shoe is missing\r\nReally"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?done=problem#form-problem")
    thanked = parsed(front.get(sent.headers["location"]).text).find(".//details[@id='form-problem']")
    assert (thanked.get("open"), words(thanked.find(".//p[@role='status']"))) == (
        "",
        "Thank you. The shop has your message.",
    )
    [row] = rows(front, reports)
    assert b"shoe" not in row.data
    with front.engine.database.reading() as connection:
        [report] = front.engine.reports.of(connection, row.order_id)
    assert (report.kind, report.data) == ("problem", {"text": "The left shoe is missing\nReally"})
    [told] = [one for one in rows(front, events) if one.type == "order.problem_reported"]
    data = json.loads(told.data)
    assert (data["order"]["number"], data["shipment"]["number"], data["report"]["id"]) == ("1001", MOVING, row.id)
    assert b"shoe" not in told.data
    assert b"ada" not in told.data


def test_a_form_sent_twice_is_one_report(front):
    action, hidden = form(front, page_of(front, order()), "problem")
    for _ in range(3):
        assert front.post(action, {**hidden, "text": "Twice"}).status_code == 303
    assert len(rows(front, reports)) == 1
    assert len([one for one in rows(front, events) if one.type == "order.problem_reported"]) == 1


def test_a_forms_id_is_nobodys_to_make_up(front):
    path = page_of(front, order())
    front.post(f"{path}reports/problem", {"id": "x" * 500, "text": "One"})
    front.post(f"{path}reports/problem", {"id": "'; DROP", "text": "Two"})
    assert all(re.fullmatch("rep_[0-9a-z]{24}", one.id) for one in rows(front, reports))
    assert len(rows(front, reports)) == 2


def test_what_is_missing_is_said_and_what_was_written_stays(front):
    path = page_of(front, order("1001", MOVING))
    refused = front.post(f"{path}reports/call", {"phone": "12", "time": "after five", "text": "<b>hello</b>"})
    shown = parsed(refused.text).find(".//details[@id='form-call']")
    assert (refused.status_code, shown.get("open")) == (422, "")
    assert words(shown.find(".//p[@role='alert']")) == "Please write the number that we should call."
    assert shown.find(".//input[@name='time']").get("value") == "after five"
    assert words(shown.find(".//textarea")) == "<b>hello</b>"
    assert rows(front, reports) == []


def test_a_call_is_asked_for(front):
    path = page_of(front, order())
    assert front.post(f"{path}reports/call", {"phone": "+44 20 7946 0018", "time": "after five"}).status_code == 303
    [told] = [one for one in rows(front, events) if one.type == "order.call_requested"]
    assert b"7946" not in told.data
    with front.engine.database.reading() as connection:
        [report] = front.engine.reports.of(connection, told.order_id)
    assert report.data == {"text": "", "phone": "+44 20 7946 0018", "time": "after five"}


def test_a_parcel_that_did_not_come_is_told_of_the_one_that_was_delivered(front):
    assert (
        parsed(front.get(page_of(front, order("1", MOVING))).text).find(".//details[@id='form-not-received']") is None
    )
    path = page_of(front, order("2", DELIVERED, MOVING))
    action, hidden = form(front, path, "not-received")
    assert front.post(action, hidden).status_code == 303
    [told] = [one for one in rows(front, events) if one.type == "order.not_received"]
    assert json.loads(told.data)["shipment"]["number"] == DELIVERED


def test_a_parcel_of_another_order_cannot_be_reported_on(front):
    other = placed(front, order("2", DELIVERED))
    path = page_of(front, order("1", MOVING))
    front.post(f"{path}reports/problem", {"text": "hello", "parcel": other.parcels[0].id})
    assert [one.parcel_id for one in rows(front, reports)] == [None]


@pytest.mark.parametrize("kind", ["problem", "call", "not_received"])
@pytest.mark.fault(42)
def test_when_the_database_is_away_nothing_that_was_written_is_lost(front, monkeypatch, kind):
    path = page_of(front, order("1001", DELIVERED))
    written = {"text": "Sorry, but …", "phone": "0123456789", "time": "noon", "id": "rep_" + "7" * 24}

    async def broken(work):
        raise StoreError("disk full")

    for method in ("write", "read"):  # first it can be read still, then not even that
        monkeypatch.setattr(front.engine.database, method, broken)
        response = front.post(f"{path}reports/{kind}", written)
        shown = parsed(response.text)
        assert (response.status_code, response.headers["retry-after"]) == (503, "60")
        again = next(one for one in shown.iter("form") if one.get("action") == f"{path}reports/{kind}")
        assert words(again.find(".//textarea")) == "Sorry, but …"
        assert again.find(".//input[@name='id']").get("value") == "rep_" + "7" * 24
        assert "Nothing you wrote is lost" in words(again.find(".//p[@role='alert']"))
    assert front.get(path).status_code == 503


@pytest.mark.fault(38)
def test_a_form_from_another_site_is_refused(front):
    path = page_of(front, order())
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    for target in (f"{path}reports/problem", f"{path}proof", f"{path}widgets/survey", "/"):
        assert front.post(target, {"text": "hello"}, headers=elsewhere).status_code == 403
    assert rows(front, reports) == []


def test_somebody_who_writes_without_end_is_slowed_down_and_keeps_the_text(front):
    path = page_of(front, order())
    for n in range(20):
        assert front.post(f"{path}reports/problem", {"text": f"{n}"}).status_code == 303
    refused = front.post(f"{path}reports/problem", {"text": "once more"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert "once more" in refused.text


def test_a_report_of_no_kind_is_no_page(front):
    assert front.post(f"{page_of(front, order())}reports/praise", {"text": "hello"}).status_code == 404


def test_a_widgets_answer_belongs_to_the_order(front):
    kept = placed(front, order("1001", packed(DELIVERED, shoes=1, socks=3)))
    path = f"/o/{front.engine.access.link(kept, timedelta(days=1))}/"
    action = parsed(front.get(path).text).find(".//section[@id='widget-survey']//form").get("action")
    assert action == f"{path}widgets/survey"
    sent = front.post(action, {"score": "5"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?done=survey#widget-survey")
    assert [one.shipment for one in rows(front, answers)] == [kept.id]
    [told] = [json.loads(one.data) for one in rows(front, events) if one.type == "widget.answered"]
    assert told["order"] == {"id": kept.id, "number": "1001"}
    assert front.post(action, {"score": ""}).status_code == 422


# The same as JSON


def test_the_values_of_the_page_are_there_as_json(front):
    path = page_of(front, order("1001", packed(MOVING, shoes=1), until=THURSDAY))
    response = front.get(f"/api/v1/pages/orders/{path[3:-1]}", "de")
    body = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (200, "private, no-store")
    assert body["hero"]["headline"] == heading(front.get(path, "de").text)
    [group] = body["order"]["groups"]
    assert (group["state"], group["parcels"][0]["items"][0]["name"]) == ("moving", "Trail shoes")
    assert body["order"]["promise"]["state"] == "on_track"
    assert body["page"]["url"] == path


def test_without_a_theme_the_plain_page_says_the_same(front, monkeypatch):
    def broken(*more):
        raise ThemeError("broken")

    path = page_of(front, order("1001", packed(MOVING, shoes=1), until=THURSDAY))
    monkeypatch.setattr(front.engine.shops.all[0].look, "render", broken)
    shown = words(parsed(front.get(path).text).find(".//main"))
    for said in ("Arriving Tuesday", "1001", "Trail shoes", MOVING, "Wool socks"):
        assert said in shown
    assert STORE.name in shown

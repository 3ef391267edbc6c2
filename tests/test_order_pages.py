"""The page of an order, from checkout on: what it says."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from doorstep import views
from doorstep.banner import Banner
from doorstep.exchange import Found
from doorstep.freshness import Entry
from doorstep.languages import NAMES
from doorstep.lookup import Lookup, Outcome
from doorstep.order import Item

from .ordering import (
    ANSWERS,
    DELIVERED,
    LATE,
    MOVING,
    PICKUP,
    STORE,
    UNKNOWN,
    order,
    ordering,
    packed,
    page,
    page_of,
    parcel_of,
    placed,
)
from .shopfront import break_themes, heading, parsed, store, words

THURSDAY = date(2026, 11, 26)


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin) as front:
        yield front


def text_of(element, selector):
    return [words(one) for one in element.findall(f".//{selector}")]


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
    path = page_of(front, order("1001", packed(MOVING, shoes=1), until=THURSDAY))
    break_themes(front, monkeypatch)
    shown = words(parsed(front.get(path).text).find(".//main"))
    for said in ("Arriving Tuesday", "1001", "Trail shoes", MOVING, "Wool socks"):
        assert said in shown
    assert STORE.name in shown

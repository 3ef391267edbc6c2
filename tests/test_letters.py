"""What messages say, in every part of them, and what they never say."""

import asyncio
import json
import re
import sys
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from msgspec import structs
from tests.lettering import NOON, TO, Links, composed, job, letter_of, ordered, said, shop_of
from tests.themes_on_disk import write_theme

from doorstep import Reach, Status
from doorstep.config import Messages
from doorstep.errors import ConfigError, ThemeError
from doorstep.letters import LARGEST, Composer
from doorstep.lines import header, isolated, one_line
from doorstep.mail_styles import inliner
from doorstep.message import Kind
from doorstep.models import Document
from doorstep.order import Item, PackedItem
from doorstep.preview.letters import LETTERS, letter
from doorstep.preview.orders import looked_at
from doorstep.shops import Shop, Shops

THEMES = ("classic", "bold", "minimal")
ISOLATES = re.compile("[\u2066-\u2069]")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return shop_of(tmp_path_factory.mktemp("shop"))


def parsed(html: str) -> Element:
    """By the letter of the standard."""
    root: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    return root


def words(root: Element) -> str:
    return " ".join("".join(root.itertext()).split())


def data_of(html: str) -> list[dict[str, object]]:
    script = parsed(html).find(".//script[@type='application/ld+json']")
    found: list[dict[str, object]] = json.loads(script.text or "") if script is not None else []
    return found


def test_a_mail_says_the_sentence_the_date_and_where_to_look(shop: Shop) -> None:
    made = said(shop, Kind.ON_ITS_WAY, Status.IN_TRANSIT)
    root = parsed(made.html)
    assert made.subject == "Your parcel is on its way"
    assert made.preheader == "Arriving Wednesday · Wednesday, November 25, 10:00\xa0AM\u2009–\u20092:00\xa0PM"
    assert [words(one) for one in root.findall(".//h1")] == ["Arriving Wednesday"]
    assert [one.get("href") for one in root.iter("a") if "See your order" in words(one)] == [made.link]
    assert made.link == "https://shop.example/o/token/?m=on_its_way"
    for text in ("Northway Parcel", "NW4482170931", "Linen throw, sand", "4711"):
        assert text in words(root)
    assert "You get this message because you ordered from Harbour & Pine." in words(root)


def test_the_text_part_is_written_with_every_link_on_a_line_of_its_own(shop: Shop) -> None:
    made = said(shop, Kind.READY_FOR_PICKUP, Status.AVAILABLE_FOR_PICKUP)
    lines = made.text.splitlines()
    assert lines[:4] == ["Harbour & Pine", "", "Ready for pickup", "Monday, November 23, 11:00\xa0AM"]
    at = lines.index("Pickup point")
    assert lines[at + 1 : at + 4] == ["  Tabac du Pont", "  12 rue du Pont", "  69003 Lyon"]
    assert lines[at + 4 : at + 7] == ["Opening hours", "  Mo–Fr 08:00–19:00", "  Sa 09:00–13:00"]
    assert "Please pick it up by Sunday, November 29. After that it goes back to the shop." in lines
    assert [line for line in lines if "https:" in line] == [
        made.link, made.preferences, made.unsubscribe, "https://shop.example/help"
    ]  # fmt: skip
    assert "<" not in made.text


def test_the_line_for_a_telephone_is_shop_sentence_and_link_without_what_would_halve_it(shop: Shop) -> None:
    made = said(shop, Kind.DELIVERED, Status.DELIVERED, reach=Reach.PHONE)
    assert made.short == "Harbour & Pine: Your parcel has arrived\nhttps://shop.example/o/token/?m=delivered"
    assert made.html == ""
    assert said(shop, Kind.DELIVERED, Status.DELIVERED, reach=Reach.SHOP).html


def test_the_shops_own_sender_gets_what_happened_and_nothing_of_a_person(shop: Shop) -> None:
    assert said(shop, Kind.ON_ITS_WAY, Status.IN_TRANSIT).event == {
        "kind": "on_its_way",
        "shop": "Harbour & Pine",
        "link": "https://shop.example/o/token/?m=on_its_way",
        "order": "4711",
        "parcel": "NW4482170931",
        "carrier": "Northway Parcel",
        "status": "in_transit",
        "expected": "2026-11-25",
    }
    order, looked = ordered(Status.DELIVERED)
    replenish = composed(shop, job(Kind.REPLENISH, parcels=(), item="sku-2"), order, looked)
    assert replenish.event == {
        "kind": "replenish",
        "shop": "Harbour & Pine",
        "link": "https://shop.example/o/token/?m=replenish",
        "order": "4711",
        "item": "Oak side table",
    }


def test_a_delay_has_the_new_date_or_says_that_it_will(shop: Shop) -> None:
    dated = said(shop, Kind.DELAYED, Status.IN_TRANSIT)
    assert "The carrier now expects it on Wednesday, November 25. We are sorry about that." in dated.text
    undated = said(shop, Kind.DELAYED, Status.CUSTOMS)
    assert "We will tell you as soon as there is a new date." in undated.text
    assert "expected" not in undated.event


def test_messages_about_things_name_them(shop: Shop) -> None:
    ends = Item("Oak side table", "table", warranty_until=date(2026, 12, 23))
    order, looked = ordered(Status.DELIVERED, items=(ends,))
    made = composed(shop, job(Kind.WARRANTY, parcels=(), item="table"), order, looked)
    assert made.subject == "Your warranty ends soon: Oak side table"
    assert "Last day of the warranty: Wednesday, December 23." in made.text
    assert "You get this message because you asked Harbour & Pine for it." in made.text
    assert made.unsubscribe == "https://shop.example/m/more-email"
    assert data_of(made.html) == []


def test_several_changes_are_one_message_and_the_rest_of_the_order_stands_below(shop: Shop) -> None:
    order, looked = ordered(Status.AVAILABLE_FOR_PICKUP, Status.DELIVERED, Status.IN_TRANSIT)
    made = composed(shop, job(Kind.READY_FOR_PICKUP, Kind.DELIVERED, parcels=(1, 2)), order, looked)
    assert made.subject == "News of your order"
    root = parsed(made.html)
    assert [words(one) for one in root.findall(".//h1")] == ["Ready for pickup"]
    assert made.preheader == "Ready for pickup · Monday, November 23, 11:00\xa0AM"
    assert [words(one) for one in root.findall(".//h2")] == ["Delivered", "Your parcels"]
    assert words(root).index("NW4482170931") < words(root).index("NW4482170932") < words(root).index("NW4482170933")
    assert [one["@type"] for one in data_of(made.html)] == ["Order", "ParcelDelivery", "ParcelDelivery"]


def test_who_is_asked_whether_they_want_messages_learns_nothing_of_the_order(shop: Shop) -> None:
    order, looked = ordered(Status.IN_TRANSIT)
    made = composed(shop, job(Kind.CONFIRM), order, looked)
    assert made.link == "https://shop.example/m/confirm-email-16"  # for ada@post.example
    assert made.event == {"kind": "confirm", "shop": "Harbour & Pine", "link": made.link}
    everything = " ".join((made.subject, made.preheader, made.html, made.text, made.short))
    for private in ("4711", "NW448", "Linen", "Northway", "/o/token", "Arriving"):
        assert private not in everything
    assert made.preferences == ""


def test_documents_and_the_carriers_words_are_in_no_message(shop: Shop) -> None:
    order, looked = ordered(Status.DELIVERED)
    told = structs.replace(
        looked[0], shipment=structs.replace(looked[0].shipment, documents=(Document("photo", "ref-7713"),))
    )
    made = composed(shop, job(Kind.DELIVERED), order, [told])
    for private in ("ref-7713", "Photo of the delivery", "Departed sorting centre", "The socks are on us"):
        assert private not in made.html + made.text


def test_every_message_in_every_theme_is_valid_small_and_complete(tmp_path: Path) -> None:
    for theme in THEMES:
        shop = shop_of(tmp_path, theme=theme)
        for case in LETTERS.values():
            for language in ("en", "ar"):
                html = letter(shop, case, NOON, language).html()
                root = parsed(html)
                assert len(html.encode()) < 20_000
                assert (root.get("lang"), root.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
                page = root.find(".//table")
                assert page is not None
                assert page.get("dir") == root.get("dir")  # for programs that drop the html element
                assert len(root.findall(".//h1")) == 1
                assert "var(" not in html
                assert "color-mix" not in html
                assert "@media (prefers-color-scheme:" in html.replace(
                    "prefers-color-scheme: ", "prefers-color-scheme:"
                )
                assert [one.tag for one in root.iter() if one.tag in ("svg", "link", "iframe", "form", "img")] == []
                assert all(one.get("type") == "application/ld+json" for one in root.iter("script"))


def test_the_stores_colours_and_fonts_are_in_its_mails(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, settings={"accent": "#7a3b1d", "font": "serif"})
    html = said(shop, Kind.DELIVERED, Status.DELIVERED).html
    button = next(one for one in parsed(html).iter("td") if one.get("class") == "button")
    assert "background-color:#7a3b1d" in button.get("style", "")
    assert "Iowan Old Style" in html


def test_a_shop_that_stays_light_says_so(tmp_path: Path) -> None:
    html = said(shop_of(tmp_path, settings={"scheme": "light"}), Kind.DELIVERED, Status.DELIVERED).html
    root = parsed(html)
    meta = root.find(".//meta[@name='color-scheme']")
    assert meta is not None
    assert meta.get("content") == "light"
    assert not [one for one in root.iter() if "auto" in one.get("class", "").split()]


def test_a_logo_stands_for_the_name_where_mail_programs_draw_it(tmp_path: Path) -> None:
    for logo, shown in {
        "/logo.png": "https://shop.example/logo.png",
        "https://img.example/logo.png": "https://img.example/logo.png",
        "/logo.svg": "",
    }.items():
        root = parsed(said(shop_of(tmp_path, logo_url=logo), Kind.DELIVERED, Status.DELIVERED).html)
        assert [(one.get("src"), one.get("alt")) for one in root.iter("img")] == (
            [(shown, "Harbour & Pine")] if shown else []
        )
    nowhere = shop_of(tmp_path, logo_url="/logo.png", public_url="")
    assert not list(parsed(said(nowhere, Kind.DELIVERED, Status.DELIVERED).html).iter("img"))


def test_pictures_of_things_come_from_the_shops_hosts_only(shop: Shop) -> None:
    items = [
        Item("One", "item-1", image="https://img.example/one.jpg"),
        Item("Two", "item-2", image="https://elsewhere.example/two.jpg"),
        Item("Three", "item-3", image="/three.jpg"),
        Item("Four", "item-4", image="https://img.example/four.svg"),
        Item("Five", "item-5", image="https://[img.example/five.jpg"),
    ]
    order, looked = ordered(Status.DELIVERED, items=tuple(items))
    holding = structs.replace(looked[0].parcel, items=tuple(PackedItem(one.id) for one in items))
    order = structs.replace(order, parcels=(holding,))
    html = composed(shop, job(Kind.DELIVERED), order, [structs.replace(looked[0], parcel=holding)]).html
    assert [one.get("src") for one in parsed(html).iter("img")] == [
        "https://img.example/one.jpg", "https://shop.example/three.jpg"
    ]  # fmt: skip
    assert "elsewhere.example" not in html


def test_a_mail_is_read_on_another_day_and_names_the_day(shop: Shop) -> None:
    for kind, status in ((Kind.DELIVERED, Status.DELIVERED), (Kind.RETURNED, Status.RETURNED)):
        made = said(shop, kind, status)
        assert "Monday, November 23" in made.preheader
        assert "Today" not in made.text + made.preheader + made.html


def test_an_order_of_very_much_stays_a_mail(shop: Shop) -> None:
    items = tuple(Item(f"{'Linen ' * 40}{n}", f"i{n}", image="https://img.example/a.jpg") for n in range(500))
    looked = [looked_at(n, Status.IN_TRANSIT, NOON) for n in range(1, 101)]
    full = structs.replace(looked[0].parcel, items=tuple(PackedItem(one.id) for one in items))
    looked[0] = structs.replace(looked[0], parcel=full)
    order, _ = ordered(items=items)
    order = structs.replace(order, parcels=tuple(one.parcel for one in looked))
    made = composed(shop, job(Kind.ON_ITS_WAY, Kind.ARRIVES_TODAY, parcels=range(1, 101)), order, looked)
    assert len(made.html.encode()) < LARGEST
    assert "+492" in words(parsed(made.html))
    assert "+88" in words(parsed(made.html))  # of a hundred, six at length and six in a line


def test_mail_programs_read_order_and_parcel_without_a_persons_name_or_street(shop: Shop) -> None:
    order, delivery = data_of(said(shop, Kind.ON_ITS_WAY, Status.IN_TRANSIT).html)
    carrier = {
        "@type": "Organization",
        "name": "Northway Parcel",
        "url": "https://northway.example/track?n=NW4482170931",
    }
    merchant = {"@type": "Organization", "name": "Harbour & Pine", "url": "https://shop.example/"}
    assert order == {
        "@context": "http://schema.org",
        "@type": "Order",
        "merchant": merchant,
        "orderNumber": "4711",
        "orderDate": "2026-11-20",
        "orderStatus": "http://schema.org/OrderInTransit",
        "url": "https://shop.example/o/token/?m=on_its_way",
    }
    assert delivery == {
        "@context": "http://schema.org",
        "@type": "ParcelDelivery",
        "carrier": carrier,
        "provider": carrier,
        "trackingNumber": "NW4482170931",
        "trackingUrl": "https://shop.example/o/token/?m=on_its_way",
        "deliveryAddress": {"@type": "PostalAddress", "addressCountry": "FR"},
        "expectedArrivalFrom": "2026-11-25",
        "expectedArrivalUntil": "2026-11-25",
        "itemShipped": [{"@type": "Product", "name": "Linen throw, sand"}],
        "partOfOrder": {"@type": "Order", "orderNumber": "4711", "merchant": merchant},
    }
    waiting = data_of(said(shop, Kind.READY_FOR_PICKUP, Status.AVAILABLE_FOR_PICKUP).html)[1]
    assert waiting["deliveryAddress"] == {
        "@type": "PostalAddress",
        "name": "Tabac du Pont",
        "streetAddress": "12 rue du Pont",
        "postalCode": "69003",
        "addressLocality": "Lyon",
        "addressCountry": "FR",
    }


def test_the_language_is_the_jobs_then_the_orders_then_the_stores(shop: Shop) -> None:
    order, looked = ordered(Status.DELIVERED, language="de-AT")
    assert composed(shop, job(Kind.DELIVERED), order, looked).language == "de"
    assert composed(shop, job(Kind.DELIVERED, language="ar"), order, looked).language == "ar"
    assert composed(shop, job(Kind.DELIVERED), *ordered(Status.DELIVERED, language="xx")).language == "en"


def test_values_stand_by_themselves_in_the_other_direction(shop: Shop) -> None:
    order, looked = ordered(Status.DELIVERED, items=(Item("طاولة 12", "item-1"),))
    for language in ("en", "ar"):
        made = composed(shop, job(Kind.HOW_TO, parcels=(), item="item-1", language=language), order, looked)
        assert "\u2068طاولة 12\u2069" in made.subject
        for text in (made.subject, made.text, made.short, made.preheader):
            assert text.count("\u2068") == text.count("\u2069")
    assert not ISOLATES.search(said(shop, Kind.ON_ITS_WAY, Status.IN_TRANSIT).text)


def test_a_theme_writes_a_kind_its_own_way_and_its_own_words_count(tmp_path: Path) -> None:
    own = '{% extends "mail/letter.html" %}{% block brand %}<b>{{ letter.kind }}</b>{% endblock %}'
    german = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Your parcel has arrived"\nmsgstr "Da ist es!"\n'
    )
    files = {"templates/mail/delivered.html": own, "locales/de.po": german}
    write_theme(tmp_path / "themes", "harbour", files, extends='"classic"')
    shop = shop_of(tmp_path, theme="harbour")
    delivered = said(shop, Kind.DELIVERED, Status.DELIVERED, language="de")
    assert delivered.subject == "Da ist es!"
    assert "delivered" in [one.text for one in parsed(delivered.html).iter("b")]
    assert not list(parsed(said(shop, Kind.RETURNED, Status.RETURNED).html).iter("b"))


def test_a_template_that_fails_costs_the_look_and_not_the_message(tmp_path: Path) -> None:
    broken = '{% extends "classic/mail/letter.html" %}{% block answer %}\n{{ hero.nothing.at_all }}{% endblock %}'
    write_theme(tmp_path / "themes", "harbour", {"templates/mail/letter.html": broken}, extends='"classic"')
    shop = shop_of(tmp_path, theme="harbour")
    order, looked = ordered(Status.AVAILABLE_FOR_PICKUP)
    with pytest.raises(ThemeError, match="has no attribute 'at_all'") as failed:
        letter_of(shop, job(Kind.READY_FOR_PICKUP), order, looked).html()
    assert (failed.value.file, failed.value.line) == ("harbour/templates/mail/letter.html", 2)
    made = composed(shop, job(Kind.READY_FOR_PICKUP), order, looked)
    root = parsed(made.html)
    assert [words(one) for one in root.findall(".//h1")] == ["Ready for pickup"]
    for text in ("Tabac du Pont", "NW4482170931", "Linen throw, sand", "Choose which messages you get"):
        assert text in words(root)
    assert {made.link, made.preferences, made.unsubscribe} <= {one.get("href") for one in root.iter("a")}


def test_a_mail_that_programs_would_cut_is_the_plain_one(tmp_path: Path) -> None:
    long = '{% extends "classic/mail/letter.html" %}{% block footer %}{% for n in range(900) %}' + "x" * 120
    write_theme(
        tmp_path / "themes",
        "harbour",
        {"templates/mail/letter.html": long + "{% endfor %}{% endblock %}"},
        extends='"classic"',
    )
    made = said(shop_of(tmp_path, theme="harbour"), Kind.DELIVERED, Status.DELIVERED)
    assert len(made.html) < 5_000
    assert made.unsubscribe in made.html


def test_without_what_mails_need_a_store_that_sends_them_is_told_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends, silent = shop_of(tmp_path), shop_of(tmp_path, messages=Messages())
    monkeypatch.setitem(sys.modules, "css_inline", None)
    inliner.cache_clear()
    with pytest.raises(ConfigError, match=r"css-inline is not installed: pip install 'doorstep\[mail\]'"):
        Composer(Shops([sends]), Links())
    Composer(Shops([silent]), Links())
    inliner.cache_clear()


def test_it_is_composed_beside_the_loop_as_here(shop: Shop) -> None:
    composer = Composer(Shops([shop]), Links())
    order, looked = ordered(Status.DELIVERED)
    told = asyncio.run(composer.compose(job(Kind.DELIVERED), order, looked, TO, NOON))
    assert told == composer.write(job(Kind.DELIVERED), order, looked, TO, NOON)
    assert (told.id, told.store, told.kind, told.to, told.at) == ("msg_1", "main", Kind.DELIVERED, TO, NOON)
    with pytest.raises(LookupError, match="there is no store 'other'"):
        composer.write(structs.replace(job(Kind.DELIVERED), store="other"), order, looked, TO, NOON)


def test_what_strangers_wrote_is_one_line_and_turns_nothing_around() -> None:
    assert one_line(" a\r\nBcc: b\x00\u202e\u2028c\t") == "a Bcc: b c"
    assert isolated("abc", "ltr") == "abc"
    assert isolated("abc", "rtl") == "\u2068abc\u2069"
    assert isolated("א\u2069", "ltr") == "\u2068א\u2069"
    assert header("a\r\n b") == "a b"
    long = header("x\u2068" + "y" * 300 + "\u2069")
    assert len(long) == 201
    assert long.count("\u2068") == long.count("\u2069")

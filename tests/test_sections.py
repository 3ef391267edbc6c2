"""The sections of the shipped themes: what each shows, where, and that it is not there when it has nothing to say."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from babel.support import NullTranslations
from markupsafe import Markup
from msgspec.structs import replace

from doorstep import StoreView
from doorstep.appearance import Layer
from doorstep.context import CarrierView, Hero, Link, Notice, PageContext, PageInfo, PickupView, ShipmentView, Tone
from doorstep.i18n import Localizer
from doorstep.looks import dressed
from doorstep.paths import shipped
from doorstep.themes import find_themes, load_theme
from doorstep.theming import Templates

FOUND = find_themes([shipped("themes")])
THEMES = {name: Templates(load_theme(name, FOUND)) for name in sorted(FOUND)}
ENGLISH = Localizer("en", NullTranslations())
CARRIER = CarrierView("post", "Post & Co", "https://post.example/123", "Strikes <today>")
SHIPMENT = ShipmentView("123", CarrierView("post", "Post & Co"), "in_transit", "On its way", delayed=False, final=False)
PAGE = PageContext(
    StoreView("main", "Leaf & Loom"),
    PageInfo("tracking", "Your parcel", "en", "ltr"),
    hero=Hero("in_transit", "On its way"),
    shipment=SHIPMENT,
)
FORM = PageInfo("lookup", "Your parcel", "en", "ltr")
ICONS = (shipped("themes") / "classic" / "templates" / "icons.html").read_text("utf-8")
DRAWN = dict(re.findall(r'name == "(\w+)" %}(.*)', ICONS))
Show = Callable[..., Element]


@pytest.fixture(params=THEMES)
def show(request: pytest.FixtureRequest) -> Show:
    """`show(settings, slots=…, field=value, …)`: a page in each theme, of a shop with these settings, with these values."""
    templates = THEMES[request.param]
    theme = templates.theme

    def page(
        settings: dict[str, Any] | None = None,
        /,
        *,
        slots: dict[str, Markup] | None = None,
        template: str = "tracking.html",
        **values: Any,
    ) -> Element:
        look = dressed(templates, ("stores.main", Layer(settings=settings or {})))
        context = replace(PAGE, settings=look.settings, sections=theme.sections, aside=theme.aside)
        html = look.render(template, replace(context, **values), ENGLISH, slots)
        return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)

    return page


def classed(root: Element, name: str) -> list[Element]:
    return [one for one in root.iter() if name in one.attrib.get("class", "").split()]


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def order(root: Element, *names: str) -> list[str]:
    """The names of these classes in the order of the page."""
    return [name for one in root.iter() for name in one.attrib.get("class", "").split() if name in names]


def test_a_section_without_content_is_not_there(show: Show) -> None:
    page = show()
    for name in (
        "banner",
        "window",
        "pickup",
        "timeline",
        "carrier",
        "helping",
        "prose",
        "social",
        "menu",
        "foot-links",
    ):
        assert classed(page, name) == [], name
    assert len(classed(page, "details")) == 1


def test_the_answer_is_first_whatever_the_order_of_the_rest(show: Show) -> None:
    page = show(
        {"rich_text": "<p>Ours</p>"},
        sections=("rich_text", "carrier", "details", "notice", "hero"),
        notice=Notice("Old news"),
        shipment=replace(SHIPMENT, carrier=CARRIER),
        aside=("details",),
    )
    assert order(page, "answer", "hero", "notice", "prose", "carrier", "details") == [
        "answer", "notice", "hero", "prose", "carrier", "details",
    ]  # fmt: skip
    answer = classed(page, "answer")[0]
    assert classed(answer, "notice")
    assert classed(answer, "prose") == []


def test_a_banner_is_below_the_answer_and_a_notice_within_it(show: Show) -> None:
    banner = Notice("Closed on Monday", Tone.NEUTRAL, Link("Read more", "/news"))
    page = show(banners=(banner,), notice=Notice("Old news"))
    assert order(page, "answer", "banner", "details") == ["answer", "banner", "details"]
    assert words(classed(page, "banner")[0]) == "Closed on Monday Read more"
    assert words(classed(classed(page, "answer")[0], "notice")[0]) == "Old news"


def test_the_window_is_told_where_the_answer_does_not_tell_it(show: Show) -> None:
    shipment = replace(SHIPMENT, window="Friday 20 November")
    assert words(classed(show(shipment=shipment), "window")[0]) == "Expected delivery Friday 20 November"
    told = Hero("in_transit", "Arriving Friday", when="Friday 20 November")
    assert classed(show(shipment=shipment, hero=told), "window") == []


def test_the_carrier_says_what_it_wants_said_beside_its_link(show: Show) -> None:
    card = classed(show(shipment=replace(SHIPMENT, carrier=CARRIER)), "carrier")[0]
    assert words(card) == "Post & Co Strikes <today> See it at Post & Co"
    link = card.find(".//a")
    assert link is not None
    assert (link.attrib["href"], link.attrib["rel"]) == ("https://post.example/123", "noopener noreferrer")


def test_a_pickup_point_has_its_hours(show: Show) -> None:
    pickup = PickupView("Corner Shop", ("Main Street 1",), ("Mon–Fri 9–18", "Sat 9–13"), "Until Friday")
    said = words(classed(show(shipment=replace(SHIPMENT, pickup=pickup)), "pickup")[0])
    for part in ("Corner Shop", "Main Street 1", "Until Friday", "Mon–Fri 9–18", "Sat 9–13"):
        assert part in said


def test_how_the_shop_is_reached_is_said_once(show: Show) -> None:
    store = StoreView("main", "Leaf & Loom", contact_email="help@shop.example", contact_phone="+49 30 1234")
    sections = ("hero", "details")
    for values in ({}, {"sections": sections}, {"page": FORM, "template": "lookup.html", "shipment": None}):
        page = show(store=store, **values)
        links = [one.attrib["href"] for one in page.iter("a") if one.attrib["href"].startswith(("mailto:", "tel:"))]
        assert sorted(links) == ["mailto:help@shop.example", "tel:+49301234"], values
        within = classed(page, "helping" if not values else "foot")
        assert len(within) == 1
        assert "Need help?" in words(within[0])


def test_the_shops_own_words_stand_as_they_are_cleaned(show: Show) -> None:
    page = show({"rich_text": "<h2>Care</h2> <p>Wash <em>cold</em>.<script>no</script></p>"})
    assert words(classed(page, "prose")[0]) == "Care Wash cold."
    assert classed(page, "prose")[0].find(".//em") is not None


def test_menu_and_footer_lead_where_the_shop_says(show: Show) -> None:
    below = [{"label": "Shoes", "url": "/shoes"}]
    menu = [{"label": "Shop", "url": "/all", "links": below}, {"label": "Journal", "url": "/journal"}]
    page = show({"menu": menu, "footer_links": [{"label": "Imprint", "url": "/imprint"}]})
    nav = classed(page, "menu")[0]
    for form in ("bar", "drawer"):  # for wide screens and for phones
        links = [(words(one), one.attrib["href"]) for one in classed(nav, form)[0].iter("a")]
        assert links == [("Shop", "/all"), ("Shoes", "/shoes"), ("Journal", "/journal")]
    assert [one.attrib["href"] for one in classed(page, "foot-links")[0].iter("a")] == ["/imprint"]


@pytest.mark.parametrize("theme", ["classic", "bold"])
@pytest.mark.parametrize(
    ("url", "glyph"),
    [
        ("https://www.instagram.com/leaf", "instagram"), ("https://facebook.com/leaf", "facebook"),
        ("https://www.tiktok.com/@leaf", "tiktok"), ("https://youtu.be/abc", "youtube"), ("https://x.com/leaf", "x"),
        ("https://wa.me/49301234", "whatsapp"), ("https://t.me/leaf", "telegram"),
        ("https://www.pinterest.de/leaf", "pinterest"), ("https://www.linkedin.com/company/leaf", "linkedin"),
        ("https://box.com/leaf", "link"),
    ],
)  # fmt: skip
def test_a_social_link_has_the_glyph_of_its_place(theme: str, url: str, glyph: str) -> None:
    settings = {"social": [{"label": "Leaf", "url": url}]}
    look = dressed(THEMES[theme], ("stores.main", Layer(settings=settings)))
    html = look.render("tracking.html", replace(PAGE, settings=look.settings, sections=("social",)), ENGLISH)
    assert f'd="{DRAWN[glyph]}"' in html


def test_widgets_stand_where_a_section_names_their_slot(show: Show) -> None:
    widget = {"after_answer": Markup('<p class="widget">Widget</p>')}
    page = show(slots=widget, sections=("hero", "details", "slot.after_answer"), aside=())
    assert order(page, "answer", "details", "widget") == ["answer", "details", "widget"]
    assert order(show(slots=widget, sections=("hero", "details")), "widget") == []

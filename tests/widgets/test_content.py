from datetime import date

import msgspec
import pytest

from doorstep import TROUBLE, ItemFacts, Kind, Need, OrderFacts, When
from doorstep.testing import WidgetContract
from doorstep_content import Content, Settings

DAY = date(2026, 11, 20)  # of the pages here
LINEN = ItemFacts("Linen throw", sku="throw-1", category="Home", tags=("linen", "sand"))
NEWS = {"title": "Our autumn fair", "url": "/fair"}


def content(*entries, **settings):
    return Content(msgspec.convert({"entries": entries, **settings}, Settings))


def shown(widget, view):
    context = widget.context(view)
    return [card.title for card in context.cards] if context else []


def named(title, **fields):
    return {"title": title, "url": f"/{title}", **fields}


class TestContract(WidgetContract):
    package = "doorstep_content"


def test_it_is_silent_in_trouble_and_sees_what_was_bought():
    assert Content.when == When(except_status=TROUBLE)
    assert Content.needs == {Need.SHIPMENT, Need.ORDER, Need.ITEMS}


def test_an_entry_is_its_kind_its_title_as_link_and_its_text(view, render):
    entry = {
        "kind": "how_to",
        "title": "Wash it cool",
        "url": "/linen",
        "text": "And dry it in the wind.",
        "image": "/l.jpg",
    }
    page = render(content(entry), view())
    [line] = page.findall(".//ul[@class='content-list']/li")
    assert line.find(".//p[@class='content-kind']").text == "How it is done"
    assert (line.find(".//a").get("href"), line.find(".//a/bdi").text) == ("/linen", "Wash it cool")
    assert line.find(".//p[@class='content-text']").text == "And dry it in the wind."
    assert (line.find("img").get("src"), line.find("img").get("alt"), line.find("img").get("width")) == (
        "/l.jpg",
        "",
        "72",
    )


def test_social_links_stand_beside_and_use_up_no_place(view, render):
    social = {"kind": "social", "title": "Instagram", "url": "https://social.example/us"}
    page = render(content(social, NEWS, count=1), view())
    assert len(page.findall(".//ul[@class='content-list']/li")) == 1
    [link] = page.findall(".//ul[@class='content-social']/li/a")
    assert (link.get("href"), link.find("bdi").text) == ("https://social.example/us", "Instagram")


@pytest.mark.parametrize("rule", [{"skus": ["THROW-1"]}, {"categories": ["home"]}, {"tags": ["silk", "Linen"]}])
def test_what_is_about_a_product_shows_to_whoever_bought_it_and_first(view, rule):
    widget = content(NEWS, named("care", **rule))
    assert shown(widget, view(items=(LINEN,))) == ["care", "Our autumn fair"]
    assert shown(widget, view(items=(ItemFacts("Candle", sku="c-1"),))) == ["Our autumn fair"]
    assert shown(widget, view()) == ["Our autumn fair"]


def test_an_item_without_sku_and_category_is_bought_by_name_alone(view):
    assert shown(content(named("care", skus=[""], categories=[""])), view(items=(ItemFacts("Gift"),))) == []


def test_a_market_is_where_the_order_goes_else_the_parcel(view):
    widget = content(named("norge", markets=["NO"]), named("deutschland", markets=["DE"]))
    assert shown(widget, view()) == ["deutschland"]
    assert shown(widget, view(order=OrderFacts("o1", DAY, "NO"))) == ["norge"]
    assert shown(widget, view(None)) == []


def test_an_entry_for_some_languages_is_on_their_pages_only(view):
    widget = content(named("all"), named("pt", languages=["pt"]), named("brazil", languages=["pt_BR"]))
    assert shown(widget, view(language="pt-BR")) == ["all", "pt", "brazil"]
    assert shown(widget, view(language="pt-PT")) == ["all", "pt"]
    assert shown(widget, view(language="en")) == ["all"]


@pytest.mark.parametrize(
    ("start", "until", "is_shown"),
    [("2026-11-20", "2026-11-20", True), ("2026-11-21", None, False), (None, "2026-11-19", False), (None, None, True)],
)
def test_news_have_their_days_and_both_are_in(view, start, until, is_shown):
    dated = {name: day for name, day in (("from", start), ("until", until)) if day}
    assert bool(shown(content({**NEWS, **dated}), view())) is is_shown


def test_a_text_for_each_language_stands_under_its_own(view, render):
    titles = {"en": "How linen stays soft", "de": "So bleibt Leinen weich"}
    entry = {"title": titles, "url": {"en": "/en/linen", "de": "/de/leinen"}, "text": {"de": "Kühl waschen."}}
    link = render(content(entry), view(language="de-AT")).find(".//a")
    assert (link.get("href"), link.find("bdi").text, link.find("bdi").get("lang")) == (
        "/de/leinen",
        "So bleibt Leinen weich",
        "de",
    )
    assert shown(content(entry), view(language="ar")) == ["How linen stays soft"]


@pytest.mark.parametrize(("title", "heading"), [("", "Good to know"), ("For <you>", "For <you>")])
def test_the_shops_own_title_replaces_the_translated_one(view, render, title, heading):
    page = render(content(NEWS, title=title), view())
    assert "".join(page.find(".//h2[@id='w1-title']").itertext()) == heading


def test_nothing_fitting_shows_nothing(view):
    assert content(named("care", skus=["x"])).context(view()) is None
    assert content().context(view()) is None


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"title": " ", "url": "/x"}, r"title is empty: .*entries\[0\]"),
        ({"title": {}, "url": "/x"}, "title is empty"),
        ({"title": "x", "url": "javascript:alert(1)"}, "url .* cannot be linked: write https"),
        ({"title": "x", "url": {"en": "/x", "de": "//evil.example"}}, "url '//evil.example' cannot be linked"),
        ({"title": "x", "url": "/x", "image": "data:x"}, "image .* cannot be linked"),
        ({"title": "x", "url": "/x", "kind": "blog"}, "Invalid enum value 'blog'"),
        ({"title": "x", "url": "/x", "markets": ["norway"]}, r"markets\[0\]"),
        (
            {"title": "x", "url": "/x", "from": "2026-12-02", "until": "2026-12-01"},
            "until 2026-12-01 is before from 2026-12-02",
        ),
    ],
)
def test_impossible_settings_are_refused_with_what_to_write(entry, problem):
    with pytest.raises(msgspec.ValidationError, match=problem):
        content(entry)


def test_a_how_to_message_leads_to_a_how_to_for_that_item_that_everybody_sees():
    how_to = named("washing", kind="how_to", tags=["linen"])
    assert content(how_to).follows(Kind.HOW_TO, LINEN)
    assert not content(how_to).follows(Kind.HOW_TO, ItemFacts("Lamp"))
    assert not content(how_to).follows(Kind.SURVEY, LINEN)
    assert not content({**how_to, "languages": ["de"]}).follows(Kind.HOW_TO, LINEN)
    assert not content(named("News", tags=["linen"])).follows(Kind.HOW_TO, LINEN)

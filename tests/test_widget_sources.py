"""What widgets have from outside, on real pages: a feed and an endpoint of the shop over real HTTP, good, slow and hostile."""

import json
from contextlib import contextmanager
from html import escape

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from doorstep import Shipment
from doorstep.cli import main
from doorstep.order import Item
from doorstep.sandbox import sandbox_of
from doorstep.testing import serve

from .acme import at, scan
from .ordering import order, ordering, page_of
from .servers import until
from .shopfront import parsed, shop, store, words
from .spy import SPY, spy
from .test_xss import CORPUS, HARMLESS, assert_no_door, outline

PAGE = "/track/SPY000000"
HEAD = "id,title,link,price\n"


class Stall:
    """The shop's server: `body` is its feed and what it recommends; while `held` it says nothing."""

    def __init__(self):
        self.body = f"{HEAD}A,Tea,/tea,4.50 EUR\n".encode()
        self.status = 200
        self.held = False
        self.asked = []
        self.app = Starlette(routes=[Route("/{path:path}", self.answer)])
        self.url = ""

    async def answer(self, request):
        self.asked.append(str(request.url).partition(str(request.url.netloc))[2])
        await until(lambda: not self.held)
        return Response(self.body, self.status)


@pytest.fixture
def stall():
    stall = Stall()
    with serve(stall.app) as served:
        stall.url = served.url
        yield stall
        stall.held = False


@contextmanager
def selling(folder, plugin, **settings):
    """A shop with one parcel, whose cross-sell has these settings."""
    stores = {"main": store(languages=("en",), widgets={"cross_sell": {"count": 12, **settings}})}
    package = spy(plugin, {"SPY000000": (Shipment("SPY000000", (scan(moment=at(21)),)),)})
    with shop(folder, sandbox_of([]), "", more=(package,), accounts=SPY, stores=stores) as front:
        yield front


def settled(front):
    """When all sources are known, and none is under way."""
    known = front.engine.sources._kept
    front.client.portal.call(until, lambda: known and not any(one.task for one in known.values()))


def shown(response):
    return [words(one) for one in parsed(response.text).findall(".//span[@class='product-name']")]


def kept(front):
    """Whether the last page came from near."""
    return bool(front.engine.metrics.near_lookups.counts.pop("hit", 0))


def test_a_feed_is_on_the_page_which_is_kept_until_the_feed_changes(tmp_path, plugin, stall):
    with selling(tmp_path, plugin, feed=f"{stall.url}/feed.csv") as front:
        settled(front)
        assert [shown(front.get(PAGE)) for _ in range(3)] == [
            ["Tea"]
        ] * 3  # the first asks the carrier, the second is kept
        assert kept(front)
        stall.body = f"{HEAD}A,Green tea,/tea,4.50 EUR\n".encode()
        front.clock.advance(1000)
        front.client.portal.call(front.engine.sources.look_round)
        settled(front)
        assert shown(front.get(PAGE)) == ["Green tea"]
        assert stall.asked == ["/feed.csv"] * 2


def test_a_page_does_not_wait_for_a_slow_feed_and_is_not_kept_without_it(tmp_path, plugin, stall):
    stall.held = True
    with selling(tmp_path, plugin, feed=f"{stall.url}/feed.csv") as front:
        for _ in range(2):
            answer = front.get(PAGE)
            assert (shown(answer), answer.headers["cache-control"]) == ([], "no-store")
            assert not kept(front)
        stall.held = False
        settled(front)
        assert shown(front.get(PAGE)) == ["Tea"]


def test_while_a_feed_is_away_pages_are_kept_without_it_and_operators_are_told(tmp_path, plugin, stall):
    stall.status = 500
    with selling(tmp_path, plugin, feed=f"{stall.url}/feed.csv?key=hush") as front:
        settled(front)
        assert [shown(front.get(PAGE)) for _ in range(3)] == [[]] * 3
        assert kept(front)
        health = front.get("/readyz").json()
        assert (health["status"], health["parts"][0]["kind"]) == ("degraded", "source")
        assert health["amiss"] == ["source main.cross_sell.feed: HTTP 500; the last good one stays, if there was any"]
        metrics = front.get("/metrics").text
        assert 'doorstep_source_failures_total{source="feed",store="main",widget="cross_sell"} 1.0' in metrics
        assert "hush" not in metrics + str(health)
        stall.status = 200
        front.clock.advance(10)
        front.client.portal.call(front.engine.sources.look_round)
        settled(front)
        assert shown(front.get(PAGE)) == ["Tea"]
        assert front.get("/readyz").json()["status"] == "ready"


def test_an_endpoint_is_asked_for_what_was_bought_by_those_who_may_know_only(tmp_path, plugin, stall):
    endpoint = f"{stall.url}/recommend?sku={{skus}}&language={{language}}&country={{country}}"
    stores = {"main": store(languages=("en", "de"), widgets={"cross_sell": {"endpoint": endpoint}})}
    with ordering(tmp_path, plugin, stores=stores) as front:
        settled(front)
        assert set(stall.asked) == {"/recommend?sku=&language=en&country=", "/recommend?sku=&language=de&country="}
        stall.asked.clear()
        bought = order("1001", items=(Item("Pot", sku="POT"), Item("Mug", sku="MUG 1")), country="AT")
        assert shown(front.get(page_of(front, bought), "de")) == ["Tea"]
        assert stall.asked == ["/recommend?sku=MUG%201,POT&language=de&country=AT"]


def test_a_file_beside_the_settings_is_read_at_the_start(tmp_path, plugin):
    (tmp_path / "feed.csv").write_text(f"{HEAD}A,Tea,/tea,4.50 EUR\n")
    with selling(tmp_path, plugin, feed="feed.csv") as front:
        settled(front)
        assert shown(front.get(PAGE)) == ["Tea"]


GOOD = "https://good.example/"
EVIL = [
    "javascript:alert(1)", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://good.example@evil.example/",
    "https:evil.example", "data:text/html,<script>alert(1)</script>", " javascript:alert(1)", "java\nscript:alert(1)",
    "https://good.example\\@evil.example", "vbscript:x", "https://evil.example\t/", "https:///evil.example",
]  # fmt: skip


def in_xml(rows):
    items = (
        f"<item><title>{escape(text)}</title><link>{escape(url)}</link><g:image_link>{escape(url)}</g:image_link></item>"
        for text, url in rows
    )
    return f'<rss xmlns:g="g">{"".join(items)}</rss>'.replace("\x00", "")


def in_json(rows):
    return json.dumps([{"title": text, "link": url, "image": url, "tags": [text]} for text, url in rows])


def in_csv(rows):
    quoted = ([one.replace('"', '""') for one in (text, url, url)] for text, url in rows)
    return "title,link,image\n" + "".join('"{}","{}","{}"\n'.format(*row) for row in quoted)


@pytest.mark.parametrize("form", [in_xml, in_json, in_csv])
def test_no_text_and_no_address_of_a_hostile_feed_changes_the_page_or_leads_elsewhere(tmp_path, plugin, stall, form):
    def page_with(rows):
        stall.body = form(rows).encode()
        front.clock.advance(1000)
        front.client.portal.call(front.engine.sources.look_round)
        settled(front)
        return front.get(PAGE).text

    def elements(html):
        return [tag for tag, *_ in outline(html)]

    with selling(tmp_path, plugin, feed=f"{stall.url}/feed") as front:
        calm = elements(page_with([(f"{HARMLESS} {n}", GOOD) for n in range(10)]))
        assert calm.count("img") == 10
        for start in range(0, len(CORPUS), 10):
            assert elements(page_with([(text, GOOD) for text in CORPUS[start : start + 10]])) == calm
        page = page_with([("Tea", GOOD), *(("Evil", url) for url in (*EVIL, *CORPUS))])
        assert_no_door(parsed(page))
        assert "Evil" not in page
        assert page.count('class="product-name"') == 1


def test_what_is_no_feed_leaves_the_last_good_one(tmp_path, plugin, stall):
    with selling(tmp_path, plugin, feed=f"{stall.url}/feed") as front:
        settled(front)
        for body in (
            b"", b"\x00" * 5000, b"<!DOCTYPE html><p>Please log in", b"[" * 50_000, b"<a>" * 50_000, b'{"products": 7}',
            b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss><item><title>&b;</title></item></rss>',
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><title>&x;</title></item></rss>',
            b"title,link\n" + b'"' * 300_000, b"\xff\xfe\x00\xd8\x00", b"title;link\nEvil;javascript:alert(1)\n",
        ):  # fmt: skip
            stall.body = body
            front.clock.advance(1000)
            front.client.portal.call(front.engine.sources.look_round)
            settled(front)
            assert shown(front.get(PAGE)) == ["Tea"], body[:40]
            assert len(front.engine.sources.troubles()) == 1, body[:40]


SETTINGS = """\
secret_key = "a secret of thirty-two characters or more"
[stores.main]
name = "Harbour & Pine"
hosts = ["shop.example"]
image_hosts = ["img.shop.example"]
languages = ["en", "de"]
[stores.main.widgets.cross_sell]
feed = "feed.csv"
"""


def test_check_reads_the_files_of_widgets_and_says_what_is_wrong_on_which_line_and_which_pictures_nobody_sees(tmp_path):
    (tmp_path / "doorstep.toml").write_text(SETTINGS)

    def check():
        return CliRunner().invoke(main, ["check", "--config", str(tmp_path / "doorstep.toml")]).output.splitlines()

    assert check() == ["feed.csv: there is no such file: mend the file: widget 'cross_sell' reads it"]
    (tmp_path / "feed.csv").write_text(f"{HEAD}A,Tea,/tea,\nB,Cup,cup,\nC,Pot,/pot,1.299 EUR\n")
    lines = check()
    assert lines[0].startswith("feed.csv:3: url 'cup' cannot be linked: write https://… or a path")
    assert lines[1].startswith(
        "feed.csv:4: price '1.299 EUR' can be read in more than one way: write it like '19.90 EUR'"
    )
    assert len(lines) == 2
    own, mine, other = "https://shop.example", "https://img.shop.example", "https://cdn.example"
    pictures = [f"{own}/1", f"{mine}/2", "/3", "", *(f"{other}/{n}.jpg" for n in range(4)), "http://img.shop.example/8"]
    rows = "".join(f"{n},Tea,/tea,,{picture}\n" for n, picture in enumerate(pictures))
    (tmp_path / "feed.csv").write_text(f"id,title,link,price,image_link\n{rows}")
    mend = "write https, and its host into image_hosts: mend the file: widget 'cross_sell' reads it"
    assert check() == [
        f"feed.csv: pictures from https://cdn.example are not shown (4): {mend}",
        f"feed.csv: pictures from http://img.shop.example are not shown (1): {mend}",
    ]
    (tmp_path / "feed.csv").write_text("<rss>\n<item></rss>")
    assert check()[0].startswith("feed.csv:2: it is not XML: mismatched tag")
    (tmp_path / "feed.csv").write_text(f"{HEAD}A,Tea,/tea,4.50 EUR\n")
    assert check() == [f"{tmp_path / 'doorstep.toml'}: fine"]

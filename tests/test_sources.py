"""What widgets need from outside: asked for behind the page, kept while it cannot be had, given up where it fills memory."""

import asyncio
import os
import threading

import pytest
import structlog

from doorstep import Mistake, PartRead, Source
from doorstep.downloads import Downloads
from doorstep.metrics import Metrics
from doorstep.sources import Sources

from .servers import hang_up, hostile, reply, silence, until

pytestmark = pytest.mark.anyio


class Cellar:
    """Sources of the widget `cross_sell` of the store `main`, on the test's clock; `moved` is what was told."""

    def __init__(self, folder, clock, **options):
        self.folder = folder
        self.clock = clock
        self.moved = []
        self.metrics = Metrics()
        self.sources = Sources(base=folder, clock=clock, metrics=self.metrics, moved=self.moved.append, **options)

    async def read(self, *addresses, read=None, wait=5.0, shared=False, **fields):
        wanted = [Source(f"s{n}", one, read or (lambda body, type: body), **fields) for n, one in enumerate(addresses)]
        return await self.sources.read("main", "cross_sell", wanted, wait=wait, shared=shared)

    async def get(self, address, **options):
        """The value of one source; None while there is none."""
        return (await self.read(address, **options)).values.get("s0")

    async def settled(self):
        """When nothing is under way any more."""
        await until(lambda: not any(one.task for one in self.sources._kept.values()))

    def failures(self):
        labels = {"store": "main", "widget": "cross_sell", "source": "s0"}
        return self.metrics.registry.get_sample_value("doorstep_source_failures_total", labels) or 0


@pytest.fixture
async def cellars(tmp_path, clock):
    made = []

    def make(**options):
        made.append(Cellar(tmp_path, clock, **options))
        return made[-1]

    yield make
    for one in made:
        await one.sources.aclose()


@pytest.fixture
def cellar(cellars):
    return cellars()


def at(cellar, server, path="/feed"):
    cellar.sources.trust({"feed": server.url})
    return server.url + path


async def test_what_an_address_gives_is_read_once_and_then_there(cellar):
    async with hostile(reply(200, b"a,b", content_type="text/csv")) as server:
        address = at(cellar, server)
        assert await cellar.get(address, read=lambda body, type: (body, type)) == (b"a,b", "text/csv")
        assert await cellar.get(address, wait=0) == (b"a,b", "text/csv")
    assert len(server.requests) == 1


async def test_a_page_waits_a_moment_for_the_first_answer_and_then_goes_without(cellar):
    async with hostile(silence) as server:
        found = await cellar.read(at(cellar, server), wait=0.01)
    assert (found.values, found.pending) == ({}, True)


async def test_one_question_an_address_is_under_way_however_many_ask(cellar):
    async with hostile(reply(200, b"1")) as server:
        address = at(cellar, server)
        assert await asyncio.gather(*(cellar.get(address) for _ in range(50))) == [b"1"] * 50
    assert len(server.requests) == 1


async def test_what_is_older_than_it_may_be_is_shown_and_asked_for_behind_the_page(cellar):
    known = reply(200, b"1", etag='"1"')
    async with hostile(known, reply(304, b""), reply(200, b"2", etag='"2"')) as server:
        address = at(cellar, server)
        for nth, then in [(1, b"1"), (2, b"1"), (3, b"1")]:
            assert await cellar.get(address, every=60, wait=5 if nth == 1 else 0) == then
            await cellar.settled()
            assert len(server.requests) == nth
            cellar.clock.advance(59)
            assert await cellar.get(address, every=60) == (b"2" if nth == 3 else b"1")
            assert len(server.requests) == nth
            cellar.clock.advance(8)  # what is waited for longer is a tenth at most
        assert await cellar.get(address, every=60) == b"2"
    assert [seen.headers.get("if-none-match") for seen in server.requests[:3]] == [None, '"1"', '"1"']


async def test_the_last_good_one_stays_and_who_fails_is_left_alone_ever_longer(cellar):
    async with hostile(reply(200, b"good"), reply(500)) as server:
        address = at(cellar, server)
        await cellar.get(address)
        cellar.clock.advance(1000)
        for asked, pause in [(2, 5), (3, 10), (4, 20), (5, 40)]:
            assert await cellar.get(address) == b"good"
            await cellar.settled()
            assert len(server.requests) == asked
            cellar.clock.advance(pause - 0.1)
            assert await cellar.get(address) == b"good"
            await cellar.settled()
            assert len(server.requests) == asked
            cellar.clock.advance(pause * 0.1 + 0.2)
    assert cellar.failures() == 4
    [trouble] = cellar.sources.troubles()
    assert (trouble.store, trouble.widget, trouble.source, trouble.reason) == ("main", "cross_sell", "s0", "HTTP 500")


async def test_what_is_back_is_no_trouble_any_more(cellar):
    async with hostile(reply(500), reply(200, b"good")) as server:
        address = at(cellar, server)
        assert await cellar.get(address) is None
        assert len(cellar.sources.troubles()) == 1
        cellar.clock.advance(6)
        assert await cellar.get(address) == b"good"
    assert cellar.sources.troubles() == []


async def test_a_server_that_names_a_time_is_left_alone_until_then_for_all_its_addresses(cellar):
    async with hostile(reply(503, retry_after="120"), reply(200, b"good")) as server:
        await cellar.get(at(cellar, server, "/recommend?sku=A"))
        cellar.clock.advance(119)
        assert await cellar.get(at(cellar, server, "/recommend?sku=B"), wait=1) is None
        assert len(server.requests) == 1
        cellar.clock.advance(2)
        assert await cellar.get(at(cellar, server, "/recommend?sku=B")) == b"good"


async def test_an_address_that_is_not_there_is_no_reason_to_leave_the_others_alone(cellar):
    async with hostile(choose=lambda seen: reply(404 if "A" in seen.target else 200, b"good")) as server:
        assert await cellar.get(at(cellar, server, "/A")) is None
        assert await cellar.get(at(cellar, server, "/B")) == b"good"


async def test_where_there_need_not_be_one_its_absence_is_no_fault_and_what_was_there_is_gone(cellar):
    async with hostile(reply(404), reply(200, b"good"), reply(500), reply(410)) as server:
        address = at(cellar, server)
        found = await cellar.read(address, may_lack=True)
        assert (found.values, found.pending, cellar.sources.troubles()) == ({"s0": None}, False, [])
        for value, troubles in ((b"good", 0), (b"good", 1), (None, 0)):
            cellar.clock.advance(1000)
            await cellar.get(address, may_lack=True)
            await cellar.settled()
            assert await cellar.get(address, may_lack=True) == value
            assert len(cellar.sources.troubles()) == troubles
    assert (len(server.requests), cellar.sources.size) == (4, 0)


async def test_a_file_that_need_not_be_there_is_read_when_it_is(cellar):
    assert (await cellar.read("no.csv", may_lack=True)).values == {"s0": None}
    assert cellar.sources.troubles() == []
    (cellar.folder / "no.csv").write_bytes(b"tea")
    for _ in range(2):
        await cellar.sources.look_round()
    await cellar.settled()
    assert await cellar.get("no.csv", may_lack=True) == b"tea"


async def test_a_known_failure_is_not_waited_for_and_its_page_may_be_kept(cellar):
    async with hostile(hang_up) as server:
        address = at(cellar, server)
        assert not (await cellar.read(address)).pending
        assert await cellar.read(address, wait=1000) == await cellar.read(address)
    assert len(server.requests) == 1


async def test_what_cannot_be_read_leaves_the_last_good_one_and_is_told_without_the_address(cellar):
    def picky(body, type):
        if body != b"good":
            raise ValueError("line 3: no products")
        return body

    async with hostile(reply(200, b"good"), reply(200, b"bad")) as server:
        address = at(cellar, server, "/feed?key=hush")
        await cellar.get(address, read=picky)
        cellar.clock.advance(1000)
        with structlog.testing.capture_logs() as logs:
            await cellar.get(address, read=picky)
            await cellar.settled()
        assert await cellar.get(address, read=picky) == b"good"
    [line] = logs
    assert (line["reason"], line["meanwhile"]) == ("line 3: no products", "the last good one stays")
    assert "hush" not in str(line)


async def test_a_reader_that_raises_anything_costs_its_source_alone(cellar):
    async with hostile(reply(200, b"x")) as server:
        address = at(cellar, server)
        with structlog.testing.capture_logs() as logs:
            assert await cellar.get(address, read=lambda body, type: body.nonsense) is None
    assert logs[0]["reason"] == "reading it raised AttributeError"


async def test_what_was_left_out_is_told_with_its_lines(cellar):
    def part(body, type):
        return PartRead("rest", 40, tuple(Mistake(n, "no price") for n in range(7, 20)))

    async with hostile(reply(200, b"x")) as server:
        with structlog.testing.capture_logs() as logs:
            assert await cellar.get(at(cellar, server), read=part) == "rest"
    assert (logs[0]["left_out"], logs[0]["first"][0], len(logs[0]["first"])) == (40, "line 7: no price", 3)


async def test_reading_does_not_hold_the_loop(cellar):
    threads = []
    async with hostile(reply(200, b"x")) as server:
        await cellar.get(at(cellar, server), read=lambda body, type: threads.append(threading.current_thread()))
    assert threads[0] is not threading.main_thread()


async def test_a_change_of_what_is_on_kept_pages_is_told(cellar):
    async with hostile(reply(200, b"1"), reply(200, b"1"), reply(200, b"2")) as server:
        address = at(cellar, server)
        await cellar.get(address, shared=True)
        assert cellar.moved == ["sources:main"]
        for told in (1, 2):  # the same once more, then another
            cellar.clock.advance(1000)
            await cellar.sources.look_round()  # no page asks
            await cellar.settled()
            assert len(cellar.moved) == told


async def test_what_is_on_no_kept_page_is_asked_for_by_pages_only_and_tells_nobody(cellar):
    async with hostile(reply(200, b"1")) as server:
        await cellar.get(at(cellar, server))
        cellar.clock.advance(1000)
        await cellar.sources.look_round()
        await cellar.settled()
    assert (cellar.moved, len(server.requests)) == ([], 1)


async def test_the_least_wanted_goes_first_when_there_is_no_room(cellars):
    cellar = cellars(most_bytes=35)
    async with hostile(reply(200, b"x" * 10)) as server:
        await cellar.get(at(cellar, server, "/shared"), shared=True)
        for path in "ABCDEF":
            await cellar.get(at(cellar, server, f"/{path}"))
        assert cellar.sources.size == 30
        kept = {key.address.rpartition("/")[2] for key in cellar.sources._kept}
    assert kept == {"shared", "E", "F"}


async def test_a_body_larger_than_the_source_allows_is_refused(cellar):
    async with hostile(reply(200, b"x" * 101)) as server:
        assert await cellar.get(at(cellar, server), largest=100) is None
    assert cellar.sources.troubles()[0].reason == "its body is larger than 100 bytes"


async def test_an_address_that_no_setting_names_must_be_public(cellar):
    async with hostile(reply()) as server:
        assert await cellar.get(server.url + "/feed") is None
        assert not server.requests
        cellar.sources.trust({"products": [{"deep": (f"{server.url}/other",)}]})
        cellar.clock.advance(6)
        assert await cellar.get(server.url + "/feed") == b"{}"


async def test_a_file_is_read_and_read_again_when_it_was_written_to_the_end(cellar):
    file = cellar.folder / "feeds" / "products.csv"
    file.parent.mkdir()
    file.write_text("one")
    read = lambda body, type: f"{type}: {body.decode()}"  # noqa: E731
    assert await cellar.get("feeds/products.csv", read=read, shared=True) == "products.csv: one"
    file.write_text("two, as far as it is wr")
    await cellar.sources.look_round()  # it has changed: somebody may be writing
    file.write_text("two, the whole of it")
    await cellar.sources.look_round()
    await cellar.settled()
    assert await cellar.get("feeds/products.csv", read=read) == "products.csv: one"
    await cellar.sources.look_round()
    await cellar.settled()
    assert await cellar.get("feeds/products.csv", read=read) == "products.csv: two, the whole of it"
    assert len(cellar.moved) == 2


async def test_a_file_that_was_not_there_is_found_when_it_comes_and_missed_when_it_goes(cellar):
    assert await cellar.get("products.csv") is None
    assert cellar.sources.troubles()[0].reason == "there is no such file"
    (cellar.folder / "products.csv").write_text("here")
    for _ in range(2):
        await cellar.sources.look_round()
    await cellar.settled()
    assert await cellar.get("products.csv") == b"here"
    assert cellar.sources.troubles() == []
    (cellar.folder / "products.csv").unlink()
    for _ in range(2):
        await cellar.sources.look_round()
    await cellar.settled()
    assert await cellar.get("products.csv") == b"here"
    assert cellar.sources.troubles()[0].reason == "there is no such file"


@pytest.mark.parametrize("name", ["a\x00b", "folder", "pipe"])
async def test_what_is_no_file_is_named_and_nobody_waits_for_it(cellar, name):
    (cellar.folder / "folder").mkdir()
    os.mkfifo(cellar.folder / "pipe")
    assert await cellar.get(name) is None
    assert cellar.sources.troubles()[0].reason.startswith(("there is no such file", "it cannot be read"))


async def test_ages_are_told_of_what_is_on_kept_pages(cellar):
    async with hostile(reply(200, b"1")) as server:
        await cellar.get(at(cellar, server), shared=True)
        cellar.clock.advance(300)
        await cellar.sources.look_round()
    labels = {"store": "main", "widget": "cross_sell", "source": "s0"}
    assert cellar.metrics.registry.get_sample_value("doorstep_source_age_seconds", labels) == 300


async def test_closing_ends_what_is_under_way(tmp_path, clock):
    cellar = Cellar(tmp_path, clock, downloads=Downloads(clock=clock))
    async with hostile(silence) as server:
        await cellar.read(at(cellar, server), wait=0.01)
        await until(lambda: len(server.requests) == 1)
        await cellar.sources.aclose()
        await asyncio.wait_for(server.left.wait(), 5)

"""Carriers that are deaf, slow, or say what makes no sense: a shop's pages keep to their deadline and to what is known."""

import asyncio
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from doorstep import CarrierUnavailable, Found, NotFound, Query, Request, Status
from doorstep.cache import MemoryCache
from doorstep.clock import SystemClock
from doorstep.config import Store
from doorstep.fetch import Fetcher
from doorstep.freshness import Freshness
from doorstep.guard import GuardedTransport
from doorstep.lookup import Outcome
from doorstep.metrics import Metrics
from doorstep.plugins import Plugins
from doorstep.secret import Secret
from doorstep.tracker import Tracker

from ..acme import ACME, acme, asks, parcel
from ..clock import FakeClock
from ..servers import drip, flood, gzip_bomb, hostile, raw, reply, silence, truncated_chunks

pytestmark = pytest.mark.anyio
NUMBER = "123456789"
WEEK = 7 * 86_400


class Shop:
    """A tracker with one carrier, whose answer has to be JSON with `"here": true`; or `read` says what it means."""

    def __init__(self, carrier, *, clock=None, deadline=5.0, read=None, **asking):
        self.clock = clock or FakeClock()
        self.metrics = Metrics()
        plugins = self.plugins = Plugins()
        account = acme(asks(then=read or self._read, **asking), endpoint=carrier)
        plugins.manifests["acme"], plugins.accounts["acme"] = account.carrier.manifest, account
        self.fetcher = Fetcher(clock=self.clock, metrics=self.metrics, deadline=deadline)
        self.tracker = Tracker(
            plugins,
            self.fetcher,
            MemoryCache(self.clock),
            clock=self.clock,
            metrics=self.metrics,
            secret=Secret("s" * 32),
        )

    def _read(self, response):
        if response.status == 404:
            return NotFound()
        return Found((parcel(NUMBER),)) if response.expect(200).json(dict)["here"] else NotFound()

    async def look_up(self, wait=10.0):
        return await self.tracker.look_up(NUMBER, Store(name="Shop"), wait=wait)

    async def asked_anew(self):
        """The answer is old: it is shown, and the carrier asked behind it."""
        self.clock.advance(86_400)
        await self.look_up()
        await self.tracker.questions.landed()

    async def close(self):
        await self.tracker.close()
        await self.fetcher.aclose()


@pytest.fixture
async def shop():
    opened = []

    def open_one(carrier, **options):
        opened.append(Shop(carrier, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


HERE = reply(200, b'{"here": true}')
SENSELESS = {
    "a page of HTML": reply(200, b"<!doctype html><title>Sorry</title>", content_type="text/html"),
    "HTML that calls itself JSON": reply(200, b"<h1>502</h1>", content_type="application/json"),
    "nothing": reply(200, b""),
    "no content": raw(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n"),
    "another shape": reply(200, b"[]"),
    "deeply nested": reply(200, b'{"here":' * 50_000),
    "an integer of 5,000 digits": reply(200, b'{"here": ' + b"9" * 5000),
    "no number": reply(200, b'{"here": NaN}'),
    "half a character": reply(200, b'{"here": "\xed\xa0\x80"}'),
    "cut off": truncated_chunks(),
    "a bomb": gzip_bomb(50_000_000),
    "packed as nobody asked for": reply(200, b"\x0b\x02\x80", content_encoding="br"),
    "moved to inside": reply(302, b"", location="http://169.254.169.254/latest/meta-data/"),
    "moved to a file": reply(301, b"", location="file:///etc/passwd"),
    "moved to itself": reply(307, b"", location="/track"),
}


@pytest.mark.parametrize("answer", SENSELESS.values(), ids=SENSELESS)
@pytest.mark.fault(17, 18, 20, 21)
async def test_an_answer_that_makes_no_sense_is_never_not_found_and_costs_nothing_that_is_known(shop, answer):
    async with hostile(answer) as carrier:
        lookup = await shop(carrier.url).look_up()
        assert (lookup.outcome, lookup.shipments) == (Outcome.UNAVAILABLE, ())
    async with hostile(HERE, answer) as carrier:
        knowing = shop(carrier.url)
        await knowing.look_up()
        await knowing.asked_anew()
        lookup = await knowing.look_up()
        assert (lookup.outcome, lookup.freshness) == (Outcome.FOUND, Freshness.STALE_ON_ERROR)
        assert (knowing.clock.now() - lookup.fetched_at).total_seconds() == 86_400


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.fault(14)
async def test_a_failing_server_is_asked_twice_and_what_is_known_is_shown_for_a_week(shop, status):
    async with hostile(HERE, reply(status)) as carrier:
        knowing = shop(carrier.url)
        await knowing.look_up()
        await knowing.asked_anew()
        assert len(carrier.requests) == 1 + 2
        assert (await knowing.look_up()).freshness is Freshness.STALE_ON_ERROR
        knowing.clock.advance(WEEK - 86_400 - 1)
        assert (await knowing.look_up()).outcome is Outcome.FOUND
        knowing.clock.advance(1)
        assert (await knowing.look_up()).outcome is Outcome.UNAVAILABLE


WAITS = {
    "seconds": (lambda now: "120", 120),
    "a date": (lambda now: format_datetime(now + timedelta(seconds=120), usegmt=True), 120),
    "ten years": (lambda now: "315360000", 3600),
    "a negative number": (lambda now: "-5", 0),
    "no number": (lambda now: "soon, " + "x" * 1000, 0),
    "a date that is past": (lambda now: "Sun, 06 Nov 1994 08:49:37 GMT", 0),
}


@pytest.mark.fault(15)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "seconds"), WAITS.values(), ids=WAITS)
async def test_a_carrier_that_names_a_time_is_not_asked_before_it_and_what_is_known_is_shown(
    shop, header, seconds, status
):
    clock = FakeClock()
    later = clock.now() + timedelta(days=1)
    async with hostile(HERE, reply(status, retry_after=header(later)), HERE) as carrier:
        knowing = shop(carrier.url, clock=clock)
        await knowing.look_up()
        await knowing.asked_anew()
        asked = len(carrier.requests)
        if seconds:
            clock.advance(seconds - 1)
            lookup = await knowing.look_up()
            await knowing.tracker.questions.landed()
            assert (lookup.outcome, lookup.freshness) == (Outcome.FOUND, Freshness.STALE_ON_ERROR)
            assert len(carrier.requests) == asked == 2
        clock.advance(3700)
        await knowing.look_up()
        await knowing.tracker.questions.landed()
        assert len(carrier.requests) > asked
        assert (await knowing.look_up()).freshness is Freshness.FRESH


XML = {
    "a bomb": b'<!DOCTYPE a [<!ENTITY e0 "ha">%s]><a>&e9;</a>'
    % b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10)),
    "a document type": b"<!DOCTYPE a><a><here/></a>",
    "a file of ours": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
    "an address inside": b'<!DOCTYPE a [<!ENTITY x SYSTEM "INSIDE/x">]><a>&x;</a>',
    "a document type from elsewhere": b'<!DOCTYPE a SYSTEM "INSIDE/a.dtd"><a/>',
    "a parameter of it": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "INSIDE/x">%x;]><a/>',
    "half of it": b"<a><here>",
    "too deep": b"<a>" * 5000,
}


def from_xml(response):
    return Found((parcel(NUMBER),)) if response.expect(200).tree().text("here") else NotFound()


@pytest.mark.fault(19)
@pytest.mark.parametrize("body", XML.values(), ids=XML)
async def test_hostile_xml_is_neither_unfolded_nor_followed_and_costs_nothing_that_is_known(shop, body):
    async with hostile(reply()) as inside:
        answers = (reply(200, b"<a><here>1</here></a>"), reply(200, body.replace(b"INSIDE", inside.url.encode())))
        async with hostile(*answers) as carrier:
            knowing = shop(carrier.url, read=from_xml)
            assert (await knowing.look_up()).outcome is Outcome.FOUND
            await knowing.asked_anew()
            lookup = await knowing.look_up()
            assert (lookup.outcome, lookup.freshness) == (Outcome.FOUND, Freshness.STALE_ON_ERROR)
        assert inside.requests == []


@pytest.mark.fault(21)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_credentials_go_nowhere_else(shop, status):
    async with hostile(reply(200, b'{"here": true}')) as elsewhere:
        async with hostile(reply(status, b"", location=f"{elsewhere.url}/track")) as carrier:
            lookup = await shop(carrier.url, headers={"Authorization": "Bearer a-key"}).look_up()
            assert lookup.outcome is Outcome.UNAVAILABLE
            assert {one.headers["authorization"] for one in carrier.requests} == {"Bearer a-key"}
        assert elsewhere.requests == []


INSIDE = [
    ["127.0.0.1"],
    ["::1"],
    ["93.184.215.14", "127.0.0.1"],
    ["::ffff:127.0.0.1"],
    ["0.0.0.0"],
    ["169.254.169.254"],
]


@pytest.mark.fault(22)
@pytest.mark.parametrize("addresses", INSIDE, ids=str)
async def test_what_listens_inside_is_never_reached_by_a_carriers_name(addresses):
    """The name is looked up once; what was checked is dialled, whatever the name would say a moment later."""
    said = []

    async def resolve(host, port):
        said.append(host)
        return addresses if len(said) < 3 else ["127.0.0.1"]

    async with hostile(reply()) as inside:
        port = int(inside.url.rpartition(":")[2])
        guard = GuardedTransport(resolve=resolve)
        for scheme in ("https", "http"):
            with pytest.raises(CarrierUnavailable, match="refused"):
                await guard.handle_async_request(httpx2.Request("GET", f"{scheme}://api.acme.example:{port}/"))
        assert (inside.requests, said) == ([], ["api.acme.example"] * 2)
        guard.trust(f"http://sandbox.example:{port}")  # what the operator names is reached: it does listen
        await guard.handle_async_request(httpx2.Request("GET", f"http://sandbox.example:{port}/"))
        assert [one.headers["host"] for one in inside.requests] == [f"sandbox.example:{port}"]
        await guard.aclose()


@contextmanager
def black_hole():
    """An address that takes connections up to a full queue, and then says nothing at all: nobody accepts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for one in waiting:
            one.close()


DEAF = {"silent": silence, "dripping": drip}


@pytest.mark.parametrize("answer", DEAF.values(), ids=DEAF)
@pytest.mark.fault(13, 16)
async def test_a_page_does_not_wait_longer_than_it_may_and_the_question_ends_at_its_own_deadline(shop, answer):
    async with hostile(answer) as carrier:
        asking = shop(carrier.url, clock=SystemClock(), deadline=0.3)
        assert (await asking.look_up(wait=0.05)).outcome is Outcome.WAITING
        lookup = await asking.look_up(wait=30)
        assert lookup.outcome is Outcome.UNAVAILABLE
        await carrier.left.wait()


@pytest.mark.fault(13)
async def test_a_host_that_lets_nobody_in_is_unavailable_at_the_deadline(shop):
    with black_hole() as address:
        asking = shop(address, clock=SystemClock(), deadline=0.3)
        assert (await asking.look_up(wait=0.05)).outcome is Outcome.WAITING
        assert (await asking.look_up(wait=30)).outcome is Outcome.UNAVAILABLE


@pytest.mark.fault(17)
async def test_a_flood_is_not_taken_and_leaves_what_is_known(shop):
    flooding = []
    async with hostile(HERE, flood(flooding, 50_000_000)) as carrier:
        flooding.append(carrier)
        knowing = shop(carrier.url)
        await knowing.look_up()
        await knowing.asked_anew()
        assert (await knowing.look_up()).freshness is Freshness.STALE_ON_ERROR
        assert carrier.sent < 20_000_000  # two megabytes, and what the network holds


@pytest.mark.fault(10)
async def test_a_question_given_up_in_the_middle_leaves_the_next_one_its_own_answer():
    """Cancelled at many moments: no connection is left with an answer that somebody else then reads."""

    def echo(seen):
        number = seen.path.rpartition("/")[2].encode()

        async def slowly(writer):
            await asyncio.sleep(0.002)
            await reply(200, b'{"number": "' + number + b'"}')(writer)

        return slowly

    async with hostile(choose=echo) as carrier:
        fetcher = Fetcher(clock=SystemClock(), metrics=Metrics())

        def track(query):
            return asks(path=f"/track/{query.number}", then=lambda r: NotFound(r.json(dict)["number"]))(query)

        account = acme(track, endpoint=carrier.url)
        for n in range(100):
            given_up = asyncio.create_task(fetcher.track(account, Query(f"1{n}")))
            await asyncio.sleep(0.0003 * (n % 20))
            given_up.cancel()
            assert await fetcher.track(account, Query(f"2{n}")) == NotFound(f"2{n}")
        await fetcher.aclose()


@pytest.mark.fault(24)
async def test_what_is_cancelled_is_cancelled_and_no_failure_of_the_plugin(shop):
    entered = threading.Event()

    async def answer(writer):
        entered.set()
        await silence(writer)

    async with hostile(answer) as carrier:
        asking = shop(carrier.url)
        task = asyncio.create_task(asking.look_up())
        await asyncio.to_thread(entered.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert 'result="plugin_failed"' not in asking.metrics.render().decode()


SHARED = {
    "a shipment": lambda shipment, query: setattr(shipment, "status", Status.LOST),
    "its events": lambda shipment, query: shipment.events.append(None),
    "an event": lambda shipment, query: setattr(shipment.events[0], "text", "mine"),
    "a place": lambda shipment, query: setattr(shipment.events[0].place, "city", "mine"),
    "the question": lambda shipment, query: setattr(query, "number", "999999999"),
    "the manifest": lambda shipment, query: setattr(ACME, "name", "mine"),
}


@pytest.mark.parametrize("change", SHARED.values(), ids=SHARED)
@pytest.mark.fault(27)
async def test_a_plugin_that_changes_what_others_see_fails_alone(shop, change):
    def track(query):
        yield Request("GET", "/track")
        kept = parcel(query.number)
        change(kept, query)
        return Found((kept,))

    async with hostile(HERE) as carrier:
        hostile_one, good = shop(carrier.url), shop(carrier.url)
        hostile_one.plugins.accounts["acme"] = acme(track, endpoint=carrier.url)
        assert (await hostile_one.look_up()).outcome is Outcome.UNAVAILABLE
        assert 'result="plugin_failed"' in hostile_one.metrics.render().decode()
        assert (await good.look_up()).shipments[0].status is Status.IN_TRANSIT

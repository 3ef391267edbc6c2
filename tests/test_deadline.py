"""A look-up ends in its time, whatever takes it. The loop's time is not the wall's: it passes when nobody has work to do."""

import asyncio
import time

import pytest

from doorstep import Found, Secret
from doorstep.cache import MemoryCache
from doorstep.freshness import Record
from doorstep.lookup import Outcome
from doorstep.packages import installed
from doorstep.sandbox import sandbox_of
from doorstep.tracker import Wanted

from .acme import parcel
from .clock import FakeClock, SkippingLoop
from .rigs import proxied
from .servers import hostile, redis_server, silence
from .shopfront import DELIVERED, TODAY, shop, store
from .tracking import NUMBER, STORE, Rig

pytestmark = pytest.mark.anyio
WAIT = 1.0
KNOWN = Found((parcel(NUMBER),))


class Slow(MemoryCache):
    """Takes so many seconds for whatever it does."""

    def __init__(self, seconds):
        super().__init__(FakeClock())
        self.seconds = seconds

    async def get(self, key):
        await asyncio.sleep(self.seconds)
        return await super().get(key)

    async def set(self, key, value, ttl):
        await asyncio.sleep(self.seconds)
        await super().set(key, value, ttl)


class SlowRecords:
    def __init__(self, seconds):
        self.seconds = seconds

    async def known(self, number, language):
        await asyncio.sleep(self.seconds)
        return Record()


def seconds_of(*, cache=0.0, records=0.0, carrier=0.0, ask=None, **ranks):
    """What came of a look-up, and how long it took, where each of these is slow."""

    async def measured():
        rig = Rig(FakeClock(), cache=Slow(cache), records=SlowRecords(records), **(ranks or {"acme": 80}))

        async def track(account, query, *, stranger=True, wire=None):
            await asyncio.sleep(carrier)
            return KNOWN

        rig.fetcher.track = track
        try:
            lookup = await (ask or look_up)(rig)
            return lookup, round(asyncio.get_running_loop().time(), 6)
        finally:
            await rig.tracker.close()

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(measured())


async def look_up(rig):
    return await rig.look_up(wait=WAIT)


@pytest.mark.parametrize(
    "slow",
    [
        {"carrier": 60},
        {"cache": 0.24},  # Redis answers, each time just before it would be given up
        {"records": 60},
        {"cache": 0.24, "records": 0.2, "carrier": 60},
        {"cache": 0.24, "carrier": 60, "acme": 80, "zeta": 80, "nova": 80, "vega": 80},
        {"cache": 5, "records": 5, "carrier": 5},
    ],
    ids=lambda slow: ", ".join(f"{name} {seconds}" for name, seconds in slow.items()),
)
def test_a_page_that_gets_no_answer_in_time_says_so_in_time(slow):
    lookup, seconds = seconds_of(**slow)
    assert (lookup.outcome, seconds) == (Outcome.WAITING, WAIT)
    assert lookup.carriers, "the page says who is asked"


def test_an_answer_that_comes_at_the_last_moment_is_shown_and_what_is_noted_of_it_does_not_hold_the_page():
    # Read: the carrier remembered, the answer, the turn (0.2 s each); asked for 0.3 s; then kept by 1.1 s, were there time.
    lookup, seconds = seconds_of(cache=0.1, carrier=0.45)
    assert (lookup.outcome, seconds) == (Outcome.FOUND, WAIT)


def test_of_carriers_asked_together_the_quick_one_is_not_lost_by_the_slow_one():
    async def ask(rig):
        async def track(account, query, *, stranger=True, wire=None):
            await asyncio.sleep(0.1 if account.name == "zeta" else 60)
            return KNOWN

        rig.fetcher.track = track
        return await look_up(rig)

    lookup, seconds = seconds_of(ask=ask, acme=80, zeta=80)
    assert (lookup.outcome, lookup.carriers, seconds) == (Outcome.FOUND, ("zeta",), WAIT)
    assert lookup.tags == (), "nobody keeps a page that may have to ask which parcel is meant"


def test_a_refresh_of_a_worker_ends_in_a_minute():
    async def refresh(rig):
        return (await rig.tracker.refresh([Wanted(NUMBER, STORE, Record(ordered=True))]))[0]

    refreshed, seconds = seconds_of(carrier=3600, ask=refresh)
    assert (refreshed.error.message, seconds) == ("no answer in time", 60)


SLOW_WIDGET = """
import time
from doorstep import Widget, hookimpl
class Slow(Widget):
    name = "slow"
    def context(self, view):
        time.sleep(4)
@hookimpl
def register_widgets(register):
    register(Slow)
"""


async def test_with_redis_a_carrier_and_a_plugin_slow_at_once_a_page_comes_in_its_time(tmp_path, plugin):
    package = plugin("doorstep_slow", {"__init__.py": SLOW_WIDGET})

    def first_page(carrier, redis):
        more = {"stores": {"main": store(widgets={"slow": {}})}, "more": (package,), "redis": Secret(redis)}
        with shop(tmp_path, sandbox_of(installed(), today=TODAY), carrier, deadline=2.5, **more) as front:
            front.get("/")  # what is made once
            began = time.monotonic()
            page = front.get(f"/track/{DELIVERED}")
            return page, time.monotonic() - began

    with redis_server(tmp_path) as server:
        async with proxied(server.port) as proxy, hostile(silence) as carrier:
            proxy.delay = lambda: 0.2  # just not so long that Redis is given up
            page, seconds = await asyncio.to_thread(first_page, carrier.url, proxy.url)
    assert (page.status_code, page.headers["Refresh"]) == (202, "3")
    assert seconds < 2.5 + 1  # on a machine that does other things, too
    assert carrier.requests, "the carrier is being asked"

"""The worker asks carriers about parcels of orders that are due, over real HTTP, and nobody has to look at a page."""

import asyncio
import json
import signal
import sys
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update
from structlog.testing import capture_logs

from doorstep import Secret
from doorstep.cli import main
from doorstep.clock import SystemClock
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.errors import StoreError
from doorstep.freshness import Freshness
from doorstep.order import Order, Parcel, Promise
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts
from doorstep.tables import events, history, parcels
from doorstep.worker import Chore, Worker, beside, chores_of

from .servers import hostile, redis_server, reply, silence, until
from .shopfront import DELIVERED, MOVING, UNKNOWN, carriers

pytestmark = pytest.mark.anyio
DAY = 86400
SHOP = Store(name="Shop", timezone="Europe/Berlin")
POST = """
from doorstep import Carrier, Event, Found, NotFound, Request, Shipment, Status, hookimpl, moments


class Post(Carrier):
    def track(self, query):
        response = yield Request("GET", f"/track/{query.number}")
        return answer(query.number, response.json()) if response.status == 200 else NotFound()

    def track_many(self, queries):
        numbers = [query.number for query in queries]
        response = yield Request("POST", "/many", json=numbers, idempotent=True)
        return {number: answer(number, said) for number, said in response.json().items()}

    def register(self, queries):
        numbers = [query.number for query in queries]
        yield Request("POST", "/register", json=numbers)
        return dict.fromkeys(numbers)


def answer(number, said):
    events = tuple(Event(moments.iso(at), Status(status)) for status, at in said)
    return Found((Shipment(number, events),)) if events else NotFound()


@hookimpl
def register_carriers(register):
    register(Post)
"""
MANIFEST = """
slug = "post"
name = "The Post"
contract = 1
endpoint = "https://api.post.example"
batch = 4
can = ["track_many", "register"]
[[formats]]
name = "nine digits"
pattern = "[0-9]{9}"
rank = 90
"""
FILES = {"__init__.py": POST, "carrier.toml": MANIFEST, "codes.toml": 'key = ["code"]\n[codes]\n'}
PICKED_UP, OUT = ["in_transit", "2026-11-20T12:00:00Z"], ["out_for_delivery", "2026-11-22T07:00:00Z"]
NUMBERS = [f"{n:09}" for n in range(1, 31)]


class Post:
    """What the carrier says (`scans`), who was asked about (`asked`), and in which calls."""

    def __init__(self):
        self.scans = [PICKED_UP]
        self.asked = Counter()
        self.calls = []
        self.registered = []
        self.instead = None

    def choose(self, seen):
        numbers = json.loads(seen.body) if seen.body else [seen.path.rpartition("/")[2]]
        self.calls.append(seen.path)
        if seen.path == "/register":
            self.registered += numbers
            return reply(200)
        self.asked.update(numbers)
        if self.instead is not None:
            return self.instead
        said = dict.fromkeys(numbers, self.scans) if seen.path == "/many" else self.scans
        return reply(200, json.dumps(said).encode())


@pytest.fixture
def post():
    return Post()


@pytest.fixture
async def engine_of(database_url, tmp_path, clock, plugin, post):
    """`engine = await engine_of()`: a running engine on this test's database, whose only carrier is the Post."""
    package = plugin("doorstep_the_post", FILES)
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(hostile(choose=post.choose))

        async def make(account=(), **fields):
            config = Config(
                stores={"shop": SHOP},
                secret_key=(Secret("s" * 32),),
                database=database_url,
                base=tmp_path,
                carriers={"post": {"endpoint": carrier.url, **dict(account)}},
                **fields,
            )
            engine = create_engine(config, clock=clock, packages=[package])
            await engine.database.open()
            stack.push_async_callback(engine.close)
            return engine

        yield make
    sys.modules.pop("doorstep_the_post", None)


async def ordered(engine, *numbers, until=None, carrier=""):
    """An order for each number, placed on Thursday."""
    placed = datetime.fromisoformat("2026-11-19T09:00:00Z")

    def create(connection):
        for number in numbers:
            promised = Promise(until=until) if until else None
            order = Order(f"order {number}", placed, shipments=(Parcel(number, carrier),), promised=promised)
            engine.orders.create(connection, "shop", order)

    await engine.database.write(create)


async def kept(engine):
    """Every parcel by its number."""
    rows = await engine.database.read(lambda connection: connection.execute(select(parcels)).all())
    return {row.number: row for row in rows}


async def recorded(engine):
    """Comes back when every parcel has its first answer. A question that a busy machine was too slow for is due at once."""
    again = update(parcels).where(parcels.c.failures > 0).values(due_at=datetime.fromisoformat("2026-01-01T00:00:00Z"))
    async with asyncio.timeout(240):
        while {row.version for row in (await kept(engine)).values()} != {1}:
            await engine.database.write(lambda connection: connection.execute(again))
            await asyncio.sleep(0.1)


async def told(engine):
    return await engine.database.read(lambda connection: sorted(connection.scalars(select(events.c.type))))


async def test_carriers_are_asked_and_what_they_say_is_recorded_for_all_ways_it_can_end(database_url, tmp_path, clock):
    limited, failing, watched = "1ZD0R5TP6873130143", "6A50300000503", "CC730164925IT"
    with carriers() as (sandbox, served):
        accounts = sandbox_accounts(sandbox, served.url)
        config = Config(
            stores={"shop": SHOP}, secret_key=(Secret("s" * 32),), database=database_url, base=tmp_path,
            carriers={name: accounts[name] for name in ("ups", "la_poste", "seventeentrack")},
        )  # fmt: skip
        engine = create_engine(config, clock=clock, packages=installed())
        await engine.database.open()
        await ordered(engine, DELIVERED, MOVING, UNKNOWN, limited, failing, watched)
        worker = Worker(engine)
        with capture_logs() as logs:
            assert await worker.refresh() == 6
            assert await worker.refresh() == 0, "nothing is due any more"
        rows = await kept(engine)
        await engine.close()
    assert {number: row.status for number, row in rows.items()} == {
        DELIVERED: "delivered", MOVING: "in_transit", UNKNOWN: "pending", limited: "pending", failing: "pending",
        watched: "out_for_delivery",
    }  # fmt: skip
    assert (rows[DELIVERED].carrier, rows[MOVING].carrier, rows[watched].carrier) == ("ups", "la_poste", "")
    assert (rows[failing].failures, rows[failing].error) == (1, "carrier_unavailable")
    assert (rows[limited].failures, rows[limited].error) == (0, "")
    assert all(row.due_at > clock.now() and row.leased_until is None for row in rows.values())
    assert sandbox.calls["seventeentrack", "registration_of_one"] == 1
    assert rows[watched].registered_at == clock.now()
    assert sorted(entry["event"] for entry in logs) == ["carrier did not answer", "carrier has had enough for now"]
    assert not any(number in str(logs) for number in rows)


async def test_a_late_parcel_puts_its_promise_at_risk_without_a_visitor(engine_of):
    engine = await engine_of()
    await ordered(engine, NUMBERS[0], until=date(2026, 11, 22))
    await Worker(engine).run_once()
    assert await told(engine) == ["order.promise_at_risk", "shipment.status_changed"]
    order = await engine.database.read(lambda connection: engine.orders.find(connection, "shop", f"order {NUMBERS[0]}"))
    assert order.promise == "at_risk"


async def test_several_numbers_go_in_one_call_and_pages_have_what_was_learnt(engine_of, post):
    engine = await engine_of()
    await ordered(engine, *NUMBERS[:9])
    await Worker(engine).refresh()
    assert Counter(post.calls) == {"/register": 3, "/many": 2, f"/track/{NUMBERS[8]}": 1}
    lookup = await engine.tracker.look_up(NUMBERS[3], SHOP, wait=5)
    assert (lookup.freshness, lookup.shipments[0].status) == (Freshness.FRESH, "in_transit")
    assert post.asked[NUMBERS[3]] == 1


async def test_a_number_is_registered_once(engine_of, post, clock):
    engine = await engine_of()
    await ordered(engine, *NUMBERS[:3])
    for _ in range(3):
        await Worker(engine).refresh()
        clock.advance(DAY)
    assert Counter(post.registered) == Counter(NUMBERS[:3])
    assert set(post.asked.values()) == {3}


async def test_a_change_between_two_passes_is_told_and_its_history_kept(engine_of, post, clock):
    engine = await engine_of()
    await ordered(engine, NUMBERS[0])
    await Worker(engine).refresh()
    post.scans = [OUT, PICKED_UP]
    clock.advance(3600)
    await Worker(engine).refresh()
    versions = await engine.database.read(
        lambda connection: connection.execute(select(history.c.version, history.c.status)).all()
    )
    assert sorted(versions) == [(1, "in_transit"), (2, "out_for_delivery")]
    assert await told(engine) == ["shipment.status_changed"] * 2


async def test_a_carrier_that_has_had_enough_is_left_alone_and_nothing_is_a_failure(engine_of, post, clock):
    engine = await engine_of()
    await ordered(engine, *NUMBERS[:12])
    post.instead = reply(429, retry_after="90")
    with capture_logs() as logs:
        await Worker(engine).refresh()
    rows = (await kept(engine)).values()
    assert {row.failures for row in rows} == {0}
    assert min(row.due_at for row in rows) == clock.now() + timedelta(seconds=90)
    assert sum(entry["parcels"] for entry in logs if entry["event"] == "carrier has had enough for now") == 12
    assert {entry["log_level"] for entry in logs} == {"info"}
    post.instead = None
    clock.advance(3600)
    while await Worker(engine).refresh():
        pass
    assert {row.status for row in (await kept(engine)).values()} == {"in_transit"}


async def test_an_account_s_own_limit_spreads_the_parcels_over_time(engine_of, post, clock):
    engine = await engine_of({"limits": [{"calls": 2, "seconds": 60}], "concurrent": 1})
    await ordered(engine, *NUMBERS)
    asked = []
    for _ in range(40):
        await Worker(engine).refresh()
        asked.append(len(post.asked))
        clock.advance(60)
    assert asked[0] < len(NUMBERS) == asked[-1]
    assert {row.failures for row in (await kept(engine)).values()} == {0}


async def test_a_slow_carrier_does_not_hold_up_the_others(engine_of, post, clock, monkeypatch):
    engine = await engine_of({"concurrent": 1})
    await ordered(engine, *NUMBERS[:12])
    with monkeypatch.context() as slow:
        slow.setattr("doorstep.worker._ROUND", 0.0)
        await Worker(engine).refresh()
    assert len(post.asked) == 4, "one question; the other parcels wait their turn"
    rows = (await kept(engine)).values()
    later = sorted({(row.due_at - clock.now()).total_seconds() for row in rows if row.version == 0})
    assert later == [5, 10]
    clock.advance(11)
    await Worker(engine).refresh()
    assert post.asked == Counter(NUMBERS[:12])


async def test_a_carrier_that_is_down_keeps_what_is_known_and_is_asked_ever_less(engine_of, post, clock):
    engine = await engine_of()
    await ordered(engine, NUMBERS[0])
    await Worker(engine).refresh()
    post.instead = reply(503)
    pauses = []
    for nth in range(1, 5):
        clock.advance(DAY)
        await Worker(engine).refresh()
        row = (await kept(engine))[NUMBERS[0]]
        assert (row.status, row.version, row.failures) == ("in_transit", 1, nth)
        pauses.append((row.due_at - clock.now()).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 6 * pauses[0]
    page = await engine.tracker.look_up(NUMBERS[0], SHOP, wait=5)
    assert page.shipments[0].status == "in_transit"


async def test_nothing_is_lost_when_redis_is_emptied_and_the_carrier_is_down(
    engine_of, post, clock, tmp_path, monkeypatch
):
    monkeypatch.setattr("doorstep.records._PATIENCE", 60)  # how quick this machine's disk is, is not asked here
    with redis_server(tmp_path) as redis:
        engine = await engine_of(redis=Secret(redis.url))
        await ordered(engine, NUMBERS[0])
        await Worker(engine).refresh()
        known = await engine.tracker.look_up(NUMBERS[0], SHOP, wait=5)
        redis.kill()
        redis.start()
        clock.advance(DAY)
        post.instead = reply(503)
        other = await engine_of(redis=Secret(redis.url))  # a process that has nothing of its own
        lookup = await other.tracker.look_up(NUMBERS[0], SHOP, wait=60)
    assert (lookup.freshness, lookup.shipments, lookup.fetched_at) == (
        Freshness.STALE, known.shipments, known.fetched_at,
    )  # fmt: skip


async def test_two_workers_share_the_work_and_ask_about_no_parcel_twice(engine_of, post, monkeypatch):
    monkeypatch.setattr("doorstep.worker._CLAIMED", 5)
    engines = [await engine_of(), await engine_of()]
    await ordered(engines[0], *NUMBERS)

    async def work(engine):
        worker, mine = Worker(engine), 0
        while claimed := await worker.refresh():
            mine += claimed
        return mine

    shares = await asyncio.gather(*map(work, engines))
    assert sum(shares) == len(NUMBERS)
    assert post.asked == Counter(NUMBERS)
    assert {row.version for row in (await kept(engines[0])).values()} == {1}


async def test_a_parcel_that_cannot_be_kept_is_tried_again_when_its_lease_ends(engine_of, clock, monkeypatch):
    engine = await engine_of()
    await ordered(engine, *NUMBERS[:3])
    record = engine.records.record

    def fail(connection, parcel_id, entries):
        if entries["post"].answer.shipments[0].number == NUMBERS[1]:
            raise StoreError("value too long")
        return record(connection, parcel_id, entries)

    with monkeypatch.context() as broken:
        broken.setattr(type(engine.records), "record", lambda self, *given: fail(*given))
        await Worker(engine).refresh()
    assert [row.version for _, row in sorted((await kept(engine)).items())] == [1, 0, 1]
    clock.advance(301)
    await Worker(engine).refresh()
    assert {row.version for row in (await kept(engine)).values()} == {1}


async def test_a_parcel_that_nobody_can_ask_about_is_put_off(engine_of, post, clock):
    engine = await engine_of()
    await ordered(engine, "NOBODYS1")
    await Worker(engine).refresh()
    row = (await kept(engine))["NOBODYS1"]
    assert (row.failures, post.calls) == (0, [])
    assert row.due_at > clock.now() + timedelta(minutes=30)


async def test_what_is_due_and_done_is_measured(engine_of, clock):
    engine = await engine_of()
    await ordered(engine, *NUMBERS[:3])
    clock.advance(20)
    await Worker(engine).refresh()
    text = engine.metrics.render().decode()
    for line in (
        "doorstep_worker_due 3.0", "doorstep_worker_lag_seconds 20.0", "doorstep_worker_claims_total 3.0",
        'doorstep_worker_refreshed_total{result="new"} 3.0',
    ):  # fmt: skip
        assert line in text


# Running, and coming to an end.


async def test_a_worker_that_is_stopped_gives_back_what_it_did_not_ask(engine_of, post, monkeypatch):
    monkeypatch.setattr("doorstep.worker.DRAIN", 0.05)
    engine = await engine_of()
    await ordered(engine, *NUMBERS)
    post.instead = silence
    worker = Worker(engine)
    async with worker.running():
        await until(lambda: "/many" in post.calls)
    rows = (await kept(engine)).values()
    assert {(row.leased_until, row.failures) for row in rows} == {(None, 0)}


async def test_work_under_way_comes_to_its_end_before_a_worker_ends(engine_of, post):
    engine = await engine_of()
    await ordered(engine, NUMBERS[0])
    answering = asyncio.Event()

    async def slowly(writer):
        answering.set()
        await asyncio.sleep(0.1)
        await reply(200, json.dumps([PICKED_UP]).encode())(writer)

    post.instead = slowly
    async with Worker(engine).running():
        await until(answering.is_set)
    assert (await kept(engine))[NUMBERS[0]].version == 1


async def test_a_chore_that_fails_keeps_no_other_from_being_done(engine_of):
    engine = await engine_of()
    done = []

    async def fail():
        done.append("fail")
        raise StoreError("gone") if len(done) % 2 else ValueError("a bug")

    async def count():
        done.append("count")
        return 0

    with capture_logs() as logs:
        async with Worker(engine, [Chore("first", 0.01, fail), Chore("second", 0.01, count)]).running():
            await until(lambda: done.count("fail") >= 3 and done.count("count") >= 3)
    assert {entry["chore"] for entry in logs} == {"first"}


async def test_beside_a_server_everything_is_done_in_one_process(engine_of):
    engine = await engine_of()
    await ordered(engine, *NUMBERS[:3])
    async with beside(engine):
        await recorded(engine)
    assert chores_of(engine)[0].name == "deliver"


# The command, as a process of its own.

SETTINGS = """
secret_key = ["0123456789abcdef0123456789abcdef"]
database = "{database}"
[stores.shop]
name = "Shop"
[carriers.post]
endpoint = "{endpoint}"
"""


@pytest.fixture
async def folder(tmp_path, database_url, post):
    """A shop's folder with settings and the Post as its own plugin."""
    for name, text in FILES.items():
        file = tmp_path / "plugins" / "doorstep_own_post" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    async with hostile(choose=lambda seen: post.choose(seen)) as carrier:
        (tmp_path / "doorstep.toml").write_text(SETTINGS.format(database=database_url, endpoint=carrier.url))
        yield tmp_path


@asynccontextmanager
async def bookkeeper(database_url, folder):
    """An engine without carriers, to look into the database."""
    config = Config(
        stores={"shop": SHOP}, secret_key=(Secret("0123456789abcdef" * 2),), database=database_url, base=folder
    )
    engine = create_engine(config, clock=SystemClock(), packages=[])
    await engine.database.open()
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def worker_process(folder, *options):
    command = [sys.executable, "-m", "doorstep", "worker", "--config", str(folder / "doorstep.toml"), *options]
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, **pipes)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_command_does_what_is_due_and_ends(folder, database_url, post):
    async with bookkeeper(database_url, folder) as engine:
        await ordered(engine, *NUMBERS[:3], carrier="post")
        async with worker_process(folder, "--once", "--json") as process:
            out, err = await process.communicate()
        assert (process.returncode, json.loads(out)) == (0, {"done": 3}), err
        assert {row.status for row in (await kept(engine)).values()} == {"in_transit"}
        assert not any(number.encode() in err for number in NUMBERS)


@pytest.mark.fault(42)
async def test_kill_9_in_the_middle_of_a_pass_loses_nothing_and_sigterm_ends_in_peace(folder, database_url, post):
    asked = asyncio.Event()
    answer = post.choose

    def choose(seen):  # the first calls are answered, the others never
        chosen = answer(seen)
        if post.calls.count("/many") <= 2:
            return chosen
        asked.set()
        return silence

    post.choose = choose
    async with bookkeeper(database_url, folder) as engine:
        await ordered(engine, *NUMBERS, carrier="post")
        async with worker_process(folder) as process:
            await asyncio.wait_for(asked.wait(), 120)  # a process starts slowly on a busy machine
            process.send_signal(signal.SIGKILL)
        assert 0 in {row.version for row in (await kept(engine)).values()}
        post.choose = answer
        gone = datetime.fromisoformat("2026-01-01T00:00:00Z")  # as after five minutes: the leases have ended
        await engine.database.write(lambda connection: connection.execute(update(parcels).values(leased_until=gone)))
        async with worker_process(folder) as process:
            await recorded(engine)
            process.send_signal(signal.SIGTERM)
            await process.communicate()
        assert process.returncode == 0
        assert await told(engine) == ["shipment.status_changed"] * len(NUMBERS)


def test_settings_that_cannot_be_read_are_a_problem_and_no_traceback(tmp_path):
    result = CliRunner().invoke(main, ["worker", "--config", str(tmp_path / "none.toml")])
    assert (result.exit_code, "cannot read" in result.output) == (1, True)

"""Processes that are told to end while they answer, disks that are full, databases that are locked or restarted: what was
accepted is kept, what was typed comes back, who waits is answered."""

import re
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx2
import pytest
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from doorstep import database as module
from doorstep.testing import serve

from ..posting import until
from ..shopfront import DELIVERED, carriers, parsed, shop, words
from .processes import serving

READERS = 8
_CODE = """
from doorstep import Carrier, Event, Found, Request, Shipment, Status, moments, registers

class Slow(Carrier):
    def track(self, query):
        response = yield Request("GET", "/" + query.number)
        event = Event(moments.iso("2026-11-20T12:00:00Z"), Status(response.json(dict)["status"]))
        return Found((Shipment(query.number, (event,)),))

register_carriers = registers(Slow)
"""
_MANIFEST = """
slug = "slow"
name = "Slow Post"
contract = 1
endpoint = "https://api.slow.example"
[[formats]]
name = "SLOW and five digits"
pattern = "SLOW[0-9]{5}"
rank = 90
"""
_SETTINGS = """\
secret_key = "0123456789abcdef0123456789abcdef"
[server]
deadline = 30
[carriers.slow]
endpoint = "{carrier}"
[stores.main]
name = "Harbour & Pine"
"""


class Carrier:
    """It says nothing before `go` is set. `asked` are the numbers that it was asked about."""

    def __init__(self):
        self.asked = []
        self.go = threading.Event()
        self.app = Starlette(routes=[Route("/{number}", self._answer)])

    async def _answer(self, request):
        self.asked.append(request.path_params["number"])
        await anyio.to_thread.run_sync(self.go.wait, abandon_on_cancel=True)
        return JSONResponse({"status": "in_transit"})


@pytest.fixture
def slow(tmp_path):
    """The carrier, and the process of a shop that asks it."""
    carrier = Carrier()
    package = tmp_path / "plugins" / "doorstep_slow"
    package.mkdir(parents=True)
    for name, content in {
        "__init__.py": _CODE,
        "carrier.toml": _MANIFEST,
        "codes.toml": 'key = ["code"]\n[codes]\n',
    }.items():
        (package / name).write_text(content)
    with serve(carrier.app) as served:
        (tmp_path / "doorstep.toml").write_text(_SETTINGS.format(carrier=served.url))
        with serving(tmp_path) as process:
            yield carrier, process
            carrier.go.set()


def takes_readers(process):
    try:
        process.client.get("/healthz")
    except httpx2.TransportError:
        return False
    return True


@pytest.mark.fault(42)
def test_who_waits_when_a_process_is_told_to_end_is_answered_first(slow):
    carrier, process = slow
    paths = [f"/track/SLOW{n:05}" for n in range(READERS)]
    with ThreadPoolExecutor(READERS) as readers:
        pages = [readers.submit(httpx2.get, f"{process.client.base_url}{path}", timeout=60) for path in paths]
        until(lambda: len(carrier.asked) == READERS)
        process.told_to_end()
        process.client.close()
        process.client = httpx2.Client(base_url=process.client.base_url, trust_env=False)
        until(lambda: not takes_readers(process))
        carrier.go.set()
        answers = [page.result() for page in pages]
    assert {answer.status_code for answer in answers} == {200}
    assert {words(parsed(answer.text).find(".//h1")) for answer in answers} == {"On its way"}
    assert process.child.wait(60) == -signal.SIGTERM  # passed on by uvicorn when all is done


@pytest.mark.fault(42)
def test_a_process_ends_though_a_carrier_never_answers(slow):
    carrier, process = slow
    reader = threading.Thread(target=lambda: takes_page(process), daemon=True)
    reader.start()
    until(lambda: carrier.asked)
    process.told_to_end()
    assert process.child.wait(120) == -signal.SIGTERM
    assert not carrier.go.is_set()
    assert "Traceback" not in process.log.read_text()
    reader.join()


def takes_page(process):
    with httpx2.Client(trust_env=False, timeout=120) as client:
        try:
            client.get(f"{process.client.base_url}/track/SLOW00001")
        except httpx2.TransportError:
            return


@pytest.fixture(scope="module")
def bundled():
    with carriers() as (sandbox, served):
        yield sandbox, served.url


@pytest.fixture
def on_connect(monkeypatch):
    """`on_connect(statement)`: run on each connection to SQLite from now on."""
    prepare = module._prepare_sqlite

    def run(statement):
        def both(connection, record):
            prepare(connection, record)
            connection.execute(statement)

        monkeypatch.setattr(module, "_prepare_sqlite", both)

    return run


FORM = f"/track/{DELIVERED}?widget=survey"


def comes_back(answer, comment):
    """A form that could not be kept: when to come again, and all that was typed."""
    widget = parsed(answer.text).find(".//section[@id='widget-survey']")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert words(widget.find(".//textarea")) == comment
    assert re.search("could not be saved", words(widget.find(".//p[@role='alert']")))


def comments(front):
    return [one.data["comment"] for one in anyio.run(front.engine.answers.of, "main", "survey")]


@pytest.mark.fault(42)
def test_on_a_full_disk_pages_go_on_and_what_was_typed_comes_back(tmp_path, bundled, on_connect):
    with shop(tmp_path, *bundled, listening=True) as front:
        assert front.post(FORM, {"score": "5", "comment": "before"}).status_code == 303
    with sqlite3.connect(tmp_path / "doorstep.db") as plain:
        (pages,) = plain.execute("PRAGMA page_count").fetchone()
    plain.close()
    on_connect(f"PRAGMA max_page_count = {pages}")
    with shop(tmp_path, *bundled, listening=True) as front:
        assert (
            front.get(f"/track/{DELIVERED}").status_code == 200
        )  # before a sample that fails opens its carrier's breaker
        long = "An hour of work. " * 55
        answers = [front.post(f"{path}?widget=survey", {"score": "1", "comment": f"{n} {long}"})
                   for n, path in enumerate(others(front))]  # fmt: skip
        refused = [(n, answer) for n, answer in enumerate(answers) if answer.status_code != 303]
        assert refused, "the disk never was full"
        for n, answer in refused:
            comes_back(answer, f"{n} {long}".strip())
        assert front.get(f"/track/{DELIVERED}").status_code == 200
        kept = comments(front)
    assert "before" in kept
    assert len(kept) == 1 + len(answers) - len(refused)


def others(front):
    """Pages of delivered parcels, each with a survey of its own."""
    numbers = {case.number for samples in front.sandbox.samples.values() for case in samples.cases}
    found = []
    for number in sorted(numbers - {DELIVERED}):
        answer = front.get(f"/track/{number}")
        if answer.status_code == 200 and 'id="widget-survey"' in answer.text:
            found.append(f"/track/{number}")
        if len(found) == 12:
            break
    return found


@pytest.mark.fault(42)
def test_while_the_database_is_locked_what_was_typed_comes_back_and_then_it_is_kept(tmp_path, bundled, on_connect):
    on_connect("PRAGMA busy_timeout = 50")
    with shop(tmp_path, *bundled, listening=True) as front:
        other = sqlite3.connect(tmp_path / "doorstep.db")
        other.execute("BEGIN IMMEDIATE")
        comes_back(front.post(FORM, {"score": "5", "comment": "while it was locked"}), "while it was locked")
        assert front.get(f"/track/{DELIVERED}").status_code == 200
        other.rollback()
        other.close()
        assert front.post(FORM, {"score": "5", "comment": "after that"}).status_code == 303
        assert comments(front) == ["after that"]


@pytest.mark.fault(42)
def test_a_database_that_was_restarted_keeps_each_form_once(tmp_path, bundled, new_postgresql):
    with new_postgresql() as url, shop(tmp_path, *bundled, database=url, listening=True) as front:
        assert front.post(FORM, {"score": "5", "comment": "before"}).status_code == 303
        everybody = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with everybody.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE datname = current_database() AND pid <> pg_backend_pid()")
            )  # fmt: skip
        everybody.dispose()
        first = front.post(FORM, {"score": "4", "comment": "after"})
        if first.status_code != 303:
            comes_back(first, "after")
            assert front.post(FORM, {"score": "4", "comment": "after"}).status_code == 303
        assert front.get(f"/track/{DELIVERED}").status_code == 200
        assert comments(front) == ["after"]

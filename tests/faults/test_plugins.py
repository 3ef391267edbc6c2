"""Plugins that raise, hang, return rubbish or cannot be loaded, in a shop over real HTTP: each hurts its own numbers."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from doorstep.config import Server

from ..posting import until
from ..shopfront import DELIVERED, carriers, heading, shop
from ..test_app_faults import BROKEN

_MANIFEST = """
slug = "{slug}"
name = "{slug} Post"
contract = {contract}
endpoint = "https://api.{slug}.example"
[[formats]]
name = "a form of its own"
pattern = "{pattern}"
rank = 90
"""
_CODE = """
import asyncio, time
from datetime import datetime
from pathlib import Path
from doorstep import Carrier, Event, Found, Moment, NotFound, Request, Shipment, Status, moments, registers

GO = Path(__file__).parent / "go"

class Odd(Carrier):
    def track(self, query):
        {body}

register_carriers = registers(Odd)
"""


@pytest.fixture(scope="module")
def bundled():
    with carriers() as (sandbox, served):
        yield sandbox, served.url


@pytest.fixture
def odd(plugin):
    """`odd("name", "body of track", pattern)`: a package whose carrier has the package's name."""

    def write(slug, body, pattern, contract=1):
        files = {
            "__init__.py": _CODE.format(body=body),
            "carrier.toml": _MANIFEST.format(slug=slug, pattern=pattern, contract=contract),
            "codes.toml": 'key = ["code"]\n[codes]\n',
        }
        return plugin(f"doorstep_{slug}", files)

    return write


def open_shop(folder, bundled, packages, **fields):
    """The shop, over real HTTP; these packages ask the carriers' server, which knows none of their paths."""
    accounts = {one.name: {"endpoint": bundled[1]} for one in packages}
    return shop(folder, *bundled, more=tuple(packages), accounts=accounts, listening=True, **fields)


RAISED = [
    "raise ValueError('own words')", "raise BaseException('own words')", "raise SystemExit(1)", "raise KeyboardInterrupt",
    "raise GeneratorExit", "raise MemoryError", "raise asyncio.CancelledError", "raise StopIteration", "(f := lambda: f())()",
]  # fmt: skip
RAISING = """if query.number.endswith('1'):
            {0}
        yield Request('GET', '/x')
        {0}"""


@pytest.mark.fault(24)
def test_whatever_a_plugin_raises_its_own_numbers_are_unavailable_and_all_others_are_not(tmp_path, odd, bundled):
    bodies = [RAISING.format(one) for one in RAISED]
    packages = [odd(f"raises{n}", body, f"ODD{n}[0-9]{{5}}") for n, body in enumerate(bodies)]
    with open_shop(tmp_path, bundled, packages) as front:
        for n in range(len(packages)):
            for when in (1, 2):  # before the first request, and after its answer
                answer = front.get(f"/track/ODD{n}0000{when}")
                assert (answer.status_code, heading(answer.text)) == (503, f"raises{n} Post is not answering")
                assert "own words" not in answer.text
            assert front.get(f"/track/{DELIVERED}").status_code == 200
        metrics = front.get("/metrics").text
    for n in range(len(packages)):
        assert re.search(rf'account="raises{n}",.*result="plugin_failed".*\}} 2\.0', metrics)


HANGS = """while not GO.exists():
            time.sleep(0.01)
        return NotFound()
        yield"""


@pytest.mark.fault(25)
def test_while_a_plugin_hangs_its_pages_say_so_and_other_carriers_answer(tmp_path, odd, bundled):
    package = odd("hangs", HANGS, "ODD[0-9]{6}")
    go = tmp_path / "site" / "doorstep_hangs" / "go"
    with open_shop(tmp_path, bundled, [package], server=Server(deadline=1)) as front, ThreadPoolExecutor(12) as readers:
        pages = list(readers.map(front.get, [f"/track/ODD{n:06}" for n in range(12)]))
        assert {page.status_code for page in pages} <= {202, 503}
        until(lambda: front.get(f"/track/{DELIVERED}").status_code == 200)
        assert not go.exists(), "all of that while it hung"
        go.write_text("")
        until(lambda: front.get("/track/ODD000000").status_code == 404)


SCAN = "return Found((Shipment(query.number, (Event({}),)),))\n        yield"
RETURNED = {
    "nothing": "return None\n        yield",
    "a text": "return 'delivered'\n        yield",
    "no request": "yield 17",
    "a shipment that is none": "return Found((None,))\n        yield",
    "scans that are texts": "return Found((Shipment(query.number, ('delivered',)),))\n        yield",
    "a time without a zone": SCAN.format("Moment('x', instant=datetime(2026, 1, 1)), Status.DELIVERED"),
    "no text where one must be": SCAN.format("moments.iso('2026-11-20T12:00:00Z'), Status.DELIVERED, text=7"),
}
MUCH = """event = lambda n: Event(moments.iso(f"20{20 + n % 60}-11-20T12:{n % 60:02}:00Z"), Status.IN_TRANSIT,
            text=f"{n}\\x00\\x1b[31m\\u202e" + "x" * (1_000_000 if n == 7 else 1000))
        return Found((Shipment(query.number, tuple(map(event, range(1000)))),))
        yield"""


@pytest.mark.fault(26)
def test_what_makes_no_sense_is_refused_and_what_is_too_much_is_cut(tmp_path, odd, bundled):
    packages = [odd(f"returns{n}", body, f"ODD{n}[0-9]{{5}}") for n, body in enumerate(RETURNED.values())]
    packages.append(odd("much", MUCH, "MUCH[0-9]{5}"))
    with open_shop(tmp_path, bundled, packages) as front:
        shown = [front.get(f"/track/ODD{n}00001").status_code for n in range(len(RETURNED))]
        assert shown == [503] * len(RETURNED)
        answer = front.get("/api/v1/shipments/MUCH00001")
        (shipment,) = answer.json()["shipments"]
        assert front.get("/track/MUCH00001").status_code == 200
        assert front.get(f"/track/{DELIVERED}").status_code == 200
    assert 100 < len(shipment["events"]) <= 200
    assert all(400 < len(one["text"]) <= 500 for one in shipment["events"])
    assert not re.search(r"[\x00-\x08\x1b\u202e]", "".join(one["text"] for one in shipment["events"]))


@pytest.mark.fault(28)
def test_plugins_that_cannot_be_loaded_are_named_in_the_same_order_and_the_rest_works(tmp_path, odd, plugin, bundled):
    packages = [plugin(f"doorstep_unloaded{n}", {"__init__.py": code}) for n, code in enumerate(BROKEN.values())]
    packages += [odd("twin", "yield", "TWIN[0-9]{5}"), odd("tomorrow", "yield", "TOM[0-9]{5}", contract=99)]
    twin = tmp_path / "site" / "doorstep_twin" / "carrier.toml"
    twin.write_text(twin.read_text().replace('slug = "twin"', 'slug = "ups"'))
    named = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        with shop(folder, *bundled, more=tuple(packages), listening=True, database="sqlite://") as front:
            ready = front.get("/readyz")
            named.append(ready.json()["amiss"])
            assert ready.status_code == 200
            assert heading(front.get(f"/track/{DELIVERED}").text) == "Delivered"
    assert [one.partition(":")[0] for one in named[0]] == [f"plugin {package.name}" for package in packages]
    assert "carrier 'ups' is already in doorstep_ups" in named[0][-2]
    assert "contract 99 is newer" in named[0][-1]
    assert named[0] == named[1]


SLOW = ["(?:[0-9]+)+X", "(a|aa)+", "([0-9]{1,9}){1,9}", "(?:[0-9]{1,64}){64}", "(?:B|BB){1,30}"]


@pytest.mark.fault(29)
def test_a_pattern_that_takes_for_ever_never_sees_a_number(tmp_path, odd, bundled):
    packages = [odd(f"slow{n}", "yield", pattern) for n, pattern in enumerate(SLOW)]
    with shop(tmp_path, *bundled, more=tuple(packages), listening=True) as front:
        amiss = front.get("/readyz").json()["amiss"]
        for number in ("1" * 26 + "Y", "B" * 40, "a" * 60 + "b"):
            assert front.client.get(f"/track/{number}").status_code in (400, 404)
        assert front.get(f"/track/{DELIVERED}").status_code == 200
    assert [one.partition(":")[0] for one in amiss] == [f"plugin {package.name}" for package in packages]
    assert all("unbounded repeat" in one or "too many ways" in one for one in amiss)

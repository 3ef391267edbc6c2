"""A carrier that answers from a file: for parcels that no sample has, with whatever text a test puts in."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import msgspec

from doorstep import Shipment
from doorstep.packages import Package

_CODE = """
from pathlib import Path
import msgspec
from doorstep import Carrier, Found, Shipment, hookimpl

ANSWERS = msgspec.json.decode((Path(__file__).parent / "answers.json").read_bytes(), type=dict[str, tuple[Shipment, ...]])

class Spy(Carrier):
    def track(self, query):
        return Found(ANSWERS.get(query.number, ()))
        yield

@hookimpl
def register_carriers(register):
    register(Spy)
"""
_MANIFEST = """
slug = "spy"
name = "Spy Post"
contract = 1
endpoint = "https://api.spy.example"
link = "https://spy.example/track?n={number}"
[[formats]]
name = "SPY and six digits"
pattern = "SPY[0-9]{6}"
rank = 90
"""
_NUMBERS = count(1)  # a module is imported once: each test's carrier has a name of its own

SPY: dict[str, dict[str, Any]] = {"spy": {}}  # its account, for a shop's settings


def spy(plugin: Callable[..., Package], answers: Mapping[str, tuple[Shipment, ...]]) -> Package:
    """The package of a carrier with these answers; other numbers it does not know. `plugin` is the fixture."""
    files = {
        "__init__.py": _CODE,
        "carrier.toml": _MANIFEST,
        "codes.toml": 'key = ["code"]\n[codes]\n',
        "answers.json": msgspec.json.encode(dict(answers)).decode(),
    }
    return plugin(f"doorstep_spy{next(_NUMBERS)}", files)

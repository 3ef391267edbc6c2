"""A carrier that pushes: its plugin, the carrier itself over HTTP, and a shop that hears it."""

import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import Engine, create_engine
from doorstep.packages import Package
from doorstep.testing import serve

from .clock import FakeClock
from .orders import KEY

_CODE = """
from datetime import datetime
from doorstep import (
    Carrier, Event, Found, NotFound, PushSettings, Pushed, Request, Shipment, Status, Verdict, is_signed, moments, registers
)


class Settings(PushSettings, frozen=True):
    pass


class Post(Carrier[Settings]):
    def track(self, query):
        response = yield Request("GET", f"/track/{query.number}")
        if response.status == 404:
            return NotFound()
        events = tuple(Event(moments.iso(at), Status(status)) for status, at in response.json())
        return Found((Shipment(query.number, events),))

    def register(self, queries):
        numbers = [query.number for query in queries]
        yield Request("POST", "/register", json=numbers)
        return dict.fromkeys(numbers)

    def verify(self, incoming):
        if incoming.body == b"ping":
            return Verdict.PING
        return Verdict.of(is_signed(incoming.body, self.push_secrets(), incoming.header("X-Post-Signature"), hex=True))

    def push(self, incoming):
        said = incoming.json()
        at = said.text("at")
        numbers = tuple(number.text() for number in said.expect("numbers").each())
        return Pushed(numbers, said.text("id"), datetime.fromisoformat(at) if at else None)


register_carriers = registers(Post)
"""
_MANIFEST = """
slug = "post"
name = "The Post"
contract = 1
endpoint = "https://api.post.example"
batch = 4
registered_days = 14
can = ["register", "push"]
[[formats]]
name = "nine digits"
pattern = "[0-9]{9}"
rank = 90
"""
FILES = {"__init__.py": _CODE, "carrier.toml": _MANIFEST, "codes.toml": 'key = ["code"]\n[codes]\n'}
SECRET, NEXT = "signed with this", "and soon with that"
PICKED_UP, OUT = ["in_transit", "2026-11-20T12:00:00Z"], ["out_for_delivery", "2026-11-22T07:00:00Z"]
DELIVERED = ["delivered", "2026-11-22T11:00:00Z"]


class Post:
    """What the carrier says (`scans`, newest first), how often it was `asked` about a number, and which it shall watch."""

    def __init__(self) -> None:
        self.scans = [PICKED_UP]
        self.asked: Counter[str] = Counter()
        self.registered: list[list[str]] = []
        self.url = ""
        self.app = Starlette(
            routes=[Route("/track/{number}", self._track), Route("/register", self._register, methods=["POST"])]
        )

    async def _track(self, request: Request) -> Response:
        self.asked[request.path_params["number"]] += 1
        return JSONResponse(self.scans)

    async def _register(self, request: Request) -> Response:
        self.registered.append(await request.json())
        return JSONResponse({})


class Hearing:
    """A shop that a carrier pushes to: `engine` answers at `url`."""

    def __init__(self, engine: Engine, url: str, post: Post, clock: FakeClock) -> None:
        self.engine = engine
        self.post = post
        self.clock = clock
        self._client = httpx2.Client(base_url=url, trust_env=False)

    def push(
        self, *numbers: str, path: str = "/webhooks/post/post", secret: str = SECRET, **said: str
    ) -> tuple[int, str]:
        return self.send(json.dumps({"numbers": numbers, **said}).encode(), secret=secret, path=path)

    def send(
        self, body: bytes, headers: Any = None, *, secret: str = SECRET, path: str = "/webhooks/post/post"
    ) -> tuple[int, str]:
        """What became of it. The clock goes on a second: what is known was said before."""
        self.clock.advance(1)
        response = self._client.post(path, content=body, headers=signed(body, secret) if headers is None else headers)
        return response.status_code, response.json()["outcome"]

    def status(self, number: str) -> str:
        """What the API says of a number; it waits for an answer where none is known."""
        response = self._client.get(f"/api/v1/shipments/{number}")
        assert response.status_code == 200, response.text
        return str(response.json()["shipments"][0]["status"])

    def comes_to(self, number: str, status: str) -> None:
        """Fails unless the API says so within half a minute."""
        until(lambda: self.status(number) == status)

    def asks(self, number: str, times: int) -> None:
        """Fails unless the carrier is asked about it so often within half a minute, looked up by a shopper each time."""
        until(lambda: bool(self.status(number)) and self.post.asked[number] >= times)
        assert self.post.asked[number] == times

    def pushes(self) -> Mapping[str, float]:
        """How many pushes came in, by what became of them."""
        samples = (sample for metric in self.engine.metrics.pushes.collect() for sample in metric.samples)
        return {one.labels["result"]: one.value for one in samples if one.name.endswith("_total")}

    def page(self, number: str) -> str:
        return self._client.get(f"/track/{number}").text

    def close(self) -> None:
        self._client.close()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it does not come about"
        time.sleep(0.02)


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Post-Signature": hmac.new(secret.encode(), body, sha256).hexdigest()}


@contextmanager
def hearing(
    folder: Path, package: Package, *, clock: FakeClock | None = None, stores: dict[str, Store] | None = None,
    account: dict[str, Any] | None = None, database: str = "", **fields: Any,
) -> Iterator[Hearing]:  # fmt: skip
    """The shop, at work. Its account hears pushes that either of two secrets has signed."""
    clock, post = clock or FakeClock(), Post()
    with serve(post.app) as carrier:
        post.url = carrier.url
        config = Config(
            stores=stores or {"main": Store("Harbour & Pine")},
            secret_key=(KEY,),
            database=database or f"sqlite:///{folder}/shop.db",
            base=folder,
            carriers={"post": {"endpoint": carrier.url, "push_secret": [NEXT, SECRET], **(account or {})}},
            **fields,
        )
        engine = create_engine(config, clock=clock, packages=[package])
        with serve(assemble(engine)) as shop:
            heard = Hearing(engine, shop.url, post, clock)
            yield heard
            heard.close()

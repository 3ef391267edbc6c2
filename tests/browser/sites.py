"""The demo as a shopper opens it: shop, engine and the carriers' sandbox, all on loopback. And its pages, by name."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx2
from msgspec import Struct, structs
from starlette.types import ASGIApp, Receive, Scope, Send

from doorstep import Status
from doorstep.config import Server
from doorstep.demo import THEMES, demo_site
from doorstep.packages import installed
from doorstep.samples import SampleRequest
from doorstep.sandbox import Sandbox, sandbox_of
from doorstep.testing import serve

TWELVE_SCANS = "1047382965"  # 104738296 modulo 7 is 5, the check digit of DHL Express


class Site(Struct, frozen=True):
    """A running demo. While `gate` is shut, its carriers do not answer."""

    url: str
    gate: threading.Event

    def address(self, path: str, theme: str = "classic", language: str = "en") -> str:
        base = "" if path.startswith("/shop/") else THEMES[theme]
        return f"{self.url}{base}{path}{'&' if '?' in path else '?'}{urlencode({'lang': language})}"

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Carriers do not answer while the block runs."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()


class Gate:
    """Holds requests back until the event is set."""

    def __init__(self, app: ASGIApp, event: threading.Event) -> None:
        self._app = app
        self._event = event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.to_thread(self._event.wait)
        await self._app(scope, receive, send)


@contextmanager
def running(folder: Path, *, deadline: float) -> Iterator[Site]:
    """The demo as `doorstep demo` puts it together. Pages wait for carriers for `deadline` seconds at most."""
    sandbox = _sandbox()
    gate = threading.Event()
    gate.set()
    with serve(Gate(sandbox.app, gate)) as carriers:
        shop = demo_site(sandbox, carriers.url, folder=folder, server=Server(deadline=deadline))
        with serve(shop) as served:
            yield Site(served.url, gate)


def number_of(carrier: str, case: str) -> str:
    return next(one.number for one in SAMPLES[carrier].cases if one.name == case)


def fetched(site: Site, path: str, *, theme: str = "classic", language: str = "en") -> httpx2.Response:
    with httpx2.Client(trust_env=False, verify=False, timeout=30) as client:  # http on loopback
        return client.get(site.address(path, theme, language), headers={"accept-encoding": "gzip"})


def _sandbox() -> Sandbox:
    """All samples, and the long one once more with its twelve latest scans, under a number of its own."""
    sandbox = sandbox_of(installed(), today=datetime.now(UTC).date())
    dhl = sandbox.samples["dhl"]
    long = next(case for case in dhl.cases if case.name == "long_way")
    body = json.loads(long.body.replace(long.number.encode(), TWELVE_SCANS.encode()))
    del body["shipments"][0]["events"][12:]
    request = SampleRequest(path=long.request.path, params={"trackingNumber": TWELVE_SCANS})
    twelve = structs.replace(
        long, name="twelve_scans", number=TWELVE_SCANS, request=request, body=json.dumps(body).encode(), expected=None
    )
    sandbox.samples["dhl"] = structs.replace(dhl, cases=(*dhl.cases, twelve))
    return sandbox


def _sample_of(status: Status) -> str:
    """The number of the first sample parcel that is worked out to have this status."""
    for slug in ("dhl", "ups", "la_poste"):
        for case in SAMPLES[slug].cases:
            shipments = (case.expected or {}).get("shipments", [])
            if [one["status"] for one in shipments] == [status]:
                return case.number
    raise LookupError(f"no sample has the status {status}")


SAMPLES = _sandbox().samples
DELIVERED = number_of("dhl", "delivered")

# Path below the store, and the HTTP status it is answered with.
PAGES: dict[str, tuple[str, int]] = {
    **{status.value: (f"/track/{_sample_of(status)}", 200) for status in Status},
    "delayed": (f"/track/{number_of('ups', 'delayed')}", 200),
    "address wrong": (f"/track/{number_of('ups', 'address_wrong')}", 200),
    "handed over": (f"/track/{number_of('ups', 'delivered_by_post')}", 200),
    "sixty scans": (f"/track/{number_of('dhl', 'long_way')}", 200),
    "thanks": (f"/track/{DELIVERED}?done=survey", 200),
    "choose": (f"/track/{number_of('dhl', 'two_shipments')}", 200),
    "link only": ("/track/SP122519916598417913", 200),
    "not found": (f"/track/{number_of('dhl', 'not_found')}", 404),
    # La Poste has no other page here, so its failures make no other page fail.
    "unavailable": (f"/track/{number_of('la_poste', 'server_error')}", 503),
    "unrecognised": ("/track/ABCDEFGHIJKL123456789012345", 404),
    "no number at all": ("/track/HELLO", 400),
    "no such page": ("/nothing/here", 404),
    "look-up form": ("/", 200),
    "look-up refused": ("/?number=a!", 400),
    "front page": ("/shop/", 200),
}

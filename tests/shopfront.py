"""The whole application as a browser meets it: real plugins, the carriers' sandbox over real HTTP, a clock that stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import httpx2
import msgspec
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from doorstep.app import assemble
from doorstep.config import Config, Server, Store
from doorstep.engine import create_engine
from doorstep.errors import ThemeError
from doorstep.packages import Package, installed
from doorstep.sandbox import Sandbox, sandbox_accounts, sandbox_of
from doorstep.secret import Secret
from doorstep.testing import Served, serve

from .clock import FakeClock
from .databases import sqlite_tables

TODAY = date(2026, 11, 22)  # the day of the tests' clock
HOST = "http://shop.example"
OWN = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
SHOP = Store(name="Harbour & Pine", timezone="Europe/Berlin", widgets={"survey": {}})

DELIVERED = "1ZD0R5TP0373116441"  # UPS, Denver
MOVING = "8L40915276038"  # La Poste, from Lille to Toulouse
UNKNOWN = "6A00000000000"  # La Poste says no
TWO_CARRIERS = "9261290104728163503948"  # DHL and UPS both know it
BY_LINK = "SP122519916598417913"  # Spee-Dee, known by its form
UNRECOGNISED = "ABC1234567890123456789012345678901234567890"
WRONG = "hello"


class Front:
    """A running shop: `client` is the browser, `sandbox` counts what the carriers were asked."""

    def __init__(self, client: "TestClient | Browser", engine: Any, sandbox: Sandbox, clock: FakeClock) -> None:
        self.client = client
        self.engine = engine
        self.sandbox = sandbox
        self.clock = clock

    def get(self, path: str, language: str = "en", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={"Accept-Language": language, **named}, follow_redirects=False)

    def post(self, path: str, form: Any, headers: dict[str, str] | None = None) -> Any:
        own = OWN if headers is None else headers
        return self.client.post(path, data=form, headers={"Accept-Language": "en", **own}, follow_redirects=False)

    def asked(self) -> int:
        return sum(self.sandbox.calls.values())


@contextmanager
def carriers() -> Iterator[tuple[Sandbox, Served]]:
    """The sandbox of all bundled carriers, listening on loopback."""
    sandbox = sandbox_of(installed(), today=TODAY)
    with serve(sandbox.app) as served:
        yield sandbox, served


@contextmanager
def shop(
    folder: Path,
    sandbox: Sandbox,
    url: str,
    *,
    stores: dict[str, Store] | None = None,
    more: tuple[Package, ...] = (),
    accounts: dict[str, dict[str, Any]] | None = None,
    server: Server | None = None,
    deadline: float = 5,
    clock: FakeClock | None = None,
    listening: bool = False,
    **fields: Any,
) -> Iterator[Front]:
    """The application with these stores and, besides the bundled plugins, `more`; forms are kept in `folder`. It is asked in
    the process, or `listening` over real HTTP."""
    clock = clock or FakeClock()
    config = Config(
        stores=stores or {"main": SHOP},
        secret_key=(Secret("0123456789abcdef0123456789abcdef"),),
        server=server or Server(deadline=deadline),
        carriers={**sandbox_accounts(sandbox, url), **(accounts or {})},
        base=folder,
        file="doorstep.toml",
        **fields,
    )
    file = folder / "doorstep.db"
    if config.database == f"sqlite:///{file.name}" and not file.exists():
        file.write_bytes(sqlite_tables())  # to make them takes a quarter of the time that a shop needs to open
    engine = create_engine(config, clock=clock, packages=[*installed(), *more])
    browser = _over_http if listening else partial(TestClient, base_url=HOST, raise_server_exceptions=False)
    with browser(assemble(engine)) as client:
        yield Front(client, engine, sandbox, clock)


class _Home(httpx2.HTTPTransport):
    """Every host is the shop's server; the `Host` header stays what the address says."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return super().handle_request(request)


class Browser(httpx2.Client):
    """Asks the shop that listens on this port of loopback, whatever the address."""

    def __init__(self, port: int) -> None:
        super().__init__(transport=_Home(port), base_url=HOST, timeout=60)
        self.port = port


@contextmanager
def _over_http(app: ASGIApp) -> Iterator[Browser]:
    with serve(app) as served, Browser(served.port) as client:
        yield client


def break_themes(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no theme of the shop makes any page: the engine's plain ones stand in."""

    def broken(*args: object) -> list[str]:
        raise ThemeError("broken")

    for one in front.engine.shops.all:
        monkeypatch.setattr(one.look, "pieces", broken)
    assert parsed(front.get("/").text).find(".//link[@rel='stylesheet']") is None


def parsed(html: str) -> Element:
    """The page as a browser builds it; whatever is wrong in the HTML fails the test."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    root = parser.parse(html)
    assert not parser.errors, parser.errors
    return root


def words(element: Element | None) -> str:
    """The text of an element, blanks made one."""
    assert element is not None
    return " ".join("".join(element.itertext()).split())


def heading(html: str) -> str:
    return words(parsed(html).find(".//h1"))


def store(**fields: Any) -> Store:
    return msgspec.structs.replace(SHOP, **fields)

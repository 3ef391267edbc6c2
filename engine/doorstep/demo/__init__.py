"""`doorstep demo`: a shop with invented products, the carriers' sandbox beside it, real plugins over real HTTP.

Three stores show the three themes; every sample parcel of every carrier is a link on the shop's front page.
"""

import asyncio
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import responses, wording
from ..app import assemble
from ..config import Config, Server, Store
from ..engine import Engine, create_engine
from ..i18n import N_, Localizer
from ..insight_report import html
from ..insights import insights, period
from ..languages import direction_of, name_of, tag_of
from ..models import Status
from ..packages import Package
from ..preview.gallery import Preview
from ..samples import Case, Role, Samples
from ..sandbox import Sandbox, sandbox_accounts
from ..secret import Secret
from ..views import Reader
from .orders import Product, demo_orders, links, orders_and_worker, products, written

FILES = Path(__file__).parent / "shop"
THEMES = {"classic": "", "minimal": "/minimal", "bold": "/bold"}  # theme: path of the store that wears it
BUSY = "classic"  # the store with a month behind it
_REPORT = "default-src 'none'; style-src 'unsafe-inline'"  # it is one file, with its styles in it
_BY_NUMBER = 3  # of more than two hundred
_SHOWN = (Role.PARCEL, Role.NOT_FOUND, Role.SERVER_ERROR)

_OWN = {"bold": {"hero_image": "/shop/static/harbour.svg"}}  # settings that one theme alone has


def demo_config(accounts: dict[str, dict[str, Any]], *, database: str, server: Server, redis: str = "") -> Config:
    """Settings as an operator would write them: an account per carrier at its sandbox, a store per theme."""
    widgets: dict[str, Any] = tomllib.loads((FILES / "widgets.toml").read_text("utf-8"))
    widgets["cross_sell"]["products"] = [msgspec.structs.asdict(product) for product in products(FILES)]
    stores = {
        theme: Store(
            name="Harbour & Pine",
            path=path,
            theme=theme,
            settings={"logo_dark": "/shop/static/logo-dark.svg", **_OWN.get(theme, {})},
            home_url="/shop/",
            logo_url="/shop/static/logo.svg",
            contact_url="/shop/#help",
            contact_email="hello@harbour-and-pine.example",
            timezone="Europe/Berlin",
            widgets=widgets,
        )
        for theme, path in THEMES.items()
    }
    return Config(
        stores=stores,
        secret_key=(Secret("the demo keeps no secrets from anybody"),),
        database=database,
        redis=Secret(redis),
        server=server,
        carriers=accounts,
        file="the demo's settings",
    )


def demo_site(
    sandbox: Sandbox,
    url: str,
    *,
    folder: Path,
    server: Server = Server(),  # noqa: B008
    redis: str = "",
    packages: Sequence[Package] | None = None,
) -> "DemoShop":
    """The whole demo as one ASGI application, for a sandbox that listens at `url`; forms are kept in `folder`."""
    database = f"sqlite:///{(folder / 'demo.db').resolve()}"
    config = demo_config(sandbox_accounts(sandbox, url), database=database, server=server, redis=redis)
    engine = create_engine(config, packages=packages)
    goods = {product.id: product for product in products(FILES)}
    today = datetime.now(UTC).date()
    orders = [written(one, goods, sandbox.samples, today=today) for one in demo_orders(FILES)]
    application = Preview(assemble(engine, beside=partial(orders_and_worker, engine, orders, busy=BUSY)), engine)
    return DemoShop(application, engine, list(sandbox.samples.values()))


class DemoShop:
    """The shop's front page in front of the engine's own application."""

    def __init__(self, application: ASGIApp, engine: Engine, samples: Sequence[Samples]) -> None:
        self._shop = next(shop for shop in engine.shops.all if shop.id == "classic")
        self._manifests = engine.plugins.manifests
        # Carriers themselves first.
        self._samples = sorted(samples, key=lambda one: self._manifests[one.slug].aggregator)
        self._orders = demo_orders(FILES)
        loader = FileSystemLoader(FILES)
        self._template = Environment(loader=loader, autoescape=True).get_template("shop.html")
        self._texts = tomllib.loads((FILES / "texts.toml").read_text("utf-8"))
        self._engine = engine
        self._application = application
        self._front = Starlette(
            routes=[
                Route("/shop", lambda request: RedirectResponse("/shop/")),
                Mount("/shop/static", StaticFiles(directory=FILES / "static")),
                Route("/shop/", self._front_page),
                Route("/shop/insights", self._insights),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        front = scope["type"] == "http" and (scope["path"] + "/").startswith("/shop/")
        if front:
            await self._front(scope, receive, responses.protected(send))
        else:
            await self._application(scope, receive, send)

    async def _front_page(self, request: Request) -> Response:
        localizer = (await self._reader(request)).localizer
        theme = request.query_params.get("theme", "classic")
        base = THEMES.get(theme, "")
        page = self._template.render(
            shop={"name": self._shop.config.name},
            lookup_action=f"{base}/",
            language=localizer.tag,
            dir=localizer.dir,
            languages=[self._language(code, localizer, theme) for code in self._shop.languages],
            themes=[
                {
                    "name": name,
                    "title": name.title(),
                    "url": f"?lang={localizer.tag}&theme={name}",
                    "current": name == theme,
                }
                for name in THEMES
            ],
            groups=[*(self._group(one, base, localizer) for one in self._samples), *self._by_number(base, localizer)],
            orders=await self._order_rows(theme, base, localizer),
            products=[self._product(product, localizer) for product in products(FILES)],
            texts=self._texts.get(localizer.language, self._texts["en"]),
        )
        csp = responses.content_security_policy()
        return responses.page(request, [page], language=localizer.tag, csp=csp, headers={})

    async def _reader(self, request: Request) -> Reader:
        asked, accepted = request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        await self._shop.prepare(self._shop.language(asked, accepted))
        return self._shop.reader(asked, accepted)

    async def _insights(self, request: Request) -> Response:
        """The report that `doorstep insights --html` writes, as it is now."""
        reader, engine = await self._reader(request), self._engine
        days = period(None, None, today=reader.today)
        found = await engine.database.read(
            lambda connection: insights(connection, BUSY, days, reader.zone, today=reader.today)
        )
        carriers = {slug: manifest.name for slug, manifest in self._manifests.items()}
        name, localizer = self._shop.config.name, reader.localizer
        report = await asyncio.to_thread(
            html, found, shop=name, carriers=carriers, localizer=localizer, today=reader.today
        )
        return HTMLResponse(report, headers={"Content-Security-Policy": _REPORT})

    async def _order_rows(self, theme: str, base: str, localizer: Localizer) -> list[dict[str, str]]:
        paths = await links(self._engine, theme if theme in THEMES else BUSY, [one.number for one in self._orders])
        return [
            {"number": one.number, "title": one.title, "url": f"{base}{paths[one.number]}?lang={localizer.tag}"}
            for one in self._orders
            if one.number in paths
        ]

    def _language(self, code: str, current: Localizer, theme: str) -> dict[str, object]:
        tag = tag_of(code)
        return {
            "code": tag,
            "name": name_of(code),
            "dir": direction_of(code),
            "url": f"?lang={tag}&theme={theme}",
            "current": code == current.language,
        }

    def _group(self, samples: Samples, base: str, localizer: Localizer) -> dict[str, object]:
        shown = [
            case
            for case in samples.cases
            if case.number and case.role in _SHOWN and (case.demo or case.role is not Role.PARCEL)
        ]
        manifest = self._manifests[samples.slug]
        asked = (
            samples.slug if manifest.aggregator else ""
        )  # of several the first is asked, and the numbers are others'
        return {"carrier": manifest.name, "parcels": [self._parcel(case, base, localizer, asked) for case in shown]}

    def _by_number(self, base: str, localizer: Localizer) -> list[dict[str, object]]:
        """A few of the many carriers without an API: their page is their name and their link."""
        groups: list[dict[str, object]] = []
        for manifest in self._manifests.values():
            examples = [example for shape in manifest.formats for example in shape.examples[:1]]
            if not manifest.asks and manifest.link and examples and len(groups) < _BY_NUMBER:
                title = f"{manifest.name} is known by number and link only"
                groups.append(
                    {"carrier": manifest.name, "parcels": [_row(examples[0], title, "link_only", "", base, localizer)]}
                )
        return groups

    def _parcel(self, case: Case, base: str, localizer: Localizer, asked: str) -> dict[str, str]:
        status = case.role.value
        label = localizer.text(N_("Not found") if case.role is Role.NOT_FOUND else N_("Not answering"))
        if case.role is Role.PARCEL:
            status = _expected_status(case)
            label = localizer.text(wording.STATUS[Status(status)].label)
        return _row(case.number, case.title, status, label, base, localizer, asked)

    def _product(self, product: Product, localizer: Localizer) -> dict[str, str]:
        price = localizer.money(product.price, product.currency)
        return {"name": product.name, "price": price, "url": product.url, "image": product.image}


def _row(
    number: str, title: str, status: str, label: str, base: str, localizer: Localizer, carrier: str = ""
) -> dict[str, str]:
    """A parcel's line on the front page; `carrier` narrows the question to one."""
    url = f"{base}/track/{number}?lang={localizer.tag}{f'&carrier={carrier}' if carrier else ''}"
    label = label or localizer.text(N_("At the carrier’s page"))
    return {"number": number, "title": title, "url": url, "status": status, "status_label": label}


def _expected_status(case: Case) -> str:
    """The status a sample is worked out to have; the list needs no call to the carrier."""
    shipments = (case.expected or {}).get("shipments") or [{}]
    return str(shipments[0].get("status", Status.UNKNOWN))

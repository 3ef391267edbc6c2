"""Where pages are tried on: a store in another theme, with other values, in another light, as it is on the disk right now."""

import asyncio
from datetime import datetime
from typing import Any

from markupsafe import Markup
from msgspec import Struct, structs

from ..appearance import Draft
from ..assets import Asset, asset
from ..config import Store
from ..context import PageContext
from ..contexts import Contexts, Visit
from ..engine import Engine
from ..errors import ConfigError
from ..invented import with_order, with_voices
from ..letter import LetterContext
from ..letters import Letter
from ..message import Message
from ..scenes import Scene, item_facts, order_facts, shipment_facts
from ..shops import Outfitter, Shop
from ..themes import Theme
from ..views import Reader
from ..wardrobe import Stamp, files_of
from . import fields, pseudo
from .cases import CASES, Shown
from .letters import LETTERS, letter
from .parcels import CARRIER
from .wanted import Wanted

PATH = "/_preview"
_DRAFT = "preview"
_DARK = "(prefers-color-scheme: dark)"
_FORCED = {"light": "not all", "dark": "all"}
_MOST_LOOKS = 64  # whose files are still there for pages that were made with them


class Dressed(Struct, frozen=True):
    """A store as it is wanted: its draft, the theme, and the values by name as they are now, `typed` those of the form."""

    shop: Shop
    theme: Theme
    values: dict[str, Any]
    typed: dict[str, Any]


class Room:
    """Dresses and renders. Everything compiled is kept until a file changes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.stamp: Stamp = frozenset()
        self._contexts = Contexts({**engine.plugins.manifests, CARRIER.slug: CARRIER})
        self._outfitter = self._new_outfitter()
        self._assets: dict[str, dict[str, Asset]] = {}

    async def look_again(self) -> bool:
        """Whether files have changed since it looked last. What is made from now on is made of what they are now."""
        stamp = await asyncio.to_thread(files_of, self.engine.config, self.engine.plugins)
        if stamp == self.stamp:
            return False
        self.stamp = stamp
        self._outfitter = self._new_outfitter()
        return True

    def dressed(self, wanted: Wanted) -> Dressed:
        """Raises DoorstepError, naming setting or template, for what cannot be shown."""
        live = next((shop for shop in self.engine.shops.all if shop.id == wanted.store), None)
        if live is None:
            raise ConfigError(f"there is no store {wanted.store!r}")
        store = live.config
        theme = self._outfitter.theme(wanted.theme or store.theme)
        values = {name: setting.default for name, setting in theme.settings.items()}
        values |= {name: value for name, value in store.settings.items() if name in values}
        typed = {
            name: value
            for name, text in wanted.settings.items()
            if name in values and (value := fields.read(theme.settings[name], text)) != values[name]
        }
        if wanted.case in CASES and CASES[wanted.case].every_widget:
            store = structs.replace(store, widgets=self._every_widget(store))
        draft = Draft(theme=wanted.theme, settings=typed)
        shop = self._outfitter.shop(live.id, structs.replace(store, draft={_DRAFT: draft})).drafts[_DRAFT]
        if wanted.lang in pseudo.NAMES:
            shop = structs.replace(shop, catalogs=pseudo.Alone(pseudo.localizer(wanted.lang)))
        view = structs.replace(shop.view, base=PATH)
        return Dressed(structs.replace(shop, view=view, draft=""), theme, values | typed, typed)

    async def page(self, wanted: Wanted) -> str:
        """A page, or a mail, as shoppers get it. Raises DoorstepError."""
        dressed = await asyncio.to_thread(self.dressed, wanted)
        if wanted.case in LETTERS:
            return _lit(self._letter(dressed.shop, wanted).html(), wanted.scheme)
        visit = self._visit(dressed.shop, wanted)
        shown = self._shown(visit, wanted)
        look = dressed.shop.look
        look.assets = {**look.assets, "store.css": _in_light(look.assets["store.css"], wanted.scheme)}
        self._keep(look.assets)
        slots: dict[str, Markup] = {}
        if shown.has_widgets:
            widgets = dressed.shop.widgets
            widgets = widgets.without_rules() if CASES[wanted.case].every_widget else widgets
            slots = await widgets.slots(_scene(visit, shown), visit.reader.localizer)
        html = look.render(shown.template, shown.context, visit.reader.localizer, slots)
        return _lit(html, wanted.scheme)

    def context(self, wanted: Wanted) -> PageContext | LetterContext:
        """The values that the template gets."""
        shop = self.dressed(wanted).shop
        if wanted.case in LETTERS:
            return self._letter(shop, wanted).context
        return self._shown(self._visit(shop, wanted), wanted).context

    def beside(self, shop: Shop, wanted: Wanted) -> Message | None:
        """What a message says beside its mail; None for a page."""
        return self._letter(shop, wanted).message("") if wanted.case in LETTERS else None

    def themes(self) -> tuple[str, ...]:
        return self._outfitter.themes

    def file(self, fingerprint: str, name: str) -> Asset | None:
        """A file of a page that was made a moment ago."""
        return self._assets.get(fingerprint, {}).get(name)

    def _every_widget(self, store: Store) -> dict[str, dict[str, Any]]:
        """The settings of all widgets there are: the store's own, else the widget's example."""
        offers = self.engine.plugins.registered.widgets
        return {name: store.widgets.get(name, dict(offer.type.example)) for name, offer in offers.items()}

    def _visit(self, shop: Shop, wanted: Wanted) -> Visit:
        reader = shop.reader(wanted.lang, "", level=1)
        return Visit(shop, structs.replace(reader, now=_steady(reader)), f"/track/{wanted.case}")

    def _letter(self, shop: Shop, wanted: Wanted) -> Letter:
        reader = shop.reader(wanted.lang, "")
        made = letter(shop, LETTERS[wanted.case], _steady(reader), reader.localizer.tag)
        if wanted.dir:
            turned = structs.replace(made.context.letter, dir=wanted.dir)
            made.context = structs.replace(made.context, letter=turned)
        return made

    def _shown(self, visit: Visit, wanted: Wanted) -> Shown:
        if wanted.case not in CASES:
            known = ", ".join((*CASES, *LETTERS))
            raise ConfigError(f"there is no page {wanted.case!r}", next_step=f"there are {known}")
        shown = CASES[wanted.case].made(self._contexts, visit, visit.reader.now)
        if not wanted.dir:
            return shown
        page = structs.replace(shown.context.page, dir=wanted.dir)
        return structs.replace(shown, context=structs.replace(shown.context, page=page))

    def _keep(self, assets: Any) -> None:
        for name, one in assets.items():
            self._assets.setdefault(one.fingerprint, {})[name] = one
        while len(self._assets) > _MOST_LOOKS * max(1, len(assets)):
            del self._assets[next(iter(self._assets))]

    def _new_outfitter(self) -> Outfitter:
        engine = self.engine
        return Outfitter(
            engine.config, engine.plugins, clock=engine.clock, metrics=engine.metrics, sources=engine.sources
        )


def _steady(reader: Reader) -> datetime:
    """The same hour whenever somebody looks, so that two looks differ by what was changed only."""
    return reader.now.replace(hour=14, minute=0, second=0, microsecond=0)


def _scene(visit: Visit, shown: Shown) -> Scene:
    """What widgets are told: of an order all that they may ask for, invented."""
    reader, kept = visit.reader, shown.order
    page = Scene(
        visit.shop.view,
        reader.localizer.tag,
        level=0 if kept is None else 1,
        today=reader.today,
        address=lambda name: f"{PATH}/page",
        country=shown.shipment.destination.country if shown.shipment else "",
        shipment=shipment_facts(shown.shipment, reader) if shown.shipment else None,
    )
    page = with_voices(page)
    if kept is None:
        return page
    ordered = with_order(page, visit.shop.config.widgets)
    return structs.replace(
        ordered, order=order_facts(kept, reader.zone), items=item_facts(kept), country=kept.order.country
    )


def _lit(text: str, scheme: str) -> str:
    """The page or style sheet in a light that is not the device's."""
    return text.replace(_DARK, _FORCED[scheme]) if scheme in _FORCED else text


def _in_light(sheet: Asset, scheme: str) -> Asset:
    return asset("store.css", _lit(sheet.body.decode(), scheme).encode()) if scheme in _FORCED else sheet

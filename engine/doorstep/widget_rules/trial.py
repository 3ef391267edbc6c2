"""A widget on trial: placed in an invented shop, asked for invented pages, and what it gives."""

import traceback
from collections.abc import Iterator, Mapping
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from .. import invented
from ..clock import SystemClock
from ..config import Config, Store
from ..errors import DoorstepError
from ..metrics import Metrics
from ..models import Status
from ..packages import Package
from ..plugins import WidgetOffer, load_plugins
from ..rules import holds
from ..scenes import Scene, view_of
from ..shops import Outfitter, Shop
from ..widget import Widget, WidgetView
from ..widgets import Placed, place_widgets

LANGUAGES = ("en", "de", "fr", "ar")
_VOID = frozenset({"area", "br", "hr", "img", "input", "source", "track", "wbr"})

Feed = tuple[bytes, str]  # what a source gives, and its content type


class CannotTry(Exception):
    """Nothing can be said of the widget: why, and what to do."""


class Raised(Exception):
    """The widget raised: in which of its functions, what, and where."""


class Tag(Struct, frozen=True):
    """A start tag of what was rendered; `depth` 0 is the root."""

    name: str
    attributes: dict[str, str]
    depth: int


class Trial:
    """One widget with settings; `feeds` are what its sources give, by name."""

    def __init__(
        self, offer: WidgetOffer, outfitter: Outfitter, settings: Mapping[str, Any], feeds: Mapping[str, Feed]
    ) -> None:
        self.offer = offer
        self.type: type[Widget[Any]] = offer.type
        self.name: str = offer.type.name
        self.settings = settings
        self._outfitter = outfitter
        self._feeds = feeds

    @cached_property
    def shop(self) -> Shop:
        """The invented shop with the widget. Raises CannotTry."""
        try:
            shop = self._outfitter.shop("main", Store(name="Leaf & Loom", widgets={self.name: dict(self.settings)}))
        except DoorstepError as error:
            raise CannotTry(str(error)) from None
        return shop

    def placed(self, **settings: Any) -> Placed:
        """The widget with these settings over its own. Raises CannotTry with what the engine says of them."""
        wanted = {self.name: {**self.settings, **settings}}
        [*found], problems = place_widgets(
            wanted, {self.name: self.offer}, store="main", file="doorstep.toml", base=Path()
        )
        if problems:
            raise CannotTry(f"{problems[0].reason}: {problems[0].next_step}")
        return found[0]

    @cached_property
    def own(self) -> Placed:
        return self.placed()

    def page(self, language: str = "en", *, level: int = 1, status: Status = Status.IN_TRANSIT) -> Scene:
        """A page with everything on it that a widget may ask for, whether its rules hold there or not."""
        page = invented.with_voices(invented.scene(self.shop.view, language, level=level, status=status))
        return invented.with_order(page, [self.name]) if level else page

    def good_page(self, language: str = "en") -> Scene:
        """The same, where its rules hold."""
        return invented.fitting(self.page(language), self.own.when)

    def bare_pages(self) -> Iterator[tuple[str, Scene]]:
        """The good page with one thing less each time, and what is missing."""
        full = self.good_page()
        yield "before any parcel is known", structs.replace(full, shipment=None)
        yield "without items", structs.replace(full, items=())
        yield "without a known customer", structs.replace(full, customer=None)
        yield "without a code", structs.replace(full, codes={})
        yield "without messages", structs.replace(full, messages=None)
        yield "without voices", structs.replace(full, voices=())
        yield "for a reader who has the number alone", self.page(level=0)
        yield "with nothing known but the shop", structs.replace(self.page(level=0), shipment=None, voices=())

    def view(self, scene: Scene, placed: Placed | None = None) -> WidgetView:
        """What the widget sees, sources read. Raises Raised."""
        one = placed or self.own
        view = view_of(scene, one.declared)
        with_sources = self.call("sources", one.widget.sources, view) if one.has_sources else ()
        read = {}
        for source in with_sources:
            if source.name in self._feeds:
                read[source.name] = self.call("read", source.read, *self._feeds[source.name])
        return structs.replace(view, sources=read)

    def html(self, scene: Scene, placed: Placed | None = None) -> str:
        """What stands on a page; "" where its rules do not hold, or it has nothing to say. Raises Raised."""
        one = placed or self.own
        if not holds(one.when, scene):
            return ""
        view = self.view(scene, one)
        context = self.call("context", one.widget.context, view)
        if context is None:
            return ""
        localizer = self.shop.localizer(scene.language)
        base, id = scene.store.base, self.id
        return str(
            self.call(
                "the template",
                lambda: self.shop.look.render_widget(self.name, context, view, localizer, base, widget_id=id),
            )
        )

    @property
    def id(self) -> str:
        return f"widget-{self.name.replace('_', '-')}"

    @staticmethod
    def call(what: str, work: Any, *arguments: Any) -> Any:
        try:
            return work(*arguments)
        except Exception as error:
            *_, (frame, line) = traceback.walk_tb(error.__traceback__)
            place = f"{Path(frame.f_code.co_filename).name}:{line}"
            raise Raised(f"{what} raised {type(error).__name__}: {error} ({place})") from error


def trials(
    package: Package, settings: Mapping[str, Any] | None = None, feeds: Mapping[str, Feed] | None = None
) -> list[Trial]:
    """A trial of each widget of a package, with these settings or the widget's own example. Raises CannotTry."""
    config = Config(stores={"main": Store(name="Leaf & Loom")})
    plugins = load_plugins(config, [package])
    if plugins.broken:
        raise CannotTry(f"{plugins.broken[0].reason}: {plugins.broken[0].next_step}")
    outfitter = Outfitter(config, plugins, clock=SystemClock(), metrics=Metrics())
    return [
        Trial(offer, outfitter, offer.type.example if settings is None else settings, feeds or {})
        for offer in plugins.registered.widgets.values()
    ]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.open: list[str] = []
        self.stray: list[str] = []  # texts and end tags beside the root, or across one another

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, {name: value or "" for name, value in attrs}, len(self.open)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in _VOID:
            self.stray.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.open and data.strip():
            self.stray.append(data.strip()[:30])


def read_tags(html: str) -> tuple[list[Tag], list[str]]:
    """The tags of what was rendered, and what does not nest or stands outside the root."""
    reader = _Tags()
    reader.feed(html)
    reader.close()
    return reader.tags, [*reader.stray, *(f"<{tag}> is never closed" for tag in reader.open)]

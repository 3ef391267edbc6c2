"""The stores of this engine, ready to answer: each with its looks, its languages and its widgets; found by host and path."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from .addresses import host_of
from .appearance import Appearance, Draft
from .assets import Shelf
from .clock import Clock
from .config import Config, Store
from .context import StoreView
from .errors import ConfigError
from .i18n import Catalogs, Localizer
from .languages import by_name, known, negotiate
from .looks import Look, Looks, Stack, drafts_of, fitted
from .metrics import Metrics
from .outgoing import Outgoing
from .paths import shipped
from .plugins import Plugins
from .rewording import FOLDER, Layer, Rewording, Source, read_files, read_source, reworded
from .sources import Sources
from .themes import Theme, find_themes, load_theme
from .theming import SLOT, Templates
from .views import Reader
from .widgets import Placed, WidgetProblem, Widgets, place_widgets

OF_API = "appearance"  # where in messages a mistake is that came by the API


class Shop(Struct, frozen=True):
    """A store at work."""

    id: str
    config: Store
    view: StoreView
    looks: Looks
    files: Shelf
    widgets: Widgets
    problems: tuple[WidgetProblem, ...]
    languages: tuple[str, ...]
    catalogs: Catalogs
    clock: Clock
    metrics: Metrics
    words: Rewording = Rewording()
    drafts: "Mapping[str, Shop]" = {}
    draft: str = ""  # which one this is

    @property
    def look(self) -> Look:
        """How a page looks for which no market, language or season sets anything."""
        return self.looks.usual

    def language(self, asked: str, accepted: str, *, ordered: str = "") -> str:
        """The language of a page, by `?lang=`, that of the order, and the browser's `Accept-Language`."""
        return negotiate(asked, accepted, self.languages, self.config.language, ordered=ordered)

    def reader(self, asked: str, accepted: str, *, level: int = 0, ordered: str = "") -> Reader:
        """For whom a page is made."""
        localizer = self.localizer(self.language(asked, accepted, ordered=ordered))
        return Reader(localizer, self.clock.now(), self.zone, level)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.timezone)

    @property
    def today(self) -> date:
        return self.clock.now().astimezone(self.zone).date()

    async def prepare(self, language: str) -> None:
        """Reads a language that nobody has asked for yet, in a thread: that takes longer than the loop may be held."""
        if language not in self.catalogs.loaded:
            await asyncio.to_thread(self.localizer, language)

    def localizer(self, language: str) -> Localizer:
        return self.catalogs.localizer(language)


class Shops:
    """All stores, and which one a request is for."""

    def __init__(self, shops: Sequence[Shop]) -> None:
        # The longest path first, and a store bound to a host before one that takes any.
        self.all = tuple(sorted(shops, key=lambda shop: (-len(shop.config.path), not shop.config.hosts)))

    def replace(self, shop: Shop) -> None:
        """From now on the store is this one."""
        self.all = tuple(shop if one.id == shop.id else one for one in self.all)

    def find(self, host: str, path: str) -> Shop | None:
        """The store for a Host header and a path, or None."""
        host = host.lower()
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        for shop in self.all:
            config = shop.config
            hosts = [one.lower() for one in config.hosts]
            if hosts and name not in hosts and host not in hosts:
                continue
            if path == config.path or path.startswith(config.path + "/"):
                return shop
        return None


class Outfitter:
    """Dresses stores: what they have in common is read and compiled once."""

    def __init__(
        self, config: Config, plugins: Plugins, *, clock: Clock, metrics: Metrics, sources: Sources | None = None
    ) -> None:
        self._config = config
        self._plugins = plugins
        self._registered = plugins.registered
        self._clock = clock
        self._metrics = metrics
        self._sources = sources
        self._folders = [shipped("locales"), *plugins.registered.locales]
        self._catalogs = Catalogs(self._folders)
        self._themes = find_themes([config.base / "themes", *plugins.registered.themes, shipped("themes")])
        self._outgoing = Outgoing(config.secret_key) if config.secret_key else None
        self._compiled: dict[tuple[str, tuple[Path, ...]], tuple[Templates, Catalogs]] = {}
        self._word_files = read_files(config.base / FOLDER)
        self._sources_of_texts: dict[tuple[Path, ...], Source] = {}

    def anew(self) -> "Outfitter":
        """Another one, which reads all files again."""
        return Outfitter(self._config, self._plugins, clock=self._clock, metrics=self._metrics, sources=self._sources)

    def all(self) -> Shops:
        """The stores as their settings describe them."""
        return Shops([self.shop(id, store) for id, store in self._config.stores.items()])

    def shop(self, id: str, store: Store, own: Appearance | None = None, before: Shop | None = None) -> Shop:
        """A store as its settings describe it, with its drafts; over them what the API keeps of its `own`. What it was
        `before` still has its files. Raises ConfigError or ThemeError, naming the setting or the template."""
        where = f"{self._config.file}: stores.{id}"
        placed, problems = place_widgets(
            store.widgets, self._registered.widgets, store=id, file=self._config.file, base=self._config.base
        )
        folders = tuple(dict.fromkeys(one.folder for one in placed))
        templates, catalogs = self._theme(store.theme, folders)
        languages = _languages(store, self._catalogs, where)
        stack: Stack = [(where, store), *([(OF_API, own)] if own else [])]
        words = self._words(stack, templates, languages)
        looks = Looks(templates, stack, languages=languages)
        view = StoreView(
            id, store.name, store.path, store.home_url, store.logo_url,
            store.contact_url, store.contact_email, store.contact_phone, store.return_url, _picture_hosts(store),
        )  # fmt: skip
        if self._sources is not None:
            self._sources.trust(store.widgets)
        widgets = self._widgets(id, placed, looks)
        problems += _nowhere(placed, templates, looks)
        live = Shop(
            id, store, view, looks, Shelf(), widgets, tuple(problems), languages, _saying(catalogs, words),
            self._clock, self._metrics, words,
        )  # fmt: skip
        drafts = {name: self._draft(live, stack, place, placed) for name, place in drafts_of(stack).items()}
        shown = [look.assets for shop in (live, *drafts.values()) for look in shop.looks]
        return structs.replace(live, drafts=drafts, files=Shelf(shown, before.files if before else None))

    def _draft(self, live: Shop, stack: Stack, place: tuple[str, Draft], placed: Sequence[Placed]) -> Shop:
        """The store as a draft shows it. Of another theme's settings those count that this one has, too."""
        where, draft = place
        theme = draft.theme or live.config.theme
        templates, catalogs = self._theme(theme, tuple(dict.fromkeys(one.folder for one in placed)))
        if theme != live.config.theme:
            stack = [(at, fitted(own, templates)) for at, own in stack]
        looks = Looks(templates, stack, languages=live.languages, draft=place)
        widgets = self._widgets(live.id, placed, looks)
        name = where.rpartition(".")[2]
        words = self._words(stack, templates, live.languages)
        return structs.replace(
            live, looks=looks, widgets=widgets, catalogs=_saying(catalogs, words), words=words, draft=name
        )

    def _words(self, stack: Stack, templates: Templates, languages: Sequence[str]) -> Rewording:
        """The store's own words: of files, over them those of its settings, over them those of the API."""
        layers: list[Layer] = [(FOLDER, self._word_files), *((f"{where}.{FOLDER}", own.words) for where, own in stack)]
        if not any(trees for _, trees in layers):
            return Rewording()
        texts = templates.theme.texts
        if texts not in self._sources_of_texts:
            self._sources_of_texts[texts] = read_source(self._folders, texts)
        return reworded(layers, self._sources_of_texts[texts], languages, in_html=lambda: templates.html_texts)

    def _widgets(self, store: str, placed: Sequence[Placed], looks: Looks) -> Widgets:
        return Widgets(placed, looks.usual, self._metrics, store=store, sources=self._sources)

    @property
    def themes(self) -> tuple[str, ...]:
        """The names of all themes there are."""
        return tuple(sorted(self._themes))

    def theme(self, name: str) -> Theme:
        """A theme as its files are. Raises ThemeError."""
        return load_theme(name, self._themes)

    def _theme(self, name: str, widget_folders: tuple[Path, ...]) -> tuple[Templates, Catalogs]:
        """A theme, compiled, and what is said in it."""
        key = (name, widget_folders)
        if key not in self._compiled:
            theme = load_theme(name, self._themes)
            files = self._config.base / "static"
            templates = Templates(theme, widget_folders, files=files, outgoing=self._outgoing)
            self._compiled[key] = (templates, self._texts(theme))
        return self._compiled[key]

    def _texts(self, theme: Theme) -> Catalogs:
        return Catalogs(self._folders, theme.texts) if theme.texts else self._catalogs


def _saying(catalogs: Catalogs, words: Rewording) -> Catalogs:
    return catalogs.reworded(words.of) if words.own else catalogs


def _nowhere(placed: Sequence[Placed], templates: Templates, looks: Iterable[Look]) -> list[WidgetProblem]:
    """Widgets that no page has a place for."""
    sections = {name for look in looks for name in (*look.sections, *look.order_sections)}
    slots = {name.removeprefix(SLOT) for name in sections if name.startswith(SLOT)} | templates.fixed_slots
    return [
        WidgetProblem(
            one.widget.name,
            f"widget {one.widget.name!r} stands in slot {one.slot!r}, which no list of sections names",
            f"add {SLOT + one.slot!r} to `sections`" if one.slot in templates.theme.slots
            else f"set its `slot`: the theme has {', '.join(templates.theme.slots) or 'none'}",
        )
        for one in placed
        if one.slot not in slots
    ]  # fmt: skip


def _picture_hosts(store: Store) -> tuple[str, ...]:
    """The hosts whose pictures a browser shows on its pages, as far as the settings know its own."""
    own = (*store.hosts, host_of(store.public_url))
    return tuple(dict.fromkeys(filter(None, (*own, *store.image_hosts))))


def _languages(store: Store, catalogs: Catalogs, where: str) -> tuple[str, ...]:
    wanted = store.languages or by_name(catalogs.languages)
    for language in (store.language, *wanted):
        base = language.partition("_")[0]
        if not known(language) or (language not in catalogs.languages and base not in catalogs.languages):
            spoken = ", ".join(sorted(catalogs.languages))
            raise ConfigError(
                f"{where}: there is no catalog for language {language!r}", next_step=f"there are {spoken}"
            )
    return tuple(dict.fromkeys((store.language, *wanted)))

"""The stores of this engine, ready to answer: each with its looks, its languages and its widgets; found by host and path."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from .assets import Shelf
from .clock import Clock
from .config import Config, Store
from .context import StoreView
from .errors import ConfigError
from .i18n import Catalogs, Localizer, known, negotiate
from .looks import Look, Looks
from .metrics import Metrics
from .paths import shipped
from .plugins import Plugins
from .themes import Theme, find_themes, load_theme
from .theming import SLOT, Templates
from .views import Reader
from .widgets import Placed, WidgetProblem, Widgets, place_widgets


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

    @property
    def look(self) -> Look:
        """How a page looks for which no market, language or season sets anything."""
        return self.looks.usual

    def reader(self, asked: str, accepted: str, *, level: int = 0) -> Reader:
        """For whom a page is made, by `?lang=` and the browser's `Accept-Language`."""
        language = negotiate(asked, accepted, self.languages, self.config.language)
        return Reader(self.localizer(language), self.clock.now(), ZoneInfo(self.config.timezone), level)

    def localizer(self, language: str) -> Localizer:
        return self.catalogs.localizer(language)


class Shops:
    """All stores, and which one a request is for."""

    def __init__(self, shops: Sequence[Shop]) -> None:
        # The longest path first, and a store bound to a host before one that takes any.
        self.all = tuple(sorted(shops, key=lambda shop: (-len(shop.config.path), not shop.config.hosts)))

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


def open_shops(config: Config, plugins: Plugins, *, clock: Clock, metrics: Metrics) -> Shops:
    """The stores as the settings describe them. Raises ConfigError or ThemeError, naming the setting or the template."""
    outfitter = Outfitter(config, plugins, clock=clock, metrics=metrics)
    return Shops([outfitter.shop(id, store) for id, store in config.stores.items()])


class Outfitter:
    """Dresses stores: what they have in common is read and compiled once."""

    def __init__(self, config: Config, plugins: Plugins, *, clock: Clock, metrics: Metrics) -> None:
        self._config = config
        self._registered = plugins.registered
        self._clock = clock
        self._metrics = metrics
        self._folders = [shipped("locales"), *plugins.registered.locales]
        self._catalogs = Catalogs(self._folders)
        self._themes = find_themes([config.base / "themes", *plugins.registered.themes, shipped("themes")])
        self._compiled: dict[tuple[str, tuple[Path, ...]], tuple[Templates, Catalogs]] = {}

    def shop(self, id: str, store: Store) -> Shop:
        """A store as its settings describe it. Raises ConfigError or ThemeError."""
        where = f"{self._config.file}: stores.{id}"
        placed, problems = place_widgets(
            store.widgets, self._registered.widgets, store=id, file=self._config.file, base=self._config.base
        )
        templates, catalogs = self._theme(store.theme, dict.fromkeys(one.folder for one in placed))
        languages = _languages(store, self._catalogs, where)
        looks = Looks(templates, [(where, store)], languages=languages)
        view = StoreView(
            id, store.name, store.path, store.home_url, store.logo_url,
            store.contact_url, store.contact_email, store.contact_phone, store.return_url,
        )  # fmt: skip
        widgets = Widgets(placed, looks.usual, self._metrics)
        problems += _nowhere(placed, templates, looks)
        files = Shelf(look.assets for look in looks)
        return Shop(
            id, store, view, looks, files, widgets, tuple(problems), languages, catalogs, self._clock, self._metrics
        )

    def _theme(self, name: str, widget_folders: Iterable[Path]) -> tuple[Templates, Catalogs]:
        """A theme, compiled, and what is said in it."""
        key = (name, tuple(widget_folders))
        if key not in self._compiled:
            theme = load_theme(name, self._themes)
            templates = Templates(theme, key[1], files=self._config.base / "static")
            self._compiled[key] = (templates, self._texts(theme))
        return self._compiled[key]

    def _texts(self, theme: Theme) -> Catalogs:
        return Catalogs(self._folders, theme.texts) if theme.texts else self._catalogs


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


def _languages(store: Store, catalogs: Catalogs, where: str) -> tuple[str, ...]:
    wanted = store.languages or tuple(sorted(catalogs.languages))
    for language in (store.language, *wanted):
        base = language.partition("_")[0]
        if not known(language) or (language not in catalogs.languages and base not in catalogs.languages):
            spoken = ", ".join(sorted(catalogs.languages))
            raise ConfigError(
                f"{where}: there is no catalog for language {language!r}", next_step=f"there are {spoken}"
            )
    return tuple(dict.fromkeys((store.language, *wanted)))

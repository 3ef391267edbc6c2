"""The stores of this engine, ready to answer: each with its look, its languages and its widgets; found by host and path."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from .clock import Clock
from .config import Config, Store
from .context import StoreView
from .errors import ConfigError
from .i18n import Catalogs, Localizer, known, negotiate
from .metrics import Metrics
from .paths import shipped
from .plugins import Plugins
from .themes import find_themes, load_theme
from .theming import Look
from .views import Reader
from .widgets import WidgetProblem, Widgets, place_widgets


class Shop(Struct, frozen=True):
    """A store at work."""

    id: str
    config: Store
    view: StoreView
    look: Look
    widgets: Widgets
    problems: tuple[WidgetProblem, ...]
    languages: tuple[str, ...]
    catalogs: Catalogs
    clock: Clock
    metrics: Metrics

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
    catalogs = Catalogs([shipped("locales"), *plugins.registered.locales])
    themes = find_themes([config.base / "themes", *plugins.registered.themes, shipped("themes")])
    shops = []
    for id, store in config.stores.items():
        placed, problems = place_widgets(
            store.widgets, plugins.registered.widgets, store=id, file=config.file, base=config.base
        )
        look = Look(
            load_theme(store.theme, themes),
            store.settings,
            where=f"{config.file}: stores.{id}.settings",
            widget_folders=list(dict.fromkeys(one.folder for one in placed)),
        )
        view = StoreView(
            id, store.name, store.path, store.home_url, store.logo_url,
            store.contact_url, store.contact_email, store.contact_phone, store.return_url,
        )  # fmt: skip
        languages = _languages(store, catalogs, f"{config.file}: stores.{id}")
        widgets = Widgets(placed, look, metrics)
        shops.append(Shop(id, store, view, look, widgets, tuple(problems), languages, catalogs, clock, metrics))
    return Shops(shops)


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

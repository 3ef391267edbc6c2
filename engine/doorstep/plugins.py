"""Loading plugins: each by itself, everything or nothing, and what is broken is named with its next step.

A carrier's package is imported only when an account of it is configured; recognition needs its manifest alone.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Annotated, Any

import msgspec
import pluggy
from msgspec import Meta, Struct

from . import hookspecs
from .carrier import Carrier
from .config import Config
from .connector import Connector
from .errors import DoorstepError, PluginError
from .manifest import Ability, Limit, Manifest
from .message import Channel, Reach
from .packages import Package
from .settings import convert
from .widget import Widget

HOOKS = (
    "register_carriers", "register_widgets", "register_connectors", "register_channels", "register_themes",
    "register_locales",
)  # fmt: skip


class State(StrEnum):
    """What can be said of a carrier or plugin."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    BROKEN = "broken"
    BY_NUMBER_ONLY = "by number only"


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of `[carriers.<account>]` that are the engine's; all others are the carrier's own."""

    carrier: str = ""
    endpoint: str = ""
    strangers: Annotated[float, Meta(ge=0, le=1)] | None = None
    limits: tuple[Limit, ...] | None = None
    concurrent: Annotated[int, Meta(ge=1)] | None = None

    def share(self, manifest: Manifest) -> float:
        """The share of strangers: an aggregator is paid by the number, and asked for parcels of orders only."""
        return self.strangers if self.strangers is not None else 0.0 if manifest.aggregator else 0.5

    def applied(self, manifest: Manifest) -> Manifest:
        """The manifest, with what this account may ask where its contract says something else."""
        own = {"limits": self.limits, "concurrent": self.concurrent}
        return msgspec.structs.replace(manifest, **{key: value for key, value in own.items() if value is not None})


_ENGINE_KEYS = frozenset(AccountSettings.__struct_fields__)


class Account(Struct, frozen=True):
    """A carrier with the settings of one account. `endpoint` replaces the carrier's own, for its sandbox.

    `strangers` is the share of the account's limit that numbers outside any order may use; with 0, they are not asked at
    all. `revision` changes with the
    plugin's version and code table, and makes kept answers of another revision unreadable.
    """

    name: str
    carrier: Carrier[Any]
    endpoint: str = ""
    strangers: float = 0.5
    revision: str = ""

    @property
    def hears(self) -> bool:
        """Whether the carrier can push to it."""
        return Ability.PUSH in self.carrier.manifest.can and bool(self.carrier.push_secrets())


class CarrierState(Struct, frozen=True):
    """A line of `doorstep carriers`."""

    slug: str
    name: str
    state: State
    reason: str = ""
    next_step: str = ""
    accounts: tuple[str, ...] = ()
    package: str = ""


class Broken(Struct, frozen=True):
    """A plugin that could not be loaded, and why."""

    plugin: str
    distribution: str
    hook: str
    reason: str
    next_step: str


class WidgetOffer(Struct, frozen=True):
    """A registered widget and the folder of its module, where its templates and static files lie."""

    type: type[Widget[Any]]
    folder: Path


class Registered(Struct):
    """What plugins registered, collected per plugin and then committed."""

    carriers: dict[str, type[Carrier[Any]]] = {}  # by package
    widgets: dict[str, WidgetOffer] = {}
    connectors: dict[str, type[Connector[Any]]] = {}
    channels: dict[str, type[Channel[Any]]] = {}
    themes: list[Path] = []
    locales: list[Path] = []


class _Hooks(pluggy.PluginManager):
    """Finds a module's hooks among its functions: whatever else it has a name for takes longer to look at than to load."""

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if isinstance(vars(plugin).get(name), FunctionType) else None


class Plugins:
    """Everything that plugins brought: manifests of all carriers, accounts of the active ones, widgets, themes, catalogs."""

    def __init__(self) -> None:
        self.hooks = _Hooks()
        self.manifests: dict[str, Manifest] = {}
        self.accounts: dict[str, Account] = {}  # in the order of the settings
        self.states: dict[str, CarrierState] = {}
        self.registered = Registered()
        self.broken: list[Broken] = []

    def accounts_of(self, slug: str, allowed: Iterable[str] = ()) -> list[Account]:
        """The active accounts of a carrier, those in `allowed` only (all, when empty)."""
        names = frozenset(allowed)
        return [
            account
            for account in self.accounts.values()
            if account.carrier.manifest.slug == slug and (not names or account.name in names)
        ]


def load_plugins(config: Config, packages: Iterable[Package]) -> Plugins:
    """Loads what is installed and wanted. A plugin that fails is listed in `broken` and the rest works."""
    plugins = Plugins()
    homes: dict[str, Package] = {}
    for package in packages:
        if package.name in config.plugins.disabled:
            continue
        try:
            manifests = package.manifests()
            if package.has_code and not package.has_carrier:
                _register(package, plugins)
        except DoorstepError as error:
            _break(plugins, package, error, hook="")
            continue
        for manifest in manifests:
            if manifest.slug in homes:
                other = homes[manifest.slug].module
                _break(plugins, package, PluginError(f"carrier {manifest.slug!r} is already in {other}"), hook="")
                continue
            homes[manifest.slug] = package
            plugins.manifests[manifest.slug] = manifest
    _activate(config, plugins, homes)
    return plugins


def _activate(config: Config, plugins: Plugins, homes: Mapping[str, Package]) -> None:
    wanted: dict[str, list[str]] = {slug: [] for slug in plugins.manifests}
    for account, raw in config.carriers.items():
        slug = str(raw.get("carrier", account))
        if slug in wanted:
            wanted[slug].append(account)
        else:
            plugins.states[slug] = CarrierState(
                slug, slug, State.BROKEN, f"no installed plugin knows a carrier {slug!r}",
                f"install it, or correct [carriers.{account}] in {config.file}", (account,),
            )  # fmt: skip
    for slug, accounts in wanted.items():
        plugins.states[slug] = _activate_one(config, plugins, homes[slug], plugins.manifests[slug], accounts)
    plugins.accounts = {name: plugins.accounts[name] for name in config.carriers if name in plugins.accounts}


def _activate_one(
    config: Config, plugins: Plugins, package: Package, manifest: Manifest, accounts: list[str]
) -> CarrierState:
    def state(state: State, reason: str = "", next_step: str = "") -> CarrierState:
        return CarrierState(manifest.slug, manifest.name, state, reason, next_step, tuple(accounts), package.module)

    if not manifest.asks:
        return state(State.BY_NUMBER_ONLY)
    if not accounts:
        return state(State.INACTIVE, "no account is configured", f"add [carriers.{manifest.slug}] to {config.file}")
    try:
        cls = _carrier_class(package, plugins)
        _must_keep_its_word(manifest, cls)
        codes = package.codes()
    except DoorstepError as error:
        broken = _break(plugins, package, error, hook="register_carriers")
        return state(State.BROKEN, broken.reason, broken.next_step)
    problems = []
    for name in accounts:
        raw = config.carriers[name]
        read = partial(convert, path=f"carriers.{name}", file=config.file)
        own = {key: value for key, value in raw.items() if key not in _ENGINE_KEYS}
        try:
            account = read({key: raw[key] for key in raw.keys() & _ENGINE_KEYS}, AccountSettings)
            settings = read(own, cls.settings_type, base=config.base)
            carrier = cls(account.applied(manifest), codes, settings)
            revision = f"{package.version}-{codes.revision}"
            plugins.accounts[name] = Account(name, carrier, account.endpoint, account.share(manifest), revision)
        except DoorstepError as error:
            problems.append(error)
        except (Exception, SystemExit) as error:  # the plugin's own constructor
            problems.append(
                PluginError(f"[carriers.{name}] in {config.file}: {_named(error)}", next_step="correct the value")
            )
    if problems:
        active = State.ACTIVE if len(problems) < len(accounts) else State.INACTIVE
        return state(active, problems[0].message, problems[0].next_step)
    return state(State.ACTIVE)


def _carrier_class(package: Package, plugins: Plugins) -> type[Carrier[Any]]:
    if package.module not in plugins.registered.carriers:
        _register(package, plugins)
    try:
        return plugins.registered.carriers[package.module]
    except KeyError:
        raise PluginError(
            f"{package.module} has a carrier.toml but registers no carrier",
            next_step="write @hookimpl def register_carriers(register): register(YourCarrier)",
        ) from None


def _must_keep_its_word(manifest: Manifest, cls: type[Carrier[Any]]) -> None:
    """What a manifest says a carrier can, its class must have."""
    for ability in Ability:
        has = getattr(cls, ability.value) is not getattr(Carrier, ability.value)
        if has != (ability in manifest.can):
            raise PluginError(
                f"{cls.__name__} {'has' if has else 'has no'} {ability.value}(), and carrier.toml says otherwise",
                next_step=f"{'add it to' if has else 'take it out of'} can = […]",
            )
    if Ability.PUSH in manifest.can and cls.verify is Carrier.verify:
        raise PluginError(f"{cls.__name__} has push() and no verify()", next_step="say by what the carrier signs")


def _register(package: Package, plugins: Plugins) -> None:
    """Imports one plugin and calls its hooks; commits what it registered when all of them returned. Raises PluginError."""
    collected = Registered()
    module = _import(package)
    with _only(module, plugins.hooks):
        collectors = _collectors(collected, package)
        for hook in HOOKS:
            try:
                getattr(plugins.hooks.hook, hook)(register=collectors[hook])
            except DoorstepError:
                raise
            except (Exception, SystemExit) as error:
                raise PluginError(f"{hook} raised {_named(error)}", next_step="fix the plugin or disable it") from error
    _commit(collected, plugins.registered)


@contextmanager
def _only(module: ModuleType, hooks: _Hooks) -> Iterator[None]:
    """The hooks are those of this module, for the block. Raises PluginError."""
    try:
        hooks.register(module)
        hooks.check_pending()
        yield
    except pluggy.PluginValidationError as error:
        reason = str(error).strip().partition("\n")[0]
        raise PluginError(
            f"a hook does not fit: {reason}", next_step=f"the hooks are {', '.join(HOOKS)}(register)"
        ) from None
    finally:
        if hooks.is_registered(module):
            hooks.unregister(module)


def _collectors(into: Registered, package: Package) -> dict[str, Callable[[Any], None]]:
    def carrier(cls: Any) -> None:
        _must(isinstance(cls, type) and issubclass(cls, Carrier), "register_carriers", "a subclass of Carrier", cls)
        into.carriers[package.module] = cls

    def widget(cls: Any) -> None:
        _must(isinstance(cls, type) and issubclass(cls, Widget), "register_widgets", "a subclass of Widget", cls)
        _must(isinstance(getattr(cls, "name", None), str), "register_widgets", "a Widget with a name", cls)
        into.widgets[cls.name] = WidgetOffer(cls, package.folder)

    def connector(cls: Any) -> None:
        _must(
            isinstance(cls, type) and issubclass(cls, Connector), "register_connectors", "a subclass of Connector", cls
        )
        _must(isinstance(getattr(cls, "name", None), str), "register_connectors", "a Connector with a name", cls)
        into.connectors[cls.name] = cls

    def channel(cls: Any) -> None:
        _must(isinstance(cls, type) and issubclass(cls, Channel), "register_channels", "a subclass of Channel", cls)
        named = isinstance(getattr(cls, "name", None), str) and isinstance(getattr(cls, "reach", None), Reach)
        _must(named, "register_channels", "a Channel with a name and a reach", cls)
        into.channels[cls.name] = cls

    def theme(path: Any) -> None:
        _must(
            isinstance(path, Path) and (path / "theme.toml").is_file(),
            "register_themes",
            "a folder with theme.toml",
            path,
        )
        into.themes.append(path)

    def locale(path: Any) -> None:
        _must(isinstance(path, Path) and path.is_dir(), "register_locales", "a folder of catalogs", path)
        into.locales.append(path)

    return dict(zip(HOOKS, (carrier, widget, connector, channel, theme, locale), strict=True))


def _must(holds: bool, hook: str, expected: str, got: object) -> None:
    if not holds:
        raise PluginError(f"{hook} was given {got!r}", next_step=f"register({expected})")


def _commit(collected: Registered, into: Registered) -> None:
    for kind, new, known in (
        ("widget", collected.widgets, into.widgets),
        ("connector", collected.connectors, into.connectors),
        ("channel", collected.channels, into.channels),
    ):
        for name in new.keys() & known.keys():
            raise PluginError(f"a {kind} {name!r} is registered already", next_step="give it another name")
    into.carriers.update(collected.carriers)
    into.widgets.update(collected.widgets)
    into.connectors.update(collected.connectors)
    into.channels.update(collected.channels)
    into.themes += collected.themes
    into.locales += collected.locales


def _import(package: Package) -> ModuleType:
    try:
        return importlib.import_module(package.module)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"importing {package.module} raised {_named(error)}", next_step="fix it or disable it"
        ) from error


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _break(plugins: Plugins, package: Package, error: DoorstepError, *, hook: str) -> Broken:
    broken = Broken(
        package.name,
        f"{package.distribution} {package.version}",
        hook,
        error.message,
        error.next_step or f"fix it, or add {package.name!r} to plugins.disabled",
    )
    plugins.broken.append(broken)
    return broken

"""`doorstep.toml`: stores, carrier accounts, where things are kept. Plugin sections stay raw until their plugin reads them.

Order of precedence: the environment (`DOORSTEP_SECTION__KEY`), then the file. An unknown key is an error with its path.
"""

import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta, Struct, field

from .addresses import is_web_address
from .appearance import Appearance, Language
from .banner import Banner
from .calendar import Calendar
from .errors import ConfigError
from .message import Kind
from .secret import Secret
from .settings import convert
from .shelf_life import ShelfLife

PREFIX = "DOORSTEP_"
_ALONE = frozenset({"secret_key", "database", "redis"})  # what stands in no section
Network = Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$")]
# Stands in a header: nothing that could end it.
WebOrigin = Annotated[str, Meta(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$")]


class ApiLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """`[server.api_limit]`: how many `calls` to the API one key has in so many `seconds`."""

    calls: Annotated[int, Meta(ge=1)] = 600
    seconds: Annotated[int, Meta(ge=1, le=86_400)] = 60


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the engine listens. `deadline` is the longest a page takes, in seconds; `trusted_proxies` are the networks
    whose `X-Forwarded-For` is believed; `near_megabytes` are for finished pages, in each process; who holds the event
    loop for more than `longest_hold` seconds is named."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    deadline: Annotated[float, Meta(gt=0, le=30)] = 2.5
    trusted_proxies: tuple[Network, ...] = ()
    api_limit: ApiLimit = ApiLimit()
    near_megabytes: Annotated[int, Meta(ge=0, le=65_536)] = 64
    longest_hold: Annotated[float, Meta(ge=0.01, le=10)] = 0.05


class Webhook(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.webhooks.<name>]`: where the shop hears what happens, by Standard Webhooks. The first of `secret` signs,
    with the others beside it while a secret is changed; `events` are types (`shipment.delivered`), all when empty."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
    secret: tuple[Secret, ...]
    events: tuple[str, ...] = ()


class Quiet(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours in which nothing is sent, by the shopper's clock; the same twice: none."""

    start: time = field(default=time(21), name="from")
    end: time = field(default=time(8), name="to")


class Occasion(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.messages.kinds.<kind>]`: whether it is sent, and so many `days` after what it is about (before it, where
    it is a reminder); None: as the kind has it."""

    send: bool | None = None
    days: Annotated[int, Meta(ge=0, le=3650)] | None = None


class Messages(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.messages]`: what the shop tells its shoppers by itself. `channels` are accounts of `[channels]`; nothing is
    sent without one. Those in `unasked` may tell what belongs to the order without having been asked to, where the law allows
    it; all else needs the shopper's consent. With `opened` the shop counts which mails are opened."""

    channels: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    quiet: Quiet = Quiet()
    kinds: dict[Kind, Occasion] = {}
    opened: bool = False


class Plugins(Struct, frozen=True, forbid_unknown_fields=True):
    """`disabled` names plugins (their entry points) that are there but not wanted. `folder` holds the shop's own ones; it is
    relative to the settings."""

    disabled: tuple[str, ...] = ()
    folder: Path = Path("plugins")


class Store(Appearance, Struct, frozen=True, forbid_unknown_fields=True):
    """One shop. It answers on its `hosts` (any host, when empty) below `path`; `carriers` are accounts (all, when empty)."""

    name: str
    hosts: tuple[str, ...] = ()
    path: Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    language: Language = "en"
    languages: tuple[Language, ...] = ()  # all that have a catalog, when empty
    theme: str = "classic"
    carriers: tuple[str, ...] = ()
    timezone: str = "UTC"  # IANA; the shop's own clock, for "today" and for when data are from
    image_hosts: tuple[str, ...] = ()  # other hosts whose images its pages may show
    public_url: str = ""  # its origin as seen from outside, for links of the API and of commands
    calendar: Calendar = Calendar()
    freshness: ShelfLife = ShelfLife()
    banners: tuple[Banner, ...] = ()
    webhooks: dict[str, Webhook] = {}
    messages: Messages = Messages()  # what it tells its shoppers by itself
    connectors: dict[str, dict[str, Any]] = {}  # shop systems that tell of orders, raw until their plugin reads them
    allowed_origins: tuple[str, ...] = ()  # other origins whose pages may ask the API (CORS)
    embed_origins: tuple[WebOrigin, ...] = ()  # other origins whose pages may show its pages in a frame
    link_days: Annotated[int, Meta(ge=1, le=3650)] = 180  # how long a signed link to an order works
    retention_days: Annotated[int, Meta(ge=1, le=3650)] = 90  # after its end an order loses its personal data
    countries: tuple[str, ...] = ()  # where the shop ships to; a hint for ambiguous numbers
    widgets: dict[str, dict[str, Any]] = {}
    home_url: str = ""
    logo_url: str = ""
    contact_url: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    return_url: str = ""  # where a shopper sends something back

    def __post_init__(self) -> None:
        for name, url in (
            ("home_url", self.home_url), ("logo_url", self.logo_url), ("contact_url", self.contact_url),
            ("return_url", self.return_url),
        ):  # fmt: skip
            if url and not (is_web_address(url, paths=True) or url.startswith(("mailto:", "tel:"))):
                raise ValueError(f"{name} {url!r} cannot be linked: write https://… or a path that starts with one /")

    def __repr__(self) -> str:
        """Its name alone: what is raw has secrets in it as they were written."""
        return f"Store({self.name!r})"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. `secret_key`: the first signs, all verify. `redis` and `database` are URLs."""

    stores: dict[str, Store]
    secret_key: tuple[Secret, ...] = ()
    database: str = "sqlite:///doorstep.db"
    redis: Secret = Secret("")
    server: Server = Server()
    plugins: Plugins = Plugins()
    carriers: dict[str, dict[str, Any]] = {}
    channels: dict[str, dict[str, Any]] = {}  # ways to send messages, raw until their plugin reads them
    file: str = "doorstep.toml"
    base: Path = Path()

    def __repr__(self) -> str:
        """Its file alone, as of a Store."""
        return f"Config({self.file!r})"


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The settings of a file, with the environment over it. Raises ConfigError, which names file, path and next step."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", next_step="name the file: --config PATH") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", next_step="save it as UTF-8") from None
    return parse(text, file=path.name, environ=environ, base=path.parent)


def parse(text: str, *, file: str, environ: Mapping[str, str], base: Path = Path()) -> Config:
    """As `load`, from text."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}", next_step="correct the line; toml.io shows the format") from None
    for name, value in environ.items():
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and ("__" in key or key.removesuffix("_file") in _ALONE):
            _overlay(raw, key.split("__"), value, name)
    for reserved in ("file", "base"):
        if reserved in raw:
            raise ConfigError(f"{file}: {reserved} is not a setting", next_step="remove it")
    config = convert(raw, Config, path="", file=file, base=base)
    _check_stores(config, file)
    return msgspec.structs.replace(config, file=file, base=base)


def require_secret_key(config: Config) -> None:
    """Raises ConfigError where there is nothing to sign and to seal with, or something that is empty."""
    if not config.secret_key or not all(config.secret_key):
        raise ConfigError(f"{config.file}: secret_key is missing", next_step="put in 32 random characters or more")


def _overlay(raw: dict[str, Any], path: list[str], value: str, name: str) -> None:
    table = raw
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{name}: {part} is not a table", next_step="see doorstep.toml for the names")
    table[path[-1]] = _value(value)


def _value(text: str) -> Any:
    """TOML if it is a TOML number, boolean, list or table, else the text itself."""
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
    return text if isinstance(value, str) and not text.startswith(('"', "'")) else value


def _check_stores(config: Config, file: str) -> None:
    if not config.stores:
        raise ConfigError(f"{file}: no store", next_step='add [stores.main] with name = "…"')
    seen: dict[tuple[str, str], str] = {}
    for id, store in config.stores.items():
        for host in store.hosts or ("*",):
            other = seen.setdefault((host.lower(), store.path), id)
            if other != id:
                raise ConfigError(
                    f"{file}: stores.{id} and stores.{other} both answer at {host}{store.path}/",
                    next_step="give them different hosts or paths",
                )
        if store.timezone not in available_timezones():
            raise ConfigError(
                f"{file}: stores.{id}.timezone: there is no zone {store.timezone!r}", next_step="see IANA's list"
            )
        for account in store.carriers:
            if account not in config.carriers:
                raise ConfigError(
                    f"{file}: stores.{id}.carriers names {account!r}",
                    next_step=f"add [carriers.{account}] or correct it",
                )
        for key, names in (("channels", store.messages.channels), ("unasked", store.messages.unasked)):
            for name in names:
                if name not in config.channels:
                    raise ConfigError(
                        f"{file}: stores.{id}.messages.{key} names the channel {name!r}",
                        next_step=f"add [channels.{name}] or correct it",
                    )

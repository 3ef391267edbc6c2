"""The accounts by which messages are sent, each by itself: one that cannot be had is named, and the rest work."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct, structs

from .addresses import is_web_address
from .channel_http import channel_client
from .config import Config
from .errors import ConfigError, DoorstepError
from .guard import GuardedTransport
from .message import Channel, ChannelSettings
from .plugins import Plugins
from .secret import Secret
from .settings import convert

log = structlog.get_logger("doorstep.channels")


class ChannelProblem(Struct, frozen=True):
    """An account that the settings name and nobody can send by."""

    channel: str
    reason: str
    next_step: str


class Channels:
    """The channels, by account, and those that cannot be had."""

    def __init__(self, accounts: Mapping[str, Channel[Any]], problems: tuple[ChannelProblem, ...] = ()) -> None:
        self.accounts = accounts
        self.problems = problems

    @property
    def troubles(self) -> Iterator[tuple[str, str]]:
        """Accounts that their providers do not let send, and why."""
        return ((name, channel.trouble) for name, channel in self.accounts.items() if channel.trouble)

    async def aclose(self) -> None:
        """Ends what is open; what one leaves undone keeps no other from it."""
        for name, channel in self.accounts.items():
            try:
                await channel.aclose()
            except Exception as error:  # the plugin's own
                log.error("a channel did not close", account=name, error=type(error).__name__)
            await channel.http.aclose()


def open_channels(config: Config, plugins: Plugins) -> Channels:
    """The channels of `[channels]`."""
    accounts, problems = {}, []
    for name, raw in config.channels.items():
        where = f"{config.file}: channels.{name}"
        try:
            accounts[name] = _opened(config, plugins.registered.channels, name, raw)
        except DoorstepError as error:
            problems.append(ChannelProblem(name, error.message, error.next_step))
        except (Exception, SystemExit) as error:  # the plugin's own constructor
            problems.append(ChannelProblem(name, f"{where}: {type(error).__name__}: {error}", "correct the value"))
    return Channels(accounts, tuple(problems))


def _opened(
    config: Config, offers: Mapping[str, type[Channel[Any]]], account: str, raw: Mapping[str, Any]
) -> Channel[Any]:
    name = raw.get("channel", account)
    if name not in offers:
        known = ", ".join(sorted(offers)) or "none"
        raise ConfigError(
            f"{config.file}: channels.{account}: no plugin offers a channel {name!r}", next_step=f"installed: {known}"
        )
    kind = offers[name]
    own = {key: value for key, value in raw.items() if key != "channel"}
    settings = convert(own, kind.settings_type, path=f"channels.{account}", file=config.file, base=config.base)
    guard = GuardedTransport()
    for address in _addresses(settings):  # the operator named them, wherever they lead
        guard.trust(address)
    try:
        return kind(_based(settings, config.base), channel_client(guard))
    except ConfigError as error:
        raise ConfigError(f"{config.file}: channels.{account}: {error.message}", next_step=error.next_step) from None


def _addresses(settings: ChannelSettings) -> list[str]:
    values = structs.asdict(settings).values()
    texts = [value.reveal() if isinstance(value, Secret) else value for value in values]
    return [text for text in texts if isinstance(text, str) and is_web_address(text)]


def _based(settings: ChannelSettings, base: Path) -> ChannelSettings:
    """The settings with their paths from where the settings' file lies."""
    paths = {name: value for name, value in structs.asdict(settings).items() if isinstance(value, Path)}
    return structs.replace(settings, **{name: base / value for name, value in paths.items()})

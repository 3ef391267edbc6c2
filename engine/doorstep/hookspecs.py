"""The hooks: few, synchronous, typed, and they only register. Each plugin is called by itself.

A hook gets one argument, `register`; what a plugin registers is collected and takes effect only when all of its hooks have
returned, so a plugin that fails half-way leaves nothing behind.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pluggy

from .carrier import Carrier
from .connector import Connector
from .message import Channel
from .widget import Widget

PROJECT = "doorstep"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_carriers(register: Callable[[type[Carrier[Any]]], None]) -> None:
    """Called when an account of the package's carrier is configured. `register(Acme)` takes the class that belongs to the
    `carrier.toml` beside it."""


def registers(carrier: type[Carrier[Any]]) -> Callable[[Callable[[type[Carrier[Any]]], None]], None]:
    """The hook of a package that is a carrier: `register_carriers = registers(Acme)`."""

    @hookimpl
    def register_carriers(register: Callable[[type[Carrier[Any]]], None]) -> None:
        register(carrier)

    return register_carriers


@hookspec
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    """Called at start. `register(Survey)` offers a widget by its name; a store switches it on in its settings. Its
    templates lie in `templates/` beside the module that defines the class."""


@hookspec
def register_connectors(register: Callable[[type[Connector[Any]]], None]) -> None:
    """Called at start. `register(Acme)` offers a connector to a shop system by its name; a store switches it on in its
    settings."""


@hookspec
def register_channels(register: Callable[[type[Channel[Any]]], None]) -> None:
    """Called at start. `register(Acme)` offers a way to send messages by its name; `[channels.<name>]` is an account of it."""


@hookspec
def register_themes(register: Callable[[Path], None]) -> None:
    """Called at start. `register(path)` offers the theme in a folder that holds a `theme.toml`."""


@hookspec
def register_locales(register: Callable[[Path], None]) -> None:
    """Called at start. `register(path)` adds a folder of catalogs, `<lang>/LC_MESSAGES/<name>.po`, under the engine's own."""

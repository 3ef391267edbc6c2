"""What commands share: their options, and settings read as each of them reads them."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import Config, load
from ..database import Database
from ..engine import Engine, create_engine
from ..errors import DoorstepError
from ..terminal import say

F = TypeVar("F", bound=Callable[..., Any])


class Commands(click.Group):
    """Our own errors as one line on stderr and exit code 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DoorstepError as error:
            say(f"doorstep: {error}", err=True)
            ctx.exit(1)


def config_option(command: F) -> F:
    return click.option(
        "--config", "path", type=click.Path(path_type=Path), default=Path("doorstep.toml"), show_default=True,
        envvar="DOORSTEP_CONFIG", help="The settings.",
    )(command)  # fmt: skip


def optional_config(command: F) -> F:
    return click.option(
        "--config", "path", type=click.Path(path_type=Path), envvar="DOORSTEP_CONFIG",
        help="The settings; doorstep.toml, where there is one.",
    )(command)  # fmt: skip


def store_option(command: F) -> F:
    return click.option("--store", default="", help="The store; the only one there is, if not named.")(command)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
port_option = click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)


def loaded(path: Path) -> Config:
    """The settings of a file with the environment over it. Raises ConfigError."""
    return load(path, os.environ)


def chosen(config: Config, store: str) -> str:
    """The id of the store that is meant. A wrong or missing name is wrong usage."""
    if store in config.stores:
        return store
    known = ", ".join(config.stores)
    if store:
        raise click.UsageError(f"there is no store {store!r}; there are {known}")
    if len(config.stores) > 1:
        raise click.UsageError(f"name a store: --store {known.replace(', ', ' | ')}")
    return next(iter(config.stores))


@contextmanager
def opened(config: Config) -> Iterator[Database]:
    """The database of the settings, up to date, while the block runs. Raises StoreError."""
    database = Database(config.database, base=config.base)
    try:
        database.open_now()
        yield database
    finally:
        database.close_now()


@contextmanager
def engine_of(path: Path) -> Iterator[Engine]:
    """The engine of the settings, with its database, while the block runs. Raises ConfigError, StoreError."""
    engine = create_engine(loaded(path))
    try:
        engine.database.open_now()
        yield engine
    finally:
        asyncio.run(engine.close())

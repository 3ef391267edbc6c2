"""Keeps the looks of stores as their makers last left them: theme folders and settings, as files; the API's, in SQL.

What is new is loaded in a thread and shown whole: templates, values and style sheet together. What cannot be shown is told, and
the last that could be stays.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from math import inf
from pathlib import Path
from time import sleep

import structlog
from msgspec import structs

from .appearance import Appearance
from .appearances import Appearances, KeptAppearance
from .clock import Clock
from .config import Config, Store, load
from .errors import DoorstepError
from .metrics import Metrics
from .near import NearPages
from .paths import shipped
from .plugins import Plugins
from .rewording import FOLDER
from .shops import Outfitter, Shop, Shops

LIVE = (*Appearance.__struct_fields__, "theme")  # settings of a store that need no restart
_SCAN = 2.0  # seconds between two looks at the files
_POLL = 30.0  # and at the database, where nobody told of a change
_JUST_NOW = 1.0
_SETTLED = 0.1  # so long nothing has changed: a folder is copied file by file
_MOST_PATIENCE = 30  # times that

Stamp = frozenset[tuple[str, int, int]]  # path, time and size of every file that counts

log = structlog.get_logger("doorstep.wardrobe")


class Wardrobe:
    """`problem` is why what is there now cannot be shown, since `problem_since`; `needs_restart`, whether settings changed that
    are only read at start."""

    def __init__(
        self, config: Config, plugins: Plugins, shops: Shops, appearances: Appearances, near: NearPages, *,
        outfitter: Outfitter, clock: Clock, metrics: Metrics,
    ) -> None:  # fmt: skip
        self._config = config
        self._plugins = plugins
        self._shops = shops
        self._appearances = appearances
        self._near = near
        self._outfitter = outfitter
        self._clock = clock
        self._metrics = metrics
        self._stores = dict(config.stores)
        self._watching = False
        self._trial: Callable[[Shop], None] | None = None
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._looked_at = -inf
        self._stamp: Stamp = frozenset()
        self._shown: Mapping[str, KeptAppearance] = {}
        self.problem = ""
        self.problem_since: datetime | None = None
        self.needs_restart = False

    def drop(self, tags: Collection[str]) -> None:
        """As a keeper: the API's may have changed."""
        if any(self._appearances.tag(id) in tags for id in self._stores):
            self._asked.set()

    def clear(self) -> None:
        self._asked.set()

    def try_on(self, store: str, own: Appearance) -> Shop:
        """The store with this. Raises ThemeError or CatalogError for what it cannot show or say; the API's mistakes are named
        `appearance.…`."""
        return self._outfitter.shop(store, self._stores[store], own)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the block runs, it looks again: when it is told, and every now and then."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SCAN if self._watching else _POLL):
                    await self._asked.wait()
            self._asked.clear()
            await self.refresh()

    @asynccontextmanager
    async def watching_files(self, trial: Callable[[Shop], None] | None = None) -> AsyncIterator[None]:
        """While the block runs, files are watched: every two seconds, and at once on SIGHUP. What `trial` raises DoorstepError
        for is not shown."""
        self._trial = trial
        self._stamp = await asyncio.to_thread(self._files)
        self._watching = True
        self._asked.set()
        loop = asyncio.get_running_loop()
        # Only a main thread hears signals, and Windows has no SIGHUP.
        with suppress(ValueError, RuntimeError, NotImplementedError, AttributeError):
            loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        try:
            yield
        finally:
            self._watching = False
            with suppress(ValueError, RuntimeError, NotImplementedError, AttributeError):
                loop.remove_signal_handler(signal.SIGHUP)

    async def catch_up(self) -> None:
        """For whoever misses what another process shows already: waits for what is being loaded, and looks again where the
        last look was not just now, however often strangers ask."""
        if self._turn.locked():
            async with self._turn:
                return
        if self._asked.is_set() or self._clock.monotonic() - self._looked_at >= _JUST_NOW:
            await self.refresh()

    async def refresh(self) -> None:
        """Shows what is there now, where that is another thing than what is shown."""
        async with self._turn:
            self._looked_at = self._clock.monotonic()
            known = await self._appearances.known()
            stamp = await asyncio.to_thread(self._settled) if self._watching else self._stamp
            if stamp == self._stamp and known == self._shown:
                return
            files_changed, self._stamp, self._shown = stamp != self._stamp, stamp, known
            try:
                shops = await asyncio.to_thread(self._dressed, known, files_changed)
            except Exception as error:  # whatever is wrong with it, the last good one stays
                self._failed(error)
                return
            self._show(shops)

    def _dressed(self, known: Mapping[str, KeptAppearance], files_changed: bool) -> list[Shop]:
        """In a thread. Raises DoorstepError for what cannot be shown."""
        if files_changed:
            self._read_settings()
            self._outfitter = self._outfitter.anew()
        kept = {id: known[id].appearance if id in known else None for id in self._stores}
        before = {shop.id: shop for shop in self._shops.all}
        shops = [self._outfitter.shop(id, store, kept[id], before[id]) for id, store in self._stores.items()]
        if (trial := self._trial) is not None:
            for shop in shops:
                trial(shop)
        return shops

    def _read_settings(self) -> None:
        """The stores as their file describes them now, as far as that needs no restart."""
        file = self._config.base / self._config.file
        if not file.is_file():
            return
        new, old = load(file, os.environ), self._config
        live = {
            id: structs.replace(store, **{name: getattr(new.stores[id], name) for name in LIVE})
            for id, store in old.stores.items()
            if id in new.stores
        }
        self._stores = {**old.stores, **live}
        back = {id: _with_looks_of(store, old.stores.get(id, store)) for id, store in new.stores.items()}
        self.needs_restart = structs.replace(new, stores=back) != old
        if self.needs_restart:
            log.warning("settings have changed that are only read at start", file=old.file, next_step="restart")

    def _show(self, shops: Iterable[Shop]) -> None:
        for shop in shops:
            self._shops.replace(shop)
            self._near.drop((self._appearances.tag(shop.id),))
        self.problem, self.problem_since = "", None
        self._metrics.looks_loaded.labels("shown").inc()
        log.info("the stores' looks were loaded anew")

    def _failed(self, error: Exception) -> None:
        self.problem = str(error) if isinstance(error, DoorstepError) else f"{type(error).__name__}: {error}"
        self.problem_since = self.problem_since or self._clock.now()
        self._metrics.looks_loaded.labels("failed").inc()
        log.error("the looks cannot be shown as they are now, the last good ones stay", reason=self.problem)

    def _settled(self) -> Stamp:
        """The files as they are, once nobody writes them any more."""
        found = self._files()
        for _ in range(_MOST_PATIENCE if found != self._stamp else 0):
            sleep(_SETTLED)
            again = self._files()
            if again == found:
                break
            found = again
        return found

    def _files(self) -> Stamp:
        return files_of(self._config, self._plugins)


def files_of(config: Config, plugins: Plugins) -> Stamp:
    """The files as they are now that decide on how stores look."""
    base = config.base
    roots = [base / "themes", base / "static", base / FOLDER, *plugins.registered.themes, shipped("themes")]
    folders = [offer.folder for offer in plugins.registered.widgets.values()]
    places = [*roots, *(folder / part for folder in folders for part in ("templates", "static"))]
    files = (file for place in places for file in place.rglob("*"))
    return frozenset(filter(None, map(_seen, [base / config.file, *files])))


def _with_looks_of(store: Store, other: Store) -> Store:
    return structs.replace(store, **{name: getattr(other, name) for name in LIVE})


def _seen(file: Path) -> tuple[str, int, int] | None:
    try:
        told = file.stat()
    except OSError:  # gone in between
        return None
    return str(file), told.st_mtime_ns, told.st_size

"""What is read in the background once a process serves: later pages need it, and the first ones shall not wait for it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .languages import tag_of
from .scenes import Scene
from .shops import Shop, Shops
from .sources import Sources
from .widget import Source


@asynccontextmanager
async def reading(shops: Shops, sources: Sources) -> AsyncIterator[None]:
    """While the block runs: the stores' own languages, in a thread as each catalog holds the loop for too long; then what
    widgets need from outside for pages that show nothing of an order. Other languages are read when somebody asks for them."""

    def read_languages() -> None:
        for shop in shops.all:
            if not over.is_set():
                shop.localizer(shop.config.language)

    async def read() -> None:
        await asyncio.to_thread(read_languages)
        for shop in shops.all if not over.is_set() else ():
            for (widget, _), source in (await sources_of(shop)).items():
                await sources.read(shop.id, widget, [source], shared=True, wait=0)

    over = threading.Event()
    running = asyncio.create_task(read())
    try:
        yield
    finally:
        over.set()
        await running


async def sources_of(shop: Shop) -> dict[tuple[str, str], Source]:
    """What a store's widgets need from outside where nothing is known of parcel and order, by widget and address."""
    found: dict[tuple[str, str], Source] = {}
    if not shop.widgets.have_sources:
        return found
    for language in shop.languages:
        scene = Scene(shop.view, tag_of(language), 0, shop.today, address=lambda name: "")
        for widget, wanted in (await shop.widgets.sources(scene)).items():
            found |= {(widget, one.address): one for one in wanted}
    return found

"""The pages of one worker, each beside a bare ASGI callable which returns the same bytes from the same server."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import structs

from doorstep.order import Item, Order, Parcel

from .figures import Row, against_limit
from .limit import Answer
from .parcels import number
from .seeds import seeded
from .servers import PACKED, Asking, limit_server, page_server, side_by_side
from .site import Settings, shop_engine

DIFFERENT = 1000  # parcels whose pages are made in turn: more than are remembered, as pages or as answers
FEW = 1  # megabyte of finished pages: all are kept, as ever, and gone when they are asked for again


def hot(*, named: bool) -> list[Row]:
    """a tracking page that is finished and near"""
    return _pages("hot", range(1))


def unchanged(*, named: bool) -> list[Row]:
    """the same, by a reader who has it already; its limit is the whole page"""
    return _pages("304", range(1))


def miss(*, named: bool) -> list[Row]:
    """tracking pages of a thousand parcels in turn, each made anew from its answer in Redis"""
    return _pages("miss", range(DIFFERENT), near_megabytes=FEW)


def level1(*, named: bool) -> list[Row]:
    """the page of an order, which is made for each request"""
    with seeded(range(1)) as (settings, _):
        return [beside_limit("level1", settings, [_order_page(settings)])]


def _pages(case: str, parcels: range, *, near_megabytes: int = 64) -> list[Row]:
    with seeded(parcels, near_megabytes=near_megabytes) as (settings, _):
        return [beside_limit(case, settings, [f"/track/{number(n)}" for n in parcels])]


def beside_limit(case: str, settings: Settings, paths: Sequence[str], **others: object) -> Row:
    """The limit with all headers of the page, and one with the type and length only: what protects the reader costs, too."""
    with page_server(settings) as server:
        page = server.get(paths[0], PACKED)
        with limit_server(page) as limit, limit_server(_bare(page)) as bare:
            pages = Asking(server, paths, *_asked(case, page))
            askings = [pages, Asking(limit, paths, PACKED), Asking(bare, paths, PACKED)]
            cpu_us, limit_us, bare_us = side_by_side(askings)
    two = round(bare_us / cpu_us, 4)
    return against_limit(case, cpu_us, limit_us, bytes=len(page.body), share_with_two_headers=two, **others)


def _asked(case: str, page: Answer) -> tuple[Mapping[str, str], int]:
    return ({**PACKED, "If-None-Match": page.headers["etag"]}, 304) if case == "304" else (PACKED, 200)


def _bare(page: Answer) -> Answer:
    return Answer({name: page.headers[name] for name in ("content-type", "content-length")}, page.body)


def _order_page(settings: Settings) -> str:
    """Writes an order of one parcel; the path of its page."""
    engine = shop_engine(structs.replace(settings, redis=""))
    asyncio.run(engine.database.open())
    with engine.database.writing() as connection:
        order = Order("1001", items=(Item("Trail shoes", "shoes"),), shipments=(Parcel(number(0)),))
        kept = engine.orders.create(connection, "main", order)
    return f"/o/{engine.access.link(kept, timedelta(days=1))}/"

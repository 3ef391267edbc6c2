"""In front of everything: a page that is finished and near goes out before any route is looked at.

What is unusual about a request is not for here: it goes on as it came.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .clock import Clock
from .contexts import carried_of
from .draft_links import PARAMETER
from .limits import Limits
from .metrics import Metrics
from .near import Hit, NearPages, Page, variant
from .people import is_person
from .responses import headers_of, names, takes_gzip
from .responses import hit as told
from .shops import Shops
from .tallies import Tallies
from .visits import network_of

_READS = frozenset({"GET", "HEAD"})
_LONGEST = 500  # bytes of what decides on a page, beside its path; browsers send a tenth
_MOST_KINDS = 4096
_RESOLUTION = timedelta(microseconds=1)
_Asked = tuple[bytes, str, bytes, bytes, bytes]  # host, path before /track/, query, Accept-Language, Accept-Encoding


class HotPath:
    """Around the application."""

    def __init__(
        self, app: ASGIApp, shops: Shops, near: NearPages, limits: Limits, tallies: Tallies, *, metrics: Metrics,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._app = app
        self._shops = shops
        self._near = near
        self._limits = limits
        self._tallies = tallies
        self._lookups = metrics.lookups.counts
        self._near_lookups = metrics.near_lookups.counts
        self._ages = metrics.served_age.of("fresh")
        self._clock = clock
        self._kinds: dict[_Asked, str | None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _READS:
            await self._app(scope, receive, send)
            return
        sent = headers_of(scope)
        now = self._clock.now()
        page = self._page(scope, sent, now) if len(sent) == len(scope["headers"]) else None
        if page is None:
            await self._app(scope, receive, send)
            return
        self._near_lookups["hit"] += 1
        self._lookups["fresh"] += 1
        hit = page.hit
        if hit is None:
            hit = page.hit = self._hit(page, now)
        self._ages.again(hit.age)
        if page.glance is not None and is_person(scope["method"], sent):
            self._tallies.view(page.glance)
            page.glance = None
        known = sent.get(b"if-none-match")
        if known is not None and names(known, page.etag):
            await send({"type": "http.response.start", "status": 304, "headers": [*hit.unchanged]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [*hit.headers]})
            await send({"type": "http.response.body", "body": page.body})

    def _hit(self, page: Page, now: datetime) -> Hit:
        """How the page goes out until the seconds for which it is fresh are one less."""
        left = int((page.fresh_until - now).total_seconds())
        status = (b"cache-status", told(now, page.fresh_until))
        age = self._ages.counted((now - page.fetched_at).total_seconds())
        until = min(page.span.until, page.fresh_until - timedelta(seconds=left) + _RESOLUTION)
        return Hit(now, until, (*page.headers, status), (*page.unchanged, status), age)

    def _page(self, scope: Scope, sent: Mapping[bytes, bytes], now: datetime) -> Page | None:
        path: str = scope["path"]
        base, found, _ = path.rpartition("/track/")
        if not found:
            return None
        asked = (
            sent.get(b"host", b""), base, scope["query_string"],
            sent.get(b"accept-language", b""), sent.get(b"accept-encoding", b""),
        )  # fmt: skip
        kind = self._kinds.get(asked) or self._kind(asked)
        if kind is None:
            return None
        page = self._near.get((kind, path), now)
        if page is None:
            self._near_lookups["miss"] += 1
            return None
        refused = self._limits.numbers.refuses_somebody and self._refused(scope)
        return None if refused else page

    def _kind(self, asked: _Asked) -> str | None:
        """The variant of the page that is asked for; None where it is never kept."""
        if sum(map(len, asked)) > _LONGEST:
            return None
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        kind = self._kinds[asked] = self._negotiated(*asked)
        return kind

    def _negotiated(self, host: bytes, base: str, query: bytes, language: bytes, encoding: bytes) -> str | None:
        shop = self._shops.find(host.decode("latin-1"), f"{base}/track/")
        params = QueryParams(query)
        if shop is None or shop.config.path != base or "done" in params or PARAMETER in params:
            return None
        spoken = shop.language(params.get("lang", ""), language.decode("latin-1"))
        carried = carried_of(params)
        packed = takes_gzip(encoding.decode("latin-1"))
        return variant(shop.id, spoken, carried, packed=packed)

    def _refused(self, scope: Scope) -> bool:
        return self._limits.numbers.refused(network_of(Request(scope), self._limits.networks)) > 0

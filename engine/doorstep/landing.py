"""The address that brings friends: on to the shop, with the code. It counts nothing, and says nothing of whose code it is."""

import re
from collections.abc import Callable

import structlog
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from . import qr
from .database import Database
from .errors import StoreError
from .gate import base_url
from .i18n import N_
from .shops import Shop
from .visits import visit_of
from .widget import FriendRule
from .widget_codes import CODE, Codes, landing

_CODE = re.compile(CODE)
_TITLE = N_("QR code of this link")

log = structlog.get_logger("doorstep.landing")


class Landing:
    """Endpoints below `/r/`. `missing` answers where a shop has no address for friends."""

    def __init__(self, codes: Codes, database: Database, *, missing: Callable[[Request], Response]) -> None:
        self._codes = codes
        self._database = database
        self._missing = missing

    async def land(self, request: Request) -> Response:
        """`GET /r/{code}`: on to the shop (303). With a code that nobody has it leads to the same address, without the code."""
        shop: Shop = request.state.shop
        code = request.path_params["code"].replace("\0", "")
        usual = self._usual(shop)
        if usual is None:
            return self._missing(request)
        try:
            rule = await self._database.read(lambda connection: self._rule(connection, shop, code))
        except StoreError as error:
            log.warning("a friend's code was passed on unseen", reason=str(error))
            # Whoever notes the friend's order looks at the code anyway.
            rule = usual if _CODE.fullmatch(code) else None
        url = landing(rule, code) if rule else landing(usual, "")
        return RedirectResponse(url, 303, {"Cache-Control": "no-store"})

    async def qr_code(self, request: Request) -> Response:
        """`GET /r/{code}/qr.svg`: the address as a QR code; of any code, known or not."""
        shop: Shop = request.state.shop
        code = request.path_params["code"]
        if self._usual(shop) is None or not _CODE.fullmatch(code):
            return self._missing(request)
        localizer = visit_of(request).reader.localizer
        address = f"{base_url(request, shop)}/r/{code}"
        headers = {
            "Cache-Control": "public, max-age=86400",
            "Content-Language": localizer.tag,
            "Vary": "Accept-Language",
        }
        return Response(qr.svg(address, localizer.text(_TITLE), localizer.tag), 200, headers, "image/svg+xml")

    def _usual(self, shop: Shop) -> FriendRule | None:
        rules = self._codes.rules.get(shop.id, {}).values()
        return next((rule.friends for rule in rules if rule.friends is not None), None)

    def _rule(self, connection: Connection, shop: Shop, code: str) -> FriendRule | None:
        found = self._codes.find(connection, shop.id, code)
        rule = self._codes.rule(found) if found is not None else None
        return rule.friends if rule else None

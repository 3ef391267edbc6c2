"""Banners over HTTP: those that the API keeps; those of the settings are the settings' own."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from . import payload
from .banner import Banner
from .banners import Banners, KeptBanner
from .gate import Call, Gate, Reply
from .openapi import Operation
from .refusals import Refusal

_BANNERS = "/api/v1/banners"
_BANNER = _BANNERS + "/{banner}"


class BannerAnswer(Banner, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A banner as it is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class BannerList(Struct, frozen=True):
    """All banners that the API keeps, the oldest first."""

    banners: tuple[BannerAnswer, ...]


class BannersApi:
    """What the API does with banners. Every function is the work of one transaction."""

    def __init__(self, gate: Gate, banners: Banners) -> None:
        self._gate = gate
        self._banners = banners

    def operations(self) -> list[Operation]:
        of, read, write = self._gate.operation, {"scope": "banners:read"}, {"scope": "banners:write"}
        none: dict[str, Any] = {"refuses": (404,)}
        operations = [
            of(
                self.create_banner, "POST", _BANNERS, "Put a banner on pages",
                takes=Banner, gives={201: BannerAnswer}, **write,
            ),
            of(self.list_banners, "GET", _BANNERS, "List banners", gives={200: BannerList}, **read),
            of(self.read_banner, "GET", _BANNER, "Read a banner", gives={200: BannerAnswer}, **none, **read),
            of(
                self.change_banner, "PATCH", _BANNER, "Change a banner, by JSON merge patch",
                takes=Banner, gives={200: BannerAnswer}, **none, **write,
            ),
            of(self.delete_banner, "DELETE", _BANNER, "Take a banner away", gives={204: None}, **none, **write),
        ]  # fmt: skip
        return [one if one.method == "GET" else self._told(one) for one in operations]

    def _told(self, operation: Operation) -> Operation:
        """The operation, after which pages show the banners as they are then."""

        async def endpoint(request: Request) -> Response:
            try:
                return await operation.endpoint(request)
            finally:
                self._banners.changed(request.state.shop.id)

        return structs.replace(operation, endpoint=endpoint)

    def create_banner(self, connection: Connection, call: Call) -> Reply:
        banner = payload.convert(call.body, Banner)
        kept = self._banners.create(connection, call.shop.id, banner)
        location = {"Location": f"{call.base}{_BANNERS}/{kept.id}"}
        return Reply(_answer(kept), 201, location)

    def list_banners(self, connection: Connection, call: Call) -> Reply:
        return Reply(BannerList(tuple(map(_answer, self._banners.all(connection, call.shop.id)))))

    def read_banner(self, connection: Connection, call: Call) -> Reply:
        return Reply(_answer(self._found(connection, call)))

    def change_banner(self, connection: Connection, call: Call) -> Reply:
        kept = self._found(connection, call)
        merged = payload.merged(msgspec.to_builtins(kept.banner), call.body)
        return Reply(_answer(self._banners.change(connection, kept, payload.convert(merged, Banner))))

    def delete_banner(self, connection: Connection, call: Call) -> Reply:
        self._banners.remove(connection, self._found(connection, call))
        return Reply(status=204)

    def _found(self, connection: Connection, call: Call) -> KeptBanner:
        name = call.names["banner"]
        kept = self._banners.find(connection, call.shop.id, name) if "\0" not in name else None
        if kept is None:
            raise Refusal("banner_not_found")
        return kept


def _answer(kept: KeptBanner) -> BannerAnswer:
    fields = {name: getattr(kept.banner, name) for name in Banner.__struct_fields__}
    return BannerAnswer(**fields, id=kept.id, created_at=kept.created_at, updated_at=kept.updated_at)

"""A store's appearance over HTTP: what the API keeps of it, over what the settings say."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from . import payload
from .appearance import Appearance
from .appearances import Appearances, KeptAppearance
from .errors import CatalogError, DoorstepError, ThemeError
from .gate import Call, Gate, Reply
from .openapi import Operation
from .refusals import Fault, Refusal, invalid
from .shops import OF_API
from .wardrobe import Wardrobe

_APPEARANCE = "/api/v1/appearance"


class AppearanceAnswer(Appearance, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What the API keeps of a store's appearance; `updated_at` is null where nothing was ever written."""

    updated_at: datetime | None


class AppearanceApi:
    """What the API does with it. Every function is the work of one transaction."""

    def __init__(self, gate: Gate, appearances: Appearances, wardrobe: Wardrobe) -> None:
        self._gate = gate
        self._appearances = appearances
        self._wardrobe = wardrobe

    def operations(self) -> list[Operation]:
        of = self._gate.operation
        read = of(
            self.read_appearance, "GET", _APPEARANCE, "Read what the API sets of the store's appearance",
            gives={200: AppearanceAnswer, 304: None}, scope="appearance:read",
        )  # fmt: skip
        change = of(
            self.change_appearance, "PATCH", _APPEARANCE, "Change the store's appearance, by JSON merge patch",
            takes=Appearance, gives={200: AppearanceAnswer}, refuses=(412,), scope="appearance:write",
        )  # fmt: skip
        return [read, self._shown(change)]

    def _shown(self, operation: Operation) -> Operation:
        """The operation, after which pages look as they should then."""

        async def endpoint(request: Request) -> Response:
            try:
                return await operation.endpoint(request)
            finally:
                self._appearances.changed(request.state.shop.id)
                await self._wardrobe.refresh()

        return structs.replace(operation, endpoint=endpoint)

    def read_appearance(self, connection: Connection, call: Call) -> Reply:
        return _reply(self._appearances.find(connection, call.shop.id))

    def change_appearance(self, connection: Connection, call: Call) -> Reply:
        store = call.shop.id
        kept = self._appearances.find(connection, store)
        known = {tag.strip().strip('"') for tag in call.if_match.split(",")}
        if call.if_match and not {"*", str(kept.version)} & known:
            raise Refusal("changed", version=kept.version)
        merged = payload.merged(msgspec.to_builtins(kept.appearance), call.body)
        own = payload.convert(merged, Appearance)
        try:
            self._wardrobe.try_on(store, own)
        except (ThemeError, CatalogError) as error:
            raise invalid(_fault(error)) from None
        return _reply(self._appearances.write(connection, store, kept, own))


def _reply(kept: KeptAppearance) -> Reply:
    fields: dict[str, Any] = {name: getattr(kept.appearance, name) for name in Appearance.__struct_fields__}
    return Reply(AppearanceAnswer(**fields, updated_at=kept.updated_at), headers={"ETag": f'"{kept.version}"'})


def _fault(error: DoorstepError) -> Fault:
    """The place in the document, where the mistake is in it and not in what the settings say."""
    place, _, problem = error.message.partition(": ")
    inside = place.removeprefix(f"{OF_API}.")
    return Fault(inside, problem, error.next_step) if inside != place else Fault("", error.message, error.next_step)

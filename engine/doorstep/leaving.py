"""`GET /out/{widget}`: on to where a widget's link leads, counted; an address that the engine did not sign leads nowhere."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .outgoing import Outgoing
from .people import is_person
from .responses import headers_of
from .shops import Shop
from .tallies import Tallies


class Leaving:
    """The way out of a store's pages; `refused` makes the page for whoever comes with a link that does not hold."""

    def __init__(self, outgoing: Outgoing, tallies: Tallies, *, refused: Callable[[Request], Response]) -> None:
        self._outgoing = outgoing
        self._tallies = tallies
        self._refused = refused

    async def out(self, request: Request) -> Response:
        shop: Shop = request.state.shop
        widget = request.path_params["widget"]
        to, signature = request.query_params.get("to", ""), request.query_params.get("s", "")
        if not self._outgoing.holds(shop.id, widget, to, signature):
            return self._refused(request)
        if is_person(request.method, headers_of(request.scope)):
            self._tallies.note(shop.id, "clicked", widget)
        return RedirectResponse(to, 303, {"Cache-Control": "no-store"})

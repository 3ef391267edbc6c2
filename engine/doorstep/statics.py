"""Static files of themes, widgets and shops over HTTP."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .responses import SANDBOX_WITH_STYLES, takes_gzip
from .shops import Shop, Shops
from .wardrobe import Wardrobe

_YEAR = 31_536_000


class Statics:
    """`/static/{fingerprint}/{name}`. The fingerprint in the address makes a file immutable: with another one it is another
    file, and one that nobody knows is none."""

    def __init__(self, shops: Shops, wardrobe: Wardrobe) -> None:
        self._shops = shops
        self._wardrobe = wardrobe

    async def file(self, request: Request) -> Response:
        shop: Shop = request.state.shop
        wanted = request.path_params["fingerprint"], request.path_params["name"]
        asset = shop.files.find(*wanted)
        if asset is None:  # another process may have made the page, which has seen a change before this one
            await self._wardrobe.catch_up()
            asset = next(one for one in self._shops.all if one.id == shop.id).files.find(*wanted)
        if asset is None:
            return PlainTextResponse("There is no such file.", 404, {"Cache-Control": "no-store"})
        headers = {
            "Cache-Control": f"public, max-age={_YEAR}, immutable",
            "Content-Security-Policy": SANDBOX_WITH_STYLES,
            "Vary": "Accept-Encoding",
        }
        if asset.packed is not None and takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(asset.packed, 200, {**headers, "Content-Encoding": "gzip"}, asset.content_type)
        return Response(asset.body, 200, headers, asset.content_type)

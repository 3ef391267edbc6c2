"""`GET /m/{token}/opened.gif`: a picture of one invisible point, in mails of stores that count which are opened."""

from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response

from .database import Database
from .errors import StoreError
from .fates import Fates, Told
from .message import Fate, Reach, Report
from .message_links import MessageLinks

# GIF89a, one point of 1 x 1, transparent.
_POINT = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
_HEADERS = {"Cache-Control": "private, no-store", "Cross-Origin-Resource-Policy": "cross-origin"}

log = structlog.get_logger("doorstep.opening")


class Opening:
    """Whoever asks gets the picture, and learns nothing by it."""

    def __init__(self, links: MessageLinks, fates: Fates, database: Database) -> None:
        self._links = links
        self._fates = fates
        self._database = database

    async def point(self, request: Request) -> Response:
        if message := self._links.read_opened(request.path_params["token"]):
            told = Told(Report(Fate.OPENED, id=message), Reach.EMAIL)
            try:
                await self._database.write(partial(self._fates.settle, told=told))
            except StoreError as error:
                log.warning("an opened mail was not counted", reason=str(error))
        return Response(_POINT, 200, _HEADERS, "image/gif")

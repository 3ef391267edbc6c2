"""The preview's pages: the gallery with its controls, a page alone, its values, and a word when a file was saved."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader
from msgspec import structs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import responses
from ..engine import Engine
from ..errors import DoorstepError
from ..languages import name_of, tag_of
from . import fields
from .cases import CASES, Case
from .letters import LETTERS, LetterCase
from .pseudo import NAMES as PSEUDO
from .room import PATH, Dressed, Room
from .wanted import ALL, ALL_MESSAGES, DIRECTIONS, SCHEMES, WIDTHS, Wanted, read_wanted

FILES = Path(__file__).parent / "files"
_LOOKS = 0.4  # seconds between two looks at the files
_LONGEST = 20.0  # of one connection; the browser comes again
_HEIGHTS = {"320": 640, "360": 720, "768": 900, "1280": 900}
_OWN = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'self'",
}

_OF_MAILS = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; frame-ancestors 'self'"  # as mail programs
_GROUPS: dict[str, tuple[str, Mapping[str, Case | LetterCase]]] = {
    ALL: ("All at once", CASES),
    ALL_MESSAGES: ("All messages at once", LETTERS),
}


def _titles() -> dict[str, str]:
    """Everything there is to see, by name: the pages, then the messages."""
    return {
        name: title
        for group, (said, cases) in _GROUPS.items()
        for name, title in [(group, said), *((one.name, one.title) for one in cases.values())]
    }


_TITLES = _titles()


class Preview:
    """In front of an application: everything below `/_preview`."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._first = next(iter(engine.config.stores))
        self._room = Room(engine)
        self._template = Environment(loader=FileSystemLoader(FILES), autoescape=True).get_template("gallery.html")
        self._gallery = Starlette(
            routes=[
                Route(PATH, lambda request: RedirectResponse(f"{PATH}/")),
                Route(f"{PATH}/", self._show),
                Route(f"{PATH}/page", self._page),
                Route(f"{PATH}/context", self._context),
                Route(f"{PATH}/changes", self._changes),
                Route(f"{PATH}/static/{{fingerprint}}/{{name:path}}", self._file),
                Mount(f"{PATH}/files", StaticFiles(directory=FILES)),
            ],
            exception_handlers={DoorstepError: _told},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] + "/").startswith(f"{PATH}/"):
            await self._gallery(scope, receive, responses.protected(send))
        else:
            await self._app(scope, receive, send)

    def _wanted(self, request: Request) -> Wanted:
        return read_wanted(request.query_params, self._first)

    async def _show(self, request: Request) -> Response:
        await self._room.look_again()
        wanted, problem = self._wanted(request), ""
        try:
            dressed = await asyncio.to_thread(self._room.dressed, wanted)
        except DoorstepError as error:
            problem = str(error)
            dressed = await asyncio.to_thread(self._room.dressed, Wanted(self._first))
        page = self._template.render(**self._values(wanted, dressed), problem=problem)
        return HTMLResponse(page, 200, _OWN)

    def _values(self, wanted: Wanted, dressed: Dressed) -> dict[str, Any]:
        shop, settings = dressed.shop, dressed.theme.settings
        names = list(_GROUPS[wanted.case][1]) if wanted.case in _GROUPS else [wanted.case]
        return {
            "title": wanted.case,
            "theme": dressed.theme.name,
            "store": shop.id,
            "width": wanted.width,
            "height": _HEIGHTS.get(wanted.width, 800),
            "choices": self._choices(wanted, dressed),
            "cases": [
                {"title": title, "url": wanted.address("", case=name), "current": name == wanted.case}
                for name, title in _TITLES.items()
            ],
            "frames": [
                {
                    "title": _TITLES[name],
                    "url": wanted.address("page", case=name),
                    "context_url": wanted.address("context", case=name),
                    "message": self._room.beside(shop, structs.replace(wanted, case=name)),
                }
                for name in names
                if name in _TITLES
            ],
            "fields": [fields.field(name, settings[name], value) for name, value in dressed.values.items()],
            "toml": fields.toml(shop.id, wanted.theme, dressed.typed),
        }

    def _choices(self, wanted: Wanted, dressed: Dressed) -> list[dict[str, Any]]:
        speak = {tag_of(language): name_of(language) for language in dressed.shop.languages} | PSEUDO
        themes = {"": "of the store", **{name: name for name in self._room.themes()}}
        stores = {shop.id: f"{shop.id}: {shop.config.name}" for shop in self._engine.shops.all}
        options = {
            "store": stores, "theme": themes, "lang": speak, "scheme": SCHEMES, "dir": DIRECTIONS, "width": WIDTHS,
        }  # fmt: skip
        labels = {"lang": "Language", "dir": "Direction", "scheme": "Light"}
        return [
            {"name": "case", "label": "Page", "value": wanted.case,
             "options": list(_TITLES.items())},
            *(
                {"name": name, "label": labels.get(name, name.capitalize()), "value": getattr(wanted, name),
                 "options": list(values.items())}
                for name, values in options.items()
            ),
        ]  # fmt: skip

    async def _page(self, request: Request) -> Response:
        await self._room.look_again()
        wanted = self._wanted(request)
        html = await self._room.page(wanted)
        csp = _OF_MAILS if wanted.case in LETTERS else responses.content_security_policy(("*",))
        return HTMLResponse(html, 200, {"Cache-Control": "no-store", "Content-Security-Policy": csp})

    async def _context(self, request: Request) -> Response:
        context = await asyncio.to_thread(self._room.context, self._wanted(request))
        text = msgspec.json.format(msgspec.json.encode(context, enc_hook=str), indent=2)
        return Response(text, 200, _OWN, "application/json")

    async def _changes(self, request: Request) -> Response:
        """A word (server-sent event) when a file was saved."""
        seen = request.headers.get("last-event-id", "")
        return StreamingResponse(self._words(request, seen), 200, _OWN, "text/event-stream")

    async def _words(self, request: Request, seen: str) -> AsyncIterator[str]:
        await self._room.look_again()
        mark = _mark(self._room)
        yield f"retry: 300\nid: {mark}\nevent: hello\ndata:\n\n"
        for _ in range(round(_LONGEST / _LOOKS)):
            if (seen or mark) != _mark(self._room):
                mark = seen = _mark(self._room)
                yield f"id: {mark}\ndata: changed\n\n"
            await asyncio.sleep(_LOOKS)
            if await request.is_disconnected():
                return
            await self._room.look_again()

    async def _file(self, request: Request) -> Response:
        found = self._room.file(request.path_params["fingerprint"], request.path_params["name"])
        if found is None:
            return PlainTextResponse("There is no such file.", 404)
        return Response(found.body, 200, {"Cache-Control": "no-store"}, found.content_type)


def _mark(room: Room) -> str:
    return str(hash(room.stamp))


async def _told(request: Request, error: Exception) -> Response:
    """What is wrong, where the page would be."""
    return PlainTextResponse(str(error), 500, _OWN)

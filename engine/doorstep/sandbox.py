"""The carriers' sandbox: each carrier's samples over real HTTP, at the carrier's real paths below `/<slug>`.

Token endpoint, not found, rate limit, server error and a refused credential included, so a plugin can be written, shown and
tested without credentials. `days` moves every date in the answers, so a demo is never out of date.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import unquote_plus

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .packages import Package
from .samples import Case, Role, SampleRequest, Samples, load_samples, shifted


class Sandbox:
    """An ASGI application. `calls` counts requests by (slug, case name); `refuse_tokens(slug)` lets the next call fail."""

    def __init__(self, samples: Iterable[Samples], *, today: date | None = None) -> None:
        self.samples = {one.slug: one for one in samples}
        self.calls: Counter[tuple[str, str]] = Counter()
        self._today = today
        self._refused: Counter[str] = Counter()
        self.app = Starlette(routes=[Route("/{slug}{path:path}", self._answer, methods=["GET", "POST"])])

    def refuse_tokens(self, slug: str, times: int = 1) -> None:
        """The next requests are answered as if their credential had expired."""
        self._refused[slug] += times

    async def _answer(self, request: Request) -> Response:
        samples = self.samples.get(request.path_params["slug"])
        if samples is None:
            return Response("no such carrier here", 404)
        body = await request.body()  # before the form, which then reads from it
        form = await request.form() if "form" in request.headers.get("content-type", "") else FormData()
        said = body + b"\n" + unquote_plus(request.url.query).encode()
        case = self._match(samples, request, form, said)
        if case is None:
            return Response("the sandbox has no case for this request", 404)
        self.calls[samples.slug, case.name] += 1
        days = (self._today - samples.anchor).days if self._today else 0
        headers = {**case.response.headers, "x-sandbox-case": case.name}
        return Response(shifted(case.body, samples.dates, days), case.response.status, headers)

    def _match(self, samples: Samples, request: Request, form: Mapping[str, object], said: bytes) -> Case | None:
        path = request.path_params["path"]
        fitting = [
            case
            for case in samples.cases
            if case.request.path
            and case.request.method == request.method
            and _fits(case.request.path, path)
            and case.request.params.items() <= dict(request.query_params).items()
            and _holds(said, case.request.contains)
        ]
        if not fitting:
            return None
        case = max(fitting, key=lambda case: _closeness(case.request))
        own = case.request.headers
        guard = samples.guard if own is None else own
        held = all(request.headers.get(name) == value for name, value in guard.items())
        held = held and (own is not None or _allowed(samples, request, said))
        held = held and case.request.form.items() <= dict(form).items()
        if case.role is not Role.TOKEN and self._refused[samples.slug]:
            self._refused[samples.slug] -= 1
            held = False
        return case if held else next(iter(samples.of(Role.UNAUTHORIZED)), None)


def sandbox_of(packages: Iterable[Package], *, today: date | None = None) -> Sandbox:
    """The sandbox of all packages that ship samples."""
    samples = [
        load_samples(package.folder / "samples", manifest.slug)
        for package in packages
        if (package.folder / "samples" / "sandbox.toml").is_file()
        for manifest in package.manifests()[:1]
    ]
    return Sandbox(samples, today=today)


def sandbox_accounts(sandbox: Sandbox, url: str) -> dict[str, dict[str, Any]]:
    """`[carriers.<slug>]` for every carrier of a sandbox that listens at `url`."""
    return {
        slug: {"endpoint": f"{url}/{slug}", "strangers": 1.0, "limits": [], **samples.settings}
        for slug, samples in sandbox.samples.items()
    }


def _closeness(request: SampleRequest) -> tuple[bool, int, int]:
    """The more a case asks of a request, the better it fits."""
    return not request.path.endswith("*"), len(request.params), len(request.contains)


def _allowed(samples: Samples, request: Request, said: bytes) -> bool:
    """Whether query and body hold what every request must."""
    asked = dict(request.query_params).items()
    return samples.guard_params.items() <= asked and _holds(said, samples.guard_body)


def _holds(said: bytes, texts: Iterable[str]) -> bool:
    return all(text.encode() in said for text in texts)


def _fits(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern

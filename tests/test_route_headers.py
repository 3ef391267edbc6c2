"""Every route's answers carry the headers that protect, and say who may keep them. A route that is not in the table fails."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urljoin

import pytest
from sqlalchemy import select
from starlette.routing import Route
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.errors import StoreError
from doorstep.keys import SCOPES, Keys
from doorstep.outgoing import Outgoing
from doorstep.preview.gallery import Preview
from doorstep.responses import SANDBOX, SANDBOX_WITH_STYLES, SECURITY, content_security_policy
from doorstep.tables import parcels

from .asking import choosing, telling, unsubscribing
from .ordering import DELIVERED, EMAIL, order, placed
from .shopfront import OWN, Front, parsed

PAGE = content_security_policy(("img.example",))
CLOSED = SECURITY["Content-Security-Policy"]  # of what is no page
SHARED = "public, max-age=0, must-revalidate"
PRIVATE, NEVER = "private, no-store", "no-store"
MINE = "private, no-cache"


class Expected(NamedTuple):
    """Of the answer to somebody who may: status, policy, who may keep it."""

    status: int
    policy: str = CLOSED
    keeps: str | None = NEVER


API = Expected(200, keeps=PRIVATE)
EMPTY = Expected(422, keeps=PRIVATE)  # with a key, and a body in which something is missing
NONE = Expected(404, keeps=PRIVATE)
ROUTES = {
    "GET /track/{number}": Expected(200, PAGE, SHARED),
    "GET /track/{number}/": Expected(308),
    "POST /track/{number}": Expected(404, PAGE),  # there is none of that name in this shop
    "GET /": Expected(200, PAGE, SHARED),
    "POST /": Expected(303),
    "GET /o/{token}": Expected(308, keeps=PRIVATE),
    "GET /o/{token}/": Expected(200, PAGE, PRIVATE),
    "GET /o/{token}/delivery.ics": Expected(404, PAGE),  # nothing is on the way any more
    "GET /o/{token}/qr.svg": Expected(200, SANDBOX, keeps="private, max-age=86400"),
    "GET /o/{token}/feed.atom": Expected(200, SANDBOX, MINE),
    "GET /o/{token}/documents/{parcel}/{index}": Expected(404, PAGE),  # at level 1
    "POST /o/{token}/proof": Expected(422, PAGE, PRIVATE),
    "POST /o/{token}/reports/{kind}": Expected(303, keeps=PRIVATE),
    "POST /o/{token}/widgets/{widget}": Expected(404, PAGE, PRIVATE),
    "GET /o/{token}/messages": Expected(200, PAGE, PRIVATE),
    "POST /o/{token}/messages": Expected(303, keeps=PRIVATE),
    "GET /m/{token}": Expected(200, PAGE, PRIVATE),
    "POST /m/{token}": Expected(200, PAGE, PRIVATE),
    "GET /r/{code}": Expected(404, PAGE),  # this shop has no friends
    "GET /r/{code}/qr.svg": Expected(404, PAGE),
    "GET /out/{widget}": Expected(303),
    "POST /connect/{connector}": Expected(404),
    "POST /webhooks/{carrier}/{account}": Expected(404),
    "POST /channels/{account}": Expected(401),
    "GET /api/v1/shipments/{number}": Expected(200),
    "GET /api/v1/pages/{number}": Expected(200),
    "GET /api/v1/pages/orders/{token}": Expected(200, keeps=PRIVATE),
    "GET /api/v1/orders": API,
    "POST /api/v1/orders": EMPTY,
    "DELETE /api/v1/orders/{order}/links": Expected(204, keeps=PRIVATE),
    "POST /api/v1/orders/{order}/links": Expected(201, keeps=PRIVATE),
    "GET /api/v1/orders/{order}/reports": API,
    "DELETE /api/v1/orders/{order}": Expected(204, keeps=PRIVATE),
    "GET /api/v1/orders/{order}": API,
    "PATCH /api/v1/orders/{order}": API,
    "GET /api/v1/banners": API,
    "POST /api/v1/banners": EMPTY,
    "DELETE /api/v1/banners/{banner}": NONE,
    "GET /api/v1/banners/{banner}": NONE,
    "PATCH /api/v1/banners/{banner}": NONE,
    "GET /api/v1/appearance": API,
    "PATCH /api/v1/appearance": API,
    "GET /api/v1/answers": API,
    "GET /api/v1/answers/{answer}": NONE,
    "POST /api/v1/answers/{answer}/approve": NONE,
    "POST /api/v1/answers/{answer}/withdraw": NONE,
    "GET /api/v1/insights": API,
    "GET /api/v1/codes": API,
    "POST /api/v1/codes": EMPTY,
    "GET /api/v1/codes/{code}": NONE,
    "POST /api/v1/codes/{code}/redeem": EMPTY,
    "POST /api/v1/referrals": EMPTY,
    "GET /api/v1/referrals/{referral}": NONE,
    "POST /api/v1/referrals/{referral}/settle": EMPTY,
    "GET /embed.js": Expected(200, keeps="public, max-age=3600"),
    "GET /subscribe.js": Expected(200, keeps="public, max-age=3600"),
    "GET /service-worker.js": Expected(200, keeps="public, max-age=3600"),
    "GET /m/{token}/opened.gif": Expected(200, keeps=PRIVATE),
    "GET /openapi.json": Expected(200, keeps="public, max-age=300"),
    "GET /static/{fingerprint}/{name}": Expected(200, SANDBOX_WITH_STYLES, "public, max-age=31536000, immutable"),
    "GET /healthz": Expected(200),
    "GET /readyz": Expected(200),
    "GET /metrics": Expected(200),
}
ELSEWHERE = ("GET /embed.js", "GET /m/{token}/opened.gif")  # stand in pages of the shop, and in mails
_LAST = "DELETE /api/v1/orders/{order}"  # what is gone has no answers


class Visitor:
    """Somebody who asks for every route: with a link, a key and what else opens it, or with none of it."""

    def __init__(self, front: Front, *, may: bool) -> None:
        self.front = front
        self.may = may
        kept = placed(front, order("1001", DELIVERED, email=EMAIL))
        with front.engine.database.writing() as connection:
            _, key = Keys(clock=front.clock).new(connection, "main", "erp", SCOPES)
            parcel = connection.scalar(select(parcels.c.id))
        css = next(one.get("href") for one in parsed(front.get("/").text).iter("link") if "css" in one.get("href"))
        fingerprint, _, name = css.removeprefix("/static/").partition("/")
        self.key = key.reveal()
        self.given: dict[str, Any] = {
            "number": DELIVERED, "widget": "survey", "kind": "problem", "order": "1001", "parcel": parcel, "account": "mail",
            "token": front.engine.access.link(kept, timedelta(days=1)), "fingerprint": fingerprint, "name": name,
        }  # fmt: skip
        self.mailed = unsubscribing(front, kept).removeprefix("/m/")
        self.choosing = choosing(front, kept)

    def ask(self, method: str, route: Route) -> Any:
        names = {name: self.given.get(name, "none") if self.may else "none" for name in route.param_convertors}
        if "index" in names:
            names["index"] = 0
        if route.path.startswith("/m/") and self.may:
            names["token"] = self.mailed
        headers = {**OWN, "Accept-Language": "en"} | ({"Authorization": f"Bearer {self.key}"} if self.may else {})
        sent: dict[str, Any] = {}
        if "/api/" in route.path and method in ("POST", "PATCH"):
            sent = {"json": {}}
        elif method == "POST":
            proof = EMAIL if self.may and route.path == "/" else "wrong"
            sent = {"data": {"order": "1001", "proof": proof, "text": "It is broken.", "stop": "1"}}
        if route.path.startswith("/out/") and self.may:
            link = Outgoing(self.front.engine.config.secret_key).link("", "main", "survey", "https://shop.example/mug")
            return self.front.client.get(link, headers=headers, follow_redirects=False)
        path = str(route.url_path_for(route.name, **names))
        return self.front.client.request(method, path, headers=headers, follow_redirects=False, **sent)


def walked(front: Front) -> Iterator[tuple[str, str, Route]]:
    """Every route and method, as the table names them."""
    router = front.client.app._app  # type: ignore[attr-defined]
    for app in (router._inner, router._outside):
        for route in app.routes:
            assert isinstance(route, Route), f"{route!r} is of a kind that nobody looks at"
            path = route.path.replace(":path}", "}").replace(":int}", "}")
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield f"{method} {path}", method, route


@pytest.fixture
def front(tmp_path, plugin) -> Iterator[Front]:
    with telling(tmp_path, plugin, widgets={}) as front:
        yield front


def protected(response: Any, named: str) -> None:
    """What is said of every answer, whatever it is."""
    for name, value in SECURITY.items():
        found = response.headers.get_list(name)
        assert len(found) == 1, (named, name, found)
        if name not in ("Cache-Control", "Content-Security-Policy", "Cross-Origin-Resource-Policy"):
            assert found == [value], (named, name)
    shown = response.headers.get("content-type", "").startswith("text/html")
    assert response.headers["content-security-policy"].startswith("default-src 'none'"), named
    assert ("script-src" in response.headers["content-security-policy"]) is shown, named
    cross = "cross-origin" if named in ELSEWHERE else "same-origin"
    assert response.headers["cross-origin-resource-policy"] == cross, named
    assert not {"set-cookie", "server", "x-powered-by"} & {*response.headers}, named


def test_the_table_has_every_route(front: Front) -> None:
    assert {name for name, _, _ in walked(front)} - {*ROUTES} == set()


def test_every_route_answers_those_who_may_as_the_table_says(front: Front) -> None:
    visitor, told = Visitor(front, may=True), {}
    for name, method, route in sorted(walked(front), key=lambda one: one[0] == _LAST):
        response = visitor.ask(method, route)
        protected(response, name)
        keeps = response.headers.get("cache-control")
        told[name] = Expected(response.status_code, response.headers["content-security-policy"], keeps)
    assert {name: one for name, one in told.items() if one != ROUTES[name]} == {}


def test_every_route_protects_what_it_tells_strangers_and_lets_nobody_keep_a_refusal(front: Front) -> None:
    visitor = Visitor(front, may=False)
    for name, method, route in walked(front):
        response = visitor.ask(method, route)
        protected(response, name)
        if response.status_code >= 400:
            assert "no-store" in response.headers.get("cache-control", ""), (name, response.status_code)
        if name == "GET /m/{token}/opened.gif":  # a mail shows it, whatever its address is worth
            assert response.status_code == 200
        elif "{token}" in name or name.partition(" ")[2].startswith(("/api/v1/orders", "/api/v1/answers")):
            assert response.status_code in (308, 401, 404), name


def refusals(front: Front, patch: pytest.MonkeyPatch) -> Iterator[tuple[int, str, Any]]:
    """Every status with which somebody is sent away, or is told that there is nothing new."""
    visitor = Visitor(front, may=True)
    client, link = front.client, f"/o/{visitor.given['token']}/"
    plain = {"headers": {"Accept-Language": "en"}, "follow_redirects": False}
    yield 200, "level 2", client.get(_second(front, link), **plain)
    for path in (f"/track/{DELIVERED}", "/", f"{link}feed.atom", "/api/v1/orders"):
        bearer = {"Authorization": f"Bearer {visitor.key}"}
        tag = client.get(path, headers={**plain["headers"], **bearer}).headers.get("etag")
        if tag:
            again = {**plain["headers"], **bearer, "If-None-Match": tag}
            yield 304, f"not modified {path}", client.get(path, headers=again)
    for path in (f"/track/{DELIVERED}", "/", link, "/healthz", "/openapi.json", f"/api/v1/shipments/{DELIVERED}"):
        yield 200, f"HEAD {path}", client.head(path, **plain)
    yield 308, "redirect", client.get(f"/track/{DELIVERED}/", **plain)
    yield 400, "two hosts", client.get("/", headers=[("Host", "shop.example"), ("Host", "evil.example")])
    yield (
        400,
        "no JSON",
        client.post("/api/v1/orders", content=b"{", headers={**bearer, "Content-Type": "application/json"}),
    )
    yield 401, "no key", client.get("/api/v1/orders", **plain)
    yield 403, "from another site", client.post("/", data={"order": "1"}, headers={"Origin": "https://evil.example"})
    for path in ("/nothing", "/api/v1/nothing", "/static/0000000000000000/x.css", "/o/none/"):
        yield 404, f"nothing at {path}", client.get(path, **plain)
    for method, path in (
        ("PUT", "/"),
        ("DELETE", f"/track/{DELIVERED}"),
        ("POST", "/healthz"),
        ("TRACE", "/api/v1/orders"),
    ):
        yield 405, f"{method} {path}", client.request(method, path, headers=OWN)
    yield 422, "large form", client.post("/", content=b"a=" + b"x" * 3_000_000, headers={**OWN, **_FORM})
    yield 413, "large document", client.post("/api/v1/orders", content=b" " * 11_000_000, headers={**bearer, **_JSON})
    yield 415, "no form", client.post("/api/v1/orders", content=b"a=b", headers={**bearer, **_FORM})
    for _ in range(6):
        guessed = client.post("/", data={"order": "1001", "proof": "eve@post.example"}, headers=OWN)
    yield 429, "too many guesses", guessed

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("broken")

    with patch.context() as one:
        one.setattr("doorstep.pages.normalise", broken)
        yield 500, "page", client.get("/track/1Z", **plain)
        yield 500, "API", client.get("/api/v1/pages/1Z", **plain)
    with patch.context() as one:
        one.setattr(front.engine.database, "read", _away)
        yield 503, "page of an order", client.get(link, **plain)
        yield 503, "API of orders", client.get("/api/v1/orders", headers=bearer)


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}


async def _away(*args: Any) -> Any:
    raise StoreError("the database is away")


def _second(front: Front, link: str) -> str:
    """The page at level 2."""
    answer = front.post(f"{link}proof", {"proof": EMAIL})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_whoever_is_sent_away_gets_the_same_protection(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = set()
    for status, named, answer in refusals(front, monkeypatch):
        assert answer.status_code == status, (named, answer.status_code)
        if status == 304:  # the reader goes by the headers of what it has
            assert answer.content == b""
            told = answer.headers.get("content-security-policy", SANDBOX)  # a feed has its own at hand
            assert told == SANDBOX, named
        else:
            protected(answer, named)
        if status >= 400:
            assert "no-store" in answer.headers.get("cache-control", ""), named
        statuses.add(status)
    assert statuses >= {200, 304, 308, 400, 401, 403, 404, 405, 413, 415, 429, 500, 503}


def test_pages_of_the_preview_are_protected_too(front: Front) -> None:
    client = TestClient(Preview(assemble(front.engine), front.engine), base_url="http://shop.example")
    root = client.get("/_preview/")
    assert root.status_code == 200
    addresses = [one.get(name) for one in parsed(root.text).iter() for name in ("href", "src")]
    paths = {urljoin("/_preview/", one) for one in addresses if one and not one.startswith("data:")}
    assert {path.partition("?")[0] for path in paths} >= {"/_preview/page", "/_preview/files/gallery.css"}
    some = {path.partition("?")[0]: path for path in sorted(paths)}.values()
    for path in ("/_preview/", *some, "/_preview/page?case=nothing", "/_preview/nothing", f"/track/{DELIVERED}"):
        answer = client.get(path)
        for name, value in SECURITY.items():
            if name not in (
                "Cache-Control",
                "Content-Security-Policy",
                "Cross-Origin-Resource-Policy",
                "X-Frame-Options",
            ):
                assert answer.headers.get_list(name) == [value], (path, name)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith(("default-src 'none'", "default-src 'self'")), path  # it frames its own pages
        assert "unsafe" not in policy, path
        assert answer.status_code < 400 or "no-store" in answer.headers.get("cache-control", ""), path

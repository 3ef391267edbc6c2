"""The page that is asked for most is found by its path; whatever else is asked for goes on to the table of routes."""

import json
import re
import socket

import httpx2
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.logs import configure
from doorstep.routing import TrackRoute
from doorstep.sandbox import sandbox_of
from doorstep.testing import serve

from .shopfront import DELIVERED, shop, store


async def table(scope, receive, send):
    await PlainTextResponse("table")(scope, receive, send)


async def page(request: Request) -> Response:
    return PlainTextResponse(f"page of {request.path_params['number']}")


@pytest.fixture
def client() -> TestClient:
    return TestClient(TrackRoute(table, page=page))


def test_a_page_is_found_by_its_path_below_the_stores_own(client: TestClient):
    assert client.get("/track/AB 1").text == "page of AB 1"
    assert TestClient(TrackRoute(table, page=page), root_path="/shop").get("/shop/track/AB1").text == "page of AB1"


@pytest.mark.parametrize(
    "path",
    ["/", "/track/", "/track", "/track/AB1/", "/track/AB1/widgets/survey", "/x/track/AB1", "/track/track/AB1", "/o/x/"],
)
def test_other_paths_are_for_the_table(client: TestClient, path: str):
    assert client.get(path).text == "table"


def test_a_form_is_for_the_table(client: TestClient):
    assert client.post("/track/AB1").text == "table"


def test_two_hosts_in_one_request_are_refused_by_whom_it_may_reach(tmp_path):
    """A proxy and we could each take another of them, and one store's page would be kept as another's (RFC 9112, 3.2)."""
    with shop(tmp_path, sandbox_of([]), "") as front, serve(assemble(front.engine)) as served:
        for path in ("/", f"/track/{DELIVERED}", f"/track/{DELIVERED}"):
            request = f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
            with socket.create_connection(("127.0.0.1", served.port), 30) as raw:
                raw.sendall(request.encode())
                assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def test_what_fails_is_told_once_with_its_place_and_without_its_values(tmp_path, capfd, monkeypatch):
    """A server would log the error again, in many lines, with all that stands in its text."""
    with shop(tmp_path, sandbox_of([]), "") as front, serve(assemble(front.engine)) as served:
        monkeypatch.setattr("doorstep.pages.normalise", lambda number: {}[f"ida@shop.example {number}"])
        configure()
        try:
            for path in ("/track/1Z", "/api/v1/pages/1Z"):
                answer = httpx2.get(f"{served.url}{path}", trust_env=False)
                assert answer.status_code == 500
                assert "ida@" not in answer.text
        finally:
            structlog.reset_defaults()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["error"] for line in lines if line["level"] == "error"] == ["KeyError", "KeyError"]
    assert "ida@" not in str(lines)


@pytest.fixture
def raw(tmp_path):
    """`raw(head, body)`: what a shop's server answers to these very bytes."""
    stores = {"main": store(hosts=("shop.example",))}
    with shop(tmp_path, sandbox_of([]), "", stores=stores) as front, serve(assemble(front.engine)) as served:

        def ask(head: str, body: bytes = b"") -> bytes:
            with socket.create_connection(("127.0.0.1", served.port), 30) as connection:
                connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while part := connection.recv(65536):
                    answer += part
            return answer

        yield ask


SMUGGLED = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: shop.example\r\n\r\n"
TWO_ENDS = {
    "a length and chunks": f"Content-Length: {len(SMUGGLED)}\nTransfer-Encoding: chunked",
    "two lengths": f"Content-Length: 5\nContent-Length: {len(SMUGGLED)}",
    "a length that is none": "Content-Length: +5",
    "chunks that are not the last": "Transfer-Encoding: chunked, identity",
    "a header with a blank before its colon": f"Content-Length : {len(SMUGGLED)}",
    "a folded header": "X-Folded: a\n b: c\nContent-Length: 5\nContent-Length: 6",
}


@pytest.mark.parametrize("headers", TWO_ENDS.values(), ids=TWO_ENDS)
def test_a_message_with_two_ends_is_not_taken(raw, headers):
    """Else what a proxy takes for a body would be the next reader's request."""
    answer = raw(f"POST / HTTP/1.1\nHost: shop.example\nSec-Fetch-Site: same-origin\n{headers}", SMUGGLED)
    assert b'{"status":"ok"}' not in answer
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "X"])
def test_trace_is_answered_by_nobody(raw, method):
    answer = raw(f"{method} / HTTP/1.1\nHost: shop.example\nX-Secret: hunter2\nConnection: close")
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 405"))
    assert b"hunter2" not in answer


def test_no_header_of_a_client_changes_the_host_that_pages_name(raw):
    told = "X-Forwarded-Host: evil.example\nForwarded: host=evil.example\nX-Original-URL: /evil.example\nX-Host: evil.example"
    for path in ("/", "/nothing", f"/track/{DELIVERED}", "/?draft=x", f"/track/{DELIVERED}/", "//evil.example/"):
        answer = raw(f"GET {path} HTTP/1.1\nHost: shop.example\n{told}\nConnection: close")
        location = re.search(rb"(?m)^location: (\S+)", answer)
        assert location is None or re.match(rb"/($|[^/\\])", location[1])
        assert b"//evil" not in answer
    for host in (
        "evil.example",
        "shop.example.evil.example",
        "shop.example@evil.example",
        "[",
        "",
        "shop.example:80:x/",
    ):
        answer = raw(f"GET / HTTP/1.1\nHost: {host}\nConnection: close")
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), host
        assert b"evil" not in answer

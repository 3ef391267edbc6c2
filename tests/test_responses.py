"""The headers that protect are on every class of response, and what the policy allows is all that a page needs."""

import re

import pytest
from starlette.requests import Request

from doorstep.responses import content_security_policy, sent

from .shopfront import DELIVERED, OWN, UNKNOWN, carriers, parsed, shop, store

PAGE = f"/track/{DELIVERED}"
FORM = f"{PAGE}?widget=survey"


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    with carriers() as (sandbox, served):
        stores = {"main": store(hosts=("shop.example",), image_hosts=("img.shop.example",))}
        with shop(tmp_path_factory.mktemp("shop"), sandbox, served.url, stores=stores) as front:
            yield front


def stylesheet(front):
    return next(link.get("href") for link in parsed(front.get("/").text).iter("link") if "css" in link.get("href"))


RESPONSES = {
    "form": (200, lambda front: front.get("/")),
    "page": (200, lambda front: front.get(PAGE)),
    "page, packed": (200, lambda front: front.get(PAGE, accept_encoding="gzip")),
    "head": (200, lambda front: front.client.head(PAGE)),
    "other spelling": (308, lambda front: front.get(PAGE.lower())),
    "from the form": (303, lambda front: front.get(f"/?number={DELIVERED}")),
    "slash too many": (308, lambda front: front.get(PAGE + "/")),
    "wrong number": (400, lambda front: front.get("/track/hello")),
    "unknown number": (404, lambda front: front.get(f"/track/{UNKNOWN}")),
    "no page": (404, lambda front: front.get("/nothing")),
    "no shop": (404, lambda front: front.get("/", host="other.example")),
    "wrong method": (405, lambda front: front.client.put(PAGE)),
    "kept": (303, lambda front: front.post(FORM, {"score": "5"})),
    "refused": (422, lambda front: front.post(FORM, {})),
    "from elsewhere": (403, lambda front: front.post(FORM, {}, headers={"Origin": "https://evil.example"})),
    "no form": (
        400,
        lambda front: front.client.post(FORM, content=b"x", headers={**OWN, "Content-Type": "multipart/form-data"}),
    ),
    "api": (200, lambda front: front.get(f"/api/v1/shipments/{DELIVERED}")),
    "problem": (404, lambda front: front.get(f"/api/v1/shipments/{UNKNOWN}")),
    "view model": (200, lambda front: front.get(f"/api/v1/pages/{DELIVERED}")),
    "static": (200, lambda front: front.get(stylesheet(front))),
    "no file": (404, lambda front: front.get("/static/0/nothing.css")),
    "health": (200, lambda front: front.get("/healthz")),
    "readiness": (200, lambda front: front.get("/readyz")),
    "metrics": (200, lambda front: front.get("/metrics")),
}


@pytest.mark.parametrize(("status", "ask"), RESPONSES.values(), ids=RESPONSES)
def test_every_response_is_protected_and_sets_no_cookie(front, status, ask):
    response = ask(front)
    headers = response.headers
    assert response.status_code == status
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-robots-tag"] == "noindex"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]
    assert "set-cookie" not in headers
    assert "server" not in headers
    for name in ("x-content-type-options", "referrer-policy"):
        assert len(headers.get_list(name)) == 1


@pytest.mark.parametrize("path", ["/", PAGE, f"/track/{UNKNOWN}", "/nothing", "/track/hello"])
def test_a_page_may_load_its_own_files_and_the_shops_images_and_nothing_else(front, path):
    policy = dict(part.strip().split(" ", 1) for part in front.get(path).headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: https://img.shop.example",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
    }


def test_no_page_needs_what_the_policy_forbids(front):
    page = parsed(front.get(PAGE).text)
    for element in page.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"], element.tag
        assert element.tag not in ("style", "iframe", "object", "embed", "base")


def test_a_policy_without_further_hosts():
    assert "img-src 'self' data:;" in content_security_policy()
    assert not re.search("unsafe|\\*|http:", content_security_policy(("a.example", "b.example")))


def test_of_a_header_that_is_sent_twice_the_first_counts():
    request = Request({"type": "http", "headers": [(b"accept-language", b"fr"), (b"accept-language", b"de")]})
    assert (sent(request, b"accept-language"), sent(request, b"accept-encoding")) == ("fr", "")

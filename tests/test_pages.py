"""A shopper's pages: the form, languages, what is sent and kept again, static files, several shops in one engine."""

import re

import pytest

from doorstep.languages import NAMES, tag_of
from doorstep.sandbox import sandbox_of

from .shopfront import DELIVERED, HOST, MOVING, UNKNOWN, carriers, parsed, shop, store, words


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    with carriers() as (sandbox, served), shop(tmp_path_factory.mktemp("shop"), sandbox, served.url) as front:
        yield front


PAGE = f"/track/{DELIVERED}"


def test_the_form_asks_for_a_number(front):
    response = front.get("/")
    form = parsed(response.text).find(".//form")
    assert (response.status_code, form.get("action"), form.get("method")) == (200, "/", "get")
    assert form.find(".//input[@name='number']").get("value") == ""


@pytest.mark.parametrize("typed", [DELIVERED, "1z d0r 5tp 0373116441", " 1ZD0R5TP-0373116441 "])
def test_a_number_from_the_form_leads_to_its_page(front, typed):
    response = front.client.get("/", params={"number": typed, "lang": "fr"}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, f"{PAGE}?lang=fr")


def test_a_wrong_number_comes_back_into_the_form_with_what_is_wrong(front):
    response = front.client.get("/", params={"number": '"><b>no'}, headers={"Accept-Language": "en"})
    page = parsed(response.text)
    field = page.find(".//input[@name='number']")
    assert (response.status_code, field.get("value"), field.get("aria-invalid")) == (400, '"><b>no', "true")
    assert "4 to 64 letters and digits" in words(page.find(".//p[@id='number-problem']"))
    assert page.find(".//b") is None


@pytest.mark.parametrize("path", ["/", PAGE, f"/track/{UNKNOWN}", "/nothing/here", "/track/hello"])
@pytest.mark.parametrize(
    ("accepted", "asked", "language"),
    [
        ("de", "", "de"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "", "fr"),
        ("xx,ar;q=0.5", "", "ar"),
        ("xx", "", "en"),
        ("", "", "en"),
        ("de", "ar", "ar"),
        ("de", "xx", "de"),
        ("de", "../../etc/passwd", "de"),
        ("de", "en\x00", "de"),
        ("x" * 100_000, "", "en"),
        (",".join(["de;q=0.1"] * 10_000), "", "de"),
        ("de;q=NaN,fr;q=9", "", "en"),
    ],
)  # fmt: skip
def test_every_page_is_in_the_language_asked_for(front, path, accepted, asked, language):
    response = front.client.get(path, params={"lang": asked} if asked else {}, headers={"Accept-Language": accepted})
    page = parsed(response.text)
    assert (page.get("lang"), page.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
    assert response.headers["content-language"] == language
    assert "Accept-Language" in response.headers["vary"]


def test_the_language_switch_keeps_the_choice_of_carrier(front):
    page = parsed(front.get(f"{PAGE}?carrier=ups&lang=de").text)
    links = {link.get("hreflang"): link.get("href") for link in page.findall(".//nav[@class='languages']//a")}
    assert links["fr"] == "?carrier=ups&lang=fr"
    assert set(links) == {tag_of(language) for language in NAMES}
    current = [link.get("hreflang") for link in page.iter("a") if link.get("aria-current")]
    assert current == ["de"]


def test_a_slash_at_the_end_leads_to_the_page_by_a_path_that_any_proxy_keeps(front):
    response = front.client.get(f"{PAGE}/?lang=de", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (308, f"{PAGE}?lang=de")


def test_head_is_a_page_without_its_body(front):
    response = front.client.head(PAGE)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["etag"] == front.client.get(PAGE).headers["etag"]


@pytest.mark.parametrize("packing", ["gzip", "identity"])
def test_a_page_that_has_not_changed_is_not_sent_again(front, packing):
    first = front.get(PAGE, accept_encoding=packing)
    again = front.get(PAGE, if_none_match=first.headers["etag"], accept_encoding=packing)
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-language"):
        assert again.headers[name] == first.headers[name]
    listed = front.get(PAGE, if_none_match=f'W/"other", {first.headers["etag"]}', accept_encoding=packing)
    assert listed.status_code == 304


@pytest.mark.parametrize("tag", ['W/"other"', "", '"', "x" * 10_000])
def test_a_page_that_has_changed_is_sent(front, tag):
    assert front.get(PAGE, if_none_match=tag).status_code == 200


def test_another_language_is_another_tag(front):
    assert front.get(PAGE, "de").headers["etag"] != front.get(PAGE).headers["etag"]


def test_only_a_page_that_is_right_may_be_kept(front):
    assert front.get(PAGE).headers["cache-control"] == "public, max-age=0, must-revalidate"
    for path in (f"/track/{UNKNOWN}", "/track/hello", "/nothing"):
        assert front.get(path).headers["cache-control"] == "no-store"


def test_a_page_is_packed_for_those_who_take_it_packed(front):
    packed = front.get(PAGE, accept_encoding="gzip")
    plain = front.get(PAGE, accept_encoding="identity")
    assert (packed.headers["content-encoding"], packed.text) == ("gzip", plain.text)
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert "Accept-Encoding" in plain.headers["vary"]


@pytest.mark.parametrize("path", ["/", PAGE, f"/track/{MOVING}", f"/track/{UNKNOWN}", "/nothing", "/track/hello"])
def test_no_page_sets_a_cookie_or_asks_another_host_for_anything(front, path):
    response = front.get(path)
    assert "set-cookie" not in response.headers
    page = parsed(response.text)
    loaded = [e.get("src") or e.get("srcset") for e in page.iter() if e.get("src") or e.get("srcset")]
    loaded += [link.get("href") for link in page.iter("link")]
    assert loaded
    assert all(re.match("/[^/]", url) for url in loaded), loaded
    assert page.find(".//style") is None
    assert all(script.get("src") for script in page.iter("script"))


def static_urls(front, path=PAGE):
    page = parsed(front.get(path).text)
    return [link.get("href") for link in page.iter("link")] + [script.get("src") for script in page.iter("script")]


def test_static_files_are_immutable_under_their_fingerprint(front):
    for url in static_urls(front):
        response = front.get(url)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        stale = front.get(re.sub("/static/[0-9a-f]+/", "/static/0000000000000000/", url))
        assert (stale.status_code, stale.headers["cache-control"]) == (404, "no-store")
        assert stale.content != response.content


def test_static_files_are_packed_for_those_who_take_them_packed(front):
    url = next(url for url in static_urls(front) if url.endswith(".css"))
    packed, plain = front.get(url, accept_encoding="gzip"), front.get(url, accept_encoding="identity")
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain.content)
    assert packed.headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize(
    "name", ["nothing.css", "%2e%2e/theme.toml", "..%2ftheme.toml", "/etc/passwd", "%2fetc%2fpasswd", "%00"]
)
def test_no_other_file_is_served(front, name):
    response = front.get(f"/static/0000000000000000/{name}")
    assert response.status_code == 404
    assert "classic" not in response.text
    assert "root:" not in response.text


STORES = {
    "anywhere": store(name="Anywhere", hosts=()),
    "german": store(name="Laden", hosts=("laden.example",), language="de", languages=("de", "fr")),
    "outlet": store(name="Outlet", hosts=("shop.example",), path="/outlet", theme="minimal"),
    "deep": store(name="Deep", path="/a/b.c"),
}


@pytest.fixture(scope="module")
def mall(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mall")
    with carriers() as (sandbox, served), shop(folder, sandbox, served.url, stores=STORES) as front:
        yield front


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("shop.example", "/", "Anywhere"),
        ("other.example", "/", "Anywhere"),
        ("laden.example", "/", "Laden"),
        ("LADEN.example", "/", "Laden"),
        ("laden.example:8443", "/", "Laden"),
        ("shop.example", "/outlet", "Outlet"),
        ("shop.example", "/outlet/", "Outlet"),
        ("shop.example", f"/outlet{PAGE}", "Outlet"),
        ("laden.example", "/a/b.c/", "Deep"),
        ("shop.example", "/a/b.c" + PAGE, "Deep"),
    ],
)
def test_a_store_is_found_by_host_and_path(mall, host, path, name):
    response = mall.get(path, host=host)
    assert response.status_code == 200
    assert parsed(response.text).findtext(".//title").endswith(f"· {name}")


@pytest.mark.parametrize(
    ("host", "path"), [("other.example", "/outlet/"), ("shop.example", "/outletx"), ("shop.example", "/a/bxc/")]
)
def test_a_path_that_only_looks_like_a_stores_is_not_its(mall, host, path):
    assert mall.get(path, host=host).status_code == 404


@pytest.mark.parametrize(
    "path", ["/outlet/", f"/outlet{PAGE}", f"/outlet/track/{UNKNOWN}", "/outlet/nothing", "/outlet/track/hello"]
)
def test_every_link_of_a_store_stays_below_its_path(mall, path):
    page = parsed(mall.get(path).text)
    for element in page.iter():
        for name in ("href", "src", "action"):
            url = element.get(name)
            if url and not url.startswith(("https://", "?", "#")):
                assert url.startswith("/outlet/"), url
    for url in (link.get("href") for link in page.iter("link")):
        assert mall.get(url).status_code == 200


def test_redirects_and_forms_of_a_store_stay_below_its_path(mall):
    assert mall.get(f"/outlet/?number={DELIVERED}").headers["location"] == f"/outlet{PAGE}"
    assert mall.get(f"/outlet{PAGE.lower()}").headers["location"] == f"/outlet{PAGE}"
    posted = mall.post(f"/outlet{PAGE}?widget=survey", {"score": "5"})
    assert (posted.status_code, posted.headers["location"]) == (303, f"/outlet{PAGE}?done=survey#widget-survey")


def test_a_store_speaks_its_own_languages_only(mall):
    page = parsed(mall.get("/", "ar,en", host="laden.example").text)
    assert page.get("lang") == "de"
    assert {link.get("hreflang") for link in page.findall(".//nav[@class='languages']//a")} == {"de", "fr"}


def test_where_no_store_is_nobody_answers(tmp_path):
    with carriers() as (sandbox, served):
        stores = {"one": store(hosts=("laden.example",))}
        with shop(tmp_path, sandbox, served.url, stores=stores) as front:
            assert front.get("/").status_code == 404
            assert front.get("/healthz").status_code == 200
            assert front.get("/", host="laden.example").status_code == 200


def test_over_a_real_server_the_page_is_the_same(front, tmp_path):
    """What the test client shows is what uvicorn sends."""
    with shop(tmp_path, sandbox_of([]), "", listening=True) as other:
        there = other.get("/")
    assert there.text == front.get("/").text
    assert HOST not in there.text

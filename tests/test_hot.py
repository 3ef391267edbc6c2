"""A page from near is the page that would be made anew, byte for byte; whatever is unusual is made anew."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import Server
from doorstep.metrics import Metrics
from doorstep.near import NearPages
from doorstep.secret import Secret

from .clock import FakeClock
from .erp import BANNERS, Shop
from .servers import redis_server
from .shopfront import BY_LINK, DELIVERED, HOST, MOVING, TWO_CARRIERS, UNKNOWN, Front, carriers, shop, store

PAGE = f"/track/{DELIVERED}"
STORES = {
    "main": store(),
    "outlet": store(path="/outlet", language="de", languages=("de", "fr")),
    "own": store(hosts=("own.example",), theme="classic", widgets={}),
}


@pytest.fixture(scope="module")
def bundled() -> Iterator[Any]:
    with carriers() as (sandbox, served):
        yield sandbox, served.url


@pytest.fixture
def front(tmp_path: Path, bundled: Any) -> Iterator[Front]:
    with shop(tmp_path, *bundled, stores=STORES) as front:
        yield front


def known(front: Front, *paths: str) -> None:
    """Asks for these pages until they are near: the first time, the answer comes while the page is made."""
    for path in (*paths, *paths):
        front.get(path)
    hits(front)


def hits(front: Front) -> int:
    """How many pages came from near since this was last asked."""
    metrics: Metrics = front.engine.metrics
    return metrics.near_lookups.counts.pop("hit", 0)


def ask(front: Front, method: str, target: str, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that is sent; the body as it was packed."""
    with front.client.stream(method, target, headers=headers, follow_redirects=False) as answer:
        body = b"".join(answer.iter_raw())
    return answer.status_code, sorted(answer.headers.multi_items()), body


TARGETS = [
    PAGE, f"{PAGE}?lang=de", f"{PAGE}?lang=xx", f"{PAGE}?utm_source=mail", f"{PAGE}?lang=fr&lang=de", f"{PAGE}?carrier=ups",
    f"{PAGE}?carrier=dhl", f"{PAGE}?events=all", f"{PAGE}?events=some", f"{PAGE}?carrier=nobody", f"{PAGE}?parcel=none",
    f"{PAGE}?done=survey", f"{PAGE}?done=", f"{PAGE}?embed=1", f"{PAGE}?embed=2",
    f"{PAGE}/", f"{PAGE}?", "/track/1zd0r5tp0373116441", f"/outlet{PAGE}", f"/outlet{PAGE}?lang=en", f"/track{PAGE}",
    f"/outlet/outlet{PAGE}", f"/track/{MOVING}", f"/track/{MOVING}?lang=ar", f"/track/{UNKNOWN}", f"/track/{TWO_CARRIERS}",
    f"/track/{TWO_CARRIERS}?carrier=ups", f"/track/{BY_LINK}", "/track/hello", "/", "/nothing", "/healthz",
]  # fmt: skip
LANGUAGES = ["", "en", "de", "fr-CA,fr;q=0.9", "xx,ar;q=0.5", "*", "x" * 600]
HOSTS = ["shop.example", "own.example", "OWN.example:443", ""]
Asked = st.tuples(
    st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"]), st.sampled_from(TARGETS), st.sampled_from(HOSTS),
    st.sampled_from(LANGUAGES), st.sampled_from(["gzip", "identity", "br, gzip;q=0.5"]), st.booleans(),
)  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, bundled: Any) -> Iterator[tuple[Front, Front]]:
    """Two shops of one cache and one clock: the second keeps no finished page."""
    folder, clock = tmp_path_factory.mktemp("pair"), FakeClock()
    with shop(folder / "near", *bundled, stores=STORES, clock=clock, database="sqlite://") as near:
        # Nothing is asked twice: both read one cache, so that their pages tell of the same moment.
        engine = msgspec.structs.replace(near.engine, near=NearPages(clock, near.engine.invalidation, most_bytes=0))
        with TestClient(assemble(engine), base_url=HOST, raise_server_exceptions=False) as client:
            for target in TARGETS:
                client.get(target)
            yield near, Front(client, engine, near.sandbox, clock)


def test_what_comes_from_near_is_what_would_be_made_anew(pair: tuple[Front, Front]) -> None:
    near, anew = pair

    @settings(max_examples=300, deadline=None)
    @given(asked=Asked)
    def same(asked: tuple[Any, ...]) -> None:
        method, target, host, language, encoding, knows = asked
        headers = {"host": host, "accept-language": language, "accept-encoding": encoding}
        wanted = ask(anew, method, target, headers)
        if knows and (etag := dict(wanted[1]).get("etag")):
            headers["if-none-match"] = f'"other", {etag}'
            wanted = ask(anew, method, target, headers)
        assert ask(near, method, target, headers) == wanted
        assert ask(near, method, target, headers) == wanted

    same()
    assert hits(near) > 50  # of 600: else nothing was compared


def test_a_page_is_made_once_for_each_language_and_encoding(front: Front) -> None:
    front.get("/api/v1/shipments/" + DELIVERED)
    for language in ("en", "de"):
        for encoding in ("gzip", "identity"):
            front.get(PAGE, language, accept_encoding=encoding)
            assert hits(front) == 0
            for again in (PAGE, f"{PAGE}?utm_source=mail"):
                front.get(again, language, accept_encoding=encoding)
                assert hits(front) == 1


def test_many_who_wait_for_one_answer_have_one_page_made_for_each_language(front: Front) -> None:
    languages = ["en", "de"] * 30

    async def at_once() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(front.client.app), base_url=HOST) as client:
            return await asyncio.gather(
                *(client.get(PAGE, headers={"accept-language": language}) for language in languages)
            )

    before = front.asked()
    said = front.client.portal.call(at_once)
    assert [one.headers["content-language"] for one in said] == languages
    assert {one.status_code for one in said} == {200}
    assert [len({one.content for one in said[n::2]}) for n in range(2)] == [1, 1]
    assert front.asked() - before == 2  # the login, and the number
    assert "doorstep_render_seconds_count 2.0" in front.get("/metrics").text


def test_a_hit_counts_as_a_fresh_look_up(front: Front) -> None:
    for _ in range(3):
        front.get(PAGE)
        front.clock.advance(10)
    text = front.get("/metrics").text
    # The first is asked for; the second finds its answer, and is kept as a finished page, which is the third.
    for line in (
        'doorstep_lookups_total{outcome="miss"} 1.0', 'doorstep_lookups_total{outcome="fresh"} 2.0',
        'doorstep_near_lookups_total{result="hit"} 1.0', 'doorstep_near_lookups_total{result="miss"} 2.0',
        "doorstep_near_pages 1.0", "doorstep_near_evictions_total 0.0", "doorstep_render_seconds_count 2.0",
        'doorstep_served_age_seconds_bucket{freshness="fresh",le="60"} 3.0',
        'doorstep_served_age_seconds_sum{freshness="fresh"} 30.0',
    ):  # fmt: skip
        assert line in text


def test_a_page_from_near_says_how_long_it_is_fresh_to_the_second_and_counts_its_age(front: Front) -> None:
    known(front, PAGE)
    first = seconds_left(front)
    aged = front.engine.metrics.served_age.of("fresh")
    before, sum_before = sum(aged.counts), aged.sum
    front.clock.advance(0.5)
    half = seconds_left(front)
    front.clock.advance(0.5)
    assert (half in (first, first - 1), seconds_left(front)) == (True, first - 1)
    front.clock.advance(-1)  # somebody sets the clock back
    assert seconds_left(front) == first
    front.clock.advance(20)
    assert [seconds_left(front) for _ in range(2)] == [first - 20] * 2
    assert hits(front) == 6
    assert sum(aged.counts) - before == 5
    # The page was made at once with its answer: ages 0 or 0.5, 1, 0, 20, 20.
    assert 41 <= aged.sum - sum_before <= 41.5


def seconds_left(front: Front) -> int:
    return int(front.get(PAGE).headers["cache-status"].rpartition("=")[2])


def test_a_304_says_what_a_200_would_and_nothing_of_the_body(front: Front) -> None:
    whole = front.get(PAGE)
    told = {"etag", "cache-control", "vary", "content-language", "cache-status"}
    for near in (0, 1):
        unchanged = front.get(PAGE, if_none_match=whole.headers["etag"])
        assert (unchanged.status_code, unchanged.content, hits(front)) == (304, b"", near)
        assert set(unchanged.headers) == told
        assert all(unchanged.headers[name] == whole.headers[name] for name in told - {"cache-status"})


@pytest.mark.parametrize(
    "target",
    [f"/track/{UNKNOWN}", f"/track/{TWO_CARRIERS}", f"/track/{BY_LINK}", f"{PAGE}?done=survey", f"{PAGE}?lang=xx", "/",
     f"{PAGE}?carrier=nobody", f"{PAGE}?parcel=none", f"/api/v1/pages/{DELIVERED}"],
)  # fmt: skip
def test_what_is_not_one_known_parcel_in_a_usual_form_is_never_kept(front: Front, target: str) -> None:
    for _ in range(3):
        front.get(target)
    assert (hits(front), len(front.engine.near)) == (0, 0)


def test_a_page_with_an_old_answer_is_not_kept(front: Front) -> None:
    known(front, PAGE)
    front.clock.advance(15 * 3600)  # delivered: fresh for twelve hours, and a little more
    stale = front.get(PAGE)
    assert stale.headers["cache-status"].startswith("doorstep; hit; ttl=-")
    assert (hits(front), len(front.engine.near)) == (0, 0)


def test_a_page_of_today_is_not_shown_after_midnight_of_the_shop(tmp_path: Path, bundled: Any) -> None:
    clock = FakeClock(datetime(2026, 11, 22, 22, 59, 50, tzinfo=UTC))  # ten seconds to midnight in Berlin
    with shop(tmp_path, *bundled, clock=clock) as front:
        known(front, PAGE)
        clock.advance(9)
        front.get(PAGE)
        assert hits(front) == 1
        clock.advance(1)
        front.get(PAGE)
        assert hits(front) == 0


def test_an_answer_that_moves_takes_its_pages_away_and_no_others(front: Front) -> None:
    known(front, PAGE, f"/track/{MOVING}")
    (tag, *_) = next(page.tags for (_, path), page in front.engine.near._pages.items() if path == PAGE)
    front.engine.invalidation.moved(tag)
    front.get(f"/track/{MOVING}")
    assert hits(front) == 1
    front.get(PAGE)
    assert hits(front) == 0


def test_a_banner_is_on_the_page_as_soon_as_the_api_has_written_it(front: Front) -> None:
    known(front, PAGE)
    program = Shop(front, front.clock)
    kept = program.ask("POST", BANNERS, {"text": {"en": "A storm over the north"}}).json()
    assert "A storm over the north" in front.get(PAGE).text
    program.ask("PATCH", f"{BANNERS}/{kept['id']}", {"text": {"en": "The storm is over"}})
    assert "The storm is over" in front.get(PAGE).text
    program.ask("DELETE", f"{BANNERS}/{kept['id']}")
    assert "storm" not in front.get(PAGE).text


def test_who_guessed_too_often_gets_no_page_from_near_either(front: Front) -> None:
    known(front, PAGE)
    assert (front.get(PAGE).status_code, hits(front)) == (200, 1)
    for _ in range(300):
        front.client.portal.call(
            front.engine.limits.numbers.make, "unknown"
        )  # the network of the test's client, which has no address
    assert front.get(PAGE).status_code == 429
    front.clock.advance(601)
    assert front.get(PAGE).status_code == 200


def test_with_no_room_nothing_is_kept(tmp_path: Path, bundled: Any) -> None:
    with shop(tmp_path, *bundled, server=Server(near_megabytes=0)) as front:
        assert [front.get(PAGE).status_code for _ in range(3)] == [200] * 3
        assert (hits(front), len(front.engine.near)) == (0, 0)


def test_the_parameters_of_strangers_fill_no_memory(front: Front) -> None:
    hot: Any = front.client.app
    for n in range(6000):
        hot._kind((b"shop.example", "", b"lang=%d" % n, b"", b""))
    hot._kind((b"shop.example", "", b"lang=" + bytes(500), b"", b""))
    assert len(hot._kinds) == 6000 - 4096


@pytest.mark.parametrize("path", [PAGE, f"/api/v1/pages/{DELIVERED}", f"/api/v1/shipments/{DELIVERED}"])
def test_cache_status_says_whether_the_carrier_was_asked(front: Front, path: str) -> None:
    assert front.get(path).headers["cache-status"] == "doorstep; fwd=miss"
    again = front.get(path).headers["cache-status"]
    front.clock.advance(10)
    later = front.get(path).headers["cache-status"]
    name, _, ttl = again.rpartition("=")
    assert name == "doorstep; hit; ttl"
    assert 12 * 3600 <= int(ttl) + 1 <= 12 * 3600 * 1.15  # delivered, and a jitter
    assert later == f"{name}={int(ttl) - 10}"


def test_a_page_in_one_process_goes_when_another_hears_news(tmp_path: Path, bundled: Any) -> None:
    """Two processes with one Redis; the second one's question is what the first one's page was made from."""
    sandbox, url = bundled
    with redis_server(tmp_path) as server:
        told = {"redis": Secret(server.url), "database": "sqlite://"}
        clock = FakeClock()
        with shop(tmp_path / "a", sandbox, url, clock=clock, **told) as one:
            for _ in range(200):
                one.get(PAGE)
                if hits(one):
                    break
            assert len(one.engine.near) == 1
            with shop(tmp_path / "b", sandbox, url, clock=clock, **told) as other:
                tag = next(iter(one.engine.near._pages.values())).tags[0]
                other.client.portal.call(other.engine.invalidation.moved, tag)
                for _ in range(200):
                    one.get("/healthz")
                    if not len(one.engine.near):
                        break
            assert len(one.engine.near) == 0

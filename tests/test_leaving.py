"""Pages seen and links followed, as readers, search engines and forgers come."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from doorstep.outgoing import Outgoing
from doorstep.tables import tallies

from .shopfront import DELIVERED, MOVING, UNKNOWN, Front, carriers, heading, shop, store
from .test_outgoing import HOSTILE, MUG

PAGE = f"/track/{DELIVERED}"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1)"
STORES = {"main": store(widgets={}), "outlet": store(path="/outlet", widgets={})}


@pytest.fixture(scope="module")
def bundled() -> Iterator[Any]:
    with carriers() as (sandbox, served):
        yield sandbox, served.url


@pytest.fixture
def front(tmp_path: Path, bundled: Any) -> Iterator[Front]:
    with shop(tmp_path, *bundled, stores=STORES) as front:
        yield front


def counted(front: Front) -> Counter[tuple[str, str, str]]:
    asyncio.run(front.engine.tallies.flush())
    with front.engine.database.reading() as connection:
        rows = connection.execute(select(tallies)).all()
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in rows:  # one for each day
        counts[row.store, row.kind, row.subject] += row.count
    return counts


def link(front: Front, to: str, *, base: str = "", shop: str = "main") -> str:
    return Outgoing(front.engine.config.secret_key).link(base, shop, "offer", to)


def test_a_page_is_counted_once_for_its_parcel_however_often_and_however_it_comes(front: Front) -> None:
    for path in (PAGE, PAGE, f"{PAGE}?lang=de", f"{PAGE}?events=all", f"/track/{MOVING}", f"/outlet{PAGE}"):
        etag = front.get(path).headers["etag"]
        assert front.get(path, if_none_match=etag).status_code == 304
    assert front.engine.metrics.near_lookups.counts["hit"] > 3
    assert counted(front) == {("main", "viewed", "tracking"): 2, ("outlet", "viewed", "tracking"): 1}


def test_a_page_that_is_near_counts_for_the_first_who_reads_it_on_a_day(front: Front) -> None:
    for _ in range(3):
        front.get(PAGE, user_agent=BOT)
    assert counted(front) == {}
    for _ in range(3):
        front.get(PAGE)
    assert counted(front) == {("main", "viewed", "tracking"): 1}
    front.clock.advance(86_400)
    front.get(PAGE, user_agent=BOT)
    assert counted(front) == {("main", "viewed", "tracking"): 1}
    front.get(PAGE)
    assert counted(front) == {("main", "viewed", "tracking"): 2}


def test_what_is_no_page_of_a_parcel_or_is_read_by_nobody_is_not_counted(front: Front) -> None:
    front.client.head(PAGE)
    front.get(PAGE, sec_purpose="prefetch")
    for path in ("/", f"/track/{UNKNOWN}", "/track/hello", "/nothing", f"/api/v1/pages/{DELIVERED}"):
        front.get(path)
    assert counted(front) == {}


def test_widgets_are_counted_where_they_stand_on_a_page_that_is_read(tmp_path: Path, bundled: Any) -> None:
    with shop(tmp_path, *bundled, stores={"main": store(widgets={"survey": {}})}) as front:
        front.get(f"/track/{MOVING}")
        assert counted(front) == {("main", "viewed", "tracking"): 1}
        for _ in range(3):
            assert 'id="widget-survey"' in front.get(PAGE).text
        front.get(f"{PAGE}?lang=de")
        assert counted(front) == {("main", "viewed", "tracking"): 2, ("main", "shown", "survey"): 1}


def test_a_link_out_leads_on_and_is_counted(front: Front) -> None:
    for to in (MUG, "/shop/#mug", "http://shop.example:8080/?q=%2F%2Fevil"):
        answer = front.get(link(front, to))
        assert (answer.status_code, answer.headers["location"]) == (303, to)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
    front.get(link(front, MUG, base="/outlet", shop="outlet"))
    front.get(link(front, MUG), user_agent=BOT)
    front.client.head(link(front, MUG), follow_redirects=False)
    assert counted(front) == {("main", "clicked", "offer"): 3, ("outlet", "clicked", "offer"): 1}


@pytest.mark.fault(37)
def test_an_address_that_the_shop_did_not_name_leads_nowhere(front: Front) -> None:
    signature = link(front, MUG).partition("&s=")[2]
    forged = [
        f"/out/offer?to={quote(to, safe='')}&s={signature}" for to in (*HOSTILE, "https://evil.example/", MUG + "x")
    ]
    forged += [
        "/out/offer", f"/out/offer?to={quote(MUG)}", f"/out/offer?s={signature}", link(front, MUG).replace("/offer", "/review"),
        "/outlet" + link(front, MUG), f"{link(front, MUG)}&to=https://evil.example/", f"{link(front, MUG)}x",
        link(front, MUG, shop="outlet"),
    ]  # fmt: skip
    for path in forged:
        answer = front.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (400, None), path
        assert heading(answer.text) == "There is no page here"
        assert "evil.example" not in answer.text
    assert front.client.post(link(front, MUG)).status_code == 405
    assert counted(front) == {}

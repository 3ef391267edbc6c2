"""Processes hear each other through whatever stands behind the URL, also after a failover or without a node: real servers."""

import asyncio

import pytest

from doorstep.cache import LANDED
from doorstep.metrics import Metrics
from doorstep.shared_cache import RedisServer

from ..rigs import cluster, watched
from ..servers import until
from ..test_invalidation import both_trusted, process

pytestmark = pytest.mark.anyio


@pytest.mark.fault(8)
@pytest.mark.exhaustive
async def test_after_a_failover_a_page_still_goes_when_another_process_hears_news(tmp_path):
    with watched(tmp_path) as rig:
        async with process(rig.url) as (one, _), process(rig.url) as (other, kept):
            await both_trusted(one, other)
            kept.tags = {"page"}
            rig.master.kill()
            await until(lambda: not other.trusted)
            assert kept.tags == set()
            await until(lambda: one.trusted and other.trusted, seconds=40)
            await both_trusted(one, other)
            kept.tags = {"page", "another"}
            one.moved("page")
            await until(lambda: kept.tags == {"another"})


@pytest.mark.fault(9)
@pytest.mark.exhaustive
async def test_in_a_cluster_a_page_goes_when_another_process_hears_news_also_with_a_node_down(tmp_path):
    async with cluster(tmp_path) as (url, nodes), process(url) as (one, _), process(url) as (other, kept):
        await both_trusted(one, other)
        kept.tags = {"page", "another"}
        one.moved("page")
        await until(lambda: kept.tags == {"another"})
        for lost in nodes[1:]:  # without the first one no client begins: it is asked for what commands there are
            lost.kill()
            await both_trusted(one, other)
            kept.tags = {"page", "another"}
            one.moved("page")
            await until(lambda: "page" not in kept.tags)
            lost.start()


@pytest.mark.parametrize("kind", ["watched by a Sentinel", "a cluster"])
async def test_who_waits_for_an_answer_is_woken_through_whatever_stands_behind_the_url(tmp_path, kind):
    async def woken(url):
        one, other = (RedisServer(url, metrics=Metrics(), retry_after=0.05) for _ in range(2))
        async with other.hearing("an answer") as bell:
            await until(other._channel._open.is_set)
            await asyncio.sleep(0)
            bell.clear()
            while not bell.is_set():
                await one._client.publish(LANDED, "an answer")
                await asyncio.sleep(0.05)
        await one.close()
        await other.close()

    async with asyncio.timeout(20):
        if kind == "a cluster":
            async with cluster(tmp_path) as (url, _):
                await woken(url)
        else:
            with watched(tmp_path) as rig:
                await woken(rig.url)

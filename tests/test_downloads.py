"""What a shop's settings name is fetched within bounds, and asked for again only if it has changed. All HTTP is real."""

import asyncio
import gzip
import tracemalloc

import pytest

from doorstep.downloads import Download, Downloads, Validators
from doorstep.errors import SourceError
from doorstep.guard import GuardedTransport

from .clock import FakeClock
from .servers import drip, flood, gzip_bomb, hang_up, hostile, reply, silence, truncated_chunks

pytestmark = pytest.mark.anyio
NOTHING = Validators()
MB = 1_000_000


@pytest.fixture
async def downloads():
    made = Downloads(clock=FakeClock())
    yield made
    await made.aclose()


async def fetched(downloads, server, path="/feed.xml", *, known=NOTHING, largest=MB):
    downloads.trust(server.url)
    return await downloads.get(server.url + path, known, largest)


async def test_the_body_comes_unpacked_with_its_type_and_by_what_to_ask_again(downloads):
    packed = reply(200, gzip.compress(b"<rss/>"), content_encoding="gzip", content_type="text/xml", etag='"7"')
    async with hostile(packed) as server:
        assert await fetched(downloads, server) == Download(b"<rss/>", "text/xml", Validators('"7"'))


async def test_what_has_not_changed_is_not_sent_again(downloads):
    known = Validators('"7"', "Sun, 22 Nov 2026 11:00:00 GMT")
    async with hostile(reply(304, b"")) as server:
        assert await fetched(downloads, server, known=known) is None
    headers = server.requests[0].headers
    assert (headers["if-none-match"], headers["if-modified-since"]) == (known.etag, known.modified)


async def test_nothing_of_an_own_kind_is_sent_along(downloads):
    async with hostile(reply(200, b"", set_cookie="a=b"), reply(200, b"")) as server:
        await fetched(downloads, server)
        await fetched(downloads, server)
    assert set(server.requests[1].headers) == {"host", "user-agent", "accept-encoding"}


@pytest.mark.parametrize(
    ("answer", "reason", "of_the_server"),
    [
        (reply(404), "HTTP 404", False),
        (reply(500), "HTTP 500", True),
        (reply(429, retry_after="90"), "HTTP 429", True),
        (hang_up, "no connection: RemoteProtocolError", True),
        (truncated_chunks(), "no connection: RemoteProtocolError", True),
        (reply(200, b"x" * 21), "its body is larger than 20 bytes", False),
        (gzip_bomb(50 * MB), "its body is larger than 20 bytes", False),
        (reply(200, b"x", content_encoding="br"), "its body is packed as 'br'", False),
        (reply(302), "redirects to where nobody may follow", False),
        (reply(302, location="ftp://shop.example/feed"), "redirects to where nobody may follow", False),
        (reply(302, location="https://shop.example@evil.example/"), "redirects to where nobody may follow", False),
        (reply(302, location="http://169.254.169.254/latest/meta-data"), "refused to ask 169.254.169.254", True),
        (reply(302, location="https://10.0.0.1/feed"), "refused to connect to 10.0.0.1", True),
        (reply(302, location="http://[::1"), "its address is none", False),
        (reply(302, location="/feed.xml"), "more than 3 redirects", False),
    ],
)
async def test_every_failure_has_its_reason_and_says_whether_the_server_is_to_blame(
    downloads, answer, reason, of_the_server
):
    async with hostile(answer) as server:
        with pytest.raises(SourceError, match=reason) as failed:
            await fetched(downloads, server, "/feed?key=hush", largest=20)
    assert failed.value.server is of_the_server
    assert failed.value.retry_after == (90.0 if "429" in reason else None)
    assert "hush" not in str(failed.value)
    assert len(server.requests) <= 4


async def test_a_redirect_within_the_same_origin_is_followed(downloads):
    async with hostile(reply(302, location="new/feed.xml"), reply(200, b"here")) as server:
        assert (await fetched(downloads, server, "/a/feed.xml")).body == b"here"
    assert [seen.target for seen in server.requests] == ["/a/feed.xml", "/a/new/feed.xml"]


async def test_an_address_that_nobody_has_set_must_be_public_and_use_tls(downloads):
    async with hostile(reply()) as server:
        with pytest.raises(SourceError, match="refused"):
            await downloads.get(server.url, NOTHING, MB)
    assert not server.requests


@pytest.mark.parametrize("answer", [silence, drip])
async def test_who_is_slow_is_given_up(answer):
    transport = GuardedTransport()
    async with hostile(reply(), answer) as server:
        # To make the first connection of a process may take longer than who is hasty waits.
        await fetched(Downloads(clock=FakeClock(), transport=transport), server)
        hasty = Downloads(clock=FakeClock(), transport=transport, patience=0.5)
        with pytest.raises(SourceError, match=r"no whole answer within 0.5 s"):
            await fetched(hasty, server, largest=10 * MB)
        await asyncio.wait_for(server.left.wait(), 5)
    await hasty.aclose()


async def test_a_flood_is_given_up_at_the_cap_and_a_bomb_takes_no_more_than_that(downloads):
    holder = []
    async with hostile(flood(holder, 50 * MB)) as server:
        holder.append(server)
        with pytest.raises(SourceError, match="larger than 1000000 bytes"):
            await fetched(downloads, server)
        await asyncio.wait_for(server.left.wait(), 5)
    async with hostile(gzip_bomb(200 * MB)) as server:
        tracemalloc.start()
        try:
            with pytest.raises(SourceError, match="larger"):
                await fetched(downloads, server)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 10 * MB

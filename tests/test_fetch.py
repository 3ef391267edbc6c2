"""What comes over the wire: deadline, bodies, redirects, statuses, retries, what is sent. Real HTTP on loopback."""

import asyncio
import gzip
import json
import logging
import tracemalloc

import pytest
from msgspec import structs

from doorstep import CarrierUnavailable, Found, NotFound, ProtocolError, Query, Request
from doorstep.errors import AuthRefused, PluginFailed
from doorstep.fetch import Fetcher
from doorstep.metrics import Metrics
from doorstep.sending import LARGEST_BODY

from .acme import acme, asks
from .servers import drip, flood, gzip_bomb, hang_up, hostile, raw, reply, silence, truncated_chunks

pytestmark = pytest.mark.anyio
QUERY = Query("123456789")
OK = reply(200, b'{"state": "moving"}')


@pytest.fixture
async def fetcher(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=5)
    yield fetcher
    await fetcher.aclose()


@pytest.fixture
async def hasty(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=1.0)
    yield fetcher
    await fetcher.aclose()


async def test_an_answer_reaches_the_plugin_and_comes_back_taken_in(fetcher):
    async with hostile(reply(200, b'{"state": "moving"}', x_trace="7")) as carrier:
        seen = []
        track = asks(then=lambda response: seen.append(response) or NotFound("no\x00pe"))
        assert await fetcher.track(acme(track, endpoint=carrier.url), QUERY) == NotFound("nope")
    assert (seen[0].status, seen[0].json(), seen[0].headers["x-trace"]) == (200, {"state": "moving"}, "7")


async def test_who_logs_everything_reads_no_number_and_no_cookie_reaches_the_next_account(fetcher, caplog):
    caplog.set_level(logging.DEBUG)
    async with hostile(reply(200, b'{"state": "moving"}', set_cookie="session=of-the-first")) as carrier:
        account = acme(asks(path=f"/track/{QUERY.number}"), endpoint=carrier.url)
        for name in ("first", "second"):
            await fetcher.track(structs.replace(account, name=name), QUERY)
    assert QUERY.number not in caplog.text
    assert ["cookie" in seen.headers for seen in carrier.requests] == [False, False]


@pytest.mark.parametrize("answer", [drip, silence], ids=["drip", "silence"])
@pytest.mark.fault(16)
async def test_the_whole_question_ends_at_the_deadline_and_the_connection_with_it(hasty, answer):
    async with hostile(answer) as carrier:
        with pytest.raises(CarrierUnavailable, match=r"Acme did not answer within 1 s"):
            await hasty.track(acme(asks(), endpoint=carrier.url), QUERY)
        await asyncio.wait_for(carrier.left.wait(), 5)


async def test_waiting_for_a_free_slot_counts_towards_the_deadline(hasty):
    async with hostile(silence) as carrier:
        account = acme(asks(), endpoint=carrier.url, concurrent=1)
        answers = await asyncio.gather(*(hasty.track(account, QUERY) for _ in range(12)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {CarrierUnavailable}
        # One after the other each would have had its turn: here most gave up waiting for it.
        assert len(carrier.requests) < 6


async def test_a_body_of_fifty_megabytes_is_given_up_at_the_cap(fetcher):
    holder = []
    async with hostile(flood(holder, 50 * 1024 * 1024)) as carrier:
        holder.append(carrier)
        with pytest.raises(ProtocolError, match=f"larger than {LARGEST_BODY} bytes"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
        await asyncio.wait_for(carrier.left.wait(), 5)
    # What the sockets of both sides buffer comes on top of the two megabytes that were read.
    assert carrier.sent < 25 * 1024 * 1024


async def test_the_cap_is_two_megabytes_and_a_body_of_that_size_passes(fetcher):
    assert LARGEST_BODY == 2 * 1024 * 1024
    async with hostile(reply(200, bytes(LARGEST_BODY)), reply(200, bytes(LARGEST_BODY + 1))) as carrier:
        account = acme(asks(then=lambda response: NotFound(str(len(response.body)))), endpoint=carrier.url)
        assert await fetcher.track(account, QUERY) == NotFound("2097152")
        with pytest.raises(ProtocolError, match="larger"):
            await fetcher.track(account, QUERY)


@pytest.mark.fault(17)
async def test_a_gzip_bomb_is_not_unpacked_beyond_the_cap(fetcher):
    bomb = gzip_bomb(200 * 1024 * 1024)
    async with hostile(bomb) as carrier:
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError, match="larger"):
                await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 20 * 1024 * 1024


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x"])
async def test_a_packing_that_was_not_asked_for_is_refused(fetcher, encoding):
    async with hostile(reply(200, gzip.compress(b"{}"), content_encoding=encoding)) as carrier:
        with pytest.raises(ProtocolError, match="is packed as"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)


async def test_a_packed_body_is_unpacked(fetcher):
    async with hostile(reply(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip")) as carrier:
        account = acme(asks(then=lambda response: NotFound(str(response.json()["a"]))), endpoint=carrier.url)
        assert await fetcher.track(account, QUERY) == NotFound("1")
    assert carrier.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(b"x" * 4000)[:-12]], ids=["wrong", "cut off"])
async def test_a_body_that_is_packed_wrongly_or_cut_off_is_no_answer(fetcher, body):
    async with hostile(reply(200, body, content_encoding="gzip")) as carrier:
        with pytest.raises(ProtocolError, match="packed wrongly"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)


@pytest.mark.parametrize(
    "broken",
    [
        reply(200, b"{}", length=5000),
        truncated_chunks(),
        hang_up,
        reply(200, b"{}", x_long="y" * 200_000),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    ],
    ids=["body too short", "truncated chunks", "hung up", "header of 200 kB", "not HTTP"],
)
@pytest.mark.fault(17)
async def test_a_broken_connection_is_carrier_unavailable_and_tried_once_more(fetcher, broken):
    async with hostile(broken) as carrier:
        with pytest.raises(CarrierUnavailable, match=r"no connection to 127\.0\.0\.1"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
    assert len(carrier.requests) == 2


async def test_nothing_is_read_beyond_the_length_that_was_promised(fetcher):
    async with hostile(reply(200, b'{"a": 1}{"b": 2}', length=8)) as carrier:
        account = acme(asks(then=lambda response: NotFound(response.text())), endpoint=carrier.url)
        assert await fetcher.track(account, QUERY) == NotFound('{"a": 1}')


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.fault(21)
async def test_no_redirect_is_followed(fetcher, status):
    async with hostile(OK) as other, hostile(reply(status, location=f"{other.url}/latest/meta-data")) as carrier:
        with pytest.raises(ProtocolError, match=f"HTTP {status}"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
    assert (len(carrier.requests), len(other.requests)) == (1, 0)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    ("asked", "times"),
    [
        ({"method": "GET"}, 2),
        ({"method": "HEAD"}, 2),
        ({"method": "POST", "body": b"?"}, 1),
        ({"method": "POST", "body": b"?", "idempotent": True}, 2),
        ({"method": "PUT", "body": b"?"}, 1),
        ({"method": "DELETE"}, 1),
    ],
    ids=["GET", "HEAD", "POST", "idempotent POST", "PUT", "DELETE"],
)
async def test_only_what_may_be_repeated_is_repeated_and_only_once(fetcher, status, asked, times):
    async with hostile(reply(status)) as carrier:
        with pytest.raises(CarrierUnavailable, match=f"HTTP {status}"):
            await fetcher.track(acme(asks(**asked), endpoint=carrier.url), QUERY)
    assert len(carrier.requests) == times


async def test_a_second_try_that_succeeds_is_the_answer(fetcher):
    async with hostile(reply(502), OK) as carrier:
        answer = await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
    assert isinstance(answer, Found)
    assert len(carrier.requests) == 2


@pytest.mark.fault(14)
async def test_there_is_no_second_try_when_no_time_is_left_for_it(fetcher, clock):
    async def late(writer):
        clock.advance(4.9)  # of five seconds; the pause before a second try takes 0.1 s or more, and twice that is kept
        await hang_up(writer)

    async with hostile(late) as carrier:
        with pytest.raises(CarrierUnavailable, match="no connection"):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
    assert len(carrier.requests) == 1


@pytest.mark.parametrize("status", [200, 204, 207, 400, 404])
async def test_these_statuses_are_the_plugins_to_read(fetcher, status):
    async with hostile(reply(status, b"")) as carrier:
        account = acme(asks(then=lambda response: NotFound(str(response.status))), endpoint=carrier.url)
        assert await fetcher.track(account, QUERY) == NotFound(str(status))


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthRefused), (403, AuthRefused), (405, ProtocolError), (418, ProtocolError)]
)
async def test_these_statuses_are_errors_and_never_not_found(fetcher, status, error):
    async with hostile(reply(status)) as carrier:
        with pytest.raises(error):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)


@pytest.mark.parametrize("status", [301, 401, 403, 409, 429, 500])
async def test_a_plugin_may_ask_for_a_status_that_the_engine_would_judge(fetcher, status):
    async with hostile(reply(status)) as carrier:
        track = asks(accept=(status,), then=lambda response: NotFound(str(response.status)))
        assert await fetcher.track(acme(track, endpoint=carrier.url), QUERY) == NotFound(str(status))
    assert len(carrier.requests) == 1


@pytest.mark.parametrize(
    ("fields", "content_type", "body"),
    [
        ({"json": {"n": ["ä"]}}, "application/json", '{"n":["ä"]}'.encode()),
        ({"form": {"n": "a b&ä"}}, "application/x-www-form-urlencoded", b"n=a+b%26%C3%A4"),
        ({"body": b"<x/>", "headers": {"Content-Type": "text/xml"}}, "text/xml", b"<x/>"),
        ({"json": [], "headers": {"Content-Type": "application/vnd.acme+json"}}, "application/vnd.acme+json", b"[]"),
    ],
    ids=["json", "form", "bytes", "own type"],
)
async def test_a_request_is_sent_as_the_plugin_wrote_it(fetcher, fields, content_type, body):
    async with hostile(OK) as carrier:
        track = asks(method="POST", path="/a/b c", params={"q": "x&y"}, **fields)
        await fetcher.track(acme(track, endpoint=f"{carrier.url}/base/"), QUERY)
    (seen,) = carrier.requests
    assert (seen.method, seen.target) == ("POST", "/base/a/b%20c?q=x%26y")
    assert (seen.headers["content-type"], seen.body) == (content_type, body)


async def test_a_host_outside_the_manifest_is_never_asked(fetcher):
    async with hostile(OK) as carrier:
        for path in (
            "https://evil.example/x",
            "https://api.acme.example.evil.example/x",
            "http://169.254.169.254/",
            "x",
        ):
            with pytest.raises(PluginFailed, match=r"list the host in carrier\.toml"):
                await fetcher.track(acme(asks(path=path), endpoint=carrier.url, hosts=("login.acme.example",)), QUERY)
    assert carrier.requests == []


async def test_with_a_sandbox_every_listed_host_is_asked_there(fetcher):
    async with hostile(OK) as carrier:
        track = asks(path="https://login.acme.example/token")
        await fetcher.track(acme(track, endpoint=carrier.url, hosts=("login.acme.example",)), QUERY)
    assert carrier.requests[0].target == "/login.acme.example/token"


@pytest.mark.parametrize("path", ["//evil.example/x", "/@evil.example/x", "/\\evil.example", "/../../x"])
async def test_a_path_cannot_lead_to_another_host(fetcher, path):
    async with hostile(OK) as carrier:
        await fetcher.track(acme(asks(path=path), endpoint=carrier.url), QUERY)
    assert len(carrier.requests) == 1


@pytest.mark.fault(34)
async def test_a_line_end_in_a_header_cannot_add_another(fetcher):
    async with hostile(OK) as carrier:
        account = acme(asks(headers={"X-A": "1\r\nX-B: 2"}), endpoint=carrier.url)
        with pytest.raises((PluginFailed, CarrierUnavailable)):
            await fetcher.track(account, QUERY)
    assert carrier.requests == []


@pytest.mark.parametrize("steps", [6, 7])
async def test_an_exchange_has_at_most_six_steps(fetcher, steps):
    def track(query):
        for step in range(steps):
            yield Request("GET", f"/{step}")
        return NotFound("done")

    async with hostile(OK) as carrier:
        if steps == 6:
            assert await fetcher.track(acme(track, endpoint=carrier.url), QUERY) == NotFound("done")
        else:
            with pytest.raises(PluginFailed, match="more than 6 steps"):
                await fetcher.track(acme(track, endpoint=carrier.url), QUERY)
    assert [seen.target for seen in carrier.requests] == ["/0", "/1", "/2", "/3", "/4", "/5"]


async def test_no_more_questions_at_once_than_the_manifest_allows(fetcher):
    async def slowly(writer):
        await asyncio.sleep(0.05)
        await OK(writer)

    async with hostile(slowly) as carrier:
        account = acme(asks(), endpoint=carrier.url, concurrent=2)
        await asyncio.gather(*(fetcher.track(account, QUERY) for _ in range(7)))
    assert (len(carrier.requests), carrier.most_at_once) == (7, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Sorry</title>",
        b'{"a": ',
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"a": 1e400}x',
        b'"\\ud800"',
    ],
)
@pytest.mark.fault(18)
async def test_a_body_that_is_not_the_json_expected_is_a_protocol_error(fetcher, body):
    async with hostile(reply(200, body)) as carrier:
        track = asks(then=lambda response: NotFound(json.dumps(response.json(dict))))
        with pytest.raises(ProtocolError, match="not the JSON expected"):
            await fetcher.track(acme(track, endpoint=carrier.url), QUERY)

"""When a carrier is not asked: it said so, it keeps failing, or the account's limit is used up. The clock is the test's."""

import asyncio
from datetime import UTC, datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from doorstep import CarrierUnavailable, Found, ProtocolError, Query, RateLimited
from doorstep.budget import Left
from doorstep.fetch import Fetcher, Standing
from doorstep.guard import GuardedTransport
from doorstep.manifest import Limit
from doorstep.metrics import Metrics

from .acme import acme, asks, parcel
from .clock import FakeClock
from .servers import hostile, reply

pytestmark = pytest.mark.anyio
QUERY = Query("123456789")
OK = reply()


@pytest.fixture
async def fetcher(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=5)
    yield fetcher
    await fetcher.aclose()


# The clock of the tests stands at noon, UTC, on Sunday 22 November 2026.
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        ("Sun, 22 Nov 2026 12:05:00 GMT", 300),
        ("Sunday, 22-Nov-26 12:05:00 GMT", 300),
        ("Sun, 22 Nov 2026 14:05:00 +0200", 300),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Wed, 19 Nov 2036 12:00:00 GMT", 3600),
        ("315360000", 3600),
        ("9" * 400, 3600),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Sun, 99 Nov 2026 12:05:00 GMT", None),
        ("٣", None),
        ("", None),
    ],
)
@pytest.mark.fault(15)
async def test_retry_after_is_read_in_both_forms_and_bounded_to_an_hour(fetcher, clock, header, seconds):
    async with hostile(reply(503, retry_after=header)) as carrier:
        with pytest.raises(CarrierUnavailable) as caught:
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
    assert caught.value.retry_after == seconds


class Nothing(httpx2.AsyncByteStream):
    async def __aiter__(self):
        yield b""


@given(
    header=st.one_of(
        st.text(), st.integers().map(str), st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ [\d:]+ \S+")
    )
)
@pytest.mark.fault(15)
def test_no_retry_after_header_breaks_anything(header):
    async def answer(request):
        fields = [(b"retry-after", header.encode("utf-8", "replace"))]
        return httpx2.Response(429, headers=fields, stream=Nothing())

    async def resolve(host, port):
        return ["93.184.215.14"]

    async def ask():
        transport = GuardedTransport(resolve=resolve, dial=lambda host: httpx2.MockTransport(answer))
        fetcher = Fetcher(clock=FakeClock(), metrics=Metrics(), transport=transport)
        try:
            with pytest.raises(RateLimited) as caught:
                await fetcher.track(acme(asks()), QUERY)
        finally:
            await fetcher.aclose()
        return caught.value.retry_after

    after = asyncio.run(ask())
    assert after is None or 0 <= after <= 3600


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, "120", 120), (429, "rubbish", 60), (429, "315360000", 3600), (503, "120", 120), (503, "315360000", 3600)],
)
@pytest.mark.fault(15)
async def test_nobody_is_asked_before_the_time_the_carrier_named(fetcher, clock, status, header, seconds):
    async with hostile(reply(status, retry_after=header), OK) as carrier:
        account = acme(asks(), endpoint=carrier.url)
        with pytest.raises((RateLimited, CarrierUnavailable)):
            await fetcher.track(account, QUERY)
        clock.advance(seconds - 1)
        with pytest.raises(RateLimited, match="asked us to wait") as caught:
            await fetcher.track(account, QUERY, stranger=False)
        assert caught.value.retry_after == pytest.approx(1)
        assert len(carrier.requests) == 1
        clock.advance(1)
        assert isinstance(await fetcher.track(account, QUERY), Found)


async def test_a_failing_server_that_names_no_time_may_be_asked_again_at_once(fetcher):
    async with hostile(reply(503), reply(503, retry_after="rubbish"), OK) as carrier:
        account = acme(asks(), endpoint=carrier.url)
        with pytest.raises(CarrierUnavailable):
            await fetcher.track(account, QUERY)
        assert isinstance(await fetcher.track(account, QUERY), Found)


async def test_an_answer_with_retry_after_is_not_tried_a_second_time(fetcher):
    async with hostile(reply(503, retry_after="1")) as carrier:
        with pytest.raises(CarrierUnavailable):
            await fetcher.track(acme(asks(), endpoint=carrier.url), QUERY)
    assert len(carrier.requests) == 1


async def test_an_outage_costs_the_carrier_a_tenth_more_and_not_twice_as_much(fetcher, clock, monkeypatch):
    monkeypatch.setattr("doorstep.fetch._LONGEST_PAUSE", 0)
    async with hostile(reply(503)) as carrier:
        account = acme(asks(), endpoint=carrier.url)
        for _ in range(100):
            with pytest.raises(CarrierUnavailable, match="HTTP 503"):
                await fetcher.track(account, QUERY)
            clock.advance(31)  # the breaker lets the next one through
    # The first five are repeated at once; then the eleventh, and each tenth after it, until the ninety-first.
    assert len(carrier.requests) == 100 + 5 + 9


async def test_what_the_limit_does_not_allow_is_not_repeated(fetcher):
    async with hostile(reply(503)) as carrier:
        account = acme(asks(), endpoint=carrier.url, limits=(Limit(calls=3, seconds=3000),))
        await failing(fetcher, account, 2)
    assert len(carrier.requests) == 3, "the first question and its repetition; the second question alone"


async def test_a_strangers_question_is_not_repeated_out_of_the_share_of_orders(fetcher):
    async with hostile(reply(503)) as carrier:
        account = acme(asks(), endpoint=carrier.url, limits=(Limit(calls=4, seconds=4000),), strangers=0.25)
        with pytest.raises(CarrierUnavailable):
            await fetcher.track(account, QUERY, stranger=True)
        assert len(carrier.requests) == 1
        with pytest.raises(CarrierUnavailable):
            await fetcher.track(account, QUERY, stranger=False)
        assert len(carrier.requests) == 3


@given(waits=st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.datetimes()))
def test_whatever_time_a_plugin_names_is_an_hour_at_most_or_none(waits):
    after = RateLimited("not now", retry_after=waits).retry_after
    assert after is None or 0 <= after <= 3600


async def failing(fetcher, account, times):
    for _ in range(times):
        with pytest.raises(CarrierUnavailable):
            await fetcher.track(account, QUERY)


async def test_after_five_failures_the_breaker_opens_and_lets_one_try_through_every_half_minute(fetcher, clock):
    async with hostile(reply(500)) as carrier:
        account = acme(asks(method="POST"), endpoint=carrier.url)  # not repeated: one request a question
        await failing(fetcher, account, 5)
        assert len(carrier.requests) == 5
        with pytest.raises(CarrierUnavailable, match="keeps failing") as caught:
            await fetcher.track(account, QUERY)
        assert caught.value.retry_after == pytest.approx(30)
        clock.advance(30)
        await failing(fetcher, account, 3)
        assert len(carrier.requests) == 6


async def test_questions_refused_meanwhile_do_not_keep_the_breaker_open(fetcher, clock):
    async with hostile(*[reply(500)] * 5, OK) as carrier:
        account = acme(asks(method="POST"), endpoint=carrier.url)
        await failing(fetcher, account, 5)
        for _ in range(2):
            clock.advance(14)
            await failing(fetcher, account, 1)
        clock.advance(2)
        assert isinstance(await fetcher.track(account, QUERY), Found)


async def test_one_good_answer_closes_the_breaker(fetcher, clock):
    async with hostile(*[reply(500)] * 5, OK, *[reply(500)] * 4, OK) as carrier:
        account = acme(asks(method="POST"), endpoint=carrier.url)
        await failing(fetcher, account, 5)
        clock.advance(30)
        assert isinstance(await fetcher.track(account, QUERY), Found)
        await failing(fetcher, account, 4)
        assert isinstance(await fetcher.track(account, QUERY), Found)
        assert len(carrier.requests) == 11


async def test_while_half_open_only_one_of_many_questions_gets_through(fetcher, clock):
    async with hostile(reply(500)) as carrier:
        account = acme(asks(method="POST"), endpoint=carrier.url)
        await failing(fetcher, account, 5)
        clock.advance(30)
        await asyncio.gather(*(fetcher.track(account, QUERY) for _ in range(20)), return_exceptions=True)
        assert len(carrier.requests) == 6


async def test_being_limited_is_no_failure_of_the_carrier(fetcher, clock):
    async with hostile(*[reply(429, retry_after="1")] * 8, OK) as carrier:
        account = acme(asks(), endpoint=carrier.url)
        for _ in range(8):
            with pytest.raises(RateLimited):
                await fetcher.track(account, QUERY)
            clock.advance(1)
        assert isinstance(await fetcher.track(account, QUERY), Found)


async def test_answers_that_cannot_be_read_do_not_open_the_breaker(fetcher):
    # Anybody can type numbers that a carrier answers oddly: that must not take the carrier from everybody else.
    async with hostile(*[reply(200, b"not json")] * 6, reply(200, b"[1]")) as carrier:
        account = acme(
            asks(then=lambda response: response.json() and Found((parcel(QUERY.number),))), endpoint=carrier.url
        )
        for _ in range(6):
            with pytest.raises(ProtocolError):
                await fetcher.track(account, QUERY)
        assert isinstance(await fetcher.track(account, QUERY), Found)


async def test_one_accounts_breaker_is_not_anothers(fetcher):
    async with hostile(reply(500)) as broken, hostile(OK) as carrier:
        one = acme(asks(method="POST"), endpoint=broken.url)
        await failing(fetcher, one, 6)
        other = structs.replace(acme(asks(), endpoint=carrier.url), name="acme_two")
        assert isinstance(await fetcher.track(other, QUERY), Found)


async def test_strangers_may_use_their_share_of_the_limit_and_orders_the_rest(fetcher, clock):
    # Eight calls in 80 s, a quarter of them for strangers: two for them, then six for parcels of an order.
    async with hostile(OK) as carrier:
        limits = (Limit(calls=8, seconds=80),)
        account = acme(asks(), endpoint=carrier.url, limits=limits, strangers=0.25)
        for _ in range(2):
            await fetcher.track(account, QUERY, stranger=True)
        with pytest.raises(RateLimited, match="used up") as caught:
            await fetcher.track(account, QUERY, stranger=True)
        assert caught.value.retry_after == pytest.approx(10)  # one call comes back every ten seconds
        for _ in range(6):
            await fetcher.track(account, QUERY, stranger=False)
        with pytest.raises(RateLimited, match="used up"):
            await fetcher.track(account, QUERY, stranger=False)
        assert len(carrier.requests) == 8


async def test_the_limit_refills_steadily_and_never_beyond_its_size(fetcher, clock):
    async with hostile(OK) as carrier:
        account = acme(asks(), endpoint=carrier.url, limits=(Limit(calls=4, seconds=40),))
        for _ in range(4):
            await fetcher.track(account, QUERY)
        clock.advance(9.9)
        with pytest.raises(RateLimited):
            await fetcher.track(account, QUERY)
        clock.advance(0.2)
        await fetcher.track(account, QUERY)
        clock.advance(86_400)
        for _ in range(4):
            await fetcher.track(account, QUERY)
        with pytest.raises(RateLimited):
            await fetcher.track(account, QUERY)
        assert len(carrier.requests) == 9


async def test_a_stranger_without_a_share_is_never_let_through(fetcher, clock):
    async with hostile(OK) as carrier:
        account = acme(asks(), endpoint=carrier.url, limits=(Limit(calls=4, seconds=40),), strangers=0.0)
        with pytest.raises(RateLimited):
            await fetcher.track(account, QUERY, stranger=True)
        assert isinstance(await fetcher.track(account, QUERY, stranger=False), Found)
        assert len(carrier.requests) == 1


async def test_every_question_is_counted_by_its_result(clock):
    metrics = Metrics()
    fetcher = Fetcher(clock=clock, metrics=metrics)
    async with hostile(OK, reply(500), reply(500)) as carrier:
        account = acme(asks(), endpoint=carrier.url)
        await fetcher.track(account, QUERY)
        with pytest.raises(CarrierUnavailable):
            await fetcher.track(account, QUERY)
    await fetcher.aclose()
    text = metrics.render().decode()
    assert 'doorstep_carrier_calls_total{account="acme",result="answered"} 1.0' in text
    assert 'doorstep_carrier_calls_total{account="acme",result="carrier_unavailable"} 1.0' in text
    assert 'doorstep_carrier_seconds_count{account="acme"} 2.0' in text
    assert QUERY.number not in text


async def test_how_an_account_stands_is_told(fetcher, clock):
    assert (await fetcher.standings(), fetcher.shut()) == ([], {})
    async with hostile(OK, *[reply(500)] * 10) as carrier:
        account = acme(asks(), endpoint=carrier.url, limits=(Limit(calls=100, seconds=10),), strangers=0.25)
        await fetcher.track(account, QUERY, stranger=False)
        left = Left("100/10s", 99, 24)  # 75 are kept for orders
        assert await fetcher.standings() == [Standing("acme", None, [left], 5)]
        for _ in range(5):
            with pytest.raises(CarrierUnavailable):
                await fetcher.track(account, QUERY, stranger=False)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert fetcher.shut() == {"acme": noon}
    clock.advance(3600)
    assert [(one.open_since, one.left[0].orders) for one in await fetcher.standings()] == [(noon, 100)]

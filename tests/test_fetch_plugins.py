"""A plugin may raise, hang, return rubbish or never be closed by itself: it costs its own question and nothing else."""

import asyncio
import gc
import threading

import pytest
from msgspec import structs

from doorstep import (
    AuthExpired,
    AuthRefused,
    CarrierUnavailable,
    Found,
    NoAuth,
    NotFound,
    ProtocolError,
    Query,
    RateLimited,
    Request,
)
from doorstep.errors import PluginFailed
from doorstep.fetch import Fetcher
from doorstep.metrics import Metrics

from .acme import acme, asks
from .servers import hang_up, hostile, reply, silence, until

pytestmark = pytest.mark.anyio
QUERY = Query("123456789")
OK = reply()


@pytest.fixture
async def fetcher(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=5)
    yield fetcher
    await fetcher.aclose()


@pytest.fixture
async def hasty(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=0.3)
    yield fetcher
    await fetcher.aclose()


@pytest.fixture
async def patient(clock):
    """With a deadline that a good answer keeps even on a busy machine."""
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=2)
    yield fetcher
    await fetcher.aclose()


def recursion():
    return recursion()


def raiser(kind):
    """Raises, whoever calls it with whatever."""

    def boom(*args):
        if kind is RecursionError:
            recursion()
        raise kind("the plugin's own words")

    return boom


KINDS = [
    ValueError,
    KeyError,
    NotImplementedError,
    OverflowError,
    TimeoutError,
    StopIteration,
    MemoryError,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    asyncio.CancelledError,
    RecursionError,
    BaseException,
]


class Login(NoAuth):
    """As NoAuth, with one of its parts replaced."""

    def __init__(self, **parts):
        self.__dict__.update(parts)


def first(kind):
    def track(query):
        raiser(kind)()
        yield Request("GET", "/")

    return {"track": track}


PLACES = {
    "calling track": lambda kind: {"track": raiser(kind)},
    "first step": first,
    "after the answer": lambda kind: {"track": asks(then=raiser(kind))},
    "auth": lambda kind: {"track": asks(), "auth": raiser(kind)},
    "login": lambda kind: {"track": asks(), "auth": lambda: Login(login=raiser(kind))},
    "sign": lambda kind: {"track": asks(), "auth": lambda: Login(sign=raiser(kind))},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.fault(24)
async def test_whatever_a_plugin_raises_wherever_is_its_own_failure(fetcher, place, kind):
    async with hostile(OK) as carrier:
        with pytest.raises(PluginFailed):
            await fetcher.track(acme(endpoint=carrier.url, **PLACES[place](kind)), QUERY)
        assert len(carrier.requests) == (place == "after the answer")


@pytest.mark.parametrize("error", [ProtocolError("odd"), RateLimited("later", retry_after=3), AuthRefused("no")])
async def test_an_error_of_the_contract_comes_out_as_it_is(fetcher, error):
    def then(response):
        raise error

    async with hostile(OK) as carrier:
        with pytest.raises(type(error)) as caught:
            await fetcher.track(acme(asks(then=then), endpoint=carrier.url), QUERY)
    assert caught.value is error


def yielding(value):
    def track(query):
        yield value

    return track


@pytest.mark.parametrize("value", [None, 17, "GET /", {"method": "GET"}, Request])
async def test_a_wrong_yield_is_named(fetcher, value):
    with pytest.raises(PluginFailed, match=r"the exchange yielded (NoneType|int|str|dict|StructMeta): yield Request"):
        await fetcher.track(acme(yielding(value)), QUERY)


@pytest.mark.parametrize("value", [None, 17, "delivered", [], {}, Found, (NotFound(),)])
async def test_a_wrong_return_is_named(fetcher, value):
    async with hostile(OK) as carrier:
        with pytest.raises(PluginFailed, match=rf"track\(\) returned {type(value).__name__}: return Found"):
            await fetcher.track(acme(asks(then=lambda response: value), endpoint=carrier.url), QUERY)


@pytest.mark.parametrize("value", [None, NotFound(), [Request("GET", "/")]])
async def test_an_exchange_that_is_no_generator_is_named(fetcher, value):
    with pytest.raises(PluginFailed, match=rf"the exchange is a {type(value).__name__}: write it as a generator"):
        await fetcher.track(acme(lambda query: value), QUERY)


async def test_a_request_that_cannot_be_built_is_named(fetcher):
    for request in (Request("GET", "/", headers={"X": 17}), Request("GET", 17), Request("GET", "/", json=object())):
        with pytest.raises(PluginFailed):
            await fetcher.track(acme(yielding(request)), QUERY)


class Watched:
    """An exchange that says when it was closed."""

    def __init__(self, *requests, end=None):
        self.closed = threading.Event()
        self._requests = requests
        self._end = end

    def track(self, query):
        try:
            yield from self._requests
            if self._end:
                raise self._end
            return NotFound()
        finally:
            self.closed.set()


ASK = Request("GET", "/", headers={})


@pytest.mark.parametrize(
    ("answer", "watched"),
    [
        (OK, Watched(ASK)),
        (OK, Watched(ASK, end=ValueError("x"))),
        (OK, Watched(ASK, end=ProtocolError("x"))),
        (OK, Watched(*[ASK] * 9)),
        (OK, Watched(ASK, "rubbish", ASK)),
        (OK, Watched(Request("GET", "https://evil.example/"), ASK)),
        (reply(401), Watched(ASK, ASK)),
        (reply(500), Watched(ASK, ASK)),
        (hang_up, Watched(ASK, ASK)),
        (silence, Watched(ASK, ASK)),
    ],
    ids=["end", "raises", "raises ours", "too long", "wrong yield", "other host", "401", "500", "hung up", "deadline"],
)
async def test_the_exchange_is_closed_however_the_question_ends(patient, answer, watched):
    gc.disable()  # so that nothing but the engine closes it
    try:
        async with hostile(answer) as carrier:
            [result] = await asyncio.gather(
                patient.track(acme(watched.track, endpoint=carrier.url), QUERY), return_exceptions=True
            )
        assert watched.closed.is_set(), result
    finally:
        gc.enable()


async def test_the_exchange_is_closed_when_the_question_is_cancelled(fetcher):
    watched = Watched(ASK, ASK)
    async with hostile(silence) as carrier:
        question = asyncio.create_task(fetcher.track(acme(watched.track, endpoint=carrier.url), QUERY))
        await until(lambda: bool(carrier.requests))
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        await until(watched.closed.is_set)


async def test_an_exchange_that_raises_while_it_is_closed_does_no_harm(fetcher):
    def track(query):
        try:
            yield ASK
        finally:
            raise SystemExit("in the clean-up")

    async with hostile(reply(403)) as carrier:
        with pytest.raises(AuthRefused):
            await fetcher.track(acme(track, endpoint=carrier.url), QUERY)


async def test_an_exchange_that_refuses_to_be_closed_does_no_harm(fetcher):
    def track(query):
        try:
            yield ASK
        except GeneratorExit:
            yield ASK

    async with hostile(reply(403)) as carrier:
        with pytest.raises(AuthRefused):
            await fetcher.track(acme(track, endpoint=carrier.url), QUERY)


class Hanging:
    """A plugin whose code never comes back until the test ends."""

    def __init__(self):
        self.over = threading.Event()
        self.entered = 0

    def track(self, query):
        self.entered += 1
        self.over.wait(30)
        yield ASK
        return NotFound()


@pytest.fixture
def hanging():
    plugin = Hanging()
    yield plugin
    plugin.over.set()


@pytest.mark.fault(25)
async def test_a_plugin_that_hangs_does_not_hold_the_loop_and_ends_at_the_deadline(hasty, hanging):
    question = asyncio.create_task(hasty.track(acme(hanging.track), QUERY))
    turns = 0
    while not question.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert isinstance(question.exception(), CarrierUnavailable)
    assert turns >= 5  # the loop went on turning


@pytest.mark.fault(25)
async def test_a_plugin_that_hangs_takes_four_threads_at_most(hasty, hanging):
    account = acme(hanging.track)
    for _ in range(3):
        results = await asyncio.gather(*(hasty.track(account, QUERY) for _ in range(6)), return_exceptions=True)
        assert {type(result) for result in results} <= {CarrierUnavailable, PluginFailed}
    assert hanging.entered == 4


@pytest.mark.fault(25)
async def test_a_plugin_that_hangs_does_not_keep_another_carrier_from_answering(patient, hanging):
    async with hostile(OK) as carrier:
        account, other = acme(hanging.track), structs.replace(acme(asks(), endpoint=carrier.url), name="other")
        await asyncio.gather(*(patient.track(account, QUERY) for _ in range(6)), return_exceptions=True)
        assert isinstance(await patient.track(other, QUERY), Found)


async def test_a_plugin_that_comes_back_is_asked_again(patient, hanging, clock):
    async with hostile(OK) as carrier:
        account = acme(hanging.track, endpoint=carrier.url)
        await asyncio.gather(*(patient.track(account, QUERY) for _ in range(5)), return_exceptions=True)
        hanging.over.set()
        clock.advance(30)
        assert await patient.track(account, QUERY) == NotFound()


async def test_an_exchange_may_say_that_its_credential_has_expired(fetcher):
    def then(response):
        raise AuthExpired("told in a good answer")

    async with hostile(OK) as carrier:
        with pytest.raises(AuthRefused, match="a credential it has just given"):
            await fetcher.track(acme(asks(then=then), endpoint=carrier.url), QUERY)
    assert len(carrier.requests) == 2


@pytest.mark.parametrize("kind", [KeyError, ValueError, ProtocolError])
async def test_an_error_does_not_quote_what_was_asked_with(fetcher, kind):
    def track(query):
        raise kind(f"no row for {query.number} in {query.postcode}")
        yield

    query = structs.replace(QUERY, postcode="52062")
    with pytest.raises((PluginFailed, ProtocolError), match="no row for … in …") as caught:
        await fetcher.track(acme(track), query)
    told = f"{caught.value} {caught.value.message} {caught.value.args}"
    assert QUERY.number not in told
    assert "52062" not in told

"""Several numbers at once, registration and documents: over real HTTP, with the errors where they belong."""

import pytest
from msgspec import structs

from doorstep import (
    CarrierUnavailable,
    Document,
    Event,
    File,
    Found,
    NotFound,
    ProtocolError,
    Query,
    RateLimited,
    Request,
)
from doorstep.carrier import Carrier, NoSettings
from doorstep.errors import PluginFailed
from doorstep.fetch import Fetcher
from doorstep.manifest import Ability, Limit
from doorstep.metrics import Metrics
from doorstep.plugins import Account

from .acme import CODES, acme, asks, manifest_with, parcel, scan
from .servers import hostile, reply

pytestmark = pytest.mark.anyio
A, B, C = "100000001", "100000002", "100000003"


@pytest.fixture
async def fetcher(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics())
    yield fetcher
    await fetcher.aclose()


def able(carrier, url, *, batch=2, limits=(), **methods):
    """An account of a carrier with these exchanges, `name=function`."""
    manifest = manifest_with(batch=batch, limits=limits, can=tuple(Ability(name) for name in methods))
    cls = type("Able", (Carrier,), {name: lambda self, *given, do=do: do(*given) for name, do in methods.items()})
    return Account("acme", cls(manifest, CODES, NoSettings()), url, 1.0, "1")


def in_one_call(outcome):
    """Asks once with all numbers; `outcome(number, response)` is what each gets."""

    def exchange(queries):
        response = yield Request("POST", "/many", json=[query.number for query in queries], idempotent=True)
        return {query.number: outcome(query.number, response) for query in queries}

    return exchange


def queries(*numbers):
    return [Query(number) for number in numbers]


async def test_as_many_as_the_carrier_takes_go_in_one_call(fetcher):
    async with hostile(reply(200, b"{}"), reply(200, b"{}")) as carrier:
        account = able(Carrier, carrier.url, track_many=in_one_call(lambda number, _: Found((parcel(number),))))
        answers = await fetcher.track_many(account, queries(A, B, C, A))
    assert [request.body for request in carrier.requests] == [f'["{A}","{B}"]'.encode(), f'["{C}"]'.encode()]
    assert {number: answer.shipments[0].number for number, answer in answers.items()} == {A: A, B: B, C: C}
    assert answers[A].shipments[0].carrier == "acme", "taken in like any other answer"


async def test_one_number_s_error_is_its_own(fetcher):
    outcomes = {A: Found((parcel(A),)), B: RateLimited("quota"), C: NotFound("never heard of it")}
    async with hostile(reply(200, b"{}")) as carrier:
        account = able(Carrier, carrier.url, batch=3, track_many=in_one_call(lambda number, _: outcomes[number]))
        answers = await fetcher.track_many(account, queries(A, B, C))
    assert isinstance(answers[A], Found)
    assert isinstance(answers[B], RateLimited)
    assert answers[C] == NotFound("never heard of it")


async def test_a_number_that_the_carrier_leaves_out_is_an_error_and_no_not_found(fetcher):
    def forgetful(queries):
        yield Request("GET", "/many")
        return {A: Found((parcel(A),))}

    async with hostile(reply(200, b"{}")) as carrier:
        answers = await fetcher.track_many(able(Carrier, carrier.url, track_many=forgetful), queries(A, B))
    assert isinstance(answers[A], Found)
    assert isinstance(answers[B], ProtocolError)
    assert "left this number out" in answers[B].message


async def test_a_wrong_answer_for_one_number_does_not_cost_the_others_theirs(fetcher):
    outcomes = {A: Found((parcel(A),)), B: Found((structs.replace(parcel(B), service=17),)), C: "delivered"}
    async with hostile(reply(200, b"{}")) as carrier:
        account = able(Carrier, carrier.url, batch=3, track_many=in_one_call(lambda number, _: outcomes[number]))
        answers = await fetcher.track_many(account, queries(A, B, C))
    assert isinstance(answers[A], Found)
    assert isinstance(answers[B], PluginFailed)
    assert isinstance(answers[C], PluginFailed)


async def test_a_batch_that_fails_is_every_number_s_error_and_the_next_batch_is_asked(fetcher):
    async with hostile(reply(500), reply(500), reply(200, b"{}")) as carrier:
        account = able(Carrier, carrier.url, track_many=in_one_call(lambda number, _: Found((parcel(number),))))
        answers = await fetcher.track_many(account, queries(A, B, C))
    assert [type(answers[number]) for number in (A, B, C)] == [CarrierUnavailable, CarrierUnavailable, Found]


async def test_what_is_no_mapping_is_named(fetcher):
    def listed(queries):
        yield Request("GET", "/many")
        return [Found((parcel(A),))]

    async with hostile(reply(200, b"{}")) as carrier:
        answers = await fetcher.track_many(able(Carrier, carrier.url, track_many=listed), queries(A))
    assert "track_many() returned list: return a dict, by number" in str(answers[A])


async def test_a_carrier_that_takes_one_number_is_asked_one_by_one(fetcher):
    async with hostile(reply(200, b"{}"), reply(404), reply(200, b"{}")) as carrier:
        account = acme(
            asks(then=lambda r: NotFound() if r.status == 404 else Found((parcel(A),))), endpoint=carrier.url
        )
        answers = await fetcher.track_many(account, queries(A, B, C))
    assert [type(answers[number]) for number in (A, B, C)] == [Found, NotFound, Found]
    assert len(carrier.requests) == 3


async def test_one_by_one_an_error_is_the_number_s_own_too(fetcher):
    async with hostile(reply(403), reply(200, b"{}")) as carrier:
        answers = await fetcher.track_many(acme(asks(), endpoint=carrier.url), queries(A, B))
    assert answers[A].code == "auth_refused"
    assert isinstance(answers[B], Found)


async def test_unmapped_codes_of_a_batch_are_counted(fetcher):
    unknown = Event(scan().moment, None, code="?", mapped=False)
    async with hostile(reply(200, b"{}")) as carrier:
        account = able(
            Carrier, carrier.url, track_many=in_one_call(lambda number, _: Found((parcel(number, unknown),)))
        )
        await fetcher.track_many(account, queries(A, B))
    assert fetcher._metrics.unmapped_codes.labels("acme")._value.get() == 2


async def test_no_number_is_quoted_in_an_error(fetcher):
    def quoting(queries):
        yield Request("GET", "/many")
        raise ProtocolError(f"cannot read {A} and {B}")

    async with hostile(reply(200, b"{}")) as carrier:
        answers = await fetcher.track_many(able(Carrier, carrier.url, track_many=quoting), queries(A, B))
    assert answers[B].message == "cannot read … and …"


async def test_no_number_is_quoted_in_one_number_s_error(fetcher):
    outcome = in_one_call(lambda number, _: ProtocolError(f"cannot read {number} beside {A}"))
    async with hostile(reply(200, b"{}")) as carrier:
        answers = await fetcher.track_many(able(Carrier, carrier.url, track_many=outcome), queries(A, B))
    assert str(answers[B]) == "cannot read … beside …"


async def test_registration_tells_for_each_number_whether_it_is_watched(fetcher):
    outcomes = {A: None, B: RateLimited("quota"), C: "yes"}
    async with hostile(reply(200, b"{}"), reply(200, b"{}")) as carrier:
        account = able(Carrier, carrier.url, register=in_one_call(lambda number, _: outcomes[number]))
        results = await fetcher.register(account, queries(A, B, C))
    assert results[A] is None
    assert isinstance(results[B], RateLimited)
    assert "register() gave str" in str(results[C])


PDF = File("application/pdf", b"%PDF-1.4", "../proof of\x00delivery.pdf")


async def test_a_document_is_fetched_and_its_name_is_only_a_name(fetcher):
    def proof(query, document):
        yield Request("GET", f"/proof/{document.ref}")
        return PDF

    async with hostile(reply(200, b"%PDF-1.4")) as carrier:
        file = await fetcher.document(able(Carrier, carrier.url, document=proof), Query(A), Document("signature", "7"))
    assert (file.media_type, file.body) == ("application/pdf", b"%PDF-1.4")
    assert "/" not in file.name
    assert "\x00" not in file.name
    assert file.name.endswith("delivery.pdf")
    assert not file.name.startswith(".")


@pytest.mark.parametrize(
    "wrong", [None, b"%PDF", File("text/html\r\nx: y", b"x"), File("application/pdf", b""), File("a", b"x")]
)
async def test_what_is_no_document_is_named(fetcher, wrong):
    def proof(query, document):
        yield Request("GET", "/proof")
        return wrong

    async with hostile(reply(200, b"x")) as carrier:
        with pytest.raises(PluginFailed, match="returned no file"):
            await fetcher.document(able(Carrier, carrier.url, document=proof), Query(A), Document("photo", "7"))


async def test_a_document_that_is_not_there_is_not_found(fetcher):
    def proof(query, document):
        yield Request("GET", "/proof")
        return NotFound("no image")

    async with hostile(reply(404)) as carrier:
        account = able(Carrier, carrier.url, document=proof)
        assert await fetcher.document(account, Query(A), Document("photo", "7")) == NotFound("no image")


async def test_every_request_of_a_question_counts_against_the_limits(fetcher):
    def twice(query):
        yield Request("GET", "/one")
        yield Request("GET", "/two")
        return Found((parcel(query.number),))

    async with hostile(*[reply(200, b"{}")] * 4) as carrier:
        limits = (Limit(calls=4, seconds=4000), Limit(calls=100, seconds=1))
        account = acme(twice, endpoint=carrier.url, limits=limits)
        await fetcher.track(account, Query(A), stranger=False)
        await fetcher.track(account, Query(B), stranger=False)
        with pytest.raises(RateLimited, match="used up") as caught:
            await fetcher.track(account, Query(C), stranger=False)
    assert caught.value.retry_after == pytest.approx(1000)


async def test_a_limit_that_the_carrier_reports_inside_an_answer_is_obeyed(fetcher, clock):
    def limited(response):
        raise RateLimited("quota", retry_after=120)

    async with hostile(reply(200, b"{}"), reply(200, b"{}")) as carrier:
        account = acme(asks(then=limited), endpoint=carrier.url)
        with pytest.raises(RateLimited, match="quota"):
            await fetcher.track(account, Query(A))
        with pytest.raises(RateLimited, match="asked us to wait") as caught:
            await fetcher.track(account, Query(A))
    assert caught.value.retry_after == pytest.approx(120)
    assert len(carrier.requests) == 1

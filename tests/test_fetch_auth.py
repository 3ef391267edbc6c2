"""One login an account: kept, renewed a little early, asked once however many wait, begun anew once when it is refused."""

import asyncio
import json

import pytest
from msgspec import Struct

from doorstep import (
    AuthRefused,
    Basic,
    Credential,
    Found,
    HeaderKey,
    NoAuth,
    OAuthClientCredentials,
    ProtocolError,
    Query,
    Request,
    Secret,
)
from doorstep.errors import PluginFailed
from doorstep.fetch import Fetcher
from doorstep.metrics import Metrics
from doorstep.wire import Wire

from .acme import acme, asks
from .servers import hostile, reply

pytestmark = pytest.mark.anyio
QUERY = Query("123456789")
SECRET = "p&ss wörd+/=%"


@pytest.fixture
async def fetcher(clock):
    fetcher = Fetcher(clock=clock, metrics=Metrics(), deadline=5)
    yield fetcher
    await fetcher.aclose()


def oauth(**options):
    return lambda: OAuthClientCredentials("/token", "me", Secret(SECRET), **options)


class Tokens:
    """A server that gives `token-1`, `token-2`, … and takes those that `valid` says."""

    def __init__(self, valid=lambda number: True, expires_in=3600):
        self.given = 0
        self._valid = valid
        self._expires_in = expires_in

    def choose(self, seen):
        if seen.path == "/token":
            self.given += 1
            return reply(
                200, json.dumps({"access_token": f"token-{self.given}", "expires_in": self._expires_in}).encode()
            )
        number = int(seen.headers["authorization"].removeprefix("Bearer token-"))
        return reply(200 if self._valid(number) else 401)


def tracked(carrier):
    return [seen.headers["authorization"] for seen in carrier.requests if seen.path == "/track"]


async def test_a_login_is_kept_for_the_questions_that_follow(fetcher):
    tokens = Tokens()
    async with hostile(choose=tokens.choose) as carrier:
        account = acme(asks(), endpoint=carrier.url, auth=oauth())
        for _ in range(3):
            assert isinstance(await fetcher.track(account, QUERY), Found)
    assert tracked(carrier) == ["Bearer token-1"] * 3
    login = carrier.requests[0]
    assert (login.method, login.body) == ("POST", b"grant_type=client_credentials")
    # RFC 7617 over "me:p&ss wörd+/=%" in UTF-8, by `printf … | base64`.
    assert login.headers["authorization"] == "Basic bWU6cCZzcyB3w7ZyZCsvPSU="
    assert tokens.given == 1


async def test_twenty_questions_at_once_ask_for_one_login(fetcher):
    tokens = Tokens()
    async with hostile(choose=tokens.choose) as carrier:
        account = acme(asks(), endpoint=carrier.url, auth=oauth())
        answers = await asyncio.gather(*(fetcher.track(account, QUERY) for _ in range(20)))
    assert [type(answer) for answer in answers] == [Found] * 20
    assert tokens.given == 1


async def test_a_credential_is_renewed_when_nine_tenths_of_its_life_are_over(fetcher, clock):
    tokens = Tokens(expires_in="1000")  # as text, as UPS writes it
    async with hostile(choose=tokens.choose) as carrier:
        account = acme(asks(), endpoint=carrier.url, auth=oauth())
        for wait in (0, 899, 1, 899, 1):
            clock.advance(wait)
            await fetcher.track(account, QUERY)
    assert tracked(carrier) == [f"Bearer token-{n}" for n in (1, 1, 2, 2, 3)]


async def test_a_refused_credential_is_replaced_once_and_the_question_begun_anew(fetcher):
    tokens = Tokens(valid=lambda number: number == 2)
    async with hostile(choose=tokens.choose) as carrier:
        account = acme(asks(), endpoint=carrier.url, auth=oauth())
        assert isinstance(await fetcher.track(account, QUERY), Found)
    assert tracked(carrier) == ["Bearer token-1", "Bearer token-2"]


async def test_a_credential_that_is_refused_twice_is_the_end(fetcher):
    tokens = Tokens(valid=lambda number: False)
    async with hostile(choose=tokens.choose) as carrier:
        with pytest.raises(AuthRefused, match="a credential it has just given"):
            await fetcher.track(acme(asks(), endpoint=carrier.url, auth=oauth()), QUERY)
    assert (tokens.given, len(tracked(carrier))) == (2, 2)


async def test_ten_questions_with_a_refused_credential_ask_for_one_new_login(fetcher):
    tokens = Tokens(valid=lambda number: number > 1)
    async with hostile(choose=tokens.choose) as carrier:
        account = acme(asks(), endpoint=carrier.url, auth=oauth())
        answers = await asyncio.gather(*(fetcher.track(account, QUERY) for _ in range(10)))
    assert [type(answer) for answer in answers] == [Found] * 10
    assert tokens.given == 2


async def test_a_refused_login_names_the_settings_to_check(fetcher):
    async with hostile(reply(401)) as carrier:
        with pytest.raises(AuthRefused, match=r"credentials: .*HTTP 401.*check \[carriers.acme\]"):
            await fetcher.track(acme(asks(), endpoint=carrier.url, auth=oauth()), QUERY)
    assert [seen.path for seen in carrier.requests] == ["/token"]


async def test_a_login_that_failed_is_asked_again_next_time(fetcher):
    token = reply(200, b'{"access_token": "later", "expires_in": 60}')
    async with hostile(reply(403), token, reply()) as carrier:
        account = acme(asks(), endpoint=carrier.url, auth=oauth())
        with pytest.raises(AuthRefused):
            await fetcher.track(account, QUERY)
        assert isinstance(await fetcher.track(account, QUERY), Found)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"access_token": 17}', b'{"access_token": "x", "expires_in": "soon"}'])
async def test_a_login_whose_answer_makes_no_sense_is_a_protocol_error(fetcher, body):
    async with hostile(reply(200, body)) as carrier:
        with pytest.raises(ProtocolError):
            await fetcher.track(acme(asks(), endpoint=carrier.url, auth=oauth()), QUERY)


class Odd(NoAuth):
    def __init__(self, login):
        self.login = login


def gives(value):
    def login():
        return value
        yield

    return login


@pytest.mark.parametrize("value", [None, "token", Secret("token")])
async def test_a_login_must_return_a_credential(fetcher, value):
    with pytest.raises(PluginFailed, match=rf"login\(\) returned {type(value).__name__}: return a Credential"):
        await fetcher.track(acme(asks(), auth=lambda: Odd(gives(value))), QUERY)


@pytest.mark.parametrize("auth", [None, "key", Odd(None), Odd(lambda: Credential(Secret("x")))])
async def test_what_is_no_auth_is_the_plugins_failure(fetcher, auth):
    with pytest.raises(PluginFailed):
        await fetcher.track(acme(asks(), auth=lambda: auth), QUERY)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (lambda: HeaderKey("X-Acme", Secret(SECRET.replace("ö", "o"))), "x-acme", "p&ss word+/=%"),
        (lambda: Basic("me", Secret(SECRET)), "authorization", "Basic bWU6cCZzcyB3w7ZyZCsvPSU="),
    ],
    ids=["key", "basic"],
)
async def test_a_key_is_sent_with_each_request_and_no_login_is_asked(fetcher, auth, header, value):
    async with hostile(reply()) as carrier:
        await fetcher.track(acme(asks(), endpoint=carrier.url, auth=auth), QUERY)
    (seen,) = carrier.requests
    assert seen.headers[header] == value


def everything(carrier):
    """A token from a form, then a request with the secret in every place where a carrier may want it."""

    def track(query):
        headers = {"X-Acme-Key": SECRET.replace("ö", "o")}
        response = yield Request(
            "POST", "/x", params={"key": SECRET}, headers=headers, json={"password": 'say "' + SECRET + '"'}
        )
        response.expect(200)
        yield Request("POST", "/x", form={"secret": SECRET}, accept=(500,))
        raise ProtocolError("odd")

    return track


async def test_no_secret_is_in_the_wire_log_wherever_it_was_sent_or_came_from(fetcher):
    class Settings(Struct):
        user: str
        secret: Secret
        key: Secret

    token = "tok-" + "a1b2" * 20
    echo = json.dumps({"access_token": token, "expires_in": 60, "echo": SECRET}).encode()
    async with hostile(choose=lambda seen: reply(200, echo)) as carrier:
        settings = Settings("me", Secret(SECRET), Secret(SECRET.replace("ö", "o")))
        account = acme(everything(carrier), endpoint=carrier.url, settings=settings, auth=oauth(in_form=True))
        wire = Wire()
        with pytest.raises(ProtocolError):
            await fetcher.track(account, QUERY, wire=wire)
    log = "\n".join(wire.lines())
    assert len(carrier.requests) == 3
    assert "client_id=me" in log  # what is no secret stays readable
    for trace in (token, SECRET, "p%26ss", "p&ss", "w%C3%B6rd", "wörd", "w\\u00f6rd", "word+/=", "bWU6cCZz"):
        assert trace not in log


async def test_a_token_whose_login_failed_is_not_in_the_wire_log(fetcher):
    body = b'{"access_token": "tok-secret-1", "expires_in": "soon"}'
    async with hostile(reply(200, body)) as carrier:
        wire = Wire()
        with pytest.raises(ProtocolError):
            await fetcher.track(acme(asks(), endpoint=carrier.url, auth=oauth()), QUERY, wire=wire)
    assert "tok-secret-1" not in "\n".join(wire.lines())

"""Logging in and signing: pure exchanges, driven here by hand."""

from typing import Any

import pytest

from doorstep import (
    Auth,
    AuthRefused,
    Basic,
    Credential,
    HeaderKey,
    InJson,
    NoAuth,
    OAuthClientCredentials,
    ProtocolError,
    QueryKey,
    Request,
    Response,
    Secret,
    basic,
)

ASKED = Request("GET", "/track/1", headers={"Accept": "application/json"})


def log_in(auth: Auth, *responses: Response) -> tuple[list[Request], Credential]:
    """The requests of a login that is answered so, and the credential it ends with."""
    exchange, requests = auth.login(), []
    try:
        requests.append(next(exchange))
        for response in responses:
            requests.append(exchange.send(response))
    except StopIteration as end:
        return requests, end.value
    raise AssertionError("the login wants more answers")


def oauth(**options: Any) -> OAuthClientCredentials:
    return OAuthClientCredentials("/oauth/token", "shop", Secret("s3cret"), **options)


def token(body: bytes, status: int = 200) -> Response:
    return Response(status, {}, body)


def test_no_auth_asks_nothing_and_signs_nothing() -> None:
    requests, credential = log_in(NoAuth())
    assert requests == []
    assert NoAuth().sign(ASKED, credential) is ASKED


def test_a_header_key_goes_into_its_header() -> None:
    auth = HeaderKey("X-Api-Key", Secret("k3y"))
    requests, credential = log_in(auth)
    assert (requests, credential.expires_in) == ([], 0)
    assert auth.sign(ASKED, credential).headers == {"Accept": "application/json", "X-Api-Key": "k3y"}


def test_a_query_key_goes_among_the_parameters() -> None:
    auth = QueryKey("apikey", Secret("k3y"))
    requests, credential = log_in(auth)
    assert (requests, credential.expires_in) == ([], 0)
    assert auth.sign(Request("GET", "/x", params={"id": "1"}), credential).params == {"id": "1", "apikey": "k3y"}


def test_basic_is_written_as_rfc_7617_shows_it() -> None:
    # RFC 7617, section 2: user "Aladdin", password "open sesame"
    assert basic("Aladdin", Secret("open sesame")) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_basic_takes_utf_8_as_rfc_7617_shows_it() -> None:
    # RFC 7617, section 2.1: user "test", password "123£"
    assert basic("test", Secret("123£")) == "Basic dGVzdDoxMjPCow=="


def test_basic_signs_without_a_login() -> None:
    auth = Basic("Aladdin", Secret("open sesame"))
    requests, credential = log_in(auth)
    assert requests == []
    assert auth.sign(ASKED, credential).headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_client_credentials_are_asked_for_as_rfc_6749_says() -> None:
    (request,), _ = log_in(oauth(), token(b'{"access_token": "t"}'))
    assert (request.method, request.path, request.idempotent) == ("POST", "/oauth/token", True)
    assert request.form == {"grant_type": "client_credentials"}
    assert request.headers["Authorization"] == basic("shop", Secret("s3cret"))


def test_the_client_may_authenticate_in_the_form_instead() -> None:
    (request,), _ = log_in(oauth(in_form=True), token(b'{"access_token": "t"}'))
    assert request.form == {"grant_type": "client_credentials", "client_id": "shop", "client_secret": "s3cret"}
    assert "Authorization" not in request.headers


def test_further_fields_and_headers_are_sent() -> None:
    auth = oauth(form={"scope": "tracking"}, headers={"x-merchant-id": "7"})
    (request,), _ = log_in(auth, token(b'{"access_token": "t"}'))
    assert request.form is not None
    assert request.form["scope"] == "tracking"
    assert request.headers["x-merchant-id"] == "7"


@pytest.mark.parametrize(("written", "seconds"), [(b"14399", 14399), (b'"14399"', 14399), (b"1.5", 1.5)])
def test_the_tokens_life_is_read_as_number_or_text(written: bytes, seconds: float) -> None:
    _, credential = log_in(oauth(), token(b'{"access_token": "t", "expires_in": %s}' % written))
    assert credential == Credential(Secret("t"), seconds)


def test_a_token_that_names_no_life_is_taken_for_an_hour() -> None:
    _, credential = log_in(oauth(), token(b'{"access_token": "t"}'))
    assert credential.expires_in == 3600


@pytest.mark.parametrize(
    "response",
    [
        token(b'{"access_token": "t", "expires_in": "soon"}'),
        token(b'{"access_token": "t", "expires_in": null}'),
        token(b'{"access_token": 7}'),
        token(b'{"token": "t"}'),
        token(b"<html>"),
        token(b'{"error": "invalid_request"}', 400),
        token(b"[]", 400),
        token(b'{"access_token": "t"}', 404),
    ],
)
def test_an_answer_without_a_usable_token_is_a_protocol_error(response: Response) -> None:
    with pytest.raises(ProtocolError):
        log_in(oauth(), response)


def test_a_bearer_token_signs_and_the_request_stays_as_it_was() -> None:
    signed = oauth().sign(ASKED, Credential(Secret("t0ken")))
    assert signed.headers == {"Accept": "application/json", "Authorization": "Bearer t0ken"}
    assert "Authorization" not in ASKED.headers


def test_neither_credential_nor_auth_prints_its_secret() -> None:
    _, credential = log_in(oauth(), token(b'{"access_token": "t0ken"}'))
    assert "t0ken" not in repr(credential)
    assert "s3cret" not in repr(vars(oauth()))
    assert "QWxhZGRpbjpvcGVuIHNlc2FtZQ" not in repr(vars(Basic("Aladdin", Secret("open sesame"))))


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope"])
def test_a_refusal_with_status_400_is_told_as_one(error: str) -> None:
    with pytest.raises(AuthRefused, match=error):
        log_in(oauth(), token(f'{{"error": "{error}", "error_description": "no"}}'.encode(), 400))


def test_a_refusal_may_stand_in_a_list_of_errors() -> None:
    with pytest.raises(AuthRefused, match="Invalid client identifier"):
        log_in(oauth(), token(b'{"errors": [{"message": "Invalid client identifier", "type": "400"}]}', 400))
    with pytest.raises(ProtocolError):
        log_in(oauth(), token(b'{"errors": [{"message": "grant_type is missing", "type": "400"}]}', 400))


def test_credentials_in_the_body_are_added_to_its_object() -> None:
    members = {"ClientInfo": {"UserName": "shop", "Password": Secret("s3cret")}}
    auth = InJson(members)
    asked = Request("POST", "/track", json={"Shipments": ["1"]})
    signed = auth.sign(asked, log_in(auth)[1])
    assert signed.json == {"Shipments": ["1"], "ClientInfo": {"UserName": "shop", "Password": "s3cret"}}
    assert asked.json == {"Shipments": ["1"]}
    assert "s3cret" not in repr(vars(auth))

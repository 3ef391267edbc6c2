"""How a carrier knows who asks: small pure objects. The engine logs in, keeps the credential per account, signs requests.

An `Auth` has a login (an exchange of its own, that may ask nothing) and signs a request with the credential it gave. When
the carrier says that a credential has expired, the engine logs in again and restarts the carrier's exchange, once.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from .errors import AuthRefused, ProtocolError
from .exchange import Exchange, Request
from .secret import Secret


class Credential(Struct, frozen=True):
    """What a login gave. `expires_in` is in seconds; 0 means for good."""

    value: Secret
    expires_in: float = 0


class Auth(Protocol):
    """Implement these two where the ready ones do not fit. Both are pure."""

    def login(self) -> Exchange[Credential]:
        """Yields the requests of a login, returns the credential."""
        ...

    def sign(self, request: Request, credential: Credential) -> Request:
        """The request, with what proves who asks."""
        ...


class NoAuth:
    """Anybody may ask."""

    def login(self) -> Exchange[Credential]:
        return Credential(Secret(""))
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        return request


class HeaderKey:
    """A key in a header of each request."""

    def __init__(self, header: str, key: Secret) -> None:
        self._header = header
        self._key = key

    def login(self) -> Exchange[Credential]:
        return Credential(self._key)
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(headers={self._header: credential.value.reveal()})


class QueryKey:
    """A key among the query parameters of each request."""

    def __init__(self, parameter: str, key: Secret) -> None:
        self._parameter = parameter
        self._key = key

    def login(self) -> Exchange[Credential]:
        return Credential(self._key)
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(params={self._parameter: credential.value.reveal()})


class Basic:
    """HTTP Basic with a user and a password."""

    def __init__(self, user: str, password: Secret) -> None:
        self._credential = Credential(Secret(basic(user, password)))

    def login(self) -> Exchange[Credential]:
        return self._credential
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(headers={"Authorization": credential.value.reveal()})


class InJson:
    """Credentials as members of the JSON body of each request, without a login: `InJson({"ClientInfo": {…}})`. Secrets in it
    are revealed when a request is signed."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def login(self) -> Exchange[Credential]:
        return Credential(Secret(""))
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(json=_revealed(self._members))


def _revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return {name: _revealed(item) for name, item in value.items()} if isinstance(value, Mapping) else value


class _Token(Struct, frozen=True):
    access_token: str
    expires_in: float | str = 3600


# RFC 6749, 5.2, and what GLS writes in an error object of its own.
_REFUSED = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "Invalid client identifier"}
)


class OAuthClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749, 4.4). The client authenticates by HTTP Basic, or in the form.

    `path` is the token endpoint; `form` holds further form fields (a scope, say), `headers` further headers.
    """

    def __init__(
        self,
        path: str,
        client_id: str,
        client_secret: Secret,
        *,
        in_form: bool = False,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._client_id = client_id
        self._client_secret = client_secret
        self._in_form = in_form
        self._form = dict(form or {})
        self._headers = dict(headers or {})

    def login(self) -> Exchange[Credential]:
        form = {"grant_type": "client_credentials", **self._form}
        headers = {"Accept": "application/json", **self._headers}
        if self._in_form:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret.reveal()}
        else:
            headers["Authorization"] = basic(self._client_id, self._client_secret)
        request = Request("POST", self._path, headers=headers, form=form, idempotent=True)
        response = yield request
        if response.status == 400:
            refusal = response.tree()
            reason = refusal.text("error") or refusal.text("errors.message")
            if reason in _REFUSED:
                raise AuthRefused(f"the carrier refuses the account's credentials ({reason})")
        token = response.expect(200).json(_Token)
        try:
            expires_in = float(token.expires_in)  # UPS writes it as text
        except ValueError:
            raise ProtocolError(f"the token's expires_in is not a number: {token.expires_in!r}") from None
        return Credential(Secret(token.access_token), expires_in)

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(headers={"Authorization": f"Bearer {credential.value.reveal()}"})


def basic(user: str, password: Secret) -> str:
    """The value of an `Authorization` header for HTTP Basic."""
    return "Basic " + b64encode(f"{user}:{password.reveal()}".encode()).decode()

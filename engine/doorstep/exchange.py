"""What a carrier's pure function says and hears: requests out, responses in, an answer at the end. No I/O here."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, overload
from xml.etree.ElementTree import Element

import msgspec
from msgspec import Struct

from .errors import CarrierError, ProtocolError
from .models import Shipment
from .shapes import shaped
from .tree import Tree, from_xml

T = TypeVar("T")


class Request(Struct, frozen=True):
    """One HTTP request. `path` is below the carrier's endpoint (its manifest names it), or a whole https URL of a host
    that the manifest lists in `hosts`.

    At most one of `json`, `xml`, `form` and `body` is the body. 2xx, 400 and 404 come back to the plugin; 401, 403, 429,
    3xx and 5xx are handled by the engine unless listed in `accept` (a SOAP fault is a 500, for instance). A POST that only
    asks a question is `idempotent=True` and may be repeated after a lost connection.
    """

    method: str
    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    json: Any = None
    xml: Element | None = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    accept: tuple[int, ...] = ()
    idempotent: bool = False

    def __repr__(self) -> str:
        """Its method alone: signed, it has keys in whatever else it has, and numbers of parcels."""
        return f"Request({self.method!r})"

    def adding(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> "Request":
        """The same request with more headers, query parameters, or members of its JSON object."""
        return msgspec.structs.replace(
            self,
            headers={**self.headers, **(headers or {})},
            params={**self.params, **(params or {})},
            json={**(self.json or {}), **json} if json else self.json,
        )


class Response(Struct, frozen=True):
    """What the carrier sent: header names in lower case, the body decoded from its content encoding and bounded."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, type: type[T]) -> T: ...
    def json(self, type: Any = Any) -> Any:
        """The body as JSON, checked against `type` (a msgspec Struct, say). Raises ProtocolError."""
        try:
            return msgspec.json.decode(self.body, type=type)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"the answer (HTTP {self.status}) is not the JSON expected: {error}") from None

    def shaped(self, shape: type[T]) -> T:
        """The body as JSON in the shape of a Struct whose fields may all be None, with the tolerance of `tree`. Raises
        ProtocolError for what is no JSON, or a single value."""
        try:
            return shaped(self.body, shape)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"the answer (HTTP {self.status}) is not the JSON expected: {error}") from None

    def tree(self) -> Tree:
        """The body, JSON or XML, to be read by path. Raises ProtocolError for what is neither, or a single value."""
        body = self.body.lstrip()  # a blank in front of `<?xml` is what a strict parser refuses, and carriers send
        if body.startswith(b"<"):
            return from_xml(body)
        value = self.json()
        if not isinstance(value, dict | list):
            raise ProtocolError(f"the answer (HTTP {self.status}) is a single value")
        return Tree(value)

    def text(self) -> str:
        """The body as text, in the charset it names or UTF-8; what cannot be decoded is replaced."""
        charset = self.headers.get("content-type", "").partition("charset=")[2].strip(' "').partition(";")[0]
        try:
            return self.body.decode(charset or "utf-8", "replace")
        except (LookupError, ValueError):  # ValueError: codecs that read no such bytes, "idna" for one
            return self.body.decode("utf-8", "replace")

    def expect(self, *statuses: int) -> "Response":
        """Itself, if the status is one of these. Raises ProtocolError."""
        if self.status not in statuses:
            raise ProtocolError(f"the carrier answered HTTP {self.status}")
        return self


class Query(Struct, frozen=True):
    """What is asked of a carrier: the number as the carrier writes it, and what else is known. `number` is empty when
    `doorstep parse` reads a recorded answer: then every shipment in it is meant.

    `language` is the store's (BCP 47), never the shopper's, so that a language never multiplies calls. `postcode` and
    `shipped_on` (ISO date) are given for parcels of an order only. `carriers` are the slugs of those the number may belong to,
    best first, for aggregators that have to be told: the one that the order names, alone, else those it is recognised for.
    """

    number: str
    language: str = "en"
    postcode: str = ""
    shipped_on: str = ""
    carriers: tuple[str, ...] = ()


class Found(Struct, frozen=True, tag="found"):
    """The carrier knows the number: one shipment, or several under one number.

    An answer that is not `complete` has the latest scan only, as some carriers' batches do: it says that something changed,
    and never replaces an answer that is.
    """

    shipments: tuple[Shipment, ...]
    complete: bool = True


class NotFound(Struct, frozen=True, tag="not_found"):
    """The carrier says that it does not know the number. `detail` is its own words, for logs."""

    detail: str = ""


Answer = Found | NotFound
Answers = Mapping[str, Answer | CarrierError]  # by number; an error belongs to its number alone
Registrations = Mapping[str, CarrierError | None]  # by number; None: the carrier watches it from now on, or already did
Exchange = Generator[Request, Response, T]


def each_of(queries: Sequence[Query], answer: Callable[[Query], Answer]) -> Answers:
    """The answers of a batch, by number; what `answer` raises is the error of that number alone."""
    answers: dict[str, Answer | CarrierError] = {}
    for query in queries:
        try:
            answers[query.number] = answer(query)
        except CarrierError as error:
            answers[query.number] = error
    return answers


MOST_STEPS = 6  # requests that one exchange may take


def replay(exchange: Exchange[T], *responses: Response) -> T:
    """Plays an exchange through without a network. Each request is answered with the next response, and with the last one
    from then on. Raises what the exchange raises, and ProtocolError for one that takes too many steps."""
    try:
        next(exchange)
        for step in range(MOST_STEPS):
            exchange.send(responses[min(step, len(responses) - 1)])
    except StopIteration as end:
        outcome: T = end.value
        return outcome
    finally:
        exchange.close()
    raise ProtocolError(f"the exchange took more than {MOST_STEPS} steps")

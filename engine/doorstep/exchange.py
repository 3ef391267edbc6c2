"""What a carrier's pure function says and hears: requests out, responses in, an answer at the end. No I/O here."""

from collections.abc import Generator, Mapping
from typing import Any, TypeVar, overload
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct

from .errors import ProtocolError
from .models import Shipment

T = TypeVar("T")


class Request(Struct, frozen=True):
    """One HTTP request. `path` is below the carrier's endpoint (its manifest names it), or a whole https URL of a host
    that the manifest lists in `hosts`.

    At most one of `json`, `form` and `body` is the body. 2xx, 400 and 404 come back to the plugin; 401, 403, 429, 3xx and
    5xx are handled by the engine unless listed in `accept` (a SOAP fault is a 500, for instance). A POST that only asks a
    question is `idempotent=True` and may be repeated after a lost connection.
    """

    method: str
    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    json: Any = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    accept: tuple[int, ...] = ()
    idempotent: bool = False

    def adding(self, *, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None) -> "Request":
        """The same request with more headers or query parameters."""
        return msgspec.structs.replace(
            self, headers={**self.headers, **(headers or {})}, params={**self.params, **(params or {})}
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

    def xml(self) -> Element:
        """The body's root element, without DTDs, entities or external references. Raises ProtocolError."""
        try:
            root: Element = fromstring(self.body, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
            raise ProtocolError(f"the answer (HTTP {self.status}) is not the XML expected: {error}") from None
        return root

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
    """What is asked of a carrier: the number as the carrier writes it, and what else is known.

    `language` is the store's (BCP 47), never the shopper's, so that a language never multiplies calls. `postcode` and
    `shipped_on` (ISO date) are given for parcels of an order only.
    """

    number: str
    language: str = "en"
    postcode: str = ""
    shipped_on: str = ""


class Found(Struct, frozen=True, tag="found"):
    """The carrier knows the number: one shipment, or several under one number."""

    shipments: tuple[Shipment, ...]


class NotFound(Struct, frozen=True, tag="not_found"):
    """The carrier says that it does not know the number. `detail` is its own words, for logs."""

    detail: str = ""


Answer = Found | NotFound
Exchange = Generator[Request, Response, T]

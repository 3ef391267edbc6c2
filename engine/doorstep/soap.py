"""SOAP 1.1 for carriers that still speak it: calls are built from elements, answers are read by path.

Names are written as `{namespace}name`; what is read goes by the local name, because what carriers write in front of it changes
more often than the names do.
"""

from copy import deepcopy
from xml.etree.ElementTree import Element

import msgspec

from .errors import CarrierUnavailable, ProtocolError
from .exchange import Request, Response
from .tree import Tree

_NAMESPACE = "{http://schemas.xmlsoap.org/soap/envelope/}"


class SoapFault(ProtocolError):
    """The carrier answered with a fault: `fault_code` and `text` as it writes them, and the `detail`, which may be empty."""

    def __init__(self, fault_code: str, text: str, detail: Tree) -> None:
        super().__init__(f"the carrier answered with the SOAP fault {fault_code}: {text}")
        self.fault_code = fault_code
        self.text = text
        self.detail = detail


def element(name: str, *content: "Element | str") -> Element:
    """An element with these children and texts; what XML cannot hold is left out."""
    made = Element(name)
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        else:
            made.text = (made.text or "") + "".join(char for char in part if char.isprintable())
    return made


def call(path: str, body: Element, *, action: str = "", header: Element | None = None) -> Request:
    """A question by SOAP 1.1. It comes back to the plugin even as HTTP 500, which is how faults travel."""
    envelope = element(f"{_NAMESPACE}Envelope", element(f"{_NAMESPACE}Header"), element(f"{_NAMESPACE}Body", body))
    if header is not None:
        envelope[0].append(header)
    return Request("POST", path, headers={"SOAPAction": f'"{action}"'}, xml=envelope, accept=(500,), idempotent=True)


def with_header(request: Request, header: Element) -> Request:
    """The same call with one more header, or with more in front of what a header of that name holds: how a login's token
    is signed in. Raises ProtocolError for another request."""
    if request.xml is None or request.xml.tag != f"{_NAMESPACE}Envelope":
        raise ProtocolError("this is no SOAP call")
    envelope = deepcopy(request.xml)
    there = envelope[0].find(header.tag)
    if there is None:
        envelope[0].append(header)
    else:
        there[:] = [*header, *there]
    return msgspec.structs.replace(request, xml=envelope)


def answer(response: Response) -> Tree:
    """What stands in the envelope's body. Raises SoapFault; CarrierUnavailable for a server that fails (a fault of its own
    without detail, as SOAP 1.1 has it, or a 5xx without an envelope); ProtocolError for anything else."""
    try:
        body = response.tree().at("Body")
    except ProtocolError:
        body = Tree(None)
    first = next(((name, tree) for name, tree in body.items() if name[0] not in "@#"), None)
    if first is None:
        if response.status >= 500:
            raise CarrierUnavailable(f"the carrier's server fails (HTTP {response.status})")
        raise ProtocolError(f"the answer (HTTP {response.status}) is no SOAP envelope")
    name, content = first
    if name == "Fault":
        if content.text("faultcode").endswith("Server") and not content.at("detail"):
            raise CarrierUnavailable(f"the carrier's server fails: {content.text('faultstring')}")
        raise SoapFault(content.text("faultcode"), content.text("faultstring"), content.at("detail"))
    return content

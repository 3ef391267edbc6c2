"""The shape of DHL's answers, and what each part of it is in Doorstep's model. Any field may be missing."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from doorstep import Document, Moment, Place, Weight, Window, moments

# DHL writes some texts as numbers; bounded, because Python refuses to print a number of thousands of digits.
Text = str | Annotated[int, Meta(ge=0, le=2**63 - 1)] | None
_MIDNIGHT = re.compile(r"T00:00(:00)?([.,]0+)?(Z|[+-]00:?00)?$", re.ASCII)


def plain(value: Text) -> str:
    """The text without blanks around and double blanks inside; "" for nothing."""
    return " ".join(str(value).split()) if value is not None else ""


class _Shape(Struct, rename="camel"):
    pass


class Problem(_Shape):
    title: Text = None
    detail: Text = None
    status: Text = None


class Address(_Shape):
    country_code: Text = None
    postal_code: Text = None
    address_locality: Text = None


class Location(_Shape):
    address: Address | None = None

    def place(self) -> Place:
        address = self.address or Address()
        country = plain(address.country_code).upper()
        # Some divisions write "Musterweg 2, CITY" (a street is nobody's business), Express writes "CITY - COUNTRY".
        parts = plain(address.address_locality).split(",")
        city = ",".join([part for part in parts if not re.search(r"\d", part)] or parts[-1:]).strip()
        return Place(
            city=city.rpartition(" - ")[0] or city,
            postcode=plain(address.postal_code),
            country=country if re.fullmatch("[A-Z]{2}", country) else "",
        )


class Scan(_Shape):
    """An entry of `events`; the shipment's `status` has the same fields."""

    timestamp: Text = None
    location: Location | None = None
    status_code: Text = None
    status: Text = None
    description: Text = None
    piece_ids: list[Text] | None = None

    def text(self, code: str, *, naming: bool) -> str:
        """What DHL says about it. A `naming` description says who signed: it is left out."""
        status = plain(self.status)
        caption = "" if status == code and len(status) < 4 else status
        return caption if naming else plain(self.description) or caption


class TimeFrame(_Shape):
    estimated_from: Text = None
    estimated_through: Text = None


class Product(_Shape):
    product_name: Text = None


class Proof(_Shape):
    document_url: Text = None
    signature_url: Text = None


class Mass(_Shape):
    value: float | None = None
    unit_text: Text = None


class Details(_Shape):
    product: Product | None = None
    proof_of_delivery: Proof | None = None
    piece_ids: list[Text] | None = None
    weight: Mass | None = None

    def documents(self) -> tuple[Document, ...]:
        proof = self.proof_of_delivery or Proof()
        urls = {"proof_of_delivery": plain(proof.document_url), "signature": plain(proof.signature_url)}
        return tuple(Document(kind, url) for kind, url in urls.items() if url.startswith("https://"))

    def mass(self) -> Weight | None:
        mass = self.weight or Mass()
        unit = {"kg": "kg", "lb": "lb", "lbs": "lb"}.get(plain(mass.unit_text).lower())
        return Weight(mass.value, unit) if unit and mass.value and mass.value > 0 else None


class Tracked(_Shape):
    id: Text = None
    service: Text = None
    origin: Location | None = None
    destination: Location | None = None
    status: Scan | None = None
    events: list[Scan] | None = None
    details: Details | None = None
    estimated_time_of_delivery: Text = None
    estimated_delivery_time_frame: TimeFrame | None = None

    def bears(self, number: str) -> bool:
        """Whether it goes by this number, itself or by a piece. An id sent as a JSON number has lost its zeros in front."""
        pieces = (self.details.piece_ids if self.details else None) or []
        return number.lstrip("0") in {plain(one).replace(" ", "").upper().lstrip("0") for one in (self.id, *pieces)}

    def window(self, country: str) -> Window | None:
        """When it is expected, at the destination: the frame, else until the time (or the end of the day) given."""
        frame = self.estimated_delivery_time_frame or TimeFrame()
        start = _expected(plain(frame.estimated_from), country)
        end = _expected(plain(frame.estimated_through), country)
        if start is None and end is None:
            # DHL writes a day as its midnight: "by 20 November, 0:00" would be a day early.
            end = _expected(_MIDNIGHT.sub("", plain(self.estimated_time_of_delivery)), country)
        return Window(start, end) if start or end else None


class Shipments(_Shape):
    shipments: list[Tracked]


def _expected(text: str, country: str) -> Moment | None:
    moment = moments.iso(text, country=country)
    return moment if moment.local or moment.instant else None

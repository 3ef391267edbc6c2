"""OnTrac: parcels in the United States, by the tracking service of its web services (V2)."""

from collections.abc import Sequence
from urllib.parse import quote

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Carrier, CarrierSettings, Credential, Event, Exchange, Found, Moment, NotFound,
    Place, Precision, ProtocolError, Query, Request, Secret, Shipment, Status, Tree, Window, each_of, moments, registers,
)  # fmt: skip

# What an error says, in words: OnTrac's list of errors was in no source.
REFUSED = ("password", "account", "login", "credential", "authoriz", "authentic")
UNKNOWN_NUMBER = ("not found", "not exist", "no record", "no data", "no shipment", "no tracking", "invalid tracking")


class Settings(CarrierSettings, frozen=True):
    account: str
    password: Secret


class QueryPassword:
    """No login: the password is a parameter of each question."""

    def __init__(self, password: Secret) -> None:
        self._password = password

    def login(self) -> Exchange[Credential]:
        return Credential(self._password)
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(params={"pw": credential.value.reveal()})


class OnTrac(Carrier[Settings]):
    def auth(self) -> Auth:
        return QueryPassword(self.settings.password)

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from self._asked([query])), query.number)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        shipments = yield from self._asked(queries)
        return each_of(queries, lambda query: self._answer(shipments, query.number))

    def _asked(self, queries: Sequence[Query]) -> Exchange[list[Tree]]:
        params = {"tn": ",".join(query.number for query in queries), "requestType": "track"}
        path = f"/{quote(self.settings.account, safe='')}/shipments"
        response = yield Request("GET", path, params=params, headers={"Accept": "application/xml"})
        result = response.expect(200, 400, 404).tree()
        said = result.text("Error")
        if not said:
            result.expect("Shipments")
        elif not _is_about_the_number(said):
            if any(word in said.lower() for word in REFUSED):
                raise AuthRefused(f"OnTrac: {said}", next_step="check [carriers.ontrac]")
            raise ProtocolError(f"OnTrac does not answer: {said}")
        return result.each("Shipments.Shipment")

    def _answer(self, shipments: list[Tree], number: str) -> Answer:
        own = [one for one in shipments if number in ("", one.text("Tracking").upper())]
        known = [one for one in own if one.text("Tracking") and not one.text("Error")]
        if known:
            return Found(tuple(map(self._shipment, known)))
        said = "; ".join(filter(None, (one.text("Error") for one in own)))
        if said and not _is_about_the_number(said):
            raise ProtocolError(f"OnTrac does not tell of this number: {said}")
        return NotFound(said or "no shipment has this number")

    def _shipment(self, parcel: Tree) -> Shipment:
        expected = moments.iso(parcel.text("Exp_Del_Date").removesuffix("T00:00:00"))
        day = expected if expected.precision is Precision.DAY else None
        return Shipment(
            number=parcel.text("Tracking"),
            events=self._events(parcel),
            window=Window(day, expected) if expected.local else None,
            language="en",
        )

    def _events(self, parcel: Tree) -> tuple[Event, ...]:
        """The scans, newest first whichever way they are listed: their wall clocks are a few hours apart at most."""
        delivered, listed = parcel.is_true("Delivered"), parcel.each("Events.Event")
        clocks = [moments.iso(scan.text("EventTime")).local for scan in listed]
        known = [clock for clock in clocks if clock]
        if known and known[0] < known[-1]:
            listed.reverse()
        # Whether it is delivered tells of now: it can stand in for an unknown status of the newest scan only.
        coarse = [Status.DELIVERED if delivered else None, *[None] * len(listed)]
        if delivered and not listed:
            return (Event(Moment(""), Status.DELIVERED, code="Delivered", mapped=False),)
        return tuple(map(self._event, listed, coarse))

    def _event(self, scan: Tree, coarse: Status | None) -> Event:
        code, city, region, postcode, facility = map(scan.text, ("Status", "City", "State", "Zip", "Facility"))
        meaning = self.codes.read((code.upper(),), coarse=coarse)
        place = Place(city, region, postcode, "US", facility)
        return meaning.event(moments.iso(scan.text("EventTime")), code=code, text=scan.text("Description"), place=place)


def _is_about_the_number(said: str) -> bool:
    return any(words in said.lower() for words in UNKNOWN_NUMBER)


register_carriers = registers(OnTrac)

"""bpost: letters and parcels of the Belgian post, by the Tracked Mail service of its Shipping Manager."""

from urllib.parse import quote

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Auth, Basic, Carrier, CarrierSettings, CarrierUnavailable, Event, Exchange, Found, Meaning, NotFound,
    PickupPoint, Place, ProtocolError, Query, Request, Response, Secret, Shipment, Tree, Weight, countries, moments,
    registers,
)  # fmt: skip


class Settings(CarrierSettings, frozen=True):
    account_id: str
    passphrase: Secret


class Bpost(Carrier[Settings]):
    def auth(self) -> Auth:
        return Basic(self.settings.account_id, self.settings.passphrase)

    def track(self, query: Query) -> Exchange[Answer]:
        path = f"/services/trackedmail/item/{quote(query.number, safe='')}/trackingInfo"
        response = yield Request("GET", path, headers={"Accept": "application/xml"})
        items = _items(response.expect(200, 404))
        own = [item for item in items if query.number in ("", _code(item) or query.number)]
        if items and not own:
            raise ProtocolError("bpost answered about another item")
        return Found(tuple(self._shipment(item, query.number) for item in own)) if own else NotFound()

    def _shipment(self, item: Tree, asked: str) -> Shipment:
        grams = item.number("itemDetail.weightInGrams") or 0.0
        states = [self._event(state) for state in item.each("stateInfo")]
        return Shipment(
            number=_code(item) or asked,
            events=tuple(event for event in states if event.code or event.text),
            origin=_place(item.at("sender.address"), item.text("cityOrCountryOfdeparture")),
            destination=_place(item.at("addressee.address"), item.text("cityOrCountryOfDestination")),
            pickup_point=_pickup_point(item.at("pickupPoint")),
            weight=Weight(grams / 1000) if grams > 0 else None,
            language="en",
        )

    def _event(self, state: Tree) -> Event:
        code, text = state.text("stateCode"), state.text("stateDescription")
        moment = moments.iso(state.text("time"))
        return self._meaning(code.upper(), text).event(moment, code=code, text=text)

    def _meaning(self, code: str, text: str) -> Meaning:
        """By the code, else by the state's name ("BoundToRound - out_for_distribution"); then by what the words say beyond."""
        named = self.codes.find("state", text.partition(" ")[0].lower())
        found = self.codes.read(("stateCode", code), coarse=named.status if named else None)
        finer = self.codes.said(found.status or "", "".join(filter(str.isalpha, text)))
        return structs.replace(finer[0], mapped=found.mapped) if finer else found


def _items(response: Response) -> list[Tree]:
    """The items of an answer, which has one as its root or several below it; none where bpost does not know the number."""
    if b"systemException" in response.body:
        raise CarrierUnavailable("bpost says that it has an error of its own")
    if response.status == 404 and not response.body.strip():
        return []
    answer = response.tree()
    items = answer.each("itemTracking") or ([answer] if answer.at("itemCode") or answer.at("stateInfo") else [])
    if not items and b"schema.post.be" not in response.body:
        raise ProtocolError(f"HTTP {response.status} with neither an item nor a word of bpost's")
    return items


def _code(item: Tree) -> str:
    return item.text("itemCode").replace(" ", "").upper()


def _place(address: Tree, line: str) -> Place:
    """`line` is a city at home and a country otherwise."""
    country = countries.alpha2(address.text("countryCode"))
    place = Place(address.text("city"), postcode=address.text("postalCode"), country=country)
    if place != Place():
        return place
    country = countries.named(line)
    return Place(country=country) if country else Place(line)


def _pickup_point(point: Tree) -> PickupPoint | None:
    street = f"{point.text('streetName')} {point.text('houseNumber')}".strip()
    place = Place(point.text("city"), postcode=point.text("postalCode"))
    found = PickupPoint(point.text("name"), street, place, code=point.text("id"))
    return found if found != PickupPoint() else None


register_carriers = registers(Bpost)

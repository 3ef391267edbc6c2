"""Acme, by its tracking API."""

from doorstep import (
    Answer,
    Auth,
    Carrier,
    CarrierSettings,
    Event,
    Exchange,
    Found,
    HeaderKey,
    NotFound,
    Place,
    Query,
    Request,
    Secret,
    Shipment,
    Tree,
    moments,
    registers,
)


class Settings(CarrierSettings, frozen=True):
    key: Secret


class AcmeCarrier(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("X-Key", self.settings.key)

    def track(self, query: Query) -> Exchange[Answer]:
        response = yield Request("GET", f"/parcels/{query.number}", params={"language": query.language})
        if response.status == 404:
            return NotFound()
        parcel = response.expect(200).tree()
        events = tuple(self._event(scan) for scan in parcel.expect("scans").each())
        return Found((Shipment(parcel.text("number"), events, service=parcel.text("product")),))

    def _event(self, scan: Tree) -> Event:
        code = scan.text("code")
        moment = moments.iso(scan.text("at"), country="NL")
        place = Place(city=scan.text("town"), country="NL")
        return self.codes.read((code,)).event(moment, code=code, text=scan.text("words"), place=place)


register_carriers = registers(AcmeCarrier)

"""DPD: parcels by the group's SOAP services (login, parcel life cycle), as DPD Netherlands and Belgium offer them."""

import re
from html import unescape

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Auth, AuthExpired, Carrier, CarrierSettings, Credential, Event, Exchange, Flag, Found, Moment, NotFound,
    Place, ProtocolError, Query, Request, Response, Secret, Shipment, Status, Tree, moments, registers, soap,
)  # fmt: skip

_ACTIONS = "http://dpd.com/common/service"
_TYPES = f"{_ACTIONS}/types"
_AUTHENTICATION = f"{{{_TYPES}/Authentication/2.0}}authentication"
_NO_SUCH_PARCEL = re.compile(r"\bparcel\b.*\bnot (found|exist)|\bunknown parcel\b", re.IGNORECASE)
# Month first, and AM or PM: without either, nobody can tell which of the two numbers is the month.
_AMERICAN = re.compile(r"(?i)(1[0-2]|0?[1-9])/([0-9]{1,2})/(20[0-9]{2}) (1[0-2]|0?[1-9])((?::[0-9]{2}){1,2}) ?([AP])M")
_PLACE = re.compile(r"(.*?) ?\(([A-Z]{2})\)")  # other words in brackets belong to the city
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")


class Settings(CarrierSettings, frozen=True):
    delis_id: str
    password: Secret


class DelisLogin:
    """A login by DELIS id and password; its token goes into a header of the envelope."""

    def __init__(self, settings: Settings) -> None:
        self._delis_id = soap.element("delisId", settings.delis_id)
        self._password = settings.password

    def login(self) -> Exchange[Credential]:
        password = soap.element("password", self._password.reveal())
        language = soap.element("messageLanguage", "en_EN")
        asked = soap.element(f"{{{_TYPES}/LoginService/2.1}}getAuth", self._delis_id, password, language)
        response = yield soap.call("/services/LoginService/V2_1/", asked, action=f"{_ACTIONS}/LoginService/2.1/getAuth")
        token = _answered(response).text("return.authToken")
        if not token:
            raise ProtocolError("DPD's answer to the login holds no authToken")
        return Credential(Secret(token), 24 * 60 * 60)  # roughly; one that ends earlier is renewed when DPD refuses it

    def sign(self, request: Request, credential: Credential) -> Request:
        token = soap.element("authToken", credential.value.reveal())
        return soap.with_header(request, soap.element(_AUTHENTICATION, self._delis_id, token))


class DPD(Carrier[Settings]):
    def auth(self) -> Auth:
        return DelisLogin(self.settings)

    def track(self, query: Query) -> Exchange[Answer]:
        number = soap.element("parcelLabelNumber", _label_number(query.number))
        asked = soap.element(f"{{{_TYPES}/ParcelLifeCycleService/2.0}}getTrackingData", number)
        action = f"{_ACTIONS}/ParcelLifeCycleService/2.0/getTrackingData"
        header = soap.element(_AUTHENTICATION, soap.element("messageLanguage", _message_language(query.language)))
        response = yield soap.call("/services/ParcelLifeCycleService/V2_0/", asked, action=action, header=header)
        try:
            results = _answered(response).expect("trackingresult").each()
        except soap.SoapFault as fault:
            if _NO_SUCH_PARCEL.search(fault.text):
                return NotFound(fault.text)
            raise
        shipments = [self._shipment(result, query.number) for result in results]
        known = tuple(shipment for shipment in shipments if shipment.events or shipment.service)
        return Found(known) if known else NotFound("no stage was reached, and no service is named")

    def _shipment(self, result: Tree, number: str) -> Shipment:
        listed = [stage for stage in result.each("statusInfo") if _is_reached(stage)]
        codes = {stage.text("status") for stage in listed}
        announced = [one for one in result.each("shipmentInfo") if _is_reached(one) and one.text("status") not in codes]
        waited = any(self.codes.read((code,)).status is Status.AVAILABLE_FOR_PICKUP for code in codes)
        oldest_first = *announced, *listed  # as DPD lists them in the recorded answer
        events = tuple(self._event(stage, waited) for stage in reversed(oldest_first))
        return Shipment(number, events, service=_words(result, "shipmentInfo.serviceDescription.content"))

    def _event(self, stage: Tree, waited: bool) -> Event:
        code, label, text = stage.text("status"), _words(stage, "label"), _words(stage, "description.content")
        place = _place(_words(stage, "location"))
        moment = _moment(_words(stage, "date"), place.country)
        meaning = self.codes.read((code,))
        # Delivered at a "Pickup" point, as DPD calls its shops in any language: brought there, or fetched from there.
        in_shop = meaning.status is Status.DELIVERED and not waited and "pickup" in f"{label} {text}".lower()
        flags = (Flag.PICKUP_POINT,) if in_shop else ()
        return meaning.event(moment, code=code, text=text or label, place=place, flags=flags)


def _answered(response: Response) -> Tree:
    """What stands in the envelope. Around each of its faults DPD writes "soap:Server"; the detail says what it is.
    Raises AuthExpired when it is about the login, SoapFault for any other."""
    try:
        return soap.answer(response)
    except soap.SoapFault as fault:
        entries = [fault.detail, *(entry for _, entry in fault.detail.items())]
        told = {name: part.text() for entry in entries for name, part in entry.items()}
        code = told.get("errorCode") or told.get("faultCode") or fault.fault_code.rpartition(":")[2]
        text = told.get("errorMessage") or told.get("message") or fault.text
        if "authenticationFault" in told or code == "DELICOM_ERR_AUTHENTICATION" or code.startswith("LOGIN_"):
            raise AuthExpired(f"DPD does not accept the login ({code}: {text})") from None
        raise soap.SoapFault(code, text, fault.detail) from None


def _is_reached(stage: Tree) -> bool:
    """Whether a parcel got there: DPD lists the stages to come as well. Where nothing is said, a date says it."""
    said = stage.text("statusHasBeenReached").lower()
    return said in ("true", "1") if said else _words(stage, "date") != ""


def _words(block: Tree, path: str) -> str:
    """What the lines at the path say, without HTML. DPD wraps a text in `content`, beside its looks."""
    text = " ".join(line.text("content") or line.text() for line in block.each(path))
    plain = _MARKUP.sub(" ", unescape(text)) if "<" in text or "&" in text else text
    return " ".join(plain.split())


def _moment(text: str, country: str) -> Moment:
    """By the clock of the place. What is neither surely American nor ISO 8601 stays a text."""
    american = _AMERICAN.fullmatch(text)
    if american is None:
        return moments.iso(text, country=country)
    month, day, year, hour, minute, half = american.groups()
    hour = int(hour) % 12 + (12 if half in "Pp" else 0)
    iso = f"{year}-{month:>02}-{day:>02}T{hour:02}{minute}"
    return structs.replace(moments.iso(iso, country=country), raw=text)


def _place(text: str) -> Place:
    match = _PLACE.fullmatch(text)
    return Place(city=match[1], country=match[2]) if match else Place(city=text)


def _label_number(number: str) -> str:
    """The 14 digits DPD wants: from them and their check character (15), or from a label's barcode, which has 7
    characters of postcode before them and service, country and a check character (not in the symbol itself) behind."""
    if len(number) in (27, 28):
        return number[7:21]
    return number[:14] if len(number) == 15 else number


def _message_language(language: str) -> str:
    """A language as DPD writes it: "de_DE" for any German, "en_EN" where there is none of two letters."""
    name = re.split("[-_]", language)[0]
    return f"{name}_{name.upper()}" if len(name) == 2 else "en_EN"


register_carriers = registers(DPD)

"""How carriers show that a push is theirs: made here from what they document, and not by what the plugins use."""

import base64
import hmac
from hashlib import sha256
from typing import Any, TypeVar
from unicodedata import normalize

import pytest

from doorstep import Carrier, Incoming, Query, Response, Secret, Verdict
from doorstep.intake import take_in_pushed
from doorstep.packages import installed
from doorstep_aftership import AfterShip
from doorstep_aftership import Settings as AfterShipSettings
from doorstep_bring import Bring
from doorstep_bring import Settings as BringSettings
from doorstep_easypost import EasyPost
from doorstep_easypost import Settings as EasyPostSettings
from doorstep_ship24 import Settings as Ship24Settings
from doorstep_ship24 import Ship24
from doorstep_shippo import Settings as ShippoSettings
from doorstep_shippo import Shippo

C = TypeVar("C", bound=Carrier[Any])
KEY, OLD, NEW = Secret("a-key"), Secret("an-old-secret"), Secret("a-new-secret")
BOTH = (NEW, OLD)


def carrier_of(cls: type[C], settings: Any) -> C:
    package = next(one for one in installed() if one.module == f"doorstep_{cls.__name__.lower()}")
    return cls(package.manifests()[0], package.codes(), settings)


def verdict(carrier: Carrier[Any], body: bytes = b"{}", query: dict[str, str] | None = None, **headers: str) -> Verdict:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return carrier.verify(Incoming(named, body, query or {}))


def in_hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def in_base64(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()


@pytest.mark.parametrize("secret", BOTH)
class TestBothSecretsAreHeardWhileOneIsChangedForTheOther:
    def test_aftership(self, secret: Secret) -> None:
        carrier = carrier_of(AfterShip, AfterShipSettings(KEY, push_secret=BOTH))
        signature = in_base64(secret.reveal(), b"{}")
        assert verdict(carrier, aftership_hmac_sha256=signature) is Verdict.GENUINE
        assert verdict(carrier, b"{ }", aftership_hmac_sha256=signature) is Verdict.REFUSED

    def test_easypost(self, secret: Secret) -> None:
        carrier = carrier_of(EasyPost, EasyPostSettings(KEY, push_secret=BOTH))
        signature = in_hex(secret.reveal(), b"{}")
        assert verdict(carrier, x_hmac_signature=f"hmac-sha256-hex={signature}") is Verdict.GENUINE
        for other in (signature, f"hmac-sha1-hex={signature}", f"hmac-sha256-hex=={signature}", "hmac-sha256-hex="):
            assert verdict(carrier, x_hmac_signature=other) is Verdict.REFUSED

    def test_ship24(self, secret: Secret) -> None:
        carrier = carrier_of(Ship24, Ship24Settings(KEY, push_secret=BOTH))
        assert verdict(carrier, authorization=f"Bearer {secret.reveal()}") is Verdict.GENUINE
        assert verdict(carrier, authorization=f"Basic {secret.reveal()}") is Verdict.REFUSED

    def test_bring(self, secret: Secret) -> None:
        carrier = carrier_of(Bring, BringSettings("user", KEY, "https://shop.example", push_secret=BOTH))
        assert verdict(carrier, x_push_secret=secret.reveal()) is Verdict.GENUINE
        own = BringSettings("user", KEY, "https://shop.example", push_header="X-Fjord", push_secret=BOTH)
        assert verdict(carrier_of(Bring, own), x_fjord=secret.reveal()) is Verdict.GENUINE
        assert verdict(carrier_of(Bring, own), x_push_secret=secret.reveal()) is Verdict.REFUSED

    def test_shippo(self, secret: Secret) -> None:
        carrier = carrier_of(Shippo, ShippoSettings(KEY, push_secret=BOTH))
        assert verdict(carrier, query={"secret": secret.reveal()}) is Verdict.GENUINE
        assert verdict(carrier, x_signature=in_hex(secret.reveal(), b"{}")) is Verdict.REFUSED
        signing = carrier_of(Shippo, ShippoSettings(KEY, push_header="X-Signature", push_secret=BOTH))
        assert verdict(signing, query={"secret": secret.reveal()}) is Verdict.REFUSED, "who signs has to"
        for signature in (in_hex(secret.reveal(), b"{}"), in_base64(secret.reveal(), b"{}")):
            assert verdict(signing, x_signature=signature) is Verdict.GENUINE
            assert verdict(signing, b"{ }", x_signature=signature) is Verdict.REFUSED


def test_a_signature_covers_the_body_as_it_came() -> None:
    # Read and written again, 1.0 becomes 1 elsewhere, and the blanks go.
    body = b'{"id": "evt_1", "result": {"tracking_code": "EZ6000482013", "weight": 1.0, "note": "\\u00e9"}}'
    easypost = carrier_of(EasyPost, EasyPostSettings(KEY, push_secret=(NEW,)))
    assert (
        verdict(easypost, body, x_hmac_signature="hmac-sha256-hex=" + in_hex("a-new-secret", body)) is Verdict.GENUINE
    )
    again = body.replace(b"1.0", b"1")
    assert (
        verdict(easypost, again, x_hmac_signature="hmac-sha256-hex=" + in_hex("a-new-secret", body)) is Verdict.REFUSED
    )
    aftership = carrier_of(AfterShip, AfterShipSettings(KEY, push_secret=(NEW,)))
    assert verdict(aftership, body, aftership_hmac_sha256=in_base64("a-new-secret", body)) is Verdict.GENUINE
    assert verdict(aftership, again, aftership_hmac_sha256=in_base64("a-new-secret", body)) is Verdict.REFUSED


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_secret_of_easypost_is_one_however_its_letters_are_written(form: str) -> None:
    written = normalize(form, "clé-Å-ﬁ")  # NFKD also takes the ligature apart
    easypost = carrier_of(EasyPost, EasyPostSettings(KEY, push_secret=(Secret(written),)))
    signature = in_hex("cle\u0301-A\u030a-fi", b"{}")
    assert verdict(easypost, x_hmac_signature=f"hmac-sha256-hex={signature}") is Verdict.GENUINE


def test_a_push_that_names_nothing_is_of_no_concern() -> None:
    aftership = carrier_of(AfterShip, AfterShipSettings(KEY, push_secret=(NEW,)))
    easypost = carrier_of(EasyPost, EasyPostSettings(KEY, push_secret=(NEW,)))
    bring = carrier_of(Bring, BringSettings("user", KEY, "https://shop.example", push_secret=(NEW,)))
    shippo = carrier_of(Shippo, ShippoSettings(KEY, push_secret=(NEW,)))
    for carrier in (aftership, easypost, bring, shippo):
        assert take_in_pushed(carrier.push(Incoming({}, b'{"event": "test"}'))).numbers == ()


def test_easypost_names_its_event_so_that_it_counts_once() -> None:
    easypost = carrier_of(EasyPost, EasyPostSettings(KEY, push_secret=(NEW,)))
    event = b'{"id": "evt_1", "pending_urls": ["%s"], "result": {"tracking_code": "EZ6000482013"}}'
    first, again = (easypost.push(Incoming({}, event % url)) for url in (b"a", b"b"))
    assert first == again


class TestShippoIsToldWhatToPush:
    def asked(self, settings: ShippoSettings, query: Query) -> tuple[Any, Any]:
        exchange = carrier_of(Shippo, settings).register([query])
        request = None
        try:
            request = next(exchange)
            exchange.send(Response(201, {}, b"{}"))
        except StopIteration as end:
            return request, end.value
        raise AssertionError("it asks for more")

    def test_of_a_carrier_that_is_certain(self) -> None:
        told = ShippoSettings(KEY, courier="usps", push_secret=(NEW,))
        request, results = self.asked(told, Query("1Z12345E0291980793", carriers=("ups",)))
        assert (request.method, request.path) == ("POST", "/tracks/")
        assert request.json == {"carrier": "ups", "tracking_number": "1Z12345E0291980793"}
        assert results == {"1Z12345E0291980793": None}
        assert self.asked(told, Query("9400111899224820193377"))[0].json["carrier"] == "usps"

    def test_and_of_no_other(self) -> None:
        told = ShippoSettings(KEY, push_secret=(NEW,))
        for query in (Query("7301649283", carriers=("dhl",)), Query("7301649283"), Query("1", carriers=("gls",))):
            request, results = self.asked(told, query)
            assert request is None
            assert "not certain which" in results[query.number].message

    def test_of_nothing_where_no_push_is_heard(self) -> None:
        assert self.asked(ShippoSettings(KEY), Query("1", carriers=("ups",))) == (None, {"1": None})

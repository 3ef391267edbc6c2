"""Input that is no text: NUL and other controls in every form, address, header and document are refused or cleaned, on each
database, and no server error."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest

from doorstep.keys import SCOPES, Keys

from .hostile import NUMBERS, Hostile, trading
from .shopfront import parsed
from .test_hostile_fields import OUTPUTS, filled_in

ODD = ["a\x00b", "\x00", "\x00@\x00.example", "\x1b\x7f\x80", "\ufffe\uffff", "\U0010ffff" * 3, "\u0000" * 70]
PAGES = ("delivered", "order", "order that arrived", "messages", "looking up")


@pytest.fixture
def odd(tmp_path: Any, empty_url: str) -> Iterator[Hostile]:
    with trading(tmp_path, ("calm", "control"), database=empty_url) as shop:
        yield shop


def test_nul_and_controls_are_no_server_error_on_either_database(odd: Hostile) -> None:
    front, amiss = odd.front, []
    for page in PAGES:
        path = OUTPUTS[page][0](odd, "calm")
        forms = [one for one in parsed(odd.get(path).text).iter("form") if one.get("method") == "post"]
        assert forms
        for form in forms:
            for text in ODD:
                front.clock.advance(3601)
                sent = {name: "" if name == "website" else value for name, value in filled_in(form, text).items()}
                answer = front.post(urljoin(path, form.get("action")), sent)
                amiss += [(form.get("action"), text, answer.status_code)] if answer.status_code >= 500 else []
    with front.engine.database.writing() as connection:
        _, key = Keys(clock=front.clock).new(connection, "calm", "erp", SCOPES)
    bearer = {"Authorization": f"Bearer {key.reveal()}"}
    token = odd.token("calm")
    addresses = [
        "/calm/track/{}", "/calm/api/v1/shipments/{}", "/calm/api/v1/orders/{}", "/calm/api/v1/orders?after={}",
        "/calm/o/{}/", "/calm/api/v1/codes/{}", "/calm/api/v1/answers?widget={}", "/calm/api/v1/banners/{}", "/calm/r/{}",
        "/calm/m/{}", f"/calm/o/{token}/documents/{{}}/0", f"/calm/track/{NUMBERS['calm'][0]}?lang={{}}&parcel={{}}",
        "/calm/out/survey?to={}&s={}", "/calm/webhooks/{}/{}", "/calm/connect/{}", "/calm/api/v1/referrals/{}",
        "/calm/api/v1/insights?from={}", "/calm/static/{}/x",
    ]  # fmt: skip
    for address in addresses:
        for written in ("%00", "a%00b", "%ff%fe", "%1b", "%ed%a0%80", "%f4%8f%bf%bf"):
            path = address.replace("{}", written)
            answer = front.client.get(path, headers=bearer)
            amiss += [(path, answer.status_code)] if answer.status_code >= 500 else []
    documents = [
        {"number": "7", "note": "a\x00b", "items": [{"name": "\x00", "id": "\x00"}]},
        {"number": "8", "email": "\x00@x.example"}, {"number": "9", "tags": ["\x00"], "postcode": "\x00"},
        {"number": "10", "shipments": [{"number": "1Z", "carrier": "\x00"}]}, {"number": "\x00"},
        {"number": "11", "referral": "\x00", "customer": {"tags": ["\x00"], "tier": "\x00"}},
    ]  # fmt: skip
    for path in ("/calm/api/v1/orders", "/calm/api/v1/banners", "/calm/api/v1/codes", "/calm/api/v1/referrals"):
        for document in (*documents, {"text": {"en": "\x00"}}, {"pool": "\x00", "codes": ["\x00"]}, {"code": "\x00"}):
            answer = front.client.post(path, json=document, headers=bearer)
            amiss += [(path, document, answer.status_code)] if answer.status_code >= 500 else []
    for name in ("accept-language", "if-match", "idempotency-key", "origin", "cookie"):
        for text in (b"\x80\xff", b"\x00"):
            try:
                answer = front.client.post("/calm/api/v1/orders", json=documents[0], headers={**bearer, name: text})
            except ValueError:
                continue
            amiss += [(name, text, answer.status_code)] if answer.status_code >= 500 else []
    assert amiss == []

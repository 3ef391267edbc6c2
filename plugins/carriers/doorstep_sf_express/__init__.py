"""SF Express: parcels from, to and in China, by the route query of its open platform (EXP_RECE_SEARCH_ROUTES)."""

import re
import time
from base64 import b64encode
from collections.abc import Sequence
from hashlib import md5
from urllib.parse import quote_plus
from uuid import uuid4

import msgspec

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Carrier, CarrierSettings, CarrierUnavailable, Credential, Event, Exchange, Found,
    NotFound, Place, ProtocolError, Query, RateLimited, Request, Response, Secret, Shipment, Tree, each_of, moments,
    registers,
)  # fmt: skip

CLOCK = "Asia/Shanghai"  # of all times, which are written without an offset
SERVICE = "EXP_RECE_SEARCH_ROUTES"
# What the platform says before the service is asked; general knowledge.
REFUSED = {"A1003": "this IP address", "A1004": "the service", "A1006": "the digest"}
TOO_MANY, OUT_OF_ORDER = "A1005", {"A1009", "A1099"}
# A remark may name the courier or who signed, with a telephone number.
_WHO = (
    "派件人|派送员|快递员|收派员|配送员|小哥|签收人|收件人|寄件人|联系人|电话|電話|手机|"
    "courier|phone|mobile|(?<![a-z])tel|signed by"
)
_NUMBER = "[0-9]{7}|[0-9]{3}[ -][0-9]{4}"
IN_BRACKETS = re.compile(rf"(?i)[(（\[【][^()（）\[\]【】]*(?:{_WHO}|{_NUMBER})[^()（）\[\]【】]*[)）\]】]")
PERSONAL = re.compile(rf"(?i)(?:{_WHO})\s*[:：.]|{_NUMBER}")
CHINESE = re.compile("[\u4e00-\u9fff]")


class Settings(CarrierSettings, frozen=True):
    partner_id: str
    check_word: Secret
    phone_last_four: str = ""


class Digest:
    """No login: each message is signed with the check word, which does not travel."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def login(self) -> Exchange[Credential]:
        return Credential(self._settings.check_word)
        yield

    def sign(self, request: Request, credential: Credential) -> Request:
        form = dict(request.form or {})
        timestamp = str(time.time_ns() // 1_000_000)
        digest = _digest(form.get("msgData", ""), timestamp, credential.value)
        own = {"partnerID": self._settings.partner_id, "requestID": str(uuid4())}
        return msgspec.structs.replace(request, form={**own, **form, "timestamp": timestamp, "msgDigest": digest})


class SFExpress(Carrier[Settings]):
    def auth(self) -> Auth:
        return Digest(self.settings)

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from self._asked([query])), query.number)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        routes = yield from self._asked(queries)
        return each_of(queries, lambda query: self._answer(routes, query.number))

    def _asked(self, queries: Sequence[Query]) -> Exchange[list[Tree]]:
        question = {
            "language": _language(queries[0].language),
            "trackingType": "1",  # by waybill
            "trackingNumber": [query.number for query in queries],
            "methodType": "1",
        }
        if self.settings.phone_last_four:
            question["checkPhoneNo"] = self.settings.phone_last_four
        form = {"serviceCode": SERVICE, "msgData": msgspec.json.encode(question).decode()}
        response = yield Request("POST", "/std/service", form=form, idempotent=True)
        result = _result(response.expect(200).tree())
        return result.at("msgData").each("routeResps")

    def _answer(self, routes: list[Tree], number: str) -> Answer:
        own = [one for one in routes if number in ("", one.text("mailNo")) and one.each("routes")]
        return Found(tuple(map(self._shipment, own))) if own else NotFound("no routes")

    def _shipment(self, waybill: Tree) -> Shipment:
        events = tuple(map(self._event, waybill.each("routes")))
        chinese = any(CHINESE.search(event.text) for event in events)
        return Shipment(waybill.text("mailNo"), events, language="zh" if chinese else "en")

    def _event(self, route: Tree) -> Event:
        code, place = route.text("opCode"), Place(city=route.text("acceptAddress"))
        moment = moments.iso(route.text("acceptTime"), zone=CLOCK)
        return self.codes.read((code,)).event(moment, code=code, text=_impersonal(route.text("remark")), place=place)


def _result(answer: Tree) -> Tree:
    """What the service says, which is JSON within the platform's JSON. Raises for what either of them refuses."""
    code = answer.text("apiResultCode")
    said = f"SF Express answers {code or 'without a code'}: {answer.text('apiErrorMsg')}"
    if code in REFUSED:
        raise AuthRefused(f"{said} (it refuses {REFUSED[code]})", next_step="check [carriers.sf_express]")
    if code == TOO_MANY:
        raise RateLimited(said)
    if code in OUT_OF_ORDER:
        raise CarrierUnavailable(said)
    if code != "A1000":
        raise ProtocolError(said)
    data = answer.expect("apiResultData")
    result = data if data.items() else Response(200, body=data.text().encode()).tree()
    if not result.is_true("success"):
        raise ProtocolError(f"SF Express answers {result.text('errorCode')}: {result.text('errorMsg')}")
    return result


def _digest(message: str, timestamp: str, check_word: Secret) -> str:
    """As Java's URLEncoder writes it, which leaves an asterisk and encodes a tilde."""
    encoded = quote_plus(message + timestamp + check_word.reveal(), safe="*").replace("~", "%7E")
    return b64encode(md5(encoded.encode(), usedforsecurity=False).digest()).decode()


def _language(tag: str) -> str:
    """Simplified Chinese, English or traditional Chinese."""
    parts = tag.lower().replace("_", "-").split("-")
    if parts[0] != "zh":
        return "1"
    return "2" if {"hant", "tw", "hk", "mo"} & set(parts) else "0"


def _impersonal(remark: str) -> str:
    """A remark without the brackets that name somebody; nothing, where it names them outside of brackets."""
    plain = IN_BRACKETS.sub("", remark).strip()
    return "" if PERSONAL.search(plain) else plain


register_carriers = registers(SFExpress)

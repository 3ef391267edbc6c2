"""Answers of FedEx, made small, and the plugin's exchanges played through with them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from doorstep import (  # isort: skip
    Answer, Answers, Document, Event, Exchange, File, Found, NotFound, Query, Response, Secret, Shipment,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.models import Summary
from doorstep.summary import arrange, summarise
from doorstep_fedex import FedEx, Settings

NUMBER, OTHER, PROOF = "774102873919", "774102873920", Document("proof_of_delivery", "a~1~FX")
MEMPHIS = {"city": "Memphis", "stateOrProvinceCode": "TN", "postalCode": "38118", "countryCode": "US"}
DALLAS = {"city": "Dallas", "stateOrProvinceCode": "TX", "postalCode": "75201", "countryCode": "US"}
SHOP = {"deliveryDetails": {"locationType": "FEDEX_LOCATION"}}
NOT_FOUND = "TRACKING.TRACKINGNUMBER.NOTFOUND"
DOWN = "SERVICE.UNAVAILABLE.ERROR"
EMPTY = "TRACKING.TRACKINGNUMBER.EMPTY"


@cache
def fedex(account_number: str = "") -> FedEx:
    home = files("doorstep_fedex")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return FedEx(manifest, codes, Settings("an-id", Secret("a-secret"), account_number))


def played(exchange: Exchange[Any], body: Any, status: int = 200) -> Any:
    """What an exchange of one request returns for this answer."""
    return replay(exchange, Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))


def answer(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    one: Answer = played(fedex().track(Query(number)), body, status)
    return one


def answers(body: Any, *numbers: str) -> Answers:
    many: Answers = played(fedex().track_many([Query(number) for number in numbers]), body)
    return many


def shipments(body: Any, number: str = NUMBER) -> tuple[Shipment, ...]:
    found = answer(body, number=number)
    assert isinstance(found, Found)
    return found.shipments


def proof(**fields: Any) -> File | NotFound:
    file: File | NotFound = played(fedex().document(Query(NUMBER), PROOF), {"output": fields})
    return file


def entry(*results: Any, number: str = NUMBER) -> dict[str, Any]:
    return {"trackingNumber": number, "trackResults": list(results)}


def output(*entries: Any, **more: Any) -> dict[str, Any]:
    return {"output": {"completeTrackResults": list(entries), **more}}


def error(code: str) -> dict[str, Any]:
    return {"trackingNumberInfo": {"trackingNumber": NUMBER}, "error": {"code": code, "message": "no"}}


def read(*scans: Any, **result: Any) -> Shipment:
    (one,) = shipments(output(entry({"scanEvents": list(scans), **result})))
    return one


def scan(kind: str, date: str = "2026-11-20T10:00:00-06:00", where: Any = MEMPHIS, **more: Any) -> dict[str, Any]:
    return {"eventType": kind, "date": date, "eventDescription": f"{kind}!", "scanLocation": where, **more}


def event(kind: str, **more: Any) -> Event:
    return read(scan(kind, **more)).events[0]


def days(*kinds: str) -> list[dict[str, Any]]:
    """Scans a day apart, written oldest first, given newest first as FedEx does."""
    return [scan(kind, f"2026-11-{day}T12:00:00-06:00") for day, kind in enumerate(kinds, 10)][::-1]


def summary(*kinds: str, **result: Any) -> Summary:
    return summarise(arrange(read(*days(*kinds), **result).events))


def hold() -> dict[str, Any]:
    address = {**DALLAS, "streetLines": ["1 Example Street", "", "Suite 2"]}
    contact = {"personName": "PERSON", "companyName": "FedEx Office"}
    return {"locationId": "DALA", "locationContactAndAddress": {"contact": contact, "address": address}}

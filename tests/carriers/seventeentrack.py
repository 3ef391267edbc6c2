"""Answers of 17TRACK, made small, and the plugin's exchanges played through with them."""

import json
from importlib.resources import files
from typing import Any

import pytest

from doorstep import Answer, CarrierError, Event, Exchange, Found, Query, Response, Secret, Shipment
from doorstep.codes import load_codes
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep_seventeentrack import Settings, SeventeenTrack

NUMBER = "YT2617350284719305"
OTHER = "LB482019378CN"


def seventeentrack(**settings: int) -> SeventeenTrack:
    home = files("doorstep_seventeentrack")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return SeventeenTrack(manifest, codes, Settings(Secret("a-key"), **settings))


def played(exchange: Exchange[Any], body: Any) -> Any:
    """What an exchange of one request returns, when it is answered with this."""
    next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))
    return end.value.value


def failed(body: Any, status: int = 200) -> CarrierError:
    exchange = seventeentrack().track(Query(NUMBER))
    next(exchange)
    with pytest.raises(CarrierError) as error:
        exchange.send(Response(status, {}, json.dumps(body).encode()))
    return error.value


def answer_to(body: Any, number: str = NUMBER) -> Answer:
    """What the engine keeps of an answer."""
    carrier = seventeentrack()
    return take_in(played(carrier.track(Query(number)), body), carrier.manifest)


def body(*accepted: Any, rejected: Any = ()) -> dict[str, Any]:
    return {"code": 0, "data": {"accepted": accepted, "rejected": rejected}}


def accepted(number: str = NUMBER, carrier: Any = 1, **track: Any) -> dict[str, Any]:
    return {"number": number, "carrier": carrier, "track_info": track or None}


def rejected(code: int, number: str = NUMBER, message: str = "no") -> dict[str, Any]:
    return {"number": number, "carrier": 0, "error": {"code": code, "message": message}}


def provider(*events: Any, key: Any = 1, name: str = "Fjord Parcel", lang: str | None = None) -> dict[str, Any]:
    return {"provider": {"key": key, "name": name}, "provider_lang": lang, "events": events}


def scan(
    sub_status: str | None = "InTransit_Other",
    day: str | None = "2026-11-20",
    time: str | None = "10:00:00",
    zone: str | None = None,
    country: str = "",
    city: str = "",
    **more: Any,
) -> dict[str, Any]:
    raw = {"date": day, "time": time, "timezone": zone}
    return {"sub_status": sub_status, "time_raw": raw, "address": {"country": country, "city": city}, **more}


def shipment_of(*providers: Any, **track: Any) -> Shipment:
    answer = answer_to(body(accepted(tracking={"providers": providers}, **track)))
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def event_of(*arguments: Any, **more: Any) -> Event:
    (event,) = shipment_of(provider(scan(*arguments, **more))).events
    return event

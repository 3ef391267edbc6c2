"""17TRACK: an aggregator that watches numbers of other carriers once they are registered (API v2.4)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from heapq import merge

from msgspec.structs import replace

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Basis, Carrier, CarrierError, CarrierUnavailable, Event, Exchange, Flag,
    Found, HeaderKey, Incoming, Leg, Meaning, Moment, NotFound, Place, ProtocolError, PushSettings, Pushed, Query,
    RateLimited, Registrations, Request, Secret, Shipment, Status, Tree, Verdict, Weight, countries, each_of, is_any,
    moments, registers,
)  # fmt: skip

ALREADY_REGISTERED = ("-18019901",)
NO_NEWS = ("-18019902", "-18019909")  # not registered; registered, and no news yet
ERRORS: dict[str, tuple[type[CarrierError], str]] = {
    "-18010001": (AuthRefused, "add this server's address to the white list of the 17TRACK account"),
    "-18010002": (AuthRefused, "check api_key"),
    "-18010003": (CarrierUnavailable, "17TRACK fails by itself: nothing to do here"),
    "-18010004": (AuthRefused, "17TRACK has disabled the account"),
    "-18010005": (AuthRefused, "check what the 17TRACK account may do"),
    "-18019903": (ProtocolError, "17TRACK cannot tell whose number it is: set carrier_key"),
    "-18019907": (RateLimited, "the 17TRACK account's daily limit is reached"),
    "-18019908": (RateLimited, "the 17TRACK account's quota is used up"),
    "-18019910": (ProtocolError, "correct carrier_key"),
    "-18019911": (ProtocolError, "correct carrier_key"),
}
HOUR = 3600.0  # a quota does not come back within a minute


class Settings(PushSettings, frozen=True):
    """`carrier_key` is 17TRACK's number of the carrier that numbers are registered for; 0 lets it find out. Pushes are signed
    with the key; `push_secret` may hold another one while the key is changed."""

    api_key: Secret
    carrier_key: int = 0


class SeventeenTrack(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("17token", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        entries = yield from _asked([query])
        return self._answer(entries, query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        entries = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(entries, query))

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        key = self.settings.carrier_key
        known = [
            {"number": one.number, "carrier": key, "destination_postal_code": one.postcode, "ship_date": one.shipped_on}
            for one in queries
        ]
        wanted = [{name: value for name, value in fields.items() if value} for fields in known]
        response = yield Request("POST", "/track/v2.4/register", json=wanted)
        results = {_number(entry): _error(entry, ALREADY_REGISTERED) for entry in _entries(response.expect(200).tree())}
        return {query.number: results[query.number] for query in queries if query.number in results}

    def push_secrets(self) -> tuple[Secret, ...]:
        return (self.settings.api_key, *self.settings.push_secret)

    def verify(self, incoming: Incoming) -> Verdict:
        made = [sha256(b"/".join((incoming.body, key.reveal().encode()))).hexdigest() for key in self.push_secrets()]
        return Verdict.of(is_any(made, incoming.header("sign").lower()))

    def push(self, incoming: Incoming) -> Pushed:
        return Pushed((incoming.json().expect("data.number").text(),))

    def _answer(self, entries: Sequence[Tree], query: Query) -> Answer:
        """What was found comes first, and "not found" needs that nothing failed: a number may be there for two carriers."""
        own = [entry for entry in entries if query.number in ("", _number(entry))]
        shipments = tuple(shipment for entry in own if (shipment := self._shipment(entry)).events)
        if shipments:
            return Found(shipments)
        if errors := [error for entry in own if (error := _error(entry, NO_NEWS))]:
            raise errors[0]
        if entries and not own:
            raise ProtocolError("17TRACK left the number out of its answer")
        said = " ".join(entry.text("error.code") for entry in own)
        return NotFound(f"17TRACK has no news of it {said}".strip())

    def _shipment(self, entry: Tree) -> Shipment:
        track, registered = entry.at("track_info"), entry.text("carrier")
        providers = sorted(track.each("tracking.providers"), key=lambda one: one.text("provider.key") != registered)
        misc, destination = track.at("misc_info"), _place(track.at("shipping_info.recipient_address"))
        estimate = track.at("time_metrics.estimated_delivery_date")
        kilograms = misc.number("weight_kg") or 0.0
        local = misc.text("local_provider")  # who has the last mile
        names = [one.text("provider.name") or one.text("provider.alias") for one in providers]
        name, *others = dict.fromkeys(filter(None, (*names, local))) or [""]
        languages = {one.text("provider_lang").replace("_", "-") for one in providers if one.at("events")}
        return Shipment(
            number=entry.text("number"),
            events=self._events(track, providers),
            carrier_name=name,
            service=misc.text("service_type") or next((one.text("service_type") for one in providers), ""),
            origin=_place(track.at("shipping_info.shipper_address")),
            destination=destination,
            window=moments.window(estimate.text("from"), estimate.text("to"), country=destination.country),
            legs=tuple(Leg(other, misc.text("local_number") if other == local else "") for other in others),
            weight=Weight(kilograms) if kilograms > 0 else None,
            language=languages.pop() if len(languages) == 1 else "",
        )

    def _events(self, track: Tree, providers: Iterable[Tree]) -> tuple[Event, ...]:
        """All scans. The parcel's status speaks for the newest where that says nothing, and where there are none."""
        status = track.at("latest_status")
        latest = status.text("sub_status") or status.text("status")
        scans = _timeline(one.each("events") for one in providers) or track.each("latest_event")
        if not scans and self._meaning(latest).status not in (None, Status.UNKNOWN):
            scans = [Tree({"description": status.text("sub_status_descr")})]
        events = (self._event(scan, "" if i else latest) for i, scan in enumerate(scans))
        return tuple(event for event in events if event.code or event.text)

    def _event(self, scan: Tree, latest: str) -> Event:
        stage = scan.text("stage")
        sub_status = scan.text("sub_status") or ("" if stage else latest)
        meaning = self._meaning(sub_status, stage)
        # A delivery to the sender is a delivery like any other: only the parcel's status knows of the return.
        back = latest and Flag.RETURN in self._meaning(latest).flags and Flag.RETURN not in meaning.flags
        place = _place(scan.at("address"), scan.text("location"))
        at = _moment(scan, place.country)
        text = scan.text("description") or scan.text("description_translation.description")
        flags = (Flag.RETURN,) if back else ()
        return meaning.event(at, code=sub_status or stage, text=text, place=place, flags=flags)

    def _meaning(self, sub_status: str, stage: str = "") -> Meaning:
        """The sub-status's; of one that is not known, the stage's or its main status's (the part before "_")."""
        if known := self.codes.find("status", sub_status):
            return known
        coarse = self.codes.read(("stage", stage), ("status", sub_status.partition("_")[0]))
        return replace(coarse, mapped=False) if sub_status else coarse


def _asked(queries: Iterable[Query]) -> Exchange[list[Tree]]:
    numbers = [{"number": query.number} for query in queries]
    response = yield Request("POST", "/track/v2.4/gettrackinfo", json=numbers, idempotent=True)
    return _entries(response.expect(200).tree())


def _entries(answer: Tree) -> list[Tree]:
    """What is said of each number. HTTP 200 says nothing: the whole call fails in `code` or in `data.errors`."""
    data = answer.at("data")
    pushed = [data] if _number(data) else []  # a message is about one number
    entries = [*data.each("rejected"), *data.each("accepted"), *pushed]
    problems = data.each("errors")
    if answer.text("code") not in ("", "0") or (problems and not entries):
        raise _failure(problems[0] if problems else answer)
    return entries or data.expect("accepted").each()


def _error(entry: Tree, harmless: Sequence[str]) -> CarrierError | None:
    error = entry.at("error")
    return _failure(error) if error and error.text("code") not in harmless else None


def _failure(problem: Tree) -> CarrierError:
    code = problem.text("code")
    kind, step = ERRORS.get(code, (ProtocolError, ""))
    wait = HOUR if kind is RateLimited else None
    return kind(f"17TRACK says {code or 'nothing'}: {problem.text('message')}", next_step=step, retry_after=wait)


def _number(entry: Tree) -> str:
    return entry.text("number").upper()


def _timeline(carriers: Iterable[list[Tree]]) -> list[Tree]:
    """The scans of all carriers, newest first, each carrier's own order kept."""
    return list(merge(*map(_newest_first, carriers), key=_order, reverse=True))


def _newest_first(scans: list[Tree]) -> list[Tree]:
    first, last = (next((day for scan in way if (day := _order(scan)[:10])), "") for way in (scans, scans[::-1]))
    return scans[::-1] if first < last else scans


def _order(scan: Tree) -> str:
    """17TRACK's guess counts here: nothing better tells how the lists of two carriers run into each other."""
    return scan.text("time_utc")[:19] or f"{scan.text('time_raw.date')}T{scan.text('time_raw.time')}".strip("T")


def _place(address: Tree, line: str = "") -> Place:
    """`line` is the carrier's own: part of it may be the city, and where it says more, it is the name."""
    city, region, country = address.text("city"), address.text("state"), countries.alpha2(address.text("country"))
    said = [part.strip() for part in line.split(",")] if line != city else []
    if not city:  # neither "CN" nor "Main St 2" is one
        city = next((part for part in said if len(part) > 2 and not any(map(str.isdigit, part))), "")
    name = line if said and any(part not in (city, region, country) for part in said) else ""
    return Place(city, region, address.text("postal_code"), country, name)


def _moment(scan: Tree, country: str) -> Moment:
    """By the carrier's own clock: where that has no zone, the offset in `time_iso` is a guess."""
    raw = scan.at("time_raw")
    day, clock, zone = raw.text("date"), raw.text("time"), raw.text("timezone")
    if clock.startswith("00:00") and not zone:
        clock = ""  # a carrier that gives the day alone: nobody wrote midnight
    zone = zone if clock else ""
    written = f"{day} {clock} {zone}".strip()
    when = moments.iso(written, country=country)
    if not (when.local or when.instant):
        iso = scan.text("time_iso")
        stated = (iso, scan.text("time_utc")) if zone or not day else (iso[:19],)
        tried = (moments.iso(text, country=country) for text in (*stated, f"{day} {clock}", day))
        when = next((one for one in tried if one.local or one.instant), Moment(written or iso))
    # The offset need not be the place's: some carriers keep the clock of their own country.
    away = when.basis is Basis.OFFSET and moments.single_zone(country)
    return moments.elsewhere(when, country) if away else when


register_carriers = registers(SeventeenTrack)

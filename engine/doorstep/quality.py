"""The quality list of a carrier's plugin: what a good one does, and why. `quality.toml` says of each rule that it is
done, to do, or that the plugin is exempt, with the reason:

    recognition = "done"
    window = { todo = "the answer has an estimate that is not read yet" }
    pieces = { exempt = "the carrier's API knows single parcels only" }

What can be verified is: a rule that is said to be done needs the samples that show it.
"""

import tomllib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from .errors import ManifestError
from .manifest import Ability, Manifest
from .models import Flag, Status
from .packages import read
from .samples import Role, Samples


class Standing(StrEnum):
    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


class Claim(Struct, frozen=True):
    """What a plugin says of one rule; `reason` where it is not done."""

    standing: Standing
    reason: str = ""


class Evidence(Struct, frozen=True):
    """What a plugin brings along, for rules to be verified."""

    manifest: Manifest
    codes: int
    samples: Samples

    def shipments(self) -> Iterator[dict[str, Any]]:
        for case in self.samples.cases:
            yield from (case.expected or {}).get("shipments", ())

    def events(self) -> Iterator[dict[str, Any]]:
        for shipment in self.shipments():
            yield from shipment.get("events", ())


class Rule(Struct, frozen=True):
    """`missing` gives what there should be, or nothing; without it, the rule is the author's word."""

    id: str
    title: str
    why: str
    missing: Callable[[Evidence], str] | None = None


def load_quality(file: Path) -> dict[str, Claim]:
    """The claims in a plugin's `quality.toml`, by rule. Raises ManifestError, which names every rule left out."""
    name = f"{file.parent.name}/{file.name}"
    try:
        raw = msgspec.convert(tomllib.loads(read(file)), dict[str, str | dict[str, str]])
    except ValueError as error:  # TOMLDecodeError and msgspec's errors are ValueErrors
        raise ManifestError(f"{name}: {error}", next_step="docs/quality.md lists the rules") from None
    known = [rule.id for rule in RULES]
    if unknown := sorted(raw.keys() - set(known)):
        raise ManifestError(f"{name}: {unknown[0]!r} is no rule", next_step=f"the rules are {', '.join(known)}")
    if left := [id for id in known if id not in raw]:
        raise ManifestError(
            f"{name} says nothing of {', '.join(left)}", next_step='write "done", { todo = "…" } or { exempt = "…" }'
        )
    return {id: _claim(raw[id], f"{name}: {id}") for id in known}


def _claim(raw: str | dict[str, str], where: str) -> Claim:
    if raw == "done":
        return Claim(Standing.DONE)
    if isinstance(raw, dict) and len(raw) == 1:
        (standing, reason), *_ = raw.items()
        if standing in (Standing.TODO, Standing.EXEMPT) and reason.strip():
            return Claim(Standing(standing), reason)
    raise ManifestError(
        f"{where} is {raw!r}", next_step='write "done", { todo = "why not yet" } or { exempt = "why never" }'
    )


def unproved(claims: dict[str, Claim], evidence: Evidence) -> dict[str, str]:
    """The rules that are said to be done and are not, each with what is missing."""
    found = {}
    for rule in RULES:
        if claims[rule.id].standing is Standing.DONE and rule.missing and (missing := rule.missing(evidence)):
            found[rule.id] = missing
    return found


def _sample_with(field: str) -> Callable[[Evidence], str]:
    def missing(evidence: Evidence) -> str:
        return "" if any(one.get(field) for one in evidence.shipments()) else f"no expected.json names {field!r}"

    return missing


def _ability(ability: Ability) -> Callable[[Evidence], str]:
    def missing(evidence: Evidence) -> str:
        return "" if ability in evidence.manifest.can else f"carrier.toml: can does not name {ability.value!r}"

    return missing


def _statuses(*groups: tuple[Status, ...]) -> Callable[[Evidence], str]:
    def missing(evidence: Evidence) -> str:
        shown = {one.get("status") for one in evidence.shipments()}
        left = [" or ".join(group) for group in groups if not shown & set(group)]
        return f"no sample ends as {', '.join(left)}" if left else ""

    return missing


def _recognised(evidence: Evidence) -> str:
    poor = [one.name for one in evidence.manifest.formats if len(one.examples) < 2]
    if poor:
        return f"{poor[0]!r} has fewer than two examples"
    return "" if evidence.manifest.formats else "carrier.toml has no formats"


def _times(evidence: Evidence) -> str:
    worked_out = any("instant" in one.get("moment", {}) and "basis" in one["moment"] for one in evidence.events())
    return "" if worked_out else "no expected.json says which instant a scan has, and why it is known"


def _handed_over(evidence: Evidence) -> str:
    flagged = any(Flag.HANDOVER in one.get("flags", ()) for one in evidence.events())
    return "" if flagged or any(one.get("legs") for one in evidence.shipments()) else "no sample has a leg or handover"


def _in_pieces(evidence: Evidence) -> str:
    return "" if any(len(one.get("pieces", ())) > 1 for one in evidence.shipments()) else "no sample has several pieces"


RULES: tuple[Rule, ...] = (
    Rule("recognition", "Every form of number is in the manifest, with its check digit and two examples",
         "shoppers and shops have a number, and do not say whose it is", _recognised),
    Rule("link", "The carrier's own page is linked, with the number in it",
         "when the carrier cannot be asked, the link is the answer",
         lambda evidence: "" if "{number}" in evidence.manifest.link else "link has no {number}"),
    Rule("limits", "The carrier's published limits are in the manifest",
         "an account that asks too much is closed, and then no parcel has a page",
         lambda evidence: "" if evidence.manifest.limits else "carrier.toml has no limits"),
    Rule("codes", "Every documented code is in the table, with its source",
         "an unknown code is shown and counted, but tells the shopper nothing",
         lambda evidence: "" if evidence.codes else "codes.toml has no rows"),
    Rule("unknown_codes", "A code that the table does not know is kept and shown",
         "carriers add codes without a word",
         lambda evidence: "" if any(one.get("mapped") is False for one in evidence.events())
         else "no expected.json has an event with mapped = false"),
    Rule("statuses", "Samples show the whole way: label, transit, delivery, arrival, and what goes wrong",
         "each is a page of its own, and the demo shows them",
         _statuses((Status.LABEL_CREATED,), (Status.IN_TRANSIT,), (Status.OUT_FOR_DELIVERY,), (Status.DELIVERED,),
                   (Status.EXCEPTION, Status.DELIVERY_ATTEMPTED))),
    Rule("false_deliveries", "What the carrier calls delivered and is not: at a pickup point, back at the sender",
         "a page that says “delivered” and is wrong is worse than none",
         _statuses((Status.AVAILABLE_FOR_PICKUP,), (Status.RETURNED,))),
    Rule("times", "Every way the carrier writes a time is read to the minute, or honestly unknown",
         "a time that is hours off sends people to an empty doorstep", _times),
    Rule("not_found", "A number the carrier does not know is told apart from every error",
         "“not found” is remembered, an error is asked again",
         lambda evidence: "" if evidence.samples.of(Role.NOT_FOUND) else "no sample with role not_found"),
    Rule("several", "Several shipments under one number are told apart",
         "numbers are used again; the page asks which one is meant",
         lambda evidence: "" if any(len((case.expected or {}).get("shipments", ())) > 1 for case in evidence.samples.cases)
         else "no sample has two shipments"),
    Rule("window", "The day or hours of delivery that the carrier announces are read",
         "“when” is the question behind every visit", _sample_with("window")),
    Rule("pickup_point", "Where a parcel waits is read: name, address, hours, last day",
         "a parcel nobody finds goes back", _sample_with("pickup_point")),
    Rule("pieces", "The pieces of a shipment are told apart", "two of three parcels are not “delivered”", _in_pieces),
    Rule("handover", "A carrier that takes over is named, or the handover told",
         "the other carrier is the one to ask from then on", _handed_over),
    Rule("service", "The service is named", "express and economy are different promises", _sample_with("service")),
    Rule("documents", "Proof of delivery can be fetched", "disputes end with it", _ability(Ability.DOCUMENT)),
    Rule("batch", "Several numbers are asked in one call",
         "a worker that asks one by one uses the limit up", _ability(Ability.TRACK_MANY)),
    Rule("languages", "The carrier is asked in the store's language", "its own words stand on the page"),
    Rule("privacy", "No name, signature, telephone number or exact address gets into the text of a scan",
         "whoever has the number sees the scans"),
    Rule("published", "The examples that the carrier publishes are read in a test", "own samples repeat own mistakes"),
    Rule("live", "Verified against the carrier's production, with a date", "documentation is not the carrier"),
)  # fmt: skip

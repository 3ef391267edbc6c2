"""What Flask and Django have in common: from a parcel as JSON to the days of its page. Standard library only."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

LANGUAGES: list[tuple[str, str]] = [
    (tag, name) for tag, name in json.loads(Path(__file__).with_name("languages.json").read_text("utf-8"))
]
NEWEST = 8  # scans that are not folded away
STEPS = ("Announced", "With the carrier", "On its way", "Out for delivery", "Delivered")
SENTENCES = {
    "label_created": "Label created", "accepted": "Accepted by the carrier", "in_transit": "On its way",
    "out_for_delivery": "Out for delivery", "delivered": "Delivered",
}  # fmt: skip
PLAIN = ("out_for_delivery", "delivered")  # the carrier's own words add nothing


def page(parcel: dict[str, Any], countries: Mapping[str, str]) -> dict[str, Any]:
    """The template's variables. `countries`: their names in the reader's language."""
    scans = [_scan(scan, countries) for scan in parcel["scans"]]
    scans[0]["latest"] = True
    fetched_at = datetime.fromisoformat(parcel["fetched_at"])
    return {
        "parcel": parcel,
        "origin": countries[parcel["origin"]],
        "destination": countries[parcel["destination"]],
        "steps": STEPS,
        "delivered_at": scans[0]["at"],
        "fetched_at": fetched_at,
        "fetched_today": fetched_at.date() == datetime.now(UTC).date(),
        "days": _days(scans[:NEWEST]),
        "older_days": _days(scans[NEWEST:]),
        "older": len(scans) - NEWEST,
        "languages": LANGUAGES,
    }


def _scan(scan: dict[str, str], countries: Mapping[str, str]) -> dict[str, Any]:
    status = scan["status"]
    return {
        "at": datetime.fromisoformat(scan["at"]),
        "sentence": SENTENCES[status],
        "tone": "good" if status == "delivered" else "neutral",
        "place": f"{scan['city']}, {countries[scan['country']]}",
        "words": "" if status in PLAIN else scan["text"],
    }


def _days(scans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"date": day, "scans": list(found)} for day, found in groupby(scans, key=lambda scan: scan["at"].date())]

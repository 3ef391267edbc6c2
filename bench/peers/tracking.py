"""What Flask and Django have in common: from a parcel as JSON to the days of its page. Standard library only."""

from datetime import datetime
from itertools import groupby
from typing import Any

LANGUAGES = [("en", "English"), ("ar", "العربية"), ("de", "Deutsch"), ("fr", "Français")]
NEWEST = 8  # scans that are not folded away


def page(parcel: dict[str, Any]) -> dict[str, Any]:
    """The template's variables."""
    scans = [{**scan, "at": datetime.fromisoformat(scan["at"])} for scan in parcel["scans"]]
    return {
        "parcel": parcel,
        "delivered_at": scans[0]["at"],
        "fetched_at": datetime.fromisoformat(parcel["fetched_at"]),
        "days": _days(scans[:NEWEST]),
        "older_days": _days(scans[NEWEST:]),
        "older": len(scans) - NEWEST,
        "languages": LANGUAGES,
    }


def _days(scans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"date": day, "scans": list(found)} for day, found in groupby(scans, key=lambda scan: scan["at"].date())]

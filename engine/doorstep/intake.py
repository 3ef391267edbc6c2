"""What comes in from a carrier's plugin is hostile until it has been through here: validated, bounded, cleaned, arranged,
summarised."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from .errors import PluginFailed
from .exchange import Answer, Found, NotFound
from .manifest import Manifest
from .models import Event, Shipment
from .summary import arrange, summarise

MOST_EVENTS = 200
MOST_SHIPMENTS = 20
LONGEST_TEXT = 500

# Control characters, and the bidi controls that could reorder what stands around a carrier's text.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")


def take_in(answer: Any, manifest: Manifest) -> Answer:
    """The answer of a plugin as the engine keeps it. Raises PluginFailed when it is not what the contract says."""
    if isinstance(answer, NotFound):
        return NotFound(_clean(answer.detail)) if isinstance(answer.detail, str) else NotFound()
    if not isinstance(answer, Found) or not isinstance(answer.shipments, tuple):
        raise PluginFailed(
            f"track() returned {type(answer).__name__}", next_step="return Found(shipments) or NotFound()"
        )
    if not answer.shipments:
        return NotFound("no shipment in the answer")
    try:
        # Through builtins and back: every field checked against its type, every text cleaned and cut, nothing shared.
        raw = _cleaned(msgspec.to_builtins(answer.shipments[:MOST_SHIPMENTS], builtin_types=(bytes, datetime)))
        shipments = msgspec.convert(raw, tuple[Shipment, ...])
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise PluginFailed(f"track() returned a wrong shipment: {error}", next_step="see doorstep.models") from None
    return Found(tuple(_summarised(shipment, manifest) for shipment in shipments))


def _summarised(shipment: Shipment, manifest: Manifest) -> Shipment:
    events: tuple[Event, ...] = arrange(shipment.events)[:MOST_EVENTS]
    summary = summarise(events, [piece.number for piece in shipment.pieces])
    return msgspec.structs.replace(
        shipment,
        carrier=manifest.slug,
        events=events,
        status=summary.status,
        reason=summary.reason,
        delayed=summary.delayed,
        action_required=summary.action_required,
        final=summary.final,
        since=summary.since,
    )


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value[: MOST_EVENTS * 2]]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def _clean(text: str) -> str:
    if len(text) <= LONGEST_TEXT and text.isprintable() and "  " not in text and text == text.strip():
        return text  # nearly all are: the patterns below cost ten times as much
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 1] + "…"
    return _BLANKS.sub(" ", _UNWANTED.sub("", text)).strip()

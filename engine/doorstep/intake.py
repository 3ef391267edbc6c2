"""What comes in from a carrier's plugin is hostile until it has been through here: validated, bounded, cleaned, arranged,
summarised."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct, structs

from .errors import CarrierError, NumberError, PluginFailed, ProtocolError
from .exchange import Answer, Found, NotFound, Query
from .files import KINDS, File
from .incoming import Pushed
from .manifest import Manifest
from .models import UNITS_OF_WEIGHT, Event, Piece, Shipment, Status, Summary
from .recognition import normalise
from .summary import arrange, by_piece, together

MOST_EVENTS = 200
MOST_SHIPMENTS = 20
MOST_PUSHED = 1000  # numbers in one push
LONGEST_TEXT = 500
_LONGEST_LIST = 600  # before what is told twice is dropped

# Control characters, and the bidi controls that could reorder what stands around a carrier's text.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE = re.compile(r"[^\w.-]|^\.+")  # in a file's name
_BLANKS = re.compile(r"\s+")
_TEXTS = attrgetter(  # of a scan
    "reason", "code", "text", "piece", "moment.raw", "moment.offset",
    "place.city", "place.region", "place.postcode", "place.country", "place.name",
)  # fmt: skip


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
        shipments = tuple(map(_checked, answer.shipments[:MOST_SHIPMENTS]))
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise PluginFailed(f"track() returned a wrong shipment: {error}", next_step="see doorstep.models") from None
    return Found(tuple(_summarised(shipment, manifest) for shipment in shipments), answer.complete is not False)


def take_in_many(answers: Any, queries: Sequence[Query], manifest: Manifest) -> dict[str, Answer | CarrierError]:
    """What `track_many` returned: every answer taken in by itself, an error for each number that is missing."""
    taken: dict[str, Answer | CarrierError] = {}
    for number, answer in _by_number("track_many", answers, queries).items():
        try:
            taken[number] = answer if isinstance(answer, CarrierError) else take_in(answer, manifest)
        except CarrierError as error:
            taken[number] = error
    return taken


def take_in_each(results: Any, queries: Sequence[Query]) -> dict[str, CarrierError | None]:
    """What `register` returned: None, or an error, for every number."""
    for number, result in (taken := _by_number("register", results, queries)).items():
        if result is not None and not isinstance(result, CarrierError):
            taken[number] = PluginFailed(f"register() gave {type(result).__name__}", next_step="give None or an error")
    return taken


def _by_number(name: str, results: Any, queries: Sequence[Query]) -> dict[str, Any]:
    if not isinstance(results, Mapping):
        raise PluginFailed(f"{name}() returned {type(results).__name__}", next_step="return a dict, by number")
    missing = ProtocolError("the carrier left this number out of its answer")
    return {query.number: results.get(query.number, missing) for query in queries}


def take_in_file(file: Any) -> File | NotFound:
    """A document as a plugin returned it. Raises PluginFailed when it is none."""
    if isinstance(file, NotFound):
        return NotFound(_clean(file.detail)) if isinstance(file.detail, str) else NotFound()
    held = isinstance(file, File) and isinstance(file.media_type, str) and isinstance(file.body, bytes)
    if not held or not isinstance(file.name, str) or file.media_type not in KINDS.values() or not file.body:
        raise PluginFailed("document() returned no file", next_step="return File(media_type, body)")
    return File(file.media_type, file.body, _UNSAFE.sub("_", _clean(file.name))[-100:])


def take_in_pushed(pushed: Any) -> Pushed:
    """What `push` returned: each number once and normalised, those that can be none left out."""
    if not isinstance(pushed, Pushed):
        raise PluginFailed(f"push() returned {type(pushed).__name__}", next_step="return Pushed(numbers)")
    try:
        checked = msgspec.convert(msgspec.to_builtins(pushed), Pushed)
    except (msgspec.ValidationError, TypeError, ValueError):  # its text may be personal
        raise PluginFailed("push() returned a Pushed with fields of another type") from None
    if checked.sent_at is not None and checked.sent_at.tzinfo is None:
        raise PluginFailed("push() gave a time without a zone", next_step="say in which zone the carrier sends")
    numbers: dict[str, None] = {}
    for written in checked.numbers[:MOST_PUSHED]:
        with suppress(NumberError):
            numbers[normalise(written)] = None
    return structs.replace(checked, numbers=tuple(numbers))


def _summarised(shipment: Shipment, manifest: Manifest) -> Shipment:
    events = arrange(shipment.events, coarse=manifest.aggregator or manifest.coarse_codes)
    summaries = by_piece(events, [piece.number for piece in shipment.pieces])
    summary = together(events, summaries.values())
    return structs.replace(
        shipment,
        carrier=manifest.slug,
        events=_bounded(events),
        pieces=_placed(shipment.pieces, events, summaries),
        status=summary.status,
        reason=summary.reason,
        delayed=summary.delayed,
        action_required=summary.action_required,
        final=summary.final,
        since=summary.since,
    )


def _placed(pieces: Iterable[Piece], events: Iterable[Event], summaries: Mapping[str, Summary]) -> tuple[Piece, ...]:
    """The pieces with the status that events say; the plugin's own holds for one that no event names."""
    named = {event.piece for event in events}
    return tuple(
        structs.replace(piece, status=summary.status)
        if (summary := summaries.get(piece.number)) and (piece.number in named or piece.status is Status.UNKNOWN)
        else piece
        for piece in pieces
    )


def _bounded(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The newest events, and the first of all: its day is a part of what tells parcels under one number apart."""
    return events if len(events) <= MOST_EVENTS else (*events[: MOST_EVENTS - 1], events[-1])


class _Events(Struct):
    events: tuple[Event, ...]


def _checked(shipment: Any) -> Shipment:
    """Through builtins and back: every field checked against its type, every text cleaned and cut, nothing shared."""
    if not isinstance(shipment, Shipment):
        raise TypeError(f"{type(shipment).__name__} is no Shipment")
    raw = msgspec.to_builtins(_shortened(shipment), builtin_types=(bytes, datetime))
    told = {"events": raw.pop("events")}
    events = msgspec.convert(told, _Events).events
    if not _are_clean(events):
        events = msgspec.convert(_cleaned(told), _Events).events
    checked = msgspec.convert(_cleaned(raw), Shipment)
    weight = checked.weight
    known = weight is not None and weight.unit in UNITS_OF_WEIGHT and 0 < weight.value < inf
    return structs.replace(checked, events=events, weight=weight if known else None)


def _shortened(shipment: Shipment) -> Shipment:
    """The shipment as it is, unless its scans would take long to look at."""
    if isinstance(shipment.events, tuple | list) and len(shipment.events) > _LONGEST_LIST:
        return structs.replace(shipment, events=_ends(shipment.events))
    return shipment


def _are_clean(events: Sequence[Event]) -> bool:
    """Whether scans need no cleaning, as nearly all: seen in all their texts at once, which takes a fifth of the time."""
    texts = [text for event in events for text in _TEXTS(event) if text]
    written = "|".join(texts)
    return (
        written.isprintable()
        and not any(blank in written for blank in ("  ", " |", "| "))
        and written == written.strip()
        and max(map(len, texts), default=0) <= LONGEST_TEXT
        and all(event.moment.instant is None or event.moment.instant.tzinfo is UTC for event in events)
    )


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):  # half of its items are empty: there is nothing to clean in those
        return {key: item and _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in _ends(value)]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def _ends(values: Sequence[Any]) -> Sequence[Any]:
    """Both ends of a list that is too long: the newest scans stand at one of them."""
    half = _LONGEST_LIST // 2
    return values if len(values) <= _LONGEST_LIST else [*values[:half], *values[-half:]]


def _clean(text: str) -> str:
    if len(text) <= LONGEST_TEXT and text.isprintable() and "  " not in text and text == text.strip():
        return text  # nearly all are: the patterns below cost ten times as much
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 1] + "…"
    return _BLANKS.sub(" ", _UNWANTED.sub("", text)).strip()

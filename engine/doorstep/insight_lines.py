"""Insights in a terminal: tables, and bars beside them, as wide as the window is."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from .comparison import LaneFigures
from .insights import Day, Insights, MessageFigures, ScoreFigures, WidgetFigures
from .terminal import columns_of, padded, table

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_UNSAFE = tuple("=+-@\t\r")  # a spreadsheet would take it for a formula
TABLES: Mapping[str, type[Struct]] = {
    "days": Day,
    "widgets": WidgetFigures,
    "scores": ScoreFigures,
    "lanes": LaneFigures,
    "messages": MessageFigures,
}


def insight_lines(found: Insights, *, width: int) -> list[str]:
    """The whole of it."""
    return [
        f"{found.store}: {found.first} to {found.last}",
        *_part("Pages seen by day", _days(found, width)),
        *_part("Widgets", _widgets(found)),
        *_part("Messages", _messages(found)),
        *(line for one in found.scores for line in _part(_question(one), _scores(one, width))),
        *_part("Carriers by lane", _lanes(found)),
    ]


def as_csv(found: Insights, name: str) -> str:
    """One of the tables as CSV (RFC 4180)."""
    columns = [column for column in TABLES[name].__struct_encode_fields__ if column != "weeks"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(getattr(one, column)) for column in columns] for one in getattr(found, name))
    return out.getvalue()


def bar(value: float, largest: float, width: int) -> str:
    """A bar of `width` columns for the largest value, in eighths of a column; a value above nothing shows."""
    if value <= 0 or largest <= 0 or width <= 0:
        return ""
    eighths = max(1, round(min(value / largest, 1) * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def bars(rows: Sequence[tuple[str, float, str]], *, width: int, largest: float = 0) -> list[str]:
    """A label, a value and how it is written: with a bar between, in lines of at most `width` columns."""
    labels = max((columns_of(label) for label, _, _ in rows), default=0)
    figures = max((len(said) for _, _, said in rows), default=0)
    left = max(0, width - labels - figures - 2)
    most = largest or max((value for _, value, _ in rows), default=0)
    return [
        f"{padded(label, labels)} {said:>{figures}} {bar(value, most, left)}".rstrip() for label, value, said in rows
    ]


def _part(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _days(found: Insights, width: int) -> list[str]:
    if not any(one.views for one in found.days):
        return ["nothing was counted yet"]
    return bars([(f"{one.day:%a %d %b}", one.views, str(one.views)) for one in found.days], width=width - 2)


def _widgets(found: Insights) -> list[str]:
    if not found.widgets:
        return []
    rows = [("widget", "shown", "clicked", "answered", "referred", "redeemed")]
    rows += [
        (one.widget, str(one.shown), str(one.clicked), str(one.answered), str(one.referred), str(one.redeemed))
        for one in found.widgets
    ]
    return table(rows)


def _messages(found: Insights) -> list[str]:
    visits = [] if found.visits is None else [f"{found.visits:.1f} visits for each parcel"]
    if not found.messages:
        return visits
    rows = [("message", "sent", "delivered", "not reached", "opened", "followed")]
    rows += [
        (one.kind, str(one.sent), str(one.delivered), str(one.bounced), str(one.opened), str(one.followed))
        for one in found.messages
    ]
    return [*table(rows), *visits]


def _question(one: ScoreFigures) -> str:
    name = {10: f"NPS {one.value}", 5: f"CSAT {one.value} %"}.get(one.of, f"average {one.mean} of {one.of}")
    return f"{' · '.join(filter(None, (one.widget, one.moment)))}: {name}, {one.answers} answers"


def _scores(one: ScoreFigures, width: int) -> list[str]:
    return bars([(str(score), count, str(count)) for score, count in enumerate(one.counts)], width=width - 2)


def _lanes(found: Insights) -> list[str]:
    more = f"{found.others} parcels on lanes with fewer than 20" if found.others else ""
    if not found.lanes:
        return [more or "no parcel came to its end"]
    rows = [("lane", "carrier", "service", "parcels", "on time", "days", "p90", "problems", "first attempt")]
    rows += [
        (
            f"{one.origin or '?'} → {one.destination or '?'}", one.carrier, one.service, str(one.parcels),
            _percent(one.on_time), _figure(one.median_days), _figure(one.p90_days), _percent(one.exceptions),
            _percent(one.first_attempt),
        )
        for one in found.lanes
    ]  # fmt: skip
    return [*table(rows), *([f"and {more}"] if more else [])]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0f} %"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):  # how often each score was given
        return " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_UNSAFE) else value

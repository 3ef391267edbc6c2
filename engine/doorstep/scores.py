"""What answers with a score come to: counts by day from SQL, and the figures of customer research from counts.

A widget's answer counts when its data have a whole `score` and an `of`, the best there is: 10 is the NPS's scale (0 to 10), 5
that of CSAT and stars (1 to 5). Erasure leaves both, so that a shop's figures stay when its customers are forgotten.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from .tables import answers

NPS, FIVE = 10, 5
_PROMOTERS, _DETRACTORS = range(9, 11), range(7)
_SATISFIED = range(4, 6)

Counts = Mapping[int, int]  # how often each score was given


class Asked(Struct, frozen=True, order=True):
    """What was asked: by which widget, at which moment, on which scale."""

    widget: str
    moment: str
    of: int


class _Scored(Struct):
    score: int
    of: int


def nps(counts: Counts) -> float | None:
    """The net promoter score, -100 to 100: the share of 9 and 10 less the share of 0 to 6. None without answers."""
    return _percent(counts, _PROMOTERS, _DETRACTORS)


def csat(counts: Counts) -> float | None:
    """The share of those who gave 4 or 5 of five, 0 to 100. None without answers."""
    return _percent(counts, _SATISFIED)


def mean(counts: Counts) -> float | None:
    """The average score. None without answers."""
    total = sum(counts.values())
    return sum(score * count for score, count in counts.items()) / total if total else None


def by_day(
    connection: Connection, store: str, first: date, last: date, zone: ZoneInfo
) -> dict[Asked, dict[date, Counter[int]]]:
    """How often each score was given on each of the shop's days from `first` to `last`; an answer counts on the day of its
    last edit."""
    begins, ends = (_midnight(day, zone) for day in (first, last + timedelta(days=1)))
    columns = (answers.c.widget, answers.c.moment, answers.c.updated_at, answers.c.data)
    then = (answers.c.updated_at >= begins) & (answers.c.updated_at < ends)
    counted: defaultdict[Asked, defaultdict[date, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for widget, moment, at, data in connection.execute(select(*columns).where(answers.c.store == store, then)):
        try:
            given = msgspec.json.decode(data, type=_Scored)
        except msgspec.ValidationError:
            continue  # of a form that asks for no score
        counted[Asked(widget, moment, given.of)][at.astimezone(zone).date()][given.score] += 1
    return {asked: dict(days) for asked, days in counted.items()}


def _percent(counts: Counts, good: range, bad: range = range(0)) -> float | None:
    total = sum(counts.values())
    net = sum(count * ((score in good) - (score in bad)) for score, count in counts.items())
    return 100 * net / total if total else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)

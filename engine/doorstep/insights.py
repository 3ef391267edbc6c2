"""What a shop may know of its pages without knowing anything of a person: counts by day, what answers say, how carriers do."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from sqlalchemy import Connection, func, select

from . import scores
from .comparison import Comparison, LaneFigures, compare
from .tables import parcels, tallies

USUAL, LONGEST = 30, 400  # days
_OLDEST, _LATEST = 2000, 2200  # years: calendars end, and sums of days with them
_WEEK = 7
_KINDS = ("shown", "clicked", "answered", "referred", "redeemed")
_OF_MESSAGES = ("sent", "delivered", "bounced", "opened", "followed")
_LARGEST = 100  # scale that is shown score by score


class Day(Struct, frozen=True):
    """What was counted on a day. `tracking` and `order` are pages, each counted once for its parcel or order."""

    day: date
    tracking: int = 0
    order: int = 0
    shown: int = 0
    clicked: int = 0
    answered: int = 0
    referred: int = 0
    redeemed: int = 0

    @property
    def views(self) -> int:
        return self.tracking + self.order


class WidgetFigures(Struct, frozen=True):
    """What was counted of a widget in the whole period."""

    widget: str
    shown: int = 0
    clicked: int = 0
    answered: int = 0
    referred: int = 0
    redeemed: int = 0


class MessageFigures(Struct, frozen=True):
    """What became of the messages of a kind: `followed` are those whose link led to the order's page, once for each order and
    day; `delivered` is what providers tell of, `opened` is counted where the shop turned it on."""

    kind: str
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    opened: int = 0
    followed: int = 0


class WeekOfScores(Struct, frozen=True):
    """Seven days of answers, from `first` on; fewer at the end of the period. `value` is as that of the whole."""

    first: date
    answers: int
    value: float | None


class ScoreFigures(Struct, frozen=True):
    """What customers answered to a question with a scale. `value` is the NPS (-100 to 100) where `of` is 10, the CSAT (percent
    of 4 and 5) where it is 5, else nothing; `counts` are the answers by score, from 0 to `of`."""

    widget: str
    moment: str
    of: int
    answers: int
    value: float | None
    mean: float | None
    counts: tuple[int, ...]
    weeks: tuple[WeekOfScores, ...]


class Insights(Struct, frozen=True):
    """A store's figures from the day `from` to the day `to`, on its own clock. `others` are parcels on lanes with too few to
    compare; `visits` are pages seen for each parcel that set out in these days, None where none did."""

    store: str
    first: date = field(name="from")
    last: date = field(name="to")
    days: tuple[Day, ...] = ()
    widgets: tuple[WidgetFigures, ...] = ()
    scores: tuple[ScoreFigures, ...] = ()
    lanes: tuple[LaneFigures, ...] = ()
    others: int = 0
    messages: tuple[MessageFigures, ...] = ()
    visits: float | None = None


class Period(Struct, frozen=True):
    """Days of a shop, both of them with it."""

    first: date
    last: date


def period(first: date | None, last: date | None, *, today: date) -> Period:
    """The days that are meant: thirty up to today, where nothing else is said. Raises ValueError."""
    last = last or (max(today, first) if first else today)
    first = first or last - timedelta(days=min(USUAL - 1, (last - date.min).days))
    if first.year < _OLDEST or last.year > _LATEST:
        raise ValueError(f"the period is not between {_OLDEST} and {_LATEST}")
    if first > last:
        raise ValueError(f"the period ends ({last}) before it begins ({first})")
    if (last - first).days >= LONGEST:
        raise ValueError(f"the period is longer than {LONGEST} days")
    return Period(first, last)


def insights(connection: Connection, store: str, days: Period, zone: ZoneInfo, *, today: date) -> Insights:
    """A store's figures."""
    first, last = days.first, days.last
    counts = _counts(connection, store, days)
    by_day = tuple(_day(counts, first + timedelta(n)) for n in range((last - first).days + 1))
    compared: Comparison = compare(connection, store, first, last, zone, today=today)
    return Insights(
        store=store,
        first=first,
        last=last,
        days=by_day,
        widgets=_widgets(counts),
        scores=tuple(
            _scores(asked, by_day, days)
            for asked, by_day in sorted(scores.by_day(connection, store, first, last, zone).items())
            if 0 < asked.of <= _LARGEST
        ),
        lanes=compared.lanes,
        others=compared.others,
        messages=_messages(counts),
        visits=_visits(connection, store, days, zone, sum(one.views for one in by_day)),
    )


def _counts(connection: Connection, store: str, days: Period) -> Mapping[tuple[date, str, str], int]:
    then = tallies.c.day.between(days.first, days.last)
    columns = (tallies.c.day, tallies.c.kind, tallies.c.subject, tallies.c.count)
    rows = connection.execute(select(*columns).where(tallies.c.store == store, then))
    return {(day, kind, subject): count for day, kind, subject, count in rows}


def _day(counts: Mapping[tuple[date, str, str], int], day: date) -> Day:
    found: Counter[str] = Counter()
    for (at, kind, subject), count in counts.items():
        if at == day:
            found[subject if kind == "viewed" else kind] += count
    return Day(day, **{name: found[name] for name in ("tracking", "order", *_KINDS)})


def _widgets(counts: Mapping[tuple[date, str, str], int]) -> tuple[WidgetFigures, ...]:
    found = _by_subject(counts, _KINDS)
    return tuple(WidgetFigures(name, **{kind: one[kind] for kind in _KINDS}) for name, one in found)


def _messages(counts: Mapping[tuple[date, str, str], int]) -> tuple[MessageFigures, ...]:
    found = _by_subject(counts, _OF_MESSAGES)
    return tuple(MessageFigures(name, **{kind: one[kind] for kind in _OF_MESSAGES}) for name, one in found)


def _by_subject(
    counts: Mapping[tuple[date, str, str], int], kinds: Collection[str]
) -> list[tuple[str, Counter[str]]]:  # fmt: skip
    found: dict[str, Counter[str]] = {}
    for (_, kind, subject), count in counts.items():
        if kind in kinds:
            found.setdefault(subject, Counter())[kind] += count
    return sorted(found.items())


def _visits(connection: Connection, store: str, days: Period, zone: ZoneInfo, views: int) -> float | None:
    begins = datetime.combine(days.first, time(), zone)
    ends = datetime.combine(days.last + timedelta(days=1), time(), zone)
    set_out = (parcels.c.first_scan_at >= begins) & (parcels.c.first_scan_at < ends)
    query = select(func.count()).select_from(parcels).where(parcels.c.store == store, set_out)
    number = connection.scalar(query) or 0
    return round(views / number, 1) if number else None


def _scores(asked: scores.Asked, by_day: Mapping[date, Counter[int]], days: Period) -> ScoreFigures:
    whole: Counter[int] = sum(by_day.values(), Counter())
    return ScoreFigures(
        asked.widget,
        asked.moment,
        asked.of,
        whole.total(),
        _value(whole, asked.of),
        _rounded(scores.mean(whole)),
        tuple(whole[score] for score in range(asked.of + 1)),
        tuple(
            _week(by_day, days.first + timedelta(n), asked.of)
            for n in range(0, (days.last - days.first).days + 1, _WEEK)
        ),
    )


def _week(by_day: Mapping[date, Counter[int]], first: date, of: int) -> WeekOfScores:
    until = first + timedelta(days=_WEEK)
    counts: Counter[int] = sum((found for day, found in by_day.items() if first <= day < until), Counter())
    return WeekOfScores(first, counts.total(), _value(counts, of))


def _value(counts: Counter[int], of: int) -> float | None:
    figure = {scores.NPS: scores.nps, scores.FIVE: scores.csat}.get(of)
    return _rounded(figure(counts)) if figure else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)

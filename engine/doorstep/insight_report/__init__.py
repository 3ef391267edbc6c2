"""The insights of a store as one static file: to be read, printed and sent on. No script, nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from ..i18n import N_, Localizer
from ..insights import Insights, ScoreFigures
from ..message import Kind
from ..message_words import BOUNCED, LETTERS, OPENED, REACHED, SENT, VISITS

_WIDTH, _HEIGHT, _GAP = 720, 140, 2
_KINDS = {  # of what is counted of a widget
    "shown": N_("Shown"),
    "clicked": N_("Clicked"),
    "answered": N_("Answered"),
    "referred": N_("Friends"),
    "redeemed": N_("Redeemed"),
}
_MESSAGES = {
    "sent": SENT,
    "delivered": REACHED,
    "bounced": BOUNCED,
    "opened": OPENED,
    "followed": N_("Links followed"),
}
_MOMENTS = {
    "after_checkout": N_("After checkout"),
    "on_the_way": N_("On the way"),
    "after_delivery": N_("After delivery"),
}


class Column(Struct, frozen=True):
    """A column of a chart, in its units; `label` says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str


class Chart(Struct, frozen=True):
    """Columns from the bottom; with negative values, from a line between."""

    columns: tuple[Column, ...]
    zero: float
    top: str  # the value of the highest column, as it is written
    width: int = _WIDTH
    height: int = _HEIGHT


def chart(values: Sequence[tuple[str, float]], *, largest: float, lowest: float = 0, top: str = "") -> Chart:
    """A chart of labelled values between `lowest` and `largest`, in a box that is always as large."""
    step = _WIDTH / max(1, len(values))
    unit = _HEIGHT / max(largest - lowest, 1e-9)
    zero = round(largest * unit, 2)
    gap = min(_GAP, step / 4)
    columns = (
        Column(
            round(i * step + gap / 2, 2), round(min(zero, zero - value * unit), 2), round(step - gap, 2),
            round(abs(value) * unit, 2), label,
        )
        for i, (label, value) in enumerate(values)
    )  # fmt: skip
    return Chart(tuple(columns), zero, top)


def html(found: Insights, *, shop: str, carriers: Mapping[str, str], localizer: Localizer, today: date) -> str:
    """The report. `carriers` are names by slug."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["_"] = localizer.text
    environment.filters |= {
        "number": localizer.number,
        "percent": partial(_percent, localizer),
        "country": lambda code: localizer.country(code) if code else localizer.text(N_("unknown")),
        "day": partial(localizer.long_date, today=today),
        "short_day": localizer.day_and_month,
    }
    return environment.get_template("report.html").render(
        found=found,
        shop=localizer.isolate(shop),
        language=localizer.tag,
        dir=localizer.dir,
        kinds=_KINDS,
        moments=_MOMENTS,
        messages=[(_subject(one.kind, localizer), one) for one in found.messages],
        message_kinds=_MESSAGES,
        visits=VISITS,
        carriers=carriers,
        views=_views(found, localizer),
        total={name: sum(getattr(one, name) for one in found.days) for name in ("views", "clicked", "answered")},
        most=max((one.shown for one in found.widgets), default=0),
        scores=[(one, _weeks(one, localizer)) for one in found.scores],
    )


def _subject(kind: str, localizer: Localizer) -> str:
    """What messages of a kind say; those about a product, of any."""
    known = LETTERS.get(Kind(kind)) if kind in set(Kind) else None
    return localizer.text(known.subject, product="…") if known else kind


def _views(found: Insights, localizer: Localizer) -> Chart:
    largest = max((one.views for one in found.days), default=0)
    labelled = [(f"{localizer.day_and_month(one.day)}: {localizer.number(one.views)}", one.views) for one in found.days]
    return chart(labelled, largest=largest or 1, top=localizer.number(largest))


def _weeks(one: ScoreFigures, localizer: Localizer) -> Chart | None:
    """The value of each week; None where there is none to compare."""
    values = [(week.first, week.value) for week in one.weeks if week.value is not None]
    if len(values) < 2:
        return None
    lowest = min(0.0, *(value for _, value in values))
    labelled = [(f"{localizer.day_and_month(day)}: {localizer.number(value)}", value) for day, value in values]
    return chart(labelled, largest=100, lowest=-100 if lowest < 0 else 0, top=localizer.number(100))


def _percent(localizer: Localizer, share: float | None) -> str:
    return "–" if share is None else localizer.percent(share)

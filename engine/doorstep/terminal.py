"""What commands print: a shipment, carriers, candidates, readable in a terminal of 80 columns."""

import unicodedata
from collections.abc import Iterable, Sequence

from .context import PageContext
from .plugins import Broken, CarrierState
from .recognition import Candidate

_MARKS = {"good": "✓", "attention": "!", "problem": "×", "neutral": "·"}


def page_lines(context: PageContext) -> list[str]:
    """A tracking page as text: the answer, the progress, the timeline, the facts."""
    lines: list[str] = []
    if hero := context.hero:
        lines.append(f"{_MARKS[hero.tone]} {hero.headline}")
        lines += [f"  {text}" for text in (hero.when, hero.delayed, hero.detail) if text]
        if hero.action:
            lines.append(f"  {hero.action.label}: {hero.action.url}")
    if context.notice:
        lines += ["", f"! {context.notice.text}"]
    if context.steps:
        marks = {"done": "●", "current": "◉", "todo": "○"}
        lines += ["", "  " + "  ".join(f"{marks[step.state]} {step.label}" for step in context.steps)]
    if shipment := context.shipment:
        lines.append("")
        lines += [f"  {fact.label}: {fact.value}" for fact in shipment.facts]
        lines.append(f"  {shipment.carrier.name}: {shipment.carrier.url}")
        for day in (*shipment.days, *shipment.older):
            lines += ["", f"  {day.label}"]
            for event in day.events:
                clock = " ".join(filter(None, (event.clock, event.zone)))
                lines.append(f"    {_padded(clock, 8)}  {' · '.join(filter(None, (event.sentence, event.place)))}")
                if event.text:
                    lines.append(f"    {_padded('', 8)}  “{event.text}”")
        lines += ["", f"  {shipment.as_of}"]
    lines += [f"  {choice.name}  {choice.detail}  {choice.url}" for choice in context.choices]
    return lines


def carrier_lines(states: Iterable[CarrierState], broken: Sequence[Broken]) -> list[str]:
    """The carriers with their state, and the plugins that could not be loaded."""
    rows = [("carrier", "state", "accounts", "")]
    rows += [(one.slug, one.state.value, ", ".join(one.accounts), _why(one.reason, one.next_step)) for one in states]
    lines = table(rows)
    if broken:
        lines += ["", "broken plugins"]
        for one in broken:
            where = f"{one.plugin} ({one.distribution}{', ' + one.hook if one.hook else ''})"
            lines.append(f"  {where}: {_why(one.reason, one.next_step)}")
    return lines


def candidate_lines(number: str, candidates: Sequence[Candidate]) -> list[str]:
    """The candidates of one number, best first."""
    lines = [number]
    lines += [f"  {one.score:.2f}  {one.carrier}: {'; '.join(one.why)}" for one in candidates]
    return lines if candidates else [number, "  no carrier known here has numbers of this form"]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned columns; the last one is as long as it is."""
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(_padded(cell, w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]


def _why(reason: str, next_step: str) -> str:
    return f"{reason}: {next_step}" if reason and next_step else reason or next_step


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - _width(text))


def _width(text: str) -> int:
    """Columns a text takes: wide characters two, marks none."""
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )

"""What commands print: a shipment, carriers, candidates, readable in a terminal of 80 columns."""

import unicodedata
from collections.abc import Sequence

import click
import msgspec

from .checking import Report
from .context import PageContext
from .lines import escaped, without_controls
from .models import Event
from .parsing import Parsed
from .plugins import Broken, CarrierState, State
from .recognition import Candidate
from .recording import Recorded

_MARKS = {"good": "✓", "attention": "!", "problem": "×", "neutral": "·"}


def say(*lines: str, err: bool = False) -> None:
    """Prints lines. What carriers, shops and shoppers wrote begins none of its own, and tells the terminal nothing."""
    click.echo("\n".join(map(without_controls, lines)), err=err)


def say_json(value: object) -> None:
    click.echo(escaped(msgspec.json.encode(value).decode()))


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
        lines.append("  " + ": ".join(filter(None, (shipment.carrier.name, shipment.carrier.url))))
        for day in (*shipment.days, *shipment.older):
            lines += ["", f"  {day.label}"]
            for event in day.events:
                clock = " ".join(filter(None, (event.clock, event.zone)))
                lines.append(f"    {padded(clock, 8)}  {' · '.join(filter(None, (event.sentence, event.place)))}")
                if event.text:
                    lines.append(f"    {padded('', 8)}  “{event.text}”")
        lines += ["", f"  {shipment.as_of}"]
    lines += [f"  {choice.name}  {choice.detail}  {choice.url}" for choice in context.choices]
    return lines


def carrier_lines(states: Sequence[CarrierState], broken: Sequence[Broken], *, everything: bool) -> list[str]:
    """The carriers with their state, and the plugins that could not be loaded. Those known by number are counted only, but
    for `everything`."""
    shown = [one for one in states if everything or one.state is not State.BY_NUMBER_ONLY]
    rows = [("carrier", "state", "accounts", "")]
    rows += [(one.slug, one.state.value, ", ".join(one.accounts), _why(one.reason, one.next_step)) for one in shown]
    lines = table(rows)
    if more := len(states) - len(shown):
        lines.append(f"and {more} known by number only: doorstep carriers --all")
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


def parsed_lines(parsed: Parsed) -> list[str]:
    """Shipments as a plugin's author needs them: every scan with its code, status and what is known of its time."""
    if parsed.not_found is not None:
        return [f"not found: {parsed.not_found}"]
    lines: list[str] = []
    for shipment in parsed.shipments:
        name = f" ({shipment.carrier_name})" if shipment.carrier_name else ""
        lines += [
            f"{shipment.number}  {shipment.carrier}{name}: {shipment.status}{', final' if shipment.final else ''}"
        ]
        lines += [f"  {line}" for line in table([_event_row(event) for event in shipment.events] or [("no scan",)])]
    lines += ["not in the code table:"] if parsed.unmapped else []
    return lines + [f"  {one.code or '(no code)'}, {one.events} times: {one.text}" for one in parsed.unmapped]


def report_lines(report: Report, *, rules: bool) -> list[str]:
    """A plugin's problems and its quality list: the sum, or every rule."""
    counts = ", ".join(f"{count} {standing.value}" for standing, count in report.standing.items())
    counts = counts if report.quality else f"{report.rules} rules" if report.rules else "no quality list"
    lines = [f"{report.plugin}: {'fine' if not report.problems else 'to mend'} ({counts})"]
    lines += [f"  × {_why(problem.message, problem.mend)}" for problem in report.problems]
    rows = [(claim.standing.value, id, claim.reason) for id, claim in report.quality.items()]
    return lines + [f"  {line}" for line in table(rows)] if rules and rows else lines


def recorded_lines(recorded: Recorded) -> list[str]:
    """What was recorded, and what its author has to do before anybody else sees it."""
    lines = [f"The number became {recorded.number}. Written:", *(f"  {file}" for file in recorded.files)]
    lines += [f"Replaced: {', '.join(sorted(set(recorded.replaced))) or 'nothing but the number'}"]
    if recorded.texts:
        lines += [
            "Read these texts: only you can tell whether they name somebody.",
            *(f"  {one}" for one in recorded.texts),
        ]
    return [
        *lines,
        "Next: a title in case.toml, and expected.json, worked out by hand from the carrier's documentation.",
    ]


def _event_row(event: Event) -> tuple[str, ...]:
    moment = event.moment
    at = moment.instant.strftime("%Y-%m-%d %H:%M UTC") if moment.instant else f"{moment.raw} (instant unknown)"
    place = ", ".join(filter(None, (event.place.name, event.place.city, event.place.country)))
    return at, event.code, event.status.value if event.status else "-", place, event.text


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned columns; the last one is as long as it is."""
    widths = [max(columns_of(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(padded(cell, w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]


def _why(reason: str, next_step: str) -> str:
    return f"{reason}: {next_step}" if reason and next_step else reason or next_step


def padded(text: str, width: int) -> str:
    """The text with blanks behind it, up to so many columns."""
    return text + " " * max(0, width - columns_of(text))


def columns_of(text: str) -> int:
    """Columns a text takes: wide characters two, marks none."""
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )

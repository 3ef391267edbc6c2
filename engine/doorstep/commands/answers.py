"""`doorstep answers`: what shoppers answered in widgets' forms, and which of it others may see."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..answers import Answer, Answers, find, listed
from ..clock import SystemClock
from ..database import Database
from ..errors import DoorstepError
from ..outbox import Outbox
from ..terminal import say, say_json, table
from ..voices import may_be_shown
from .options import chosen, config_option, json_option, loaded, opened, store_option

_AT_ONCE = 500
_FIXED = ("id", "widget", "moment", "order", "created_at", "updated_at", "approved_at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would calculate, or worse

widget_option = click.option("--widget", default="", help="Of this widget only.")
moment_option = click.option("--moment", default="", help="Of this moment only.")
since_option = click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Written on this day (UTC) or later.")


@click.group()
def answers() -> None:
    """What shoppers answered in widgets' forms: read it, and say what others may see."""


@answers.command("list")
@config_option
@store_option
@widget_option
@moment_option
@since_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, the newest.")
@json_option
def list_command(
    path: Path, store: str, widget: str, moment: str, since: datetime | None, limit: int, as_json: bool
) -> None:
    """List answers, the last written first. A * is one that its customer lets others see, a ✓ one that they see."""
    config = loaded(path)
    store = chosen(config, store)
    with opened(config) as database, database.reading() as connection:
        found = listed(connection, store, widget=widget, moment=moment, since=_utc(since), limit=limit).answers
    if as_json:
        say_json(found)
    else:
        say(*table([_row(one) for one in found] or [("no answer",)]))


@answers.command()
@config_option
@store_option
@widget_option
@moment_option
@since_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Into this file, which nobody else may read."
)
def export(path: Path, store: str, widget: str, moment: str, since: datetime | None, out: Path | None) -> None:
    """Print answers as CSV, the last written first; each question is a column."""
    config = loaded(path)
    with opened(config) as database:
        found = list(_all(database, chosen(config, store), widget=widget, moment=moment, since=_utc(since)))
    written = _csv(found)
    if out is None:
        click.echo(written, nl=False)
        return
    out.touch()
    out.chmod(0o600)
    out.write_text(written, "utf-8", newline="")
    click.echo(f"{out}: {len(found)} answers", err=True)


@answers.command()
@config_option
@store_option
@click.argument("id")
def approve(path: Path, store: str, id: str) -> None:
    """Let pages show answer ID to others. Its customer must have allowed it."""
    _set(path, store, id, shown=True)
    click.echo(f"answer {id} may be shown")


@answers.command()
@config_option
@store_option
@click.argument("id")
def withdraw(path: Path, store: str, id: str) -> None:
    """Show answer ID no more. Pages that have it lose it within half a minute."""
    _set(path, store, id, shown=False)
    click.echo(f"answer {id} is not shown")


def _set(path: Path, store: str, id: str, *, shown: bool) -> None:
    config = loaded(path)
    store = chosen(config, store)
    with opened(config) as database, database.writing() as connection:
        answer = find(connection, store, id)
        if answer is None:
            raise DoorstepError(f"there is no answer {id!r}", next_step="doorstep answers list shows them")
        if shown and not may_be_shown(answer.data):
            raise DoorstepError(
                f"answer {id} must not be shown", next_step="its customer has not written what others may see"
            )
        clock = SystemClock()
        kept = Answers(database, Outbox({}, clock=clock), clock=clock)
        (kept.approve if shown else kept.withdraw)(connection, answer)


def _all(database: Database, store: str, **which: Any) -> Iterator[Answer]:
    after = None
    while True:
        with database.reading() as connection:
            found = listed(connection, store, after=after, limit=_AT_ONCE, **which)
        yield from found.answers
        after = found.after
        if after is None:
            return


def _csv(found: Sequence[Answer]) -> str:
    asked = sorted({name for one in found for name in one.data})
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*_FIXED, *asked])
    for one in found:
        fixed = (one.id, one.widget, one.moment, one.order, one.created_at, one.updated_at, one.approved_at)
        writer.writerow(map(_cell, [*fixed, *(one.data.get(name) for name in asked)]))
    return file.getvalue()


def _cell(value: Any) -> str:
    """A value as a spreadsheet takes it: what strangers typed is text there, and never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, list):
        return "; ".join(map(_cell, value))
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _row(one: Answer) -> tuple[str, ...]:
    mark = "✓" if one.approved_at else "*" if may_be_shown(one.data) else ""
    score = f"{one.data['score']}/{one.data.get('of', '?')}" if "score" in one.data else "-"
    words = " ".join(str(one.data.get("comment", "")).split())
    order = f"#{one.order.lstrip('#')}" if one.order else "-"
    return f"{one.updated_at:%Y-%m-%d %H:%M}Z", str(one.id), mark, one.moment or "-", order, score, words


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day is not None else None

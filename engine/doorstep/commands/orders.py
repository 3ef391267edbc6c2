"""`doorstep orders`: bring orders in from a file, and look at those that are there."""

import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from zoneinfo import ZoneInfo

import click
import msgspec
from msgspec import Struct

from ..clock import SystemClock
from ..drafts import Draft, JsonLines, OrderFile
from ..importing import Counts, Importer
from ..orderbook import KeptOrder
from ..sheet import Sheet
from ..terminal import say, say_json, table
from .options import chosen, config_option, engine_of, json_option, loaded, store_option

_SHOWN = 50  # problems on the screen
_KEPT = 1000  # problems in the JSON
_KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@click.group()
def orders() -> None:
    """Import orders from a file, and look at those that are there."""


@orders.command("import")
@config_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@store_option
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path),
    help="Where the rows go that are bad, to be mended and imported again; beside FILE, if not named.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Read and check everything, keep nothing.")
@json_option
def import_orders(path: Path, file: Path, store: str, report: Path | None, dry_run: bool, as_json: bool) -> None:
    """Import the orders of FILE (.csv, .jsonl). What is there already is changed; a second time changes nothing."""
    if file.suffix.lower() not in _KINDS:
        raise click.UsageError(f"{file.name} is neither .csv nor .jsonl")
    if report is not None and report.resolve() == file.resolve():
        raise click.UsageError("the report would overwrite the file that is imported")
    config = loaded(path)
    into = chosen(config, store)
    with engine_of(path) as engine, file.open("rb") as opened, _Report(report or _beside(file)) as bad:
        source = _source(opened, file, ZoneInfo(config.stores[into].timezone))
        importer = Importer(engine.database, engine.ledger, clock=SystemClock(), store=into)
        done = _run(importer, source, bad, size=file.stat().st_size, dry_run=dry_run)
    if isinstance(source, Sheet) and source.unknown:
        say(f"doorstep: columns that say nothing here: {', '.join(source.unknown)}", err=True)
    if as_json:
        say_json({**msgspec.to_builtins(done), "report": str(bad.path) if done.bad else None})
    else:
        say(*_told(done, bad, file, dry_run=dry_run))
    if done.bad or done.stopped:
        raise click.exceptions.Exit(1)


class _Done(Struct):
    """An import's end. `stopped`: by hand, before the file's end."""

    created: int = 0
    changed: int = 0
    same: int = 0
    bad: int = 0
    parcels: int = 0
    seconds: float = 0
    stopped: bool = False
    problems: list[Any] = []

    def add(self, counts: Counts) -> None:
        self.created += counts.created
        self.changed += counts.changed
        self.same += counts.same
        self.bad += counts.bad
        self.parcels += counts.parcels
        self.problems += counts.problems[: max(0, _KEPT - len(self.problems))]

    @property
    def rate(self) -> int:
        return round((self.created + self.changed + self.same + self.bad) / max(self.seconds, 0.001))


class _Report:
    """The file of rows to mend; it is there only when there are some."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def __enter__(self) -> "_Report":
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, source: OrderFile, draft: Draft) -> None:
        if self._file is None:
            # With a byte order mark: spreadsheets take what has none for text of another kind.
            encoding = "utf-8-sig" if source.heading() else "utf-8"
            self._file = self.path.open("w", encoding=encoding, errors="replace", newline="")
            self._file.write(source.heading())
        self._file.write(source.give_back(draft))
        self._file.flush()


def _run(importer: Importer, source: OrderFile, bad: _Report, *, size: int, dry_run: bool) -> _Done:
    done, started, read = _Done(), time.monotonic(), 0
    progress: Any = click.progressbar(
        length=size, label="Importing", file=sys.stderr, item_show_func=lambda rate: f"{rate or 0} orders a second"
    )
    with progress as bar:
        try:
            for counts in importer.run(
                source.drafts(), refused=lambda draft: bad.add(source, draft), dry_run=dry_run
            ):  # fmt: skip
                done.add(counts)
                done.seconds = time.monotonic() - started
                bar.update(source.read - read, done.rate)
                read = source.read
        except KeyboardInterrupt:
            done.stopped = True
    return done


def _source(opened: BinaryIO, file: Path, zone: ZoneInfo) -> OrderFile:
    return Sheet(opened, file.name, zone) if _KINDS[file.suffix.lower()] == "csv" else JsonLines(opened)


def _beside(file: Path) -> Path:
    """A name beside the file that is not taken: somebody may be mending an earlier report."""
    names = (f"{file.stem}.bad{'' if n == 1 else f'-{n}'}{file.suffix}" for n in range(1, 10_000))
    return next(place for name in names if not (place := file.with_name(name)).exists())


def _told(done: _Done, bad: _Report, file: Path, *, dry_run: bool) -> list[str]:
    lines = [
        f"{file.name}: {done.created} new, {done.changed} changed, {done.same} as they were, {done.bad} bad",
        f"  {done.rate} orders a second",
    ]
    for one in done.problems[:_SHOWN]:
        place = f"line {one.line}, {one.column}" if one.column else f"line {one.line}"
        lines.append(f"  {place}: {one.problem}: {one.next_step}")
    if len(done.problems) > _SHOWN:
        lines.append(f"  … the others stand in {bad.path.name}")
    if done.bad:
        lines.append(f"The bad ones are in {bad.path}: mend them there, and import that file.")
    if done.stopped:
        lines.append("Stopped before the end. What is counted is in; run it again for the rest.")
    if dry_run:
        lines.append("Nothing was kept: --dry-run.")
    return lines


@orders.command("list")
@config_option
@store_option
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first."
)
@json_option
def list_orders(path: Path, store: str, limit: int, as_json: bool) -> None:
    """List orders, the newest first."""
    into = chosen(loaded(path), store)
    with engine_of(path) as engine, engine.database.reading() as connection:
        found = engine.orders.page(connection, into, limit=limit).orders
    if as_json:
        say_json([_summary(one) for one in found])
        return
    rows = [("number", "placed", "promised", "parcels", "id")]
    rows += [(one.order.number, f"{one.placed_at:%Y-%m-%d}", _until(one), _parcels(one), one.id) for one in found]
    say(*(table(rows) if found else ["There is no order yet: doorstep orders import FILE"]))


@orders.command("show")
@config_option
@click.argument("order")
@store_option
@json_option
def show_order(path: Path, order: str, store: str, as_json: bool) -> None:
    """Show an ORDER, by its number or id, without what is personal: `doorstep privacy export` gives that."""
    into = chosen(loaded(path), store)
    with engine_of(path) as engine, engine.database.reading() as connection:
        found = engine.orders.find(connection, into, order)
    if found is None:
        raise click.ClickException(f"there is no order {order!r}")
    if as_json:
        say_json({**_summary(found), "items": found.order.items})
    else:
        say(*_lines(found))


def _summary(kept: KeptOrder) -> dict[str, Any]:
    return {
        "id": kept.id, "number": kept.order.number, "version": kept.version, "placed_at": kept.placed_at,
        "promised": kept.promised, "promise": kept.promise, "cancelled_at": kept.order.cancelled_at,
        "shipments": [
            {"number": one.number, "carrier": one.carrier, "status": one.status, "expected": one.expected}
            for one in kept.parcels
        ],
    }  # fmt: skip


def _lines(kept: KeptOrder) -> list[str]:
    facts = [
        ("number", kept.order.number), ("id", kept.id), ("placed", f"{kept.placed_at:%Y-%m-%d %H:%M} UTC"),
        ("promised", " ".join(filter(None, (_until(kept), kept.promise)))), ("country", kept.order.country),
        ("cancelled", f"{kept.order.cancelled_at:%Y-%m-%d}" if kept.order.cancelled_at else ""),
    ]  # fmt: skip
    lines = table([(name, value) for name, value in facts if value])
    lines += [f"{one.quantity:>4} × {one.name}" for one in kept.order.items]
    lines += ["  ".join(("", one.number, one.carrier or "?", one.status)) for one in kept.parcels]
    return lines


def _until(kept: KeptOrder) -> str:
    return kept.promised.until.isoformat() if kept.promised and kept.promised.until else ""


def _parcels(kept: KeptOrder) -> str:
    return ", ".join(f"{one.number} {one.status}" for one in kept.parcels)

"""`doorstep insights`: what was counted, answered and delivered, without anything of a person."""

import shutil
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from ..clock import SystemClock
from ..config import Config
from ..i18n import Catalogs
from ..insight_lines import TABLES, as_csv, insight_lines
from ..insight_report import html
from ..insights import Insights, insights, period
from ..packages import found as found_packages
from ..paths import shipped
from ..plugins import load_plugins
from ..terminal import say, say_json
from .options import chosen, config_option, json_option, loaded, opened, store_option

_DAY = click.DateTime(["%Y-%m-%d"])
_NARROWEST, _WIDEST = 40, 120  # columns


@click.command("insights")
@config_option
@store_option
@click.option("--from", "first", type=_DAY, help="The first day; thirty days up to the last one, if not named.")
@click.option("--to", "last", type=_DAY, help="The last day, counted too; today, if not named.")
@click.option("--csv", "as_table", type=click.Choice([*TABLES]), help="Print one of the tables as CSV.")
@click.option(
    "--html", "report", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to FILE: one page to read and to print, with charts.", metavar="FILE",
)  # fmt: skip
@json_option
def insights_command(
    path: Path, store: str, first: datetime | None, last: datetime | None, as_table: str | None, report: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what was counted of pages and widgets, what customers answered, and carriers compared by lane."""
    config = loaded(path)
    of = chosen(config, store)
    zone = ZoneInfo(config.stores[of].timezone)
    today = SystemClock().now().astimezone(zone).date()
    try:
        days = period(first.date() if first else None, last.date() if last else None, today=today)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with opened(config) as database, database.reading() as connection:
        found = insights(connection, of, days, zone, today=today)
    if report is not None:
        report.write_text(_written(config, found, today), "utf-8")
        click.echo(f"{report}: {found.first} to {found.last}")
    elif as_json:
        say_json(found)
    elif as_table:
        click.echo(as_csv(found, as_table), nl=False)
    else:
        width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
        say(*insight_lines(found, width=width))


def _written(config: Config, found: Insights, today: date) -> str:
    """The report, in the shop's language."""
    store = config.stores[found.store]
    plugins = load_plugins(config, found_packages(config.base / config.plugins.folder))
    catalogs = Catalogs([shipped("locales"), *plugins.registered.locales])
    carriers = {slug: manifest.name for slug, manifest in plugins.manifests.items()}
    return html(found, shop=store.name, carriers=carriers, localizer=catalogs.localizer(store.language), today=today)

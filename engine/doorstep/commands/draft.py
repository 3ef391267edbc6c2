"""`doorstep draft link`: a link to a draft of a store's appearance, for its makers."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import click
import msgspec

from ..appearance import Draft
from ..appearances import Appearances
from ..clock import SystemClock
from ..config import Config, require_secret_key
from ..draft_links import PARAMETER, DraftLinks
from ..message_links import home
from .options import chosen, config_option, json_option, loaded, opened, store_option


def _of_api(config: Config, store: str) -> Mapping[str, Draft]:
    with opened(config) as database, database.reading() as connection:
        kept = Appearances(database, clock=SystemClock()).find(connection, store)
    return kept.appearance.draft


@click.group()
def draft() -> None:
    """Show a draft of a store's appearance to its makers, on the live address."""


@draft.command("link")
@click.argument("name")
@config_option
@store_option
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long it works.")
@click.option("--page", default="/", show_default=True, help="The page it opens, such as /track/NUMBER.")
@json_option
def draft_link(name: str, path: Path, store: str, days: int, page: str, as_json: bool) -> None:
    """Print a signed link that shows the draft NAME; every link on its pages goes on showing it."""
    config = loaded(path)
    store = chosen(config, store)
    require_secret_key(config)
    drafts = dict(config.stores[store].draft)
    if name not in drafts:
        drafts |= _of_api(config, store)
    if name not in drafts:
        known = ", ".join(drafts) or "none"
        raise click.ClickException(
            f"store {store!r} has no draft {name!r}: add [stores.{store}.draft.{name}]; there are {known}"
        )
    clock = SystemClock()
    expires_at = clock.now() + timedelta(days=days)
    token = DraftLinks(config.secret_key, clock=clock).token(store, name, expires_at)
    url = f"{home(config, store)}/{page.lstrip('/')}?{urlencode({PARAMETER: token})}"
    told = {"draft": name, "url": url, "expires_at": expires_at}
    click.echo(msgspec.json.encode(told).decode() if as_json else url)

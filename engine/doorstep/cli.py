"""`doorstep`: the commands. Exit codes: 0 fine, 1 problems found, 2 wrong usage."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from . import __version__, logs, terminal
from .app import assemble
from .commands.answers import answers
from .commands.backup import backup
from .commands.check import check
from .commands.codes import codes
from .commands.draft import draft
from .commands.insights import insights_command
from .commands.keys import keys
from .commands.letters import preview_messages, send_test
from .commands.link import link
from .commands.messages import messages
from .commands.new_store import new_store_command
from .commands.new_theme import new_theme_command
from .commands.options import Commands, config_option, json_option, loaded, optional_config, port_option
from .commands.orders import orders
from .commands.privacy import privacy
from .commands.push import push
from .commands.talk import queue_command, why_command
from .commands.webhooks import webhooks
from .commands.worker import worker
from .config import Config, Server
from .demo import demo_site
from .engine import Engine, create_engine
from .errors import NumberError
from .lines import escaped
from .lookup import Outcome
from .packages import found
from .parsing import as_json as parsed_json
from .parsing import parse_file
from .plugins import load_plugins
from .preview.gallery import Preview
from .preview.trial import trial_of
from .recognition import Recognizer, normalise
from .recording import record as record_sample
from .sandbox import sandbox_of
from .scaffold import new_carrier, new_widget
from .serving import Site, listen, serve_sites
from .tracking import Asked, ask, ask_sandbox, settings
from .wire import Wire
from .worker import beside

_OWN = Path("plugins")  # the shop's own plugins, where a command reads no settings that name another folder


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="doorstep")
def main() -> None:
    """A headless tracking-page engine."""


main.add_command(webhooks)
main.add_command(worker)
main.add_command(keys)
main.add_command(answers)
main.add_command(link)
main.add_command(draft)
main.add_command(orders)
main.add_command(insights_command)
main.add_command(messages)
main.add_command(privacy)
main.add_command(codes)
main.add_command(backup)
main.add_command(check)
main.add_command(push)


@main.command()
@port_option
@click.option("--redis", default="", help="A redis:// URL; without one, answers are kept in the process.")
@click.option("--data", type=click.Path(path_type=Path), help="Where forms are kept; a temporary folder, if not named.")
def demo(port: int, redis: str, data: Path | None) -> None:
    """Open a working store with simulated carriers. Nothing to set up, nothing leaves this machine."""
    logs.configure()
    with tempfile.TemporaryDirectory(prefix="doorstep-demo-") as temporary:
        folder = data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        packages = found(_OWN)
        sandbox = sandbox_of(packages, today=datetime.now(UTC).date())
        carriers = Site(sandbox.app, listen("127.0.0.1", 0))
        shop = Site(
            demo_site(sandbox, carriers.url, folder=folder, server=Server(port=port), redis=redis, packages=packages),
            listen("127.0.0.1", port),
        )
        sample = next(case.number for one in sandbox.samples.values() for case in one.cases if case.demo)
        click.echo(_DEMO.format(shop=shop.url, sandbox=carriers.url, number=sample))
        serve_sites([shop, carriers])


_DEMO = """
  Doorstep demo. Shop, parcels and people are invented; carriers are simulated on this machine.

    Open              {shop}/shop/
    A parcel          {shop}/track/{number}
    In Arabic         {shop}/track/{number}?lang=ar
    Every page        {shop}/_preview/
    Other themes      {shop}/minimal/track/{number}
                      {shop}/bold/track/{number}
    As JSON           {shop}/api/v1/shipments/{number}
    A month of it     {shop}/shop/insights
    Carriers' sandbox {sandbox}

    Stop with Ctrl+C.
"""


@main.command()
@config_option
@click.option("--host", help="Instead of server.host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of server.port.")
@click.option("--worker", "with_worker", is_flag=True, help="Do the worker's work in the same process.")
@click.option(
    "--preview", is_flag=True, help="Every page in every theme and state at /_preview/, for who makes themes."
)
def serve(path: Path, host: str | None, port: int | None, with_worker: bool, preview: bool) -> None:
    """Serve the stores of the settings. What is changed in themes, and in the settings of how a store looks, is shown two
    seconds later, or at once on SIGHUP; other settings are read at start."""
    logs.configure()
    config = loaded(path)
    engine = create_engine(config)
    app = assemble(engine, beside=partial(_alongside, engine, with_worker=with_worker))
    if preview:
        app = Preview(app, engine)
    site = Site(app, listen(host or config.server.host, config.server.port if port is None else port))
    click.echo(f"doorstep: serving on {site.url}", err=True)
    serve_sites([site])


@asynccontextmanager
async def _alongside(engine: Engine, *, with_worker: bool) -> AsyncIterator[None]:
    trial = trial_of(engine.plugins.manifests)
    async with engine.wardrobe.watching_files(trial), beside(engine) if with_worker else nullcontext():
        yield


@main.command()
@port_option
@click.option("--as-recorded", is_flag=True, help="Dates as in the samples, instead of moved to today.")
def sandbox(port: int, as_recorded: bool) -> None:
    """Serve the carriers' sandbox alone: every plugin's samples at the carrier's real paths, below /SLUG."""
    site = sandbox_of(found(_OWN), today=None if as_recorded else datetime.now(UTC).date())
    carriers = Site(site.app, listen("127.0.0.1", port))
    click.echo("\n".join(f"{carriers.url}/{slug}" for slug in sorted(site.samples)))
    serve_sites([carriers])


@main.command()
@optional_config
@click.argument("number")
@click.option("--carrier", default="", help="Ask this carrier, whatever the number looks like.")
@click.option("--store", default="", help="The store whose carriers and language count; the first one, if not named.")
@click.option("--locale", default="", help="The language to answer in, such as fr or pt-BR.")
@click.option("--register", is_flag=True, help="Tell the carrier first to watch the number: for aggregators.")
@click.option(
    "--documents", type=click.Path(file_okay=False, path_type=Path), help="Save proofs of delivery in this folder."
)
@click.option("-v", "--verbose", is_flag=True, help="Show what was asked and answered, without secrets.")
@json_option
def track(path: Path | None, number: str, verbose: bool, as_json: bool, locale: str, **options: Any) -> None:
    """Ask where a parcel is, and print what its page says. Without settings, the carriers' sandbox is asked."""
    logs.configure(verbose=verbose)
    wire = Wire() if verbose else None
    asked = Asked(number, language=locale, wire=wire, **options)
    config = settings(path, os.environ)
    if config is None:
        click.echo("No doorstep.toml here: asking the carriers' sandbox.\n", err=True)
    shown = ask_sandbox(asked) if config is None else ask(asked, config)
    if wire is not None:
        terminal.say(*wire.lines(), "", err=True)
    if as_json:
        click.echo(escaped(shown.json))
    else:
        terminal.say(*shown.lines)
    if shown.outcome not in (Outcome.FOUND, Outcome.CHOOSE, Outcome.LINK_ONLY):
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("numbers", nargs=-1, required=True)
@json_option
def recognize(numbers: tuple[str, ...], as_json: bool) -> None:
    """Say which carriers numbers may belong to, best first, and why. Asks nobody."""
    recognizer = Recognizer(_manifests().values())
    found = []
    for typed in numbers:
        try:
            number = normalise(typed)
            found.append({"number": number, "candidates": recognizer.candidates(number)})
        except NumberError as error:
            found.append({"number": typed[:64], "candidates": [], "problem": str(error)})
    if as_json:
        terminal.say_json(found)
    else:
        for one in found:
            lines = terminal.candidate_lines(str(one["number"]), one["candidates"])  # type: ignore[arg-type]
            terminal.say(*([lines[0], f"  {one['problem']}"] if "problem" in one else lines))
    if not all(one["candidates"] for one in found):
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("carrier")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--number", default="", help="The number that was asked for; without it, every shipment in the file.")
@click.option("--status", default=200, show_default=True, help="The HTTP status the answer came with.")
@click.option("--language", default="en", show_default=True, help="The language that was asked for.")
@json_option
def parse(carrier: str, file: Path, number: str, status: int, language: str, as_json: bool) -> None:
    """Read a CARRIER's raw answer from FILE, and print the shipments in it: every scan, and what could not be mapped."""
    parsed = parse_file(carrier, file, found(_OWN), number=number, status=status, language=language)
    if as_json:
        click.echo(escaped(parsed_json(parsed).decode()))
    else:
        terminal.say(*terminal.parsed_lines(parsed))


@main.command()
@config_option
@click.argument("account")
@click.argument("number")
@click.argument("case")
@click.option("--language", default="en", show_default=True, help="The language to ask in.")
def record(path: Path, account: str, number: str, case: str, language: str) -> None:
    """Ask a real ACCOUNT about NUMBER and keep the answer as sample CASE of its plugin, without anybody's data."""
    config = loaded(path)
    recorded = record_sample(config, found(config.base / config.plugins.folder), account, number, case, language)
    terminal.say(*terminal.recorded_lines(recorded))


messages.add_command(queue_command)
messages.add_command(why_command)
messages.add_command(preview_messages)
messages.add_command(send_test)


@main.group()
def new() -> None:
    """Write what works, to be changed step by step: a store, a theme, a carrier's or a widget's plugin."""


new.add_command(new_store_command)
new.add_command(new_theme_command)


_in_shop = click.option(
    "--shop", is_flag=True, help="Into this shop's folder of plugins, instead of as a distribution of its own."
)
_into = click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where; here, if not named."
)


@new.command("carrier")
@click.argument("name")
@_in_shop
@_into
def new_carrier_command(name: str, shop: bool, into: Path) -> None:
    """Write the plugin of a carrier called NAME, with samples and tests that pass."""
    files = new_carrier(name, into, shop=shop)
    _tell_written(files, "pytest, doorstep demo, doorstep check plugin", "docs/carrier-plugins.md", shop=shop)


@new.command("widget")
@click.argument("name")
@_in_shop
@_into
def new_widget_command(name: str, shop: bool, into: Path) -> None:
    """Write the plugin of a widget called NAME, with templates, texts in four languages and tests that pass."""
    files = new_widget(name, into, shop=shop)
    _tell_written(files, "pytest, doorstep check plugin, doorstep serve --preview", "docs/widgets.md", shop=shop)


def _tell_written(files: list[Path], steps: str, page: str, *, shop: bool) -> None:
    click.echo("\n".join(str(file) for file in files))
    steps = steps if shop else f"in {files[0].parents[0]}: pip install -e .[test], pytest"
    click.echo(f"\nNext{':' if shop else ','} {steps}. {page} goes on from here.", err=True)


@main.command()
@optional_config
@click.option("--all", "everything", is_flag=True, help="Those known by number only, too.")
@json_option
def carriers(path: Path | None, everything: bool, as_json: bool) -> None:
    """List carriers with their state: active, inactive and why, broken and why, by number only."""
    config = settings(path, os.environ) or Config(stores={})
    plugins = load_plugins(config, found(config.base / config.plugins.folder))
    states = sorted(plugins.states.values(), key=lambda one: (one.state, one.slug))
    if as_json:
        terminal.say_json({"carriers": states, "broken": plugins.broken})
    else:
        terminal.say(*terminal.carrier_lines(states, plugins.broken, everything=everything))
    if plugins.broken or any(one.state == "broken" for one in states):
        raise click.exceptions.Exit(1)


def _manifests() -> dict[str, Any]:
    return load_plugins(Config(stores={}), found(_OWN)).manifests

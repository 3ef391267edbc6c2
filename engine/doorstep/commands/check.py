"""`doorstep check`: what is wrong with settings, plugins, themes and languages, by name and place, and what to do about it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from .. import terminal
from ..checking import check_plugins
from ..engine import Engine, create_engine
from ..errors import CatalogError, DoorstepError
from ..locale_rules import Finding as Amiss
from ..locale_rules import check_locales
from ..packages import found
from ..paths import shipped
from ..preview.trial import trial_of
from ..reading import sources_of
from ..source_files import mistakes_in
from ..terminal import say, say_json
from ..theme_rules import Finding, accept_parents, changed_parents, check_theme
from .options import chosen, config_option, engine_of, json_option, loaded

_OWN = Path("plugins")  # the shop's own plugins


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, path: Path, as_json: bool) -> None:
    """Check the settings and everything they name (without a word behind it), plugins, themes or languages, and say what to
    mend."""
    if ctx.invoked_subcommand is None:
        _check_settings(path, as_json=as_json)


@check.command("config")
@config_option
@json_option
def check_config(path: Path, as_json: bool) -> None:
    """Check the settings and everything they name."""
    _check_settings(path, as_json=as_json)


@check.command("plugin")
@click.argument("names", nargs=-1)
@json_option
def check_plugin(names: tuple[str, ...], as_json: bool) -> None:
    """Check the plugins of carriers and widgets: all, or those NAMED."""
    reports = check_plugins(found(_OWN), names)
    lines = [line for report in reports for line in terminal.report_lines(report, rules=bool(names))]
    _tell(reports, lines, as_json=as_json, wrong=any(report.problems for report in reports))


@check.command("theme")
@click.argument("folders", metavar="PATH...", nargs=-1, required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--accept", is_flag=True, help="Their parents' files are compared: what changes from now on is told.")
@json_option
def check_themes(folders: tuple[Path, ...], accept: bool, as_json: bool) -> None:
    """Check the themes in these folders: templates, texts, settings, styles and files."""
    for folder in folders if accept else ():
        accept_parents(folder, [Path("themes")])
    findings = [
        msgspec.structs.replace(one, file=str(folder / one.file))
        for folder in folders
        for one in check_theme(folder, [Path("themes")])
    ]
    lines = [line for one in findings for line in _finding_lines(one)] or [f"{folder}: fine" for folder in folders]
    _tell(findings, lines, as_json=as_json, wrong=bool(findings))


@check.command("locales")
@click.argument("languages", nargs=-1)
@click.option("--store", default="", help="Check the own words of this store instead.")
@config_option
@json_option
def check_languages(languages: tuple[str, ...], store: str, path: Path, as_json: bool) -> None:
    """Check the catalogs and glossaries: all, or those of these LANGUAGES."""
    findings = _amiss_with_words(path, store) if store else check_locales(shipped("locales"), languages)
    lines = [line for one in findings for line in _finding_lines(one)] or ["locales: fine"]
    _tell(findings, lines, as_json=as_json, wrong=bool(findings))


def _amiss_with_words(path: Path, store: str) -> list[Amiss]:
    """What is wrong with a store's own words, those of the API among them."""
    of = chosen(loaded(path), store)
    try:
        with engine_of(path) as engine, engine.database.reading() as connection:
            own = engine.appearances.find(connection, of).appearance
            words = engine.wardrobe.try_on(of, own).words
    except CatalogError as error:
        return [Amiss("words", path.name, 1, error.message, error.next_step)]
    unused = [(f"{one}: no text has this name", "the docs list them all: texts.md") for one in words.unused]
    missing = [(f"{one}: it is said in another language", "say it in this one, too") for one in words.missing]
    return [
        Amiss(rule, path.name, 1, message, mend)
        for rule, found in (("unused", unused), ("missing", missing))
        for message, mend in found
    ]


def _finding_lines(one: Finding | Amiss) -> list[str]:
    return [f"{one.file}:{one.line}: {one.message}  [{one.rule}]", f"    {one.mend}"]


def _check_settings(path: Path, *, as_json: bool) -> None:
    problems = _problems(path)
    lines = [f"{one['message']}: {one['mend']}" for one in problems] or [f"{path}: fine"]
    _tell(problems, lines, as_json=as_json, wrong=bool(problems))


def _tell(found: Sequence[Any], lines: Sequence[str], *, as_json: bool, wrong: bool) -> None:
    if as_json:
        say_json(found)
    else:
        say(*lines)
    if wrong:
        raise click.exceptions.Exit(1)


def _problems(path: Path) -> list[dict[str, str]]:
    try:
        engine = create_engine(loaded(path))
    except DoorstepError as error:
        return [{"message": error.message, "mend": error.next_step}]
    return asyncio.run(_tried(engine))


async def _tried(engine: Engine) -> list[dict[str, str]]:
    amiss = [*_amiss(engine), *await _misread(engine)]
    await engine.close()
    return [{"message": message, "mend": mend} for message, mend in amiss]


async def _misread(engine: Engine) -> list[tuple[str, str]]:
    """What is wrong in files that widgets read. Addresses are not asked."""
    read = {
        (widget, one.address): one for shop in engine.shops.all for (widget, _), one in (await sources_of(shop)).items()
    }
    return [
        (f"{place}: {reason}", f"mend the file: widget {widget!r} reads it")
        for (widget, _), one in read.items()
        if not one.is_remote
        for place, reason in mistakes_in(one, engine.config.base)
    ]


def _unrendered(engine: Engine) -> list[tuple[str, str]]:
    """Stores with a page that fails when it is rendered."""
    tried, amiss = trial_of(engine.plugins.manifests), []
    for shop in engine.shops.all:
        try:
            tried(shop)
        except DoorstepError as error:
            amiss.append((f"store {shop.id!r}: {error.message}", error.next_step or "doorstep check theme says more"))
    return amiss


def _amiss(engine: Engine) -> list[tuple[str, str]]:
    plugins = engine.plugins
    amiss = [(f"plugin {one.plugin!r}: {one.reason}", one.next_step) for one in plugins.broken]
    amiss += [
        (f"carrier {one.slug!r} is {one.state.value}: {one.reason}", one.next_step)
        for one in plugins.states.values()
        if one.accounts and one.reason
    ]
    amiss += [(one.reason, one.next_step) for one in engine.connectors.problems]
    amiss += [(one.reason, one.next_step) for one in engine.channels.problems]
    amiss += [(one.reason, one.next_step) for shop in engine.shops.all for one in shop.problems]
    amiss += _unrendered(engine)
    themes = {shop.look.theme.name: shop.look.theme for shop in engine.shops.all}
    amiss += [
        (f"theme {name!r}: {one.what}", one.mend)
        for name, theme in themes.items()
        for one in changed_parents(theme.folders)
    ]
    return amiss

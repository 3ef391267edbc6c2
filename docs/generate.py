"""Writes the generated parts of the documentation: `./dev run python docs/generate.py`.

A part stands between `<!-- generated: name -->` and `<!-- end -->`. What each field means is written in `meanings.toml`, where
the code's own comment does not say it; a field that nobody explains stops this script, and so does an explanation of
nothing. `tests/test_docs.py` says when a page is out of step.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import carrier_lists
import click
import polib
import proofs
import security_lists
import theme_reference
from babel import Locale
from prometheus_client import Counter
from reference import MEANINGS, fields, members, prose, structs, table
from starlette.routing import BaseRoute, Mount, Route

from doorstep import (
    api,
    appearance,
    banner,
    calendar,
    checksums,
    config,
    context,
    contexts,
    contrast,
    exchange,
    files,
    freshness,
    hookspecs,
    letter,
    letters,
    lookup,
    manifest,
    models,
    order,
    plugins,
    quality,
    responses,
    rewording,
    samples,
    shelf_life,
    text_names,
    theme_settings,
    themes,
    widget,
    wording,
)
from doorstep.app import StoreRouter, assemble
from doorstep.cli import main as commands
from doorstep.engine import create_engine
from doorstep.i18n import Catalogs
from doorstep.metrics import Metrics
from doorstep.occasion import RULES as MESSAGE_RULES
from doorstep.occasion import Why
from doorstep.packages import installed
from doorstep.paths import shipped
from doorstep.secret import Secret
from doorstep.theme_rules import RULES
from doorstep.theming import FILTERS, Templates
from doorstep.widget_rules import RULES as WIDGET_RULES

DOCS = Path(__file__).parent
ROOT = DOCS.parent
LANGUAGES = {".toml": "toml", ".py": "python", ".html": "jinja", ".css": "css"}
_KIND = re.compile(r":\w+\}")  # the type of a path's parameter
PART = re.compile(r"(<!-- generated: (?P<name>[\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def account() -> str:
    """The engine's own keys of a carrier account; the others are the carrier's."""
    defaults = {"carrier": "the account's name", "endpoint": "the manifest's", "strangers": "`0.5`; `0` for an aggregator",
                "limits": "the manifest's", "concurrent": "the manifest's"}  # fmt: skip
    rows = [
        (f"`{key}`", defaults[key], MEANINGS.of("plugins.AccountSettings", key))
        for key in plugins.AccountSettings.__struct_fields__
    ]
    return table(["key", "default", "meaning"], rows)


def scaffold_file(name: str, kind: str = "carrier") -> Callable[[], str]:
    """A file of the plugin that `doorstep new` writes, as a block."""
    file = ROOT / "engine" / "doorstep" / "scaffold" / kind / "package" / name
    return lambda: f"```{LANGUAGES[file.suffix]} plugins/doorstep_acme/{name}\n{file.read_text('utf-8').rstrip()}\n```"


def quality_rules() -> str:
    rows = [(f"`{one.id}`", one.title, one.why, "yes" if one.missing else "no") for one in quality.RULES]
    return table(["rule", "what", "why", "verified"], rows)


def quality_standing() -> str:
    found = [package for package in installed() if package.has_carrier]
    claims = {package.name: quality.load_quality(package.folder / "quality.toml") for package in found}
    rows = [
        (
            f"`{rule.id}`",
            "<br>".join(_standing(name, own[rule.id]) for name, own in claims.items() if own[rule.id].reason),
        )
        for rule in quality.RULES
    ]
    return table(["rule", "not done by"], [(rule, others or "all have it") for rule, others in rows])


def _standing(name: str, claim: quality.Claim) -> str:
    return f"{name}, {'to do' if claim.standing is quality.Standing.TODO else 'exempt'}: {claim.reason}"


def widget_contract() -> str:
    return "\n".join(f"- {rule.name}" for rule in WIDGET_RULES)


def theme_rules() -> str:
    return table(["rule", "why"], [(f"`{one.name}`", one.why) for one in RULES])


def checksum_kinds() -> str:
    rows = [(f"`{name}`", MEANINGS.of("checksums.CHECKSUMS", name)) for name in checksums.CHECKSUMS]
    return table(["kind", "what it is"], rows)


def hooks() -> str:
    parts = []
    for name in plugins.HOOKS:
        hook = getattr(hookspecs, name)
        parameters = inspect.signature(hook).parameters.values()
        arguments = ", ".join(f"{one.name}: {inspect.formatannotation(one.annotation)}" for one in parameters)
        signature = re.sub(r"\b(?:[a-z]+\.)+(?=[A-Z])", "", f"def {name}({arguments}) -> None")
        parts.append(f"### {name}\n\n`{signature}`\n\n{prose(hook)}")
    return "\n\n".join(parts)


def all_commands() -> dict[str, click.Command]:
    """Every command by its whole name, those of groups too."""
    found: dict[str, click.Command] = {}
    for name, command in sorted(commands.commands.items()):
        inner = command.commands.items() if isinstance(command, click.Group) else ()
        if not inner or command.invoke_without_command:
            found[name] = command
        found |= {f"{name} {word}": one for word, one in inner}
    return found


def command_list() -> str:
    parts = []
    for name, command in all_commands().items():
        usage = " ".join(["doorstep", name, *command.collect_usage_pieces(click.Context(command))])
        rows = [record for one in command.params if (record := one.get_help_record(click.Context(command)))]
        options = table(["option", "meaning"], [(f"`{option}`", text) for option, text in rows]) if rows else ""
        parts.append(f"### {name}\n\n`{usage}`\n\n{prose(command.callback)}\n\n{options}".rstrip())
    return "\n\n".join(parts)


def routes() -> str:
    rows = [(f"`{route}`", MEANINGS.of("app.routes", route)) for route in all_routes()]
    return table(["route", "what it gives"], rows)


def all_routes() -> list[str]:
    """Every route of the engine, as `METHOD /path`."""
    store = config.Store(name="Shop")
    router = vars(assemble(create_engine(config.Config(stores={"main": store}, secret_key=(Secret("docs"),)))))["_app"]
    if not isinstance(router, StoreRouter):
        raise TypeError("the routes are elsewhere now")
    inside, outside = vars(router)["_inner"], vars(router)["_outside"]
    return list(_paths([*inside.routes, *outside.routes], ""))


def _paths(found: Iterable[BaseRoute], prefix: str) -> Iterable[str]:
    for route in found:
        if isinstance(route, Mount):
            yield from _paths(route.routes, prefix + route.path)
        elif isinstance(route, Route):
            for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
                yield f"{method} {prefix}{_KIND.sub('}', route.path)}"


def outcomes() -> str:
    statuses = {lookup.Outcome.FOUND: 200} | vars(api)["_STATUS"] | {lookup.Outcome.CHOOSE: 200}
    rows = [
        (f"`{one.value}`", MEANINGS.of("lookup.Outcome", one.value), str(contexts.STATUS[one]), str(statuses[one]))
        for one in lookup.Outcome
    ]
    return table(["outcome", "meaning", "page", "shipments"], rows)


def problems() -> str:
    rows = [(f"`{code}`", words.headline) for code, words in wording.WITHOUT.items()]
    return table(["code", "title in English"], rows)


def headers() -> str:
    of_pages = ("Content-Security-Policy", responses.content_security_policy(), "Content-Security-Policy of pages")
    shown = [*((name, value, name) for name, value in responses.SECURITY.items()), of_pages]
    rows = [(f"`{name}`", f"`{value}`", MEANINGS.of("responses.headers", meaning)) for name, value, meaning in shown]
    return table(["header", "value", "why"], rows)


def metric_list() -> str:
    shown = [one for one in vars(Metrics()).values() if hasattr(one, "_labelnames")]
    rows = []
    for one in shown:
        name, text, labels = (getattr(one, f"_{part}") for part in ("name", "documentation", "labelnames"))
        full = f"{name}_total" if isinstance(one, Counter) else name
        rows.append((f"`{full}`", text, ", ".join(f"`{label}`" for label in labels)))
    return table(["metric", "what it counts", "labels"], rows)


def message_kinds() -> str:
    rows = [
        (f"`{kind}`", rule.when, "" if rule.days is None else f"{rule.days}", _for_so_long(rule.lasts), kind.topic.value,
         "yes" if kind.presses else "")
        for kind, rule in MESSAGE_RULES.items()
    ]  # fmt: skip
    return table(["kind", "when", "days", "worth it for", "topic", "presses"], rows)


def _for_so_long(lasts: timedelta) -> str:
    return f"{lasts.days} day{'' if lasts.days == 1 else 's'}"


def fresh() -> str:
    usual = shelf_life.ShelfLife()
    rows = [(f"`{name}`", _span(getattr(usual, name))) for name in usual.__struct_fields__]
    return table(["setting", "fresh for"], rows)


def states() -> str:
    rows = []
    for state in freshness.State:
        asks = "nobody is asked" if state.settled else "a question begins" if state.begins else "nobody asks beside"
        rows.append((f"`{state}`", MEANINGS.of("freshness.State", state), asks))
    return table(["state", "when, and what is shown", "asking"], rows)


def _span(seconds: float) -> str:
    hours = seconds / freshness.HOUR
    return f"{hours:g} h" if hours >= 1 else f"{seconds / freshness.MINUTE:g} min"


def reasons() -> str:
    rows = [(f"`{reason}`", label) for reason, (_, _, label) in wording.REASON.items()]
    return table(["reason", "in the timeline"], rows)


def templates() -> Templates:
    return Templates(themes.load_theme("classic", themes.find_themes([shipped("themes")])))


def template_functions() -> str:
    environment = vars(templates())["_environment"]
    rows = [(f"`{name}`", MEANINGS.of("theming.functions", name)) for name in environment.globals]
    return table(["function", "what it gives"], rows)


def template_filters() -> str:
    environment = vars(templates())["_environment"]
    own = [name for name in environment.filters if name in FILTERS]
    rows = [(f"`{name}`", MEANINGS.of("theming.filters", name)) for name in own]
    ready = ", ".join(f"`{name}`" for name in sorted(set(environment.filters) - set(own)))
    tests = ", ".join(f"`{name}`" for name in sorted(environment.tests))
    return f"{table(['filter', 'what it gives'], rows)}\n\nOf Jinja's filters: {ready}.\n\nOf Jinja's tests: {tests}."


def widget_list() -> str:
    offers = plugins.load_plugins(config.Config(stores={}), installed()).registered.widgets
    rows = []
    for name, offer in sorted(offers.items()):
        settings = ", ".join(f"`{key}`" for key in offer.type.settings_type.__struct_fields__)
        needs = ", ".join(f"`{need}`" for need in widget.Need if need in offer.type.needs)
        rows.append((f"[`{name}`](widgets/{name}.md)", f"`{offer.type.slot}`", needs or "nothing", settings))
    return table(["widget", "slot", "sees", "settings"], rows)


def language_list() -> str:
    rows = []
    for language in sorted(Catalogs([shipped("locales")]).languages):
        po = polib.pofile(str(shipped("locales") / language / "LC_MESSAGES" / "doorstep.po"), encoding="utf-8")
        name = Locale.parse(language).english_name
        rows.append((name, f"`{language}`", po.metadata["X-Origin"], po.metadata["X-Reviewed-By"]))
    return table(["language", "code", "how it was made", "reviewed by"], rows)


def text_places() -> str:
    return table(["name", "English"], [(f"`{name}`", str(text)) for name, text in text_names.placed().items()])


def text_list() -> str:
    source = rewording.read_source([shipped("locales")])
    rows = []
    for name, key in source.texts.items():
        forms = " · ".join(filter(None, (key[1], source.plurals[key])))
        rows.append((f"`{name}`", f"{forms} ({key[0]})" if key[0] else forms))
    return table(["name", "English"], rows)


PAGE_CONTEXT = (context.StoreView, context.PageInfo, context.Language, context.Hero, context.Step, context.Notice,
                context.Link, context.MenuEntry, context.ShipmentView, context.CarrierView, context.Day, context.EventView,
                context.Fact, context.PickupView, context.Choice, context.LookupForm, context.OrderView, context.ParcelGroup,
                context.ParcelView, context.PromiseView, context.ItemView, context.FormView, context.FieldView,
                context.Option)  # fmt: skip
WIDGET_VIEW = (widget.WidgetView, widget.ShipmentFacts, widget.OrderFacts, widget.ItemFacts, order.CustomerFacts,
               order.Money, widget.CodeFacts, widget.MessageFacts, widget.Browsers, widget.Way, widget.Voice)  # fmt: skip
MODEL = (models.Shipment, models.Event, models.Moment, models.Place, models.Window, models.PickupPoint, models.Piece,
         models.Leg, models.Document, models.Weight)  # fmt: skip
STORED = vars(samples)

PARTS: dict[str, Callable[[], str]] = {
    "settings.top": lambda: fields(config.Config, skip=("file", "base")),
    "settings.server": lambda: fields(config.Server),
    "settings.plugins": lambda: fields(config.Plugins),
    "settings.calendar": lambda: fields(calendar.Calendar),
    "settings.banner": lambda: fields(banner.Banner),
    "settings.webhook": lambda: fields(config.Webhook),
    "settings.messages": lambda: fields(config.Messages),
    "settings.quiet": lambda: fields(config.Quiet),
    "settings.occasion": lambda: fields(config.Occasion),
    "settings.store": lambda: fields(config.Store),
    "settings.account": account,
    "manifest.keys": lambda: fields(manifest.Manifest),
    "manifest.format": lambda: fields(manifest.Format),
    "manifest.checksum": lambda: fields(manifest.Checksum),
    "themes.rules": theme_rules,
    "manifest.kinds": checksum_kinds,
    "manifest.limit": lambda: fields(manifest.Limit),
    "manifest.courier": lambda: fields(manifest.Courier),
    "manifest.abilities": lambda: members(manifest.Ability),
    "manifest.certainty": lambda: fields(manifest.Certainty),
    "manifest.sureness": lambda: members(manifest.Sureness),
    "samples.sandbox": lambda: fields(STORED["_Sandbox"]),
    "samples.case": lambda: fields(STORED["_Case"]),
    "samples.request": lambda: fields(samples.SampleRequest),
    "samples.response": lambda: fields(samples.SampleResponse),
    "samples.push": lambda: fields(samples.SamplePush),
    "samples.roles": lambda: members(samples.Role),
    "themes.bundled": theme_reference.theme_list,
    "themes.settings": theme_reference.theme_settings,
    "themes.presets": theme_reference.theme_presets,
    "themes.templates": theme_reference.theme_templates,
    "themes.sections": theme_reference.theme_sections,
    "themes.slots": theme_reference.theme_slots,
    "themes.properties": theme_reference.theme_properties,
    "themes.manifest": lambda: fields(themes.ThemeManifest),
    "themes.setting": lambda: fields(theme_settings.Setting),
    "themes.contrast": lambda: fields(contrast.Contrast),
    "themes.draft": lambda: fields(appearance.Draft),
    "themes.layer": lambda: fields(appearance.Layer),
    "themes.season": lambda: fields(appearance.Season),
    "themes.types": lambda: members(theme_settings.SettingType),
    "themes.context": lambda: fields(context.PageContext, defaults=False),
    "themes.structs": lambda: structs(*PAGE_CONTEXT, defaults=False),
    "themes.functions": template_functions,
    "themes.filters": template_filters,
    "letters.context": lambda: fields(letter.LetterContext, defaults=False),
    "letters.structs": lambda: structs(letter.LetterInfo, letter.LetterParcel, defaults=False),
    "letters.event": lambda: fields(letters.Told, defaults=False),
    "widgets.bundled": widget_list,
    "widgets.scaffold.code": scaffold_file("__init__.py", "widget"),
    "widgets.scaffold.template": scaffold_file("templates/widgets/acme.html", "widget"),
    "widgets.scaffold.style": scaffold_file("static/acme.css", "widget"),
    "widgets.rules": widget_contract,
    "widgets.when": lambda: fields(widget.When),
    "widgets.needs": lambda: members(widget.Need),
    "widgets.view": lambda: structs(*WIDGET_VIEW, defaults=False),
    "commands": command_list,
    "http.routes": routes,
    "http.outcomes": outcomes,
    "http.problems": problems,
    "http.headers": headers,
    "hooks": hooks,
    "metrics": metric_list,
    "messages.kinds": message_kinds,
    "messages.reasons": lambda: table(["reason"], [(one.value,) for one in Why]),
    "freshness": fresh,
    "freshness.states": states,
    "security.asvs": security_lists.asvs,
    "security.dependencies": security_lists.dependencies,
    "carriers.abilities": carrier_lists.abilities,
    "carriers.reliance": carrier_lists.reliance,
    "carriers.sources": carrier_lists.sources,
    "carriers.by_number": carrier_lists.by_number,
    "carriers.posts": carrier_lists.posts,
    "quality.rules": quality_rules,
    "quality.standing": quality_standing,
    "scaffold.carrier.toml": scaffold_file("carrier.toml"),
    "scaffold.codes.toml": scaffold_file("codes.toml"),
    "scaffold.__init__.py": scaffold_file("__init__.py"),
    "languages": language_list,
    "texts": text_list,
    "texts.places": text_places,
    "model.status": lambda: members(models.Status),
    "model.flags": lambda: members(models.Flag),
    "model.reasons": reasons,
    "model.structs": lambda: structs(*MODEL),
    "promises": proofs.promises,
    "reliability.promises": proofs.kept_promises,
    "reliability.faults": proofs.faults,
    "exchange": lambda: structs(exchange.Query, exchange.Request, exchange.Response, files.File),
}


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def renewed(text: str) -> str:
    """A page with its generated parts as the code says now."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n\n{found[3]}", text)


def main() -> int:
    for page in pages():
        text = page.read_text("utf-8")
        new = renewed(text)
        if new != text:
            page.write_text(new, "utf-8")
            print(f"written: {page.relative_to(ROOT)}")
    for group, name in sorted(MEANINGS.unused):
        print(f"docs/meanings.toml explains {name} of [{group}], which no page shows", file=sys.stderr)
    return int(bool(MEANINGS.unused))


if __name__ == "__main__":
    sys.exit(main())

"""Rules about what a widget says it is, and what it does on pages of every kind."""

import re
import time
from collections.abc import Iterator

import msgspec
from msgspec import structs

from ..models import Status
from ..rules import holds
from ..widget import Need, NoWidgetSettings, When
from ..widgets import LONGEST
from .rule import Rule
from .trial import LANGUAGES, CannotTry, Raised, Trial

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_ENGINES = {"slot", "when"}


def _names(trial: Trial) -> Iterator[str]:
    if not _NAME.fullmatch(trial.name):
        yield f"name {trial.name!r}: it stands in doorstep.toml, so use small letters, digits and underscores"
    if not trial.shop.look.has_template(f"widgets/{trial.name}.html"):
        yield f"there is no templates/widgets/{trial.name}.html: write one, it is what the page shows"


def _settings(trial: Trial) -> Iterator[str]:
    kind = trial.type.settings_type
    if not kind.__struct_config__.forbid_unknown_fields:
        yield f"{kind.__name__} takes any key: add forbid_unknown_fields=True, or a misspelt setting is silently ignored"
    if not kind.__struct_config__.frozen:
        yield f"{kind.__name__} can be changed: add frozen=True, many pages share it"
    if taken := _ENGINES & set(kind.__struct_fields__):
        yield f"{kind.__name__} has {' and '.join(sorted(taken))}, which every widget has from the engine: choose another name"
    try:
        trial.placed(no_such_setting=1)
    except CannotTry as error:
        if "no_such_setting" not in str(error):
            yield f"a misspelt setting is not named, but: {error}"
    else:
        if kind is not NoWidgetSettings:
            yield "a misspelt setting is taken: give the widget a settings_type"


def _declarations(trial: Trial) -> Iterator[str]:
    if not isinstance(trial.type.when, When):
        yield "`when` is no When(…): say when it shows, When() is always"
    if not set(trial.type.needs) <= set(Need):
        yield f"`needs` names what there is not: there are {', '.join(Need)}"
    if isinstance(trial.type.answers_of, str):
        yield "`answers_of` is a text: write a tuple of widgets' names"


def _shows(trial: Trial) -> Iterator[str]:
    shown = [language for language in LANGUAGES if trial.html(trial.good_page(language))]
    if not shown and not trial.own.has_sources:
        yield "it never shows, with these settings and everything it may ask for: give it settings with which it does"


def _bears_little(trial: Trial) -> Iterator[str]:
    for missing, page in trial.bare_pages():
        try:
            trial.html(page)
        except Raised as error:
            yield f"{missing}, {error}: show less, or give None for nothing"


def _every_status(trial: Trial) -> Iterator[str]:
    for status in Status:
        try:
            trial.html(trial.page(status=status), structs.replace(trial.own, when=When()))
        except Raised as error:
            yield f"of a parcel that is {status}, {error}"


def _languages(trial: Trial) -> Iterator[str]:
    for language in LANGUAGES:
        try:
            trial.html(trial.good_page(language))
        except Raised as error:
            yield f"in {language!r}, {error}"


def _context(trial: Trial) -> Iterator[str]:
    page = trial.good_page()
    if not holds(trial.own.when, page):
        return
    context = trial.call("context", trial.own.widget.context, trial.view(page))
    if context is not None and not isinstance(context, msgspec.Struct):
        yield f"context() gave a {type(context).__name__}: give a Struct with the template's values, or None"


def _reading_changes_nothing(trial: Trial) -> Iterator[str]:
    new = trial.placed()
    before = dict(vars(new.widget))
    first, again = (trial.html(trial.good_page(), new) for _ in range(2))
    if first != again:
        yield "two looks at one page differ: a page is kept and shared, so it must say the same for the same facts"
    if vars(new.widget) != before:
        yield "context() changes the widget: it serves all pages at once, so keep nothing in self"


def _quick(trial: Trial) -> Iterator[str]:
    view = trial.view(trial.good_page())
    began = time.thread_time()
    trial.call("context", trial.own.widget.context, view)
    if (took := time.thread_time() - began) > LONGEST:
        yield f"context() takes {took:.2f} s of work: after {LONGEST} s the slot stays empty"


BEHAVIOUR_RULES = (
    Rule("has a name and a template", _names),
    Rule("its settings are typed", _settings),
    Rule("says what it sees and when", _declarations),
    Rule("shows for somebody", _shows),
    Rule("bears what is missing", _bears_little),
    Rule("bears every status", _every_status),
    Rule("speaks every language", _languages),
    Rule("gives a context or None", _context),
    Rule("reading changes nothing", _reading_changes_nothing),
    Rule("is quick", _quick),
)

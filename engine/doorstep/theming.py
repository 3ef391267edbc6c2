"""The templates of a theme, compiled once, and everything about it that no setting changes: files, styles, its script."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, Template, TemplateError, TemplateNotFound, TemplateSyntaxError, pass_context
from jinja2.runtime import Context
from jinja2.utils import missing
from markupsafe import Markup
from msgspec import Struct, structs

from .addresses import is_web_address
from .assets import Asset, asset, read_assets
from .bounds import pieces
from .errors import ThemeError
from .flattening import flattened
from .folding import PRESENT
from .html_places import html_places
from .i18n import Localizer
from .lasting import KEPT, Kept
from .often import Often
from .outgoing import Outgoing
from .sandboxing import TEXTS, Sandbox
from .template_cache import template_cache
from .themes import Theme, inside

_RENDERING = "doorstep.rendering"  # with a dot: no name that a template could read or set
_LASTING = (  # of what a page has: of the shop, or made once for many pages
    "store", "settings", "sections", "page.kind", "page.language", "page.dir", "page.languages", "page.embedded", "page.draft",
    "steps", "hero.icon",
)  # fmt: skip
_KNOWN = (  # of those, what stands written out in a template that is rendered often; the menu is another for each order
    "store", "settings", "sections", "aside", "page.kind", "page.language", "page.dir", "page.embedded", "page.draft",
    "page.refresh", "view.store", "widget_id",
)  # fmt: skip
_CHANGING = frozenset({"slot", "out"})  # functions that say something else on each page
_FAILURES = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
_SECTION = "sections/"
_SLOT_CALL = re.compile(r"\bslot\(\s*[\"']([a-z0-9_]+)[\"']\s*\)")
SLOT = "slot."  # a section of this name is a place for widgets


class Frame(Struct, frozen=True):
    """What the functions of one rendering need; not reachable for templates. `asset` finds a static file by its name."""

    localizer: Localizer
    base: str
    slots: Mapping[str, str]
    asset: Callable[[str], Asset | None]
    kept: Kept
    often: Often
    out: Callable[[str], str] = str  # what a link to an address leads over


class Templates:
    """A theme, ready to be rendered with any values of its settings. `widget_folders` hold further templates and styles, and
    `files` is the shop's own static folder; the theme may override the first, and the second overrides the theme. Links of
    widgets lead over `outgoing`; without one, straight out."""

    def __init__(
        self, theme: Theme, widget_folders: Sequence[Path] = (), *, files: Path | None = None,
        outgoing: Outgoing | None = None,
    ) -> None:  # fmt: skip
        self.theme = theme
        self.outgoing = outgoing
        self._widget_folders = tuple(widget_folders)
        statics = [folder / "static" for folder in (*theme.folders, *self._widget_folders)]
        self.assets = read_assets([*([files] if files else []), *statics])
        self.assets["store.js"] = asset("store.js", b"\n".join(file.read_bytes() for file in theme.scripts))
        self.styles = self._styles()
        self.mail_styles = "\n".join(file.read_text("utf-8") for file in theme.mail_styles)
        loader = _Loader(theme, [folder / "templates" for folder in self._widget_folders])
        self._loader = loader
        self.fixed_slots = loader.fixed_slots()
        self._environment = _compiled(loader)
        self._names = frozenset(self._environment.list_templates())

    @property
    def sections(self) -> tuple[str, ...]:
        """The names that may stand in a list of sections."""
        found = (
            name.removeprefix(_SECTION).removesuffix(".html")
            for name in sorted(self._names)
            if name.startswith(_SECTION)
        )
        return tuple(name for name in found if "/" not in name)

    def has_template(self, name: str) -> bool:
        """Whether the theme, or a widget, brings this template."""
        return name in self._names

    @cached_property
    def html_texts(self) -> frozenset[tuple[str, str]]:
        """The texts, by context and msgid, that stand as HTML."""
        sources = (self._loader.get_source(self._environment, name)[0] for name in sorted(self._names))
        return html_places(map(self._environment.parse, sources))

    def pieces(self, template: str, variables: dict[str, Any], frame: Frame) -> list[str]:
        """What a template says, piece by piece. Raises ThemeError with file and line."""
        given = {**variables, TEXTS: frame.localizer.marked, KEPT: frame.kept, _RENDERING: frame}
        written = self._written(template, variables, frame)
        if written is not None:
            with suppress(*_FAILURES):  # which the files can tell the place of
                return pieces(self._environment.said(written, given))
        try:
            return pieces(self._environment.get_template(template).generate(given))
        except TemplateNotFound as error:
            raise ThemeError(f"theme {self.theme.name!r} has no template {error.name!r}") from None
        except _FAILURES as error:
            file, line = self._place(error, template)
            raise ThemeError(f"{type(error).__name__}: {error}", file=file, line=line) from None

    def _written(self, template: str, variables: Mapping[str, Any], frame: Frame) -> Template | None:
        """The template as one piece, where it is rendered often for pages of which the same is known: some values, and of the
        others that there is one, or which type an empty one has."""
        if not FUNCTIONS.keys().isdisjoint(variables):
            return None
        get, key = variables.get, (template, frame.localizer, frame.base)
        values = tuple(
            [getattr(get(name), field, missing) if field else get(name, missing) for _, name, field in _PATHS]
        )
        filled: tuple[Any, ...] = tuple(
            [PRESENT if one else type(one) if type(one) in _EMPTY else missing for one in variables.values()]
        )

        def of_such() -> Template:
            kinds = [(name, kind) for name, kind in zip(variables, filled, strict=True) if kind is not missing]
            found = {name: PRESENT if kind is PRESENT else kind() for name, kind in kinds}
            known = {path: value for (path, _, _), value in zip(_PATHS, values, strict=True) if value is not missing}
            return self._flattened(template, {**found, **known}, frame)

        return frame.often.find((*key, filled), values, of_such)

    def _flattened(self, template: str, known: Mapping[str, Any], frame: Frame) -> Template:
        always = {name: work for name, work in FUNCTIONS.items() if name not in _CHANGING}
        given = {TEXTS: frame.localizer.marked, _RENDERING: structs.replace(frame, slots={})}
        return flattened(self._environment, template, known, always, self._environment.context(given))

    def _styles(self) -> bytes:
        """The theme's styles, parents' first, then the widgets'."""
        of_widgets = (file for folder in self._widget_folders for file in sorted((folder / "static").glob("*.css")))
        return b"\n".join(file.read_bytes() for file in (*self.theme.styles, *of_widgets))

    def _place(self, error: BaseException, template: str) -> tuple[str, int | None]:
        """Where in the theme an error was raised: the innermost frame that is a template's."""
        place: tuple[str, int | None] = (template, getattr(error, "lineno", None))
        trace = error.__traceback__
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if file.endswith(".html"):
                place = (_short(file), trace.tb_lineno)
            trace = trace.tb_next
        return place


_EMPTY = frozenset({type(None), str, int, bool, tuple})
_PATHS = [(path, path.partition(".")[0], path.partition(".")[2]) for path in _KNOWN]


def _compiled(loader: "_Loader") -> Sandbox:
    environment = Sandbox(
        loader,
        functions=FUNCTIONS,
        filters=FILTERS,
        lasting=_LASTING,
        changing=_CHANGING,
        cache=template_cache(),
    )
    for name in environment.list_templates():
        try:
            environment.get_template(name)
        except TemplateSyntaxError as error:
            raise ThemeError(
                error.message or "syntax error", file=_short(error.filename or name), line=error.lineno
            ) from None
        except TemplateError as error:  # an unknown filter or test
            raise ThemeError(str(error), file=name) from None
    return environment


class _Loader(BaseLoader):
    """Templates of a theme: child before parent before widgets; `classic/layout.html` is the one that Classic has, or its
    nearest parent."""

    def __init__(self, theme: Theme, widget_folders: Sequence[Path]) -> None:
        own = [folder / "templates" for folder in theme.folders]
        self._named = {name: own[at:] for at, name in enumerate(theme.names)}
        self._folders = [*own, *widget_folders]
        # What is not there need not be looked for in the file system, which takes longer than to compile all that is.
        self._files = {folder: _files(folder) for folder in self._folders}
        # A place for widgets is a section like any other, which a theme may write itself.
        self._slots = {f"{_SECTION}{SLOT}{slot}.html": f"{{{{ slot({slot!r}) }}}}" for slot in theme.slots}
        self._read: dict[str, tuple[str, str]] = {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """A template's text and place: the same as long as this lasts, whatever becomes of the file."""
        if template not in self._read:
            self._read[template] = self._found(template)
        return *self._read[template], None

    def _found(self, template: str) -> tuple[str, str]:
        theme, _, rest = template.partition("/")
        folders = self._folders
        if theme in self._named and rest:
            folders, template = self._named[theme], rest
        for folder in folders:
            if template in self._files[folder] and (file := inside(folder, template)) is not None:
                return file.read_text("utf-8"), str(file)
        if template in self._slots:
            return self._slots[template], template
        raise TemplateNotFound(template)

    def fixed_slots(self) -> set[str]:
        """The places for widgets that a template names itself."""
        files = (file for found in self._files.values() for name, file in found.items() if name.endswith(".html"))
        return {name for file in files for name in _SLOT_CALL.findall(file.read_text("utf-8", "replace"))}

    def list_templates(self) -> list[str]:
        found = {name for files in self._files.values() for name in files if name.endswith(".html")}
        return sorted(found | set(self._slots))


def _files(folder: Path) -> dict[str, Path]:
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*")}


def _short(file: str) -> str:
    """A template's path as its author knows it: from the theme's or plugin's folder on."""
    parts = Path(file).parts
    at = parts.index("templates") if "templates" in parts else 0
    return "/".join(parts[max(at - 1, 0) :])


_NOTHING = Markup()


def _slot(context: Context, name: str) -> Markup:
    said = _frame(context).slots.get(name, _NOTHING)
    return said if type(said) is Markup else Markup(said)  # noqa: S704  # rendered by the engine, autoescaped


def _url(context: Context, name: str) -> str:
    """The address of a static file; one that is an address already stays."""
    if is_web_address(name, paths=True):
        return name
    frame = _frame(context)
    found = frame.asset(name)
    if found is None:
        raise LookupError(f"asset({name!r}): there is no static file of that name")
    return f"{frame.base}/static/{found.fingerprint}/{name}"


def _out(context: Context, address: str) -> str:
    return _frame(context).out(address)


def _url_of(name: str) -> Callable[[Context], str]:
    return lambda context: _url(context, name)


@pass_context
def _money(context: Context, amount: str, currency: str) -> str:
    return _localizer(context).money(amount, currency)


@pass_context
def _day(context: Context, day: date, today: date) -> str:
    return _localizer(context).long_date(day, today)


@pass_context
def _number(context: Context, value: float) -> str:
    return _localizer(context).number(value)


def _gettext(context: Context, text: str, /, **values: Any) -> Markup:
    localizer = _localizer(context)
    return _filled(localizer, localizer.html(text), values)


def _pgettext(context: Context, message_context: str, text: str, /, **values: Any) -> Markup:
    localizer = _localizer(context)
    return _filled(localizer, localizer.html(text, message_context), {"context": message_context, **values})


def _ngettext(context: Context, one: str, many: str, n: int, /, **values: Any) -> Markup:
    localizer = _localizer(context)
    return _filled(localizer, localizer.plural_html(one, many, n), {"num": n, **values})


def _npgettext(context: Context, message_context: str, one: str, many: str, n: int, /, **values: Any) -> Markup:
    localizer = _localizer(context)
    text = localizer.plural_html(one, many, n, message_context)
    return _filled(localizer, text, {"context": message_context, "num": n, **values})


def _frame(context: Context) -> Frame:
    frame: Frame = context[_RENDERING]
    return frame


def _localizer(context: Context) -> Localizer:
    return _frame(context).localizer


def _filled(localizer: Localizer, text: str, values: Mapping[str, Any]) -> Markup:
    """A text of a catalog, which is HTML, with what templates put into it, which is not: isolated for bidi where it matters,
    numbers as the locale writes them."""
    if localizer.dir == "rtl":
        values = {name: localizer.isolate(one) if type(one) is str else one for name, one in values.items()}
    if not _PLAIN.issuperset(map(type, values.values())):
        values = {name: localizer.number(one) if type(one) in _NUMBERS else one for name, one in values.items()}
        return Markup(text) % values  # noqa: S704
    return _filled_with_words(text, tuple(values.items()))


@lru_cache(1024)  # the carrier's name, the shop's
def _filled_with_words(text: str, values: tuple[tuple[str, str], ...]) -> Markup:
    return Markup(text) % dict(values)  # noqa: S704


_NUMBERS = frozenset({int, float, Decimal})
_PLAIN = frozenset({str})  # HTML equals the words that it is written with, and is filled in otherwise


# What templates may call, beside what the sandbox has of its own.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "stylesheet": _url_of("store.css"),
    "script": _url_of("store.js"),
    "asset": _url,
    "slot": _slot,
    "out": _out,
    "_": _gettext,
    "gettext": _gettext,
    "ngettext": _ngettext,
    "pgettext": _pgettext,
    "npgettext": _npgettext,
}
FILTERS: dict[str, Callable[..., Any]] = {"money": _money, "day": _day, "number": _number}

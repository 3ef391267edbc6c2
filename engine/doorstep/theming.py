"""A theme dressed for one store: compiled templates, settings, one fingerprinted stylesheet, one script."""

import gzip
import mimetypes
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, TemplateError, TemplateNotFound, TemplateSyntaxError, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from msgspec import Struct

from .context import PageContext
from .errors import ThemeError
from .i18n import Localizer
from .sandboxing import TEXTS, Sandbox, bounded
from .themes import SettingType, Theme, inside

_TYPES = mimetypes.MimeTypes()  # Python's own table and these: the same on every machine
for _suffix, _type in {
    ".js": "text/javascript", ".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf",
}.items():  # fmt: skip
    _TYPES.add_type(_type, _suffix)
FUNCTIONS = ("stylesheet", "script", "asset", "slot", "_", "gettext", "ngettext", "pgettext", "npgettext")
FILTERS = ("money",)  # beside the sandbox's own
_RENDERING = "doorstep.rendering"  # with a dot: no name that a template could read or set


class Asset(Struct, frozen=True):
    """A static file as it is served; `packed` is the same, gzipped, where that is smaller."""

    body: bytes
    packed: bytes | None
    content_type: str
    fingerprint: str


class _Rendering(Struct, frozen=True):
    """What the functions of one rendering need; not reachable for templates."""

    localizer: Localizer
    base: str
    slots: Mapping[str, str]


class Look:
    """A theme with a store's settings. `widget_folders` hold further templates and styles, which the theme may override."""

    def __init__(
        self, theme: Theme, settings: Mapping[str, Any], *, where: str, widget_folders: Sequence[Path] = ()
    ) -> None:
        self.theme = theme
        self.settings = theme.values(settings, where=where)
        self._widget_folders = tuple(widget_folders)
        self._assets: dict[str, Asset] = {}
        self._assets["store.css"] = _asset("store.css", self._stylesheet())
        self._assets["store.js"] = _asset("store.js", b"\n".join(file.read_bytes() for file in theme.scripts))
        self._environment = self._compile()

    def render(
        self, template: str, context: PageContext, localizer: Localizer, slots: Mapping[str, str] | None = None
    ) -> str:
        """A page. Raises ThemeError with file and line."""
        return self._render(template, _fields(context), localizer, context.store.base, slots or {})

    def render_widget(
        self, name: str, context: Struct, view: Struct, localizer: Localizer, base: str, *, widget_id: str
    ) -> Markup:
        """A widget's fragment, from `widgets/<name>.html`. Raises ThemeError with file and line."""
        variables = {**_fields(context), "view": view, "widget_id": widget_id}
        return Markup(self._render(f"widgets/{name}.html", variables, localizer, base, {}))  # noqa: S704  # autoescaped

    def has_template(self, name: str) -> bool:
        """Whether the theme, or a widget, brings this template."""
        return name in self._environment.list_templates()

    def asset(self, name: str) -> Asset | None:
        """A static file by name, read once; None when neither the theme nor a widget has it (which strangers may ask for
        as often as they like: only what there is, is kept)."""
        if name not in self._assets:
            file = self.theme.static(name)
            found = [inside(folder / "static", name) for folder in self._widget_folders]
            file = file or next(filter(None, found), None)
            if file is None:
                return None
            self._assets[name] = _asset(name, file.read_bytes())
        return self._assets[name]

    def _render(
        self, template: str, variables: dict[str, Any], localizer: Localizer, base: str, slots: Mapping[str, str]
    ) -> str:
        try:
            compiled = self._environment.get_template(template)
            return bounded(
                compiled.generate(
                    {**variables, TEXTS: localizer.marked, _RENDERING: _Rendering(localizer, base, slots)}
                )
            )
        except TemplateNotFound as error:
            raise ThemeError(f"theme {self.theme.name!r} has no template {error.name!r}") from None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            file, line = self._place(error, template)
            raise ThemeError(f"{type(error).__name__}: {error}", file=file, line=line) from None

    def _compile(self) -> Environment:
        loader = _Loader(self.theme, [folder / "templates" for folder in self._widget_folders])
        environment = Sandbox(
            loader,
            functions={
                "stylesheet": self._url_of("store.css"),
                "script": self._url_of("store.js"),
                "asset": self._url,
                "slot": _slot,
                "_": _gettext,
                "gettext": _gettext,
                "ngettext": _ngettext,
                "pgettext": _pgettext,
                "npgettext": _npgettext,
            },
            filters={"money": _money},
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

    def _stylesheet(self) -> bytes:
        """The settings as custom properties, then the theme's styles, parents' first, then the widgets'."""
        tokens = "".join(
            f"{setting.css}:{self.settings[name]}{setting.unit if setting.type is SettingType.RANGE else ''};"
            for name, setting in self.theme.settings.items()
            if setting.css
        )
        files = [
            *self.theme.styles,
            *(file for folder in self._widget_folders for file in sorted((folder / "static").glob("*.css"))),
        ]
        return b"\n".join([f":root{{{tokens}}}".encode(), *(file.read_bytes() for file in files)])

    def _url_of(self, name: str) -> Any:
        def url(context: Context) -> str:
            return self._url(context, name)

        return url

    def _url(self, context: Context, name: str) -> str:
        asset = self.asset(name)
        if asset is None:
            raise LookupError(f"asset({name!r}): there is no static file of that name")
        rendering: _Rendering = context[_RENDERING]
        return f"{rendering.base}/static/{asset.fingerprint}/{name}"

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


class _Loader(BaseLoader):
    """Templates of a theme: child before parent before widgets; `classic/layout.html` names one theme's own file."""

    def __init__(self, theme: Theme, widget_folders: Sequence[Path]) -> None:
        self._named = {name: folder / "templates" for name, folder in zip(theme.names, theme.folders, strict=True)}
        self._folders = [*self._named.values(), *widget_folders]

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        theme, _, rest = template.partition("/")
        folders = self._folders
        if theme in self._named and rest:
            folders, template = [self._named[theme]], rest
        for folder in folders:
            if (file := inside(folder, template)) is not None:
                return file.read_text("utf-8"), str(file), None
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        return sorted({str(file.relative_to(folder)) for folder in self._folders for file in folder.rglob("*.html")})


def _asset(name: str, body: bytes) -> Asset:
    content_type = _TYPES.guess_type(name)[0] or "application/octet-stream"
    if content_type.startswith("text/") or content_type.endswith(("javascript", "json", "svg+xml")):
        content_type += "; charset=utf-8"
    packed = gzip.compress(body, 9, mtime=0)
    smaller = packed if len(packed) < len(body) * 0.9 else None
    return Asset(body, smaller, content_type, blake2b(body, digest_size=8).hexdigest())


def _fields(value: Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _short(file: str) -> str:
    """A template's path as its author knows it: from the theme's or plugin's folder on."""
    parts = Path(file).parts
    at = parts.index("templates") if "templates" in parts else 0
    return "/".join(parts[max(at - 1, 0) :])


def _slot(context: Context, name: str) -> Markup:
    rendering: _Rendering = context[_RENDERING]
    return Markup(rendering.slots.get(name, ""))  # noqa: S704  # rendered by the engine, autoescaped


@pass_context
def _money(context: Context, amount: str, currency: str) -> str:
    return _localizer(context).money(amount, currency)


def _gettext(context: Context, text: str, /, **values: Any) -> Markup:
    return _filled(_localizer(context).text(text), values)


def _pgettext(context: Context, message_context: str, text: str, /, **values: Any) -> Markup:
    return _filled(_localizer(context).text(text, message_context), {"context": message_context, **values})


def _ngettext(context: Context, one: str, many: str, n: int, /, **values: Any) -> Markup:
    return _filled(_localizer(context).plural_form(one, many, n), {"num": n, **values})


def _npgettext(context: Context, message_context: str, one: str, many: str, n: int, /, **values: Any) -> Markup:
    text = _localizer(context).plural_form(one, many, n, message_context)
    return _filled(text, {"context": message_context, "num": n, **values})


def _localizer(context: Context) -> Localizer:
    rendering: _Rendering = context[_RENDERING]
    return rendering.localizer


def _filled(text: str, values: Mapping[str, Any]) -> Markup:
    """A text of a catalog, which is HTML, with what templates put into it, which is not."""
    return Markup(text) % values  # noqa: S704

"""The Jinja sandbox of themes: templates see fields of frozen values and call what they were given, and nothing else.

Lean by rule instead of by look-up: an attribute is a field of a Struct, a key of a dict, or one of Jinja's own helpers for
loops and macros; there is no way from a value to its class, its methods or its module. Themes are semi-trusted: what may
cost time or memory is bounded as far as a template language allows.
"""

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup
from msgspec import Struct

LARGEST_PAGE = 500_000
_LONGEST_RANGE = 1_000
# fmt: off
_FILTERS = frozenset({
    "e", "escape", "length", "count", "join", "default", "d", "first", "last", "trim", "lower", "upper", "replace", "tojson",
    "list", "batch", "abs", "int", "round", "string", "striptags", "truncate",
})
_TESTS = frozenset({
    "defined", "undefined", "none", "true", "false", "in", "==", "!=", "eq", "ne", "lt", "le", "gt", "ge", "odd", "even",
    "number", "string", "mapping",
})
_LOOP = frozenset({
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem", "depth", "depth0",
    "cycle", "changed",
})
# fmt: on


class Sandbox(SandboxedEnvironment):
    """A Jinja environment for untrusted templates. `functions` are the globals they may call, `filters` more filters."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(
        self, loader: BaseLoader, *, functions: dict[str, Callable[..., Any]], filters: dict[str, Callable[..., Any]]
    ) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            auto_reload=False,
            cache_size=-1,
        )
        self.filters = {name: self.filters[name] for name in _FILTERS} | filters
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.globals = {"_": self.globals["_"], "range": _range, **functions}  # "_" is the i18n extension's

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            raise TemplateSyntaxError("escaping cannot be switched off in a theme", node.lineno, name, filename)
        return tree

    def allow_globals(self) -> None:
        """Fixes what templates may call: the globals as they stand now."""
        self._callable = frozenset(id(value) for value in self.globals.values())

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Struct):
            if attribute in obj.__struct_fields__:
                return getattr(obj, attribute)
        elif type(obj) is dict:
            if attribute in obj:
                return obj[attribute]
        elif isinstance(obj, TemplateReference):
            try:
                return obj[attribute]  # self.block
            except KeyError:
                pass
        elif (isinstance(obj, LoopContext) and attribute in _LOOP) or (
            isinstance(obj, TemplateModule) and isinstance(getattr(obj, attribute, None), Macro)
        ):
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) in (tuple, list, dict, str, Markup) and isinstance(argument, int | str | slice):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(obj=obj, name=str(argument))
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return self.undefined(obj=obj, name=str(argument))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        allowed = (
            isinstance(__obj, Macro | BlockReference)
            or id(__obj) in __self._callable
            or isinstance(getattr(__obj, "__self__", None), LoopContext)
        )
        if not allowed:
            if isinstance(__obj, Undefined):
                __obj()  # says what is undefined
            raise SecurityError("a template may call its macros and the functions of the theme reference only")
        return __context.call(__obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)) or operator == "**":
            raise SecurityError(f"{operator!r} is for numbers only in a template")
        return super().call_binop(context, operator, left, right)


def bounded(parts: Iterable[str]) -> str:
    """The page from its parts. Raises SecurityError when it grows beyond any reason."""
    pieces: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > LARGEST_PAGE:
            raise SecurityError(f"the page is larger than {LARGEST_PAGE} characters")
        pieces.append(part)
    return "".join(pieces)


def _range(*args: int) -> range:
    result = range(*args)
    if len(result) > _LONGEST_RANGE:
        raise SecurityError(f"range() gives at most {_LONGEST_RANGE} numbers")
    return result

"""The Jinja sandbox of themes: templates see fields of frozen values and call what they were given, and nothing else.

Lean by rule instead of by look-up: an attribute is a field of a Struct, a key of a dict, or one of Jinja's own helpers for
loops and macros; there is no way from a value to its class, its methods or its module. Themes are semi-trusted: what may
cost time or memory is bounded as far as a template language allows (`bounds`). Templates become code that takes few steps
(`template_code`); what it may do is decided in one place, `Sandbox`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    nodes,
)
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, markup_join
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]  # by which `escape` makes its Markup
from msgspec import Struct

from . import bounds
from .lasting import KEPT, Kept, Reads, reads
from .template_code import Code

TEXTS = "doorstep.texts"  # with a dot: no name that a template could read or set
_MOST_KEPT = 256  # results of one macro
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
_TOLD_APART = frozenset({str, int, bool, type(None), type(missing)})  # types whose equal values print the same
_PLAIN = frozenset({str})


class _NoTexts(dict[Any, Markup]):
    def __missing__(self, key: object) -> Markup:
        raise SecurityError(f"{key!r} has no language here: import the macro `with context`")


_NO_TEXTS: Mapping[Any, Markup] = _NoTexts()


class _Context(Context):
    """A template's variables, with the texts of the page beside them."""

    def __init__(
        self, environment: Any, parent: dict[str, Any], name: str | None, blocks: Any, globals: Any = None
    ) -> None:
        # As Jinja's own, which is called for every include; escaping is the same in all templates and never switched.
        self.parent = parent
        self.vars = {}
        self.environment = environment
        self.eval_ctx = environment.escaping
        self.exported_vars = set()
        self.name = name
        self.globals_keys = set(globals or ())
        self.blocks = {block: [render] for block, render in blocks.items()}
        self.texts: Mapping[Any, Markup] = parent.get(TEXTS, _NO_TEXTS)


class Sandbox(SandboxedEnvironment):
    """A Jinja environment for untrusted templates. `functions` are the globals they may call, each with the context before
    the arguments; `filters` are more filters, which say the same on every page of a language. `lasting` are variables, or
    fields of them ("page.languages"), that are the same objects on many pages; `changing` are functions that say something
    else on each. `cache` keeps compiled templates."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(bounds.joined)
    counted = staticmethod(bounds.counted)
    fitting = staticmethod(bounds.fitting)
    weighed = staticmethod(bounds.weighed)
    code_generator_class = Code
    context_class = _Context

    def __init__(
        self, loader: BaseLoader, *, functions: dict[str, Callable[..., Any]], filters: dict[str, Callable[..., Any]],
        lasting: Collection[str] = (), changing: Collection[str] = (), cache: BytecodeCache | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=cache,
        )
        self.filters = {name: self.filters[name] for name in _FILTERS} | bounds.FILTERS | filters
        self.of_language = frozenset(filters)
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.newstyle_gettext = True  # what the i18n extension makes of {% trans %}: calls of gettext and ngettext
        self.globals = {"range": bounds.span, **functions}
        self._callable = frozenset(id(value) for value in self.globals.values())
        self.having: defaultdict[str, set[type]] = defaultdict(set)  # the Structs seen that have a field, by its name
        self._compiled: dict[str, Template] = {}
        self._reads: dict[str | None, Reads | None] = {}
        self._lasting = frozenset(lasting) | self.globals.keys() - set(changing)
        self.escaping = nodes.EvalContext(self)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            raise TemplateSyntaxError("escaping cannot be switched off in a theme", node.lineno, name, filename)
        return tree

    def tree(self, name: str) -> nodes.Template:
        """A template as it was written, to be changed at will."""
        if self.loader is None:
            raise TemplateNotFound(name)
        source, filename, _ = self.loader.get_source(self, name)
        return super()._parse(source, name, filename)

    def context(self, given: dict[str, Any]) -> Context:
        """What functions are called with outside of any template."""
        return _Context(self, given, None, {})

    def compiled(self, tree: nodes.Template, name: str) -> Template:
        """A template that stands in no file."""
        code = self._compile(self._generate(tree, name, None), f"<{name}>")
        return Template.from_code(self, code, self.globals)

    def said(self, template: Template, given: dict[str, Any]) -> Iterable[str]:
        """What a template says, piece by piece. What it raises comes as it is, and does not tell of the template's lines."""
        context = _Context(self, {**self.globals, **given}, template.name, template.blocks)
        return template.root_render_func(context)

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:
        if type(name) is str and name in self._compiled:
            return self._compiled[name]
        template = super().get_template(name, parent, globals)
        self._compiled[name] = template
        return template

    def make_globals(self, d: Any) -> dict[str, Any]:
        return self.globals  # the same for all templates; Jinja's own is a chain, which is slow to read

    def included(self, context: Context, template: Template, local: Mapping[str, Any]) -> str:
        """A template inside another, which sees what stands around it; see `lasting`."""
        bounds.step()
        reads = self._reads_of(template.name)
        kept: Kept | None = context.parent.get(KEPT)
        if reads is None or kept is None or not reads.names.isdisjoint(local):
            return self._included(context, template, local)
        values = reads.of(context)
        return kept.get(str(template.name), values, lambda: self._included(context, template, local))

    def _reads_of(self, name: str | None) -> Reads | None:
        """Found when the template is first included: at the start it would take as long as to compile it."""
        if name is not None and name not in self._reads and self.loader is not None:
            source, filename, _ = self.loader.get_source(self, name)
            self._reads[name] = reads(self._parse(source, name, filename), self._lasting, self.globals.keys())
        return self._reads.get(name)

    def lasts(self, name: str) -> bool:
        """Whether what a template says where it is included is kept."""
        return self._reads_of(self.get_template(name).name) is not None

    def _included(self, context: Context, template: Template, local: Mapping[str, Any]) -> str:
        parent = {**context.parent, **context.vars}
        for name, value in local.items():
            if value is not missing:
                parent[name] = value
        return bounds.joined(template.root_render_func(_Context(self, parent, template.name, template.blocks)))

    @staticmethod
    def joined(parts: tuple[Any, ...]) -> str:
        """What `~` makes: of plain words one, else as Jinja does, which looks for HTML among them."""
        made: str = bounds.fitting("".join(parts) if _PLAIN.issuperset(map(type, parts)) else markup_join(parts))
        return made

    words = staticmethod(_escape_inner)

    @staticmethod
    def escaped(value: Any) -> str:
        """A value as HTML shows it."""
        kind = type(value)
        if kind is Markup:
            made: str = value
        elif kind is str:
            made = _escape_inner(value)
        elif isinstance(value, StrEnum):
            made = _escape_inner(str.__str__(value))
        else:
            made = escape(value)
        return made

    @staticmethod
    def remembering(macro: Callable[..., str]) -> Callable[..., str]:
        """A macro whose result depends on its arguments alone, made once for the same ones."""
        made = lru_cache(_MOST_KEPT, typed=True)(macro)

        def remembered(*args: Any) -> str:
            return made(*args) if _TOLD_APART.issuperset(map(type, args)) else macro(*args)

        return remembered

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Struct):
            if attribute in obj.__struct_fields__:
                self.having[attribute].add(type(obj))
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
        if id(__obj) in __self._callable:
            return __obj(__context, *args, **kwargs)
        if type(__obj) is Macro and not kwargs and _takes_exactly(__obj, len(args)):
            bounds.step()
            return Markup(__obj._func(*args))  # noqa: S704  # what a macro makes is escaped
        if isinstance(__obj, Macro | BlockReference) or isinstance(getattr(__obj, "__self__", None), LoopContext):
            bounds.step()
            return __obj(*args, **kwargs)
        if isinstance(__obj, LoopContext):  # of a recursive loop
            return __obj(*map(bounds.counted, args), **kwargs)
        if isinstance(__obj, Undefined):
            __obj()  # says what is undefined
        raise SecurityError("a template may call its macros and the functions of the theme reference only")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            return left + right if isinstance(left, int | float) else bounds.added(left, right)
        if not (isinstance(left, int | float) and isinstance(right, int | float)) or operator == "**":
            raise SecurityError(f"{operator!r} is for numbers only in a template")
        if operator == "*":
            bounds.multiplied(left, right)
        return super().call_binop(context, operator, left, right)


def _takes_exactly(macro: Macro, count: int) -> bool:
    """Whether a macro has so many arguments, and there is nothing to fill in or to hand on."""
    extra = macro.caller or macro.catch_kwargs or macro.catch_varargs
    return count == len(macro.arguments) and not extra

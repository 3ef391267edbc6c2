"""The Jinja sandbox of themes: templates see fields of frozen values and call what they were given, and nothing else.

Lean by rule instead of by look-up: an attribute is a field of a Struct, a key of a dict, or one of Jinja's own helpers for
loops and macros; there is no way from a value to its class, its methods or its module. Themes are semi-trusted: what may
cost time or memory is bounded as far as a template language allows. Templates become code that takes few steps (`_Code`);
what it may do is decided in one place, `Sandbox`.
"""

import keyword
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, groupby, islice
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.idtracking import VAR_LOAD_RESOLVE
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, markup_join
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup, escape
from msgspec import Struct

from .lasting import KEPT, Kept, Read, reads

LARGEST_PAGE = 500_000
TEXTS = "doorstep.texts"  # with a dot: no name that a template could read or set
_AT_ONCE = 32  # parts of a page that are joined before its size is looked at
_LONGEST_RANGE = 1_000
_MOST_KEPT = 256  # results of one macro
_DEEPEST = 20  # conditions in one expression; Python takes some sixty
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
_OF_ARGUMENTS_ALONE = (  # what a macro may hold whose result depends on nothing else
    nodes.Output, nodes.If, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Compare, nodes.Operand, nodes.CondExpr,
    nodes.And, nodes.Or, nodes.Not, nodes.List, nodes.Tuple,
)
# fmt: on
_TEXT_CALLS = {"_": 1, "gettext": 1, "pgettext": 2}  # with that many constants
_TOLD_APART = frozenset({str, int, bool, type(None), type(missing)})  # types whose equal values print the same
_SPECIAL = re.compile("[&<>\"']").search
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


class _Code(CodeGenerator):
    """A template's code, in fewer steps than Jinja's own: output that nothing interrupts is one piece of the page, a field
    of a Struct is read where it stands, a constant text is looked up, and what a macro makes of its arguments is kept."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        fields = sorted({one.attr for one in node.find_all(nodes.Getattr) if _is_plain(one.attr)})
        self._having = {field: f"having_{i}" for i, field in enumerate(fields)}
        self.writeline("escaped, special = environment.escaped, environment.special")
        for field, name in self._having.items():
            self.writeline(f"{name} = environment.having[{field!r}]")
        super().visit_Template(node, frame)

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("texts = context.texts")

    def blockvisit(self, statements: Iterable[nodes.Node], frame: Frame) -> None:
        if frame.require_output_check:
            super().blockvisit(statements, frame)
            return
        self.writeline("pass")
        for only_prints, run in groupby(statements, _only_prints):
            if only_prints:
                self._write_run(list(run), frame)
            else:
                super().blockvisit(run, frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        having = self._having.get(node.attr)
        if having is None:
            super().visit_Getattr(node, frame)
            return
        value = self.temporary_identifier()
        self.write(f"({value}.{node.attr} if type({value} := ")
        self.visit(node.node, frame)
        self.write(f") in {having} else environment.getattr({value}, {node.attr!r}))")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        text = _constant_text(node, frame)
        if text is not None:
            self.write(f"texts[{text!r}]")
            return
        self.write("environment.call(context, ")
        self.visit(node.node, frame)
        self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for one in node.nodes:
            self.visit(one, frame)
            self.write(", ")
        self.write("))")

    def visit_Include(self, node: nodes.Include, frame: Frame) -> None:
        if node.ignore_missing or not node.with_context:
            super().visit_Include(node, frame)
            return
        self.writeline("template = environment.get_or_select_template(", node)
        self.visit(node.template, frame)
        self.write(f", {self.name!r})")
        whole = f"environment.included(context, template, {self.dump_local_context(frame)})"
        self.writeline(f"yield {whole}" if frame.buffer is None else f"{frame.buffer}.append({whole})")

    def macro_body(self, node: nodes.Macro | nodes.CallBlock, frame: Frame) -> tuple[Frame, MacroRef]:
        made = super().macro_body(node, frame)
        if _is_of_arguments_alone(node):
            self.writeline("macro = environment.remembering(macro)")
        return made

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("escaped(")

    def _write_run(self, run: Sequence[nodes.Node], frame: Frame) -> None:
        """Statements that only print, as one piece."""
        self.writeline("yield (" if frame.buffer is None else f"{frame.buffer}.append(", run[0])
        self._write_joined(run, frame)
        self.write(")")

    def _write_joined(self, run: Sequence[nodes.Node], frame: Frame) -> None:
        parts = self._parts(run, frame)
        self.write("''.join((" if len(parts) > 1 else "")
        for part in parts or [""]:
            if isinstance(part, str):
                self.write(repr(part))
            elif isinstance(part, nodes.If):
                self._write_choice(part, frame.soft())
            else:
                self.newline(part)
                self._write_escaped(part, frame)
            self.write(", " if len(parts) > 1 else "")
        self.write("))" if len(parts) > 1 else "")

    def _write_escaped(self, node: nodes.Node, frame: Frame) -> None:
        """A value as `Sandbox.escaped` gives it; it is not called for what is a plain word or HTML already."""
        if isinstance(node, nodes.Call) and _constant_text(node, frame) is not None:
            self.visit(node, frame)
            return
        value = self.temporary_identifier()
        self.write(f"({value} if type({value} := ")
        self.visit(node, frame)
        self.write(f") is Markup or (type({value}) is str and special({value}) is None) else escaped({value}))")

    def _write_choice(self, node: nodes.If, frame: Frame) -> None:
        """`{% if %}` as an expression."""
        self.write("(")
        for one in (node, *node.elif_):
            self._write_joined(one.body, frame)
            self.newline(one)
            self.write(" if ")
            self.visit(one.test, frame)
            self.write(" else ")
        self._write_joined(node.else_, frame)
        self.write(")")

    def _parts(self, run: Sequence[nodes.Node], frame: Frame) -> list[str | nodes.Node]:
        """What is printed in order: constants joined, expressions, conditions."""
        parts: list[str | nodes.Node] = []
        for statement in run:
            for child in statement.nodes if isinstance(statement, nodes.Output) else [statement]:
                part = self._constant(child, frame)
                if parts and isinstance(part, str) and isinstance(parts[-1], str):
                    parts[-1] += part
                else:
                    parts.append(part)
        return parts

    def _constant(self, node: nodes.Node, frame: Frame) -> str | nodes.Node:
        if not isinstance(node, nodes.Expr):
            return node
        try:
            return self._output_child_to_const(node, frame, self._make_finalize())
        except Exception:  # no constant, or a mistake that is told when it is rendered
            return node


class Sandbox(SandboxedEnvironment):
    """A Jinja environment for untrusted templates. `functions` are the globals they may call, each with the context before
    the arguments; `filters` are more filters. `lasting` are variables, or fields of them ("page.languages"), that are the same
    objects on many pages; `changing` are functions that say something else on each."""

    intercepted_binops = frozenset({"*", "**", "%"})
    code_generator_class = _Code
    context_class = _Context

    def __init__(
        self, loader: BaseLoader, *, functions: dict[str, Callable[..., Any]], filters: dict[str, Callable[..., Any]],
        lasting: Collection[str] = (), changing: Collection[str] = (),
    ) -> None:  # fmt: skip
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
        self.newstyle_gettext = True  # what the i18n extension makes of {% trans %}: calls of gettext and ngettext
        self.globals = {"range": _range, **functions}
        self._callable = frozenset(id(value) for value in self.globals.values())
        self.having: defaultdict[str, set[type]] = defaultdict(set)  # the Structs seen that have a field, by its name
        self._compiled: dict[str, Template] = {}
        self._reads: dict[str | None, tuple[Read, ...] | None] = {}
        self._lasting = frozenset(lasting) | self.globals.keys() - set(changing)
        self.escaping = nodes.EvalContext(self)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            raise TemplateSyntaxError("escaping cannot be switched off in a theme", node.lineno, name, filename)
        self._reads[name] = reads(tree, self._lasting, self.globals.keys())
        return tree

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
        reads = self._reads.get(template.name)
        kept: Kept | None = context.parent.get(KEPT)
        if reads is None or kept is None or any(read.name in local for read in reads):
            return self._included(context, template, local)
        values = tuple(read.of(context) for read in reads)
        return kept.get(str(template.name), values, lambda: self._included(context, template, local))

    def _included(self, context: Context, template: Template, local: Mapping[str, Any]) -> str:
        parent = {**context.parent, **context.vars}
        for name, value in local.items():
            if value is not missing:
                parent[name] = value
        return bounded(template.root_render_func(_Context(self, parent, template.name, template.blocks)))

    @staticmethod
    def joined(parts: tuple[Any, ...]) -> str:
        """What `~` makes: of plain words one, else as Jinja does, which looks for HTML among them."""
        return "".join(parts) if _PLAIN.issuperset(map(type, parts)) else markup_join(parts)

    special = staticmethod(_SPECIAL)

    @staticmethod
    def escaped(value: Any) -> str:
        """A value as HTML shows it."""
        kind = type(value)
        return value if kind is Markup or (kind is str and _SPECIAL(value) is None) else escape(value)

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
            return Markup(__obj._func(*args))  # noqa: S704  # what a macro makes is escaped
        if isinstance(__obj, Macro | BlockReference) or isinstance(getattr(__obj, "__self__", None), LoopContext):
            return __obj(*args, **kwargs)
        if isinstance(__obj, Undefined):
            __obj()  # says what is undefined
        raise SecurityError("a template may call its macros and the functions of the theme reference only")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)) or operator == "**":
            raise SecurityError(f"{operator!r} is for numbers only in a template")
        return super().call_binop(context, operator, left, right)


def _takes_exactly(macro: Macro, count: int) -> bool:
    """Whether a macro has so many arguments, and there is nothing to fill in or to hand on."""
    extra = macro.caller or macro.catch_kwargs or macro.catch_varargs
    return count == len(macro.arguments) and not extra


def bounded(parts: Iterable[str]) -> str:
    """The page from its parts. Raises SecurityError when it grows beyond any reason."""
    coming = iter(parts)
    page = ""
    while some := list(islice(coming, _AT_ONCE)):  # to look at each one takes longer
        page += "".join(some)
        if len(page) > LARGEST_PAGE:
            raise SecurityError(f"the page is larger than {LARGEST_PAGE} characters")
    return page


def _range(context: Context, *args: int) -> range:
    result = range(*args)
    if len(result) > _LONGEST_RANGE:
        raise SecurityError(f"range() gives at most {_LONGEST_RANGE} numbers")
    return result


def _is_plain(attribute: str) -> bool:
    """Whether an attribute can stand in Python's code as in a template's, and leads to nothing private."""
    plain = attribute.isascii() and attribute.isidentifier() and not attribute.startswith("_")
    return plain and not keyword.iskeyword(attribute)


def _only_prints(node: nodes.Node, depth: int = _DEEPEST) -> bool:
    """Whether a statement can be written as an expression: output, or conditions with nothing but output inside."""
    if isinstance(node, nodes.If):
        inside = chain(node.body, *(one.body for one in node.elif_), node.else_)
        return depth > 0 and all(_only_prints(one, depth - 1) for one in inside)
    return isinstance(node, nodes.Output)


def _is_of_arguments_alone(node: nodes.Macro | nodes.CallBlock) -> bool:
    own = {argument.name for argument in node.args}
    inside = [one for statement in node.body for one in (statement, *statement.find_all(nodes.Node))]
    return all(
        isinstance(one, _OF_ARGUMENTS_ALONE) and (not isinstance(one, nodes.Name) or one.name in own) for one in inside
    )


def _constant_text(node: nodes.Call, frame: Frame) -> str | tuple[str, ...] | None:
    """The key of a text that is known when the template is compiled: the msgid, or context and msgid."""
    name = node.node.name if isinstance(node.node, nodes.Name) else ""
    given = tuple(one.value for one in node.args if isinstance(one, nodes.Const) and isinstance(one.value, str))
    if node.kwargs or node.dyn_args or node.dyn_kwargs or len(given) != len(node.args):
        return None
    if len(given) != _TEXT_CALLS.get(name) or frame.symbols.find_load(frame.symbols.ref(name)) != (
        VAR_LOAD_RESOLVE,
        name,
    ):
        return None
    return given[0] if len(given) == 1 else given

"""What templates become: Python's code, in fewer steps than Jinja's own. What it may do is decided in `doorstep.sandboxing`."""

import keyword
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import StringIO
from itertools import chain, groupby
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef, optimizeconst
from jinja2.idtracking import VAR_LOAD_RESOLVE

_DEEPEST = 20  # conditions in one expression; Python takes some sixty
_TEXT_CALLS = {"_": 1, "gettext": 1, "pgettext": 2}  # with that many constants
# fmt: off
_OF_ARGUMENTS_ALONE = (  # what a macro may hold whose result depends on nothing else
    nodes.Output, nodes.If, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Compare, nodes.Operand, nodes.CondExpr,
    nodes.And, nodes.Or, nodes.Not, nodes.List, nodes.Tuple,
)
# fmt: on
_Path = tuple[str, ...]


class Code(CodeGenerator):
    """A template's code, in fewer steps than Jinja's own: output that nothing interrupts is one piece of the page, in which a
    field of a Struct is read where it stands, and once; a constant text is looked up, and what a macro makes of its arguments
    is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._iterated: set[int] = set()  # what loops run over, by id
        self._running = False  # a piece of the page is written: one expression, in which no name changes its meaning
        self._read: dict[
            _Path | None, str
        ] = {}  # what has been read in it for certain, and the name that has its value

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        fields = sorted({one.attr for one in node.find_all(nodes.Getattr) if _is_plain(one.attr)})
        self._having = {field: f"having_{i}" for i, field in enumerate(fields)}
        self.writeline("escaped, words = environment.escaped, environment.words")
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

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if id(node) not in self._iterated:
            return super().visit(node, *args, **kwargs)
        self._iterated.discard(id(node))
        self.write("environment.counted(")
        super().visit(node, *args, **kwargs)
        self.write(")")
        return None

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        self._iterated.add(id(node.iter))
        super().visit_For(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self._write_bounded("weighed", super().visit_List, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx == "load":
            self._write_bounded("weighed", super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self._write_bounded("weighed", super().visit_Dict, node, frame)

    def _write_bounded(self, name: str, visit: Callable[[Any, Frame], None], node: nodes.Expr, frame: Frame) -> None:
        """An expression whose value may be as large as what it is made of allows; constants are as large as they look."""
        grows = any(not isinstance(one, nodes.Const | nodes.Pair) for one in node.find_all(nodes.Expr))
        self.write(f"environment.{name}(" if grows else "(")
        visit(node, frame)
        self.write(")")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        having = self._having.get(node.attr)
        path = _path(node, frame) if self._running else None
        if path in self._read:
            self.write(self._read[path])
        elif having is None:
            super().visit_Getattr(node, frame)
        else:
            self._write_field(node, having, frame, path)

    def _write_field(self, node: nodes.Getattr, having: str, frame: Frame, path: _Path | None) -> None:
        value = self.temporary_identifier()
        name = "" if path is None else self.temporary_identifier()
        named = f"{name} := " if name else ""
        self.write(f"(({named}{value}.{node.attr}) if type({value} := ")
        self.visit(node.node, frame)
        self.write(f") in {having} else ({named}environment.getattr({value}, {node.attr!r})))")
        if path is not None:
            self._read[path] = name

    @optimizeconst
    def visit_And(self, node: nodes.BinExpr, frame: Frame) -> None:
        self._write_either(node, "and", frame)

    @optimizeconst
    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:
        self._write_either(node, "or", frame)

    def _write_either(self, node: nodes.BinExpr, operator: str, frame: Frame) -> None:
        self.write("(")
        self.visit(node.left, frame)
        self.write(f" {operator} ")
        with self._perhaps():
            self.visit(node.right, frame)
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        with self._perhaps() if len(node.ops) > 1 else nullcontext():  # of several the first one may decide
            super().visit_Compare(node, frame)

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        with self._perhaps(), self._apart():
            super().visit_CondExpr(node, frame)

    @contextmanager
    def _perhaps(self) -> Iterator[None]:
        """Whether this part is come to at all is not certain: what is read in it is not known behind it."""
        before = dict(self._read)
        yield
        self._read = before

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Parts that are not come to in the order in which they stand: what one reads is not known to the others."""
        running, self._running = self._running, False
        yield
        self._running = running

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
        self._running, self._read = True, {}
        self._write_joined(run, frame)
        self._running = False
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
        """A value as `Sandbox.escaped` gives it; it is not called for what is words or HTML already."""
        if isinstance(node, nodes.Call) and _constant_text(node, frame) is not None:
            self.visit(node, frame)
            return
        path = _path(node, frame) if self._running else None
        value = self._read.get(path) if path is not None else None
        if value is not None:
            self.write(f"(words({value}) if type({value}")
        else:
            value = self.temporary_identifier()
            self.write(f"(words({value}) if type({value} := ")
            self.visit(node, frame)
        self.write(f") is str else {value} if type({value}) is Markup else escaped({value}))")

    def _write_choice(self, node: nodes.If, frame: Frame) -> None:
        """`{% if %}` as an expression. What its test reads, which stands behind it and comes first, is known in it."""
        self.write("(")
        with self._perhaps():
            for one in (node, *node.elif_):
                test = self._written(one.test, frame)
                with self._perhaps():
                    self._write_joined(one.body, frame)
                self.newline(one)
                self.write(f" if {test} else ")
            self._write_joined(node.else_, frame)
        self.write(")")

    def _written(self, node: nodes.Node, frame: Frame) -> str:
        """The code of an expression, to stand elsewhere."""
        stream, self.stream = self.stream, StringIO()
        self.visit(node, frame)
        written, self.stream = self.stream.getvalue(), stream
        return written

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


def _path(node: nodes.Node, frame: Frame) -> _Path | None:
    """A name and the fields that lead on from it; None for other expressions."""
    if isinstance(node, nodes.Name):
        return (frame.symbols.ref(node.name),)
    if not isinstance(node, nodes.Getattr):
        return None
    before = _path(node.node, frame)
    return before and (*before, node.attr)


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


def _is_of_arguments_alone(node: nodes.Macro | nodes.CallBlock, *more: type[nodes.Node]) -> bool:
    own = {argument.name for argument in node.args}
    inside = [one for statement in node.body for one in (statement, *statement.find_all(nodes.Node))]
    allowed: tuple[type[nodes.Node], ...] = (*_OF_ARGUMENTS_ALONE, *more)
    return all(isinstance(one, allowed) and (not isinstance(one, nodes.Name) or one.name in own) for one in inside)


def is_of_fields_alone(node: nodes.Macro) -> bool:
    """Whether what a macro makes depends on its arguments, and on fields of them, alone."""
    return _is_of_arguments_alone(node, nodes.Getattr)


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

"""What an expression of a template comes to, as far as that is known before any page is there."""

from collections.abc import Callable
from typing import Any

from jinja2 import Template, Undefined, nodes
from jinja2.nodes import Impossible
from jinja2.runtime import Context
from msgspec import Struct

from .sandboxing import Sandbox

# fmt: off
_PURE = frozenset({  # expressions whose value is that of their parts
    nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Compare, nodes.Not, nodes.Filter, nodes.Test, nodes.List, nodes.Tuple,
    nodes.Dict, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos,
})
# fmt: on

Known = dict[str, Any]  # by name, or by "name.field"; in it also what may be called


PRESENT = object()  # of a name: on these pages it has a value, which is no empty one


class Function(Struct, frozen=True):
    work: Callable[..., Any]


class Imported(Struct, frozen=True):
    """A macro that sees nothing of the page: of another template, by its name, or one of this one, as a template of its own."""

    template: str | Template
    macro: str


class Values:
    """What expressions come to, where that is known."""

    def __init__(self, sandbox: Sandbox, context: Context) -> None:
        self._sandbox = sandbox
        self._context = context

    def of(self, node: nodes.Node, known: Known) -> Any:
        """Raises Impossible."""
        match node:
            case nodes.Const() | nodes.TemplateData():
                return node.as_const(self._sandbox.escaping)
            case nodes.Name():
                return _plain(known, node.name)
            case nodes.Getattr(node=nodes.Name(name=name), attr=attr) if f"{name}.{attr}" in known:
                return known[f"{name}.{attr}"]
            case nodes.CondExpr() | nodes.And() | nodes.Or():
                return self.of(self.chosen(node, known), known)
            case nodes.Concat():
                return self._sandbox.joined(tuple(self.of(one, known) for one in node.nodes))
            case nodes.Call():
                return self._called(node, known)
            case nodes.Filter() if node.name in self._sandbox.of_language:
                return self._filtered(node, known)
        if type(node) not in _PURE:
            raise Impossible
        value = rebuilt(node, lambda part: nodes.Const(self.of(part, known))).as_const(self._sandbox.escaping)
        if isinstance(value, Undefined):
            raise Impossible
        return value

    def holds(self, node: nodes.Node, known: Known) -> bool:
        """Whether it counts as true. Raises Impossible."""
        match node:
            case nodes.Name(name=name) if known.get(name) is PRESENT:
                return True
            case nodes.Not():
                return not self.holds(node.node, known)
            case nodes.CondExpr() | nodes.And() | nodes.Or():
                return self.holds(self.chosen(node, known), known)
        return bool(self.of(node, known))

    def chosen(self, node: nodes.CondExpr | nodes.And | nodes.Or, known: Known) -> nodes.Expr:
        """The part of which this has the value. Raises Impossible."""
        if not isinstance(node, nodes.CondExpr):
            return node.right if self.holds(node.left, known) == isinstance(node, nodes.And) else node.left
        chosen = node.expr1 if self.holds(node.test, known) else node.expr2
        if chosen is None:
            raise Impossible
        return chosen

    def _called(self, node: nodes.Call, known: Known) -> Any:
        called = known.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if called is None or node.dyn_args or node.dyn_kwargs:
            raise Impossible
        args = [self.of(one, known) for one in node.args]
        kwargs = {one.key: self.of(one.value, known) for one in node.kwargs}
        try:
            if isinstance(called, Imported):
                macro = getattr(self._module(called.template), called.macro)
                return self._sandbox.call(self._context, macro, *args, **kwargs)
            if isinstance(called, Function):
                return called.work(self._context, *args, **kwargs)
        except Exception as error:  # it is told when the page is rendered
            raise Impossible from error
        raise Impossible

    def _filtered(self, node: nodes.Filter, known: Known) -> Any:
        """What a filter makes that asks how the reader's language writes it."""
        if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise Impossible
        value, args = self.of(node.node, known), [self.of(one, known) for one in node.args]
        try:
            return self._sandbox.call_filter(node.name, value, args, context=self._context)
        except Exception as error:  # it is told when the page is rendered
            raise Impossible from error

    def _module(self, template: str | Template) -> Any:
        whole = self._sandbox.get_template(template) if isinstance(template, str) else template
        return whole._get_default_module()


def rebuilt(node: nodes.Node, part: Callable[[nodes.Expr], nodes.Expr]) -> Any:
    """The same expression of other parts; what is called stays."""

    def other(value: Any) -> Any:
        if isinstance(value, list):
            return [other(one) for one in value]
        if isinstance(value, nodes.Expr):
            return part(value)
        return rebuilt(value, part) if isinstance(value, nodes.Helper) else value

    called = isinstance(node, nodes.Call)
    fields = [value if called and name == "node" else other(value) for name, value in node.iter_fields()]
    return type(node)(*fields, lineno=node.lineno)


def _plain(known: Known, name: str) -> Any:
    if name not in known or known[name] is PRESENT or isinstance(known[name], Function | Imported):
        raise Impossible
    return known[name]

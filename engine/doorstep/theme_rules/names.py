"""Which names and fields a template reads that nothing gives it: by the types of the page's values, without rendering."""

from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from jinja2 import nodes
from msgspec import Struct

from ..context import PageContext
from ..letter import LetterContext
from .rule import Place
from .subject import Subject, Template

_GUARDS = ("defined", "undefined")
Scope = dict[str, Any]  # names with the type of their value; Any where it is not known


def unknown_names(subject: Subject) -> Iterator[Place]:
    """Names and fields in the theme's own templates that no page has, or no mail."""
    given = _set_before_including(subject)
    for template in subject.templates:
        if template.tree is not None and not template.name.startswith("widgets/"):  # their values are the widget's own
            values = letter_variables() if template.is_mail else page_variables()
            yield from _Reading(subject, template, given, values).statements(template.tree.body)


def page_variables() -> Scope:
    """The variables of a page's template, by type."""
    return dict(get_type_hints(PageContext))


def letter_variables() -> Scope:
    """The variables of a mail's template, by type."""
    return dict(get_type_hints(LetterContext))


def _set_before_including(subject: Subject) -> Scope:
    """Names that templates set which include others: those see them."""
    names: Scope = {}
    for template in subject.all_templates:
        if template.tree is not None and any(template.tree.find_all(nodes.Include)):
            stored = (one for one in template.tree.find_all(nodes.Name) if one.ctx == "store")
            names |= dict.fromkeys((one.name for one in stored), Any)
    return names


class _Reading:
    """One template, statement by statement, with what each of them can see."""

    def __init__(self, subject: Subject, template: Template, given: Mapping[str, Any], values: Scope) -> None:
        self._file = template.file
        self._scope: Scope = {**dict.fromkeys(subject.environment.globals, Any), **given, **values}
        self._has = f"a {'mail' if template.is_mail else 'page'} has {', '.join(sorted(values))}"

    def statements(self, statements: list[nodes.Node]) -> Iterator[Place]:
        yield from self._statements(statements, self._scope)

    def _statements(self, statements: list[nodes.Node], scope: Scope) -> Iterator[Place]:
        for one in statements:
            yield from self._statement(one, scope)

    def _statement(self, node: nodes.Node, scope: Scope) -> Iterator[Place]:
        if isinstance(node, nodes.For):
            yield from self._expression(node.iter, scope)
            within = scope | {"loop": Any} | _named(node.target, _element(_type(node.iter, scope)))
            if node.test is not None:
                yield from self._expression(node.test, within)
            yield from self._statements(node.body, within)
            yield from self._statements(node.else_, dict(scope))
        elif isinstance(node, nodes.Assign):
            yield from self._expression(node.node, scope)
            scope.update(_named(node.target, _type(node.node, scope)))
        elif isinstance(node, nodes.AssignBlock):
            yield from self._statements(node.body, dict(scope))
            scope.update(_named(node.target, str))
        elif isinstance(node, nodes.Macro):
            scope[node.name] = Any
            given = dict.fromkeys(("caller", "varargs", "kwargs", *(one.name for one in node.args)), Any)
            yield from self._statements(node.body, scope | given)
        elif isinstance(node, nodes.Import):
            scope[node.target] = Any
        elif isinstance(node, nodes.FromImport):
            scope.update((name[-1] if isinstance(name, tuple) else name, Any) for name in node.names)
        elif isinstance(node, nodes.With):
            for value in node.values:
                yield from self._expression(value, scope)
            pairs = zip(node.targets, node.values, strict=True)
            within = dict(scope)
            for target, value in pairs:
                within |= _named(target, _type(value, scope))
            yield from self._statements(node.body, within)
        elif isinstance(node, nodes.Block):
            yield from self._statements(node.body, scope | {"super": Any})
        elif isinstance(node, nodes.If):
            yield from self._expression(node.test, scope)
            scope.update((name, Any) for name in _guarded(node.test) if name not in scope)
            yield from self._statements([*node.body, *node.elif_, *node.else_], scope)
        else:
            yield from self._expression(node, scope)

    def _expression(self, node: nodes.Node, scope: Scope) -> Iterator[Place]:
        if isinstance(node, nodes.Test) and node.name in _GUARDS:
            return
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in scope:
            yield Place(self._file, node.lineno, f"{node.name!r} is unknown here", f"correct or remove it; {self._has}")
        if isinstance(node, nodes.Getattr):
            kind = _without_none(_type(node.node, scope))
            fields = _fields(kind)
            if fields is not None and node.attr not in fields:
                what = f"{kind.__name__} has no field {node.attr!r}"
                yield Place(self._file, node.lineno, what, f"it has {', '.join(sorted(fields))}")
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Stmt) and not isinstance(child, nodes.Output):
                yield from self._statement(child, scope)
            else:
                yield from self._expression(child, scope)


def _type(node: nodes.Node, scope: Scope) -> Any:
    """The type of an expression's value, as far as it can be told."""
    if isinstance(node, nodes.Name):
        return scope.get(node.name, Any)
    if isinstance(node, nodes.Getattr):
        return (_fields(_type(node.node, scope)) or {}).get(node.attr, Any)
    if isinstance(node, nodes.Getitem):
        return _element(_type(node.node, scope))
    return Any


def _guarded(test: nodes.Node) -> Iterator[str]:
    """The names whose being there a condition asks for."""
    for one in (test, *test.find_all(nodes.Test)):
        if isinstance(one, nodes.Test) and one.name in _GUARDS and isinstance(one.node, nodes.Name):
            yield one.node.name


def _fields(kind: Any) -> dict[str, Any] | None:
    kind = _without_none(kind)
    return get_type_hints(kind) if isinstance(kind, type) and issubclass(kind, Struct) else None


def _element(kind: Any) -> Any:
    """The type of what a list of this type holds."""
    kind = _without_none(kind)
    return get_args(kind)[0] if get_origin(kind) is tuple else Any


def _without_none(kind: Any) -> Any:
    parts = [one for one in get_args(kind) if one is not type(None)]
    is_union = get_origin(kind) is Union or type(kind).__name__ == "UnionType"
    return parts[0] if is_union and len(parts) == 1 else kind


def _named(target: nodes.Node, kind: Any) -> Scope:
    """What an assignment gives its names."""
    if isinstance(target, nodes.Name):
        return {target.name: kind}
    return dict.fromkeys((one.name for one in target.find_all(nodes.Name)), Any)

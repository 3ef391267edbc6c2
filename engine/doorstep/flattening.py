"""A template with its parents and all that it includes as one piece, in which everything that a look knows of itself (the shop,
its settings, its sections, the words of one language) stands written out, as it will on every page.

What is not certain stays as it was: a name that is set twice, a loop over what only the page knows, an include by a name
that only the page knows. What cannot be told at all raises Impossible; then the template is rendered as it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.nodes import Impossible
from jinja2.runtime import Context
from markupsafe import Markup

from .bounds import counting
from .folding import Function, Imported, Known, Values, rebuilt
from .sandboxing import Sandbox
from .template_code import is_of_fields_alone

_DEEPEST = 12  # includes in includes
_MOST = 8_000  # statements
_MOST_TURNS = 200  # of a loop that is written out
_WRITTEN = frozenset({str, Markup, int, bool, type(None)})  # as constants, in the code
_OF_ITS_PLACE = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})
_BINDING = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport, nodes.Macro)


class _TooLarge(Exception):
    """To write all of it out is not worth it."""


def flattened(
    sandbox: Sandbox, name: str, known: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]],
    context: Context,
) -> Template:  # fmt: skip
    """The template `name` for pages of which all this is `known`; `functions` are those that say the same on all of them, when
    they are called with this `context`. Raises Impossible."""
    given = {**known, **{name: Function(work) for name, work in functions.items()}}
    try:
        with counting():
            tree = _Flattening(sandbox, context).whole(name, given)
            tree.set_environment(sandbox)
            return sandbox.compiled(tree, name)
    except (_TooLarge, TemplateError, SyntaxError, RecursionError) as error:
        raise Impossible from error


class _Flattening:
    """Of one template."""

    def __init__(self, sandbox: Sandbox, context: Context) -> None:
        self._sandbox = sandbox
        self._values = Values(sandbox, context)
        self._blocks: dict[str, nodes.Block] = {}
        self._left = _MOST

    def whole(self, name: str, known: Known) -> nodes.Template:
        """What the children set stands before what their last parent says, with their blocks in the places of its own."""
        before: list[nodes.Node] = []
        tree = self._tree(name)
        while (extends := next(tree.find_all(nodes.Extends), None)) is not None:
            before += [one for one in tree.body if _is_of_a_child(one)]
            for block in tree.find_all(nodes.Block):
                self._blocks.setdefault(block.name, block)
            tree = self._tree(self._values.of(extends.template, known))
        for block in tree.find_all(nodes.Block):
            self._blocks.setdefault(block.name, block)
        if any(one.scoped or one.required for one in self._blocks.values()):
            raise Impossible
        return nodes.Template(_pruned(self._body([*before, *tree.body], known, _DEEPEST)), lineno=1)

    def _tree(self, name: str) -> nodes.Template:
        tree = self._sandbox.tree(name)
        if any(one.name in ("self", "super") for one in tree.find_all(nodes.Name)):
            raise Impossible
        return tree

    def _body(self, statements: Iterable[nodes.Node], known: Known, depth: int) -> list[nodes.Node]:
        """Statements one after the other; what they set is `known` to the next."""
        return [one for statement in statements for one in self._statement(statement, known, depth)]

    def _statement(self, node: nodes.Node, known: Known, depth: int) -> list[nodes.Node]:
        self._left -= 1
        if self._left < 0:
            raise _TooLarge
        match node:
            case nodes.Output():
                return [nodes.Output([self._expression(one, known) for one in node.nodes], lineno=node.lineno)]
            case nodes.If():
                return self._choice(node, known, depth)
            case nodes.For():
                return self._loop(node, known, depth)
            case nodes.Include():
                return self._included(node, known, depth)
            case nodes.Block():
                return _scoped(self._body(self._blocks[node.name].body, dict(known), depth))
            case nodes.Assign():
                return [self._assigned(node, known)]
        if not isinstance(node, (*_BINDING, nodes.With, nodes.CallBlock, nodes.FilterBlock)) or _has_blocks(node):
            raise Impossible
        _forget(known, _bound_by(node))
        if isinstance(node, nodes.Macro) and is_of_fields_alone(node):
            known[node.name] = Imported(self._alone(node), node.name)
        if isinstance(node, nodes.FromImport) and not node.with_context and isinstance(node.template, nodes.Const):
            known.update({alias: Imported(node.template.value, name) for name, alias in _imported(node)})
        return [node]

    def _alone(self, macro: nodes.Macro) -> Template:
        tree = nodes.Template([macro], lineno=1)
        tree.set_environment(self._sandbox)
        return self._sandbox.compiled(tree, macro.name)

    def _assigned(self, node: nodes.Assign, known: Known) -> nodes.Node:
        before = dict(known)
        _forget(known, _bound_by(node))
        made = nodes.Assign(node.target, self._expression(node.node, before), lineno=node.lineno)
        if isinstance(node.target, nodes.Name):
            with suppress(Impossible):
                known[node.target.name] = self._values.of(node.node, before)
        return made

    def _choice(self, node: nodes.If, known: Known, depth: int) -> list[nodes.Node]:
        open_: list[tuple[nodes.Node, list[nodes.Node]]] = []  # tests that only the page answers
        otherwise = node.else_
        for one in (node, *node.elif_):
            try:
                holds = self._values.holds(one.test, known)
            except Impossible:
                open_.append((one.test, one.body))
                continue
            if holds:
                otherwise = one.body
                break
        if not open_:
            return self._body(otherwise, known, depth)
        made = [
            nodes.If(self._expression(test, known), self._body(body, dict(known), depth), [], [], lineno=node.lineno)
            for test, body in open_
        ]
        made[0].elif_ = made[1:]
        made[0].else_ = self._body(otherwise, dict(known), depth)
        _forget(known, _bound_by(node))
        return [made[0]]

    def _loop(self, node: nodes.For, known: Known, depth: int) -> list[nodes.Node]:
        if _has_blocks(node):
            raise Impossible
        with suppress(Impossible):
            return self._turns(node, known, depth)
        inner = dict(known)
        _forget(inner, {*_names(node.target), "loop"})
        return [
            nodes.For(
                node.target,
                self._expression(node.iter, known),
                self._body(node.body, dict(inner), depth),
                self._body(node.else_, dict(known), depth),
                None if node.test is None else self._expression(node.test, inner),
                node.recursive,
                lineno=node.lineno,
            )
        ]

    def _turns(self, node: nodes.For, known: Known, depth: int) -> list[nodes.Node]:
        """A loop over what is known, turn by turn."""
        items = self._values.of(node.iter, known)
        if node.recursive or node.else_ or type(items) not in (tuple, list) or len(items) > _MOST_TURNS:
            raise Impossible
        is_told = any("loop" in _loaded(one) for one in node.body)
        if is_told and node.test is not None:
            raise Impossible
        turns: list[nodes.Node] = []
        for at, item in enumerate(items):
            turns += self._turn(node, item, _place(at, len(items)), known, depth)
        if is_told and (any(_includes(turns)) or any("loop" in _loaded(one) for one in turns)):
            raise Impossible
        return turns

    def _turn(self, node: nodes.For, item: Any, place: Known, known: Known, depth: int) -> list[nodes.Node]:
        """One turn, whose `place` among the others is what the template knows as its loop."""
        given = _spread(node.target, item)
        inner = dict(known)
        _forget(inner, {*given, "loop"})
        inner |= given | place
        if node.test is not None and not self._values.holds(node.test, inner):
            return []
        body = self._body(node.body, inner, depth)
        left = set().union(*map(_loaded, body))
        if any(_includes(body)):
            left |= given.keys()
        needed = {name: value for name, value in given.items() if name in left}
        if not _WRITTEN.issuperset(map(type, needed.values())):
            raise Impossible
        sets = [nodes.Assign(nodes.Name(name, "store"), nodes.Const(value)) for name, value in needed.items()]
        return _scoped([*sets, *body])

    def _included(self, node: nodes.Include, known: Known, depth: int) -> list[nodes.Node]:
        """What is included, in its place. What lasts, and is not known, is written once for many pages where it is included."""
        as_it_is: list[nodes.Node] = [
            nodes.Include(
                self._expression(node.template, known), node.with_context, node.ignore_missing, lineno=node.lineno
            )
        ]
        if node.ignore_missing or not node.with_context or not depth:
            return as_it_is
        try:
            name = self._values.of(node.template, known)
            tree = self._sandbox.tree(name)
        except (Impossible, TemplateError, TypeError, AttributeError):
            return as_it_is
        if any(tree.find_all((nodes.Extends, nodes.Block))) or _is_of_its_place(tree):
            return as_it_is
        body = self._body(tree.body, dict(known), depth - 1)
        if not all(map(_is_constant, body)) and self._sandbox.lasts(name):
            return as_it_is
        return _scoped(body)

    def _expression(self, node: nodes.Node, known: Known) -> Any:
        """The same, with what is known of it written out."""
        with suppress(Impossible):
            value = self._values.of(node, known)
            if type(value) in _WRITTEN:
                return nodes.Const(value, lineno=node.lineno)
        with suppress(Impossible):
            if isinstance(node, nodes.CondExpr | nodes.And | nodes.Or):
                return self._expression(self._values.chosen(node, known), known)
        return rebuilt(node, lambda part: self._expression(part, known))


def _is_of_a_child(node: nodes.Node) -> bool:
    """Whether a statement outside of blocks does something in a template that has a parent."""
    if isinstance(node, nodes.Output | nodes.Block | nodes.Extends):
        return False
    if isinstance(node, nodes.Assign | nodes.FromImport | nodes.Import):
        return True
    raise Impossible


def _place(at: int, count: int) -> Known:
    """What a turn of a loop is told of its place among the others."""
    place = {
        "index": at + 1, "index0": at, "revindex": count - at, "revindex0": count - at - 1,
        "first": at == 0, "last": at == count - 1, "length": count,
    }  # fmt: skip
    return {f"loop.{name}": value for name, value in place.items()}


def _spread(target: nodes.Node, item: Any) -> dict[str, Any]:
    if isinstance(target, nodes.Name):
        return {target.name: item}
    names = _names(target)
    if type(item) not in (tuple, list) or len(item) != len(names) or not isinstance(target, nodes.Tuple):
        raise Impossible
    return dict(zip(names, item, strict=True))


def _names(target: nodes.Node) -> list[str]:
    """Of what is set, in order."""
    return [one.name for one in (target, *target.find_all(nodes.Name)) if isinstance(one, nodes.Name)]


def _bound_by(node: nodes.Node) -> set[str]:
    """The names that a statement, or one inside of it, may give another meaning."""
    bound: set[str] = set()
    for one in (node, *node.find_all(_BINDING)):
        match one:
            case nodes.Assign() | nodes.AssignBlock():
                bound.update(_names(one.target))
            case nodes.Import():
                bound.add(one.target)
            case nodes.FromImport():
                bound.update(alias for _, alias in _imported(one))
            case nodes.Macro():
                bound.add(one.name)
    return bound


def _imported(node: nodes.FromImport) -> Iterator[tuple[str, str]]:
    for name in node.names:
        yield name if isinstance(name, tuple) else (name, name)


def _forget(known: Known, names: Iterable[str]) -> None:
    for name in names:
        for key in [key for key in known if key == name or key.startswith(f"{name}.")]:
            del known[key]


def _has_blocks(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Block) or any(node.find_all(nodes.Block))


def _loaded(node: nodes.Node) -> set[str]:
    return {one.name for one in (node, *node.find_all(nodes.Name)) if isinstance(one, nodes.Name) and one.ctx == "load"}


def _includes(body: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        if isinstance(node, nodes.Include):
            yield node
        yield from node.find_all(nodes.Include)


def _is_of_its_place(tree: nodes.Template) -> bool:
    """Whether it reads what means something else where it is included."""
    return not _OF_ITS_PLACE.isdisjoint(_loaded(tree)) and not _OF_ITS_PLACE.isdisjoint(find_undeclared_variables(tree))


def _is_constant(node: nodes.Node) -> bool:
    if isinstance(node, nodes.FromImport | nodes.Assign):
        return True
    return isinstance(node, nodes.Output) and all(
        isinstance(one, nodes.Const | nodes.TemplateData) for one in node.nodes
    )


def _scoped(body: list[nodes.Node]) -> list[nodes.Node]:
    """Statements whose names are their own."""
    kept = _pruned(body)
    binds = any(_bound_by(one) for one in kept)
    return [nodes.Scope(kept)] if binds else kept


def _pruned(body: list[nodes.Node]) -> list[nodes.Node]:
    """Without imports and macros that nobody needs any more."""
    used = set().union(*map(_loaded, body))
    if any(_includes(body)):
        return body
    return _used(body, used)


def _used(body: list[nodes.Node], used: set[str]) -> list[nodes.Node]:
    kept = []
    for node in body:
        if isinstance(node, nodes.If):
            for one in (node, *node.elif_):
                one.body = _used(one.body, used)
            node.else_ = _used(node.else_, used)
        if not isinstance(node, nodes.FromImport | nodes.Macro) or not used.isdisjoint(_bound_by(node)):
            kept.append(node)
    return kept

"""What an included template says on many pages alike is written once: the language menu, what is of the shop alone. It is known
by what it reads, which is found when the template is compiled."""

from collections.abc import Callable, Iterable, Set
from typing import Any

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.utils import missing

KEPT = "doorstep.kept"  # with a dot: no name that a template could read or set
_MOST = 256
_LEADING_ON = (nodes.Include, nodes.Extends, nodes.Block, nodes.Import)  # to what others read


class Reads:
    """What a template reads: variables, or one field of them ("page.dir")."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = [(name, field) for name, _, field in (path.partition(".") for path in sorted(paths))]
        self.names = frozenset(name for name, _ in self._paths)

    def of(self, context: Context) -> tuple[Any, ...]:
        """The values of all of it."""
        own, given = context.vars, context.parent
        values = []
        for name, field in self._paths:
            one = own[name] if name in own else given.get(name, missing)
            values.append(getattr(one, field, missing) if field else one)
        return tuple(values)


class Kept:
    """Of one look, in one language. Bounded: with too many, all are forgotten."""

    def __init__(self) -> None:
        self._written: dict[tuple[Any, ...], tuple[str, tuple[Any, ...]]] = {}

    def get(self, template: str, values: tuple[Any, ...], write: Callable[[], str]) -> str:
        """What a template that reads these values says. All but texts are told apart by which object they are."""
        key = (template, *[value if type(value) is str else id(value) for value in values])
        found = self._written.get(key)
        if found is None:
            if len(self._written) >= _MOST:
                self._written.clear()
            found = self._written[key] = (write(), values)  # while a value is held, no other object has its id
        return found[0]


def reads(tree: nodes.Template, lasting: Set[str], functions: Set[str]) -> Reads | None:
    """What a template reads of the `lasting` variables, fields of them ("page.dir") and functions; None where it reads or
    includes more. Functions are read like all else: their names may mean something else where it is included."""
    names = find_undeclared_variables(tree) | {
        node.name for node in tree.find_all(nodes.Name) if node.name in functions
    }
    fields = {
        id(node.node): f"{node.node.name}.{node.attr}"
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name)
    }
    used = {fields.get(id(node), node.name) for node in tree.find_all(nodes.Name) if node.name in names - lasting}
    outside = any(tree.find_all(_LEADING_ON)) or any(node.with_context for node in tree.find_all(nodes.FromImport))
    if outside or not used <= lasting:
        return None
    return Reads(used | (names & lasting))

"""Which texts of templates stand as HTML, and never inside a tag, a filter or a call: only there may markup be."""

from collections.abc import Iterable

from jinja2 import nodes

Key = tuple[str, str]  # context and msgid
_MSGID_AT = {"_": 0, "gettext": 0, "ngettext": 0, "pgettext": 1, "npgettext": 1}
_SEEN_THROUGH = (nodes.CondExpr, nodes.MarkSafe, nodes.MarkSafeIfAutoescape)


def html_places(trees: Iterable[nodes.Template]) -> frozenset[Key]:
    """The texts that all of these templates print as they are, between tags."""
    walk = _Walk()
    for tree in trees:
        walk.in_tag = False
        walk.visit(tree, printed=False)
    return frozenset(walk.between_tags - walk.elsewhere)


class _Walk:
    """Goes through a template in the order of its text. `in_tag`: what is printed next stands inside a tag."""

    def __init__(self) -> None:
        self.in_tag = False
        self.between_tags: set[Key] = set()
        self.elsewhere: set[Key] = set()

    def visit(self, node: nodes.Node, *, printed: bool) -> None:
        if isinstance(node, nodes.TemplateData):
            opened, closed = node.data.rfind("<"), node.data.rfind(">")
            self.in_tag = opened > closed if opened != closed else self.in_tag
        elif isinstance(node, nodes.Call) and (key := _text_of(node)) is not None:
            (self.between_tags if printed and not self.in_tag else self.elsewhere).add(key)
        inside = isinstance(node, nodes.Output) or (printed and isinstance(node, _SEEN_THROUGH))
        for child in node.iter_child_nodes():
            self.visit(child, printed=inside)


def _text_of(call: nodes.Call) -> Key | None:
    at = _MSGID_AT.get(call.node.name) if isinstance(call.node, nodes.Name) else None
    texts = [one.value for one in call.args if isinstance(one, nodes.Const) and isinstance(one.value, str)]
    if at is None or len(texts) <= at:
        return None
    return texts[0] if at else "", texts[at]

"""Rules about templates: what Jinja, the page's values and the catalogs have to say."""

from collections.abc import Iterator

from jinja2 import nodes

from .names import unknown_names
from .rule import Place, Rule
from .subject import Subject
from .texts import placeholders, said_in

_NAMING = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
_OWN = ("widgets/", "sections/slot.")  # what is there without being a file of a theme


def _syntax(subject: Subject) -> Iterator[Place]:
    for template in subject.templates:
        if template.tree is None:
            mend = "correct the line; jinja.palletsprojects.com/templates has the language"
            yield Place(template.file, template.line, template.problem, mend)


def _missing_templates(subject: Subject) -> Iterator[Place]:
    """Templates named by a constant that neither the theme nor a parent has; widgets bring their own."""
    known = {template.name for template in subject.all_templates}
    known |= {f"{files.name}/{name}" for files in subject.chain for name in known}
    for template in subject.templates:
        for node in template.tree.find_all(_NAMING) if template.tree is not None else ():
            named = vars(node)["template"]
            if isinstance(named, nodes.Const) and named.value not in known and not named.value.startswith(_OWN):
                mend = "correct the name, or write it into templates/"
                yield Place(template.file, node.lineno, f"there is no template {named.value!r}", mend)


def _unknown_filters(subject: Subject) -> Iterator[Place]:
    for kind, known in ((nodes.Filter, subject.environment.filters), (nodes.Test, subject.environment.tests)):
        word = kind.__name__.lower()
        for template in subject.templates:
            for node in template.tree.find_all(kind) if template.tree is not None else ():
                if node.name not in known:
                    mend = f"remove it; there are {', '.join(sorted(known))}"
                    yield Place(template.file, node.lineno, f"there is no {word} {node.name!r}", mend)


def _missing_translations(subject: Subject) -> Iterator[Place]:
    """A theme with texts of its own speaks the languages that it has catalogs of; one without a catalog, all."""
    languages = sorted((subject.own_catalogs or subject.catalogs).keys() - {"en"})
    for template in subject.templates:
        for said in said_in(template.tree) if template.tree is not None else ():
            missing = [one for one in languages if not _is_translated(subject, one, said.msgids[0])]
            if missing:
                files = ", ".join(f"locales/{language}.po" for language in missing)
                what = f"{said.msgids[0]!r} has no translation in {', '.join(missing)}"
                yield Place(template.file, said.line, what, f"add it to {files} of the theme")


def _is_translated(subject: Subject, language: str, msgid: str) -> bool:
    return msgid in subject.catalogs.get(language, {}) or msgid in subject.own_catalogs.get(language, {})


def _placeholder_mismatches(subject: Subject) -> Iterator[Place]:
    for template in subject.templates:
        for said in said_in(template.tree) if template.tree is not None else ():
            wanted = frozenset[str]().union(*map(placeholders, said.msgids))
            if said.given is not None and (missing := sorted(wanted - said.given)):
                what = f"{said.msgids[0]!r} is not given {', '.join(missing)}"
                yield Place(template.file, said.line, what, f"call it with {missing[0]}=…")
            for language, translations in sorted(subject.own_catalogs.items()):
                for text in translations.get(said.msgids[0], ()):
                    if unknown := sorted(placeholders(text) - wanted):
                        what = f"the {language} translation of {said.msgids[0]!r} wants {', '.join(unknown)}"
                        yield Place(
                            f"locales/{language}.po", 1, what, "use the placeholders of the text, and no others"
                        )


TEMPLATE_RULES = (
    Rule("syntax", "a template that cannot be read stops the whole theme", _syntax),
    Rule("missing-template", "the page would fail where it is wanted", _missing_templates),
    Rule("unknown-variable", "the page would fail where it is read", unknown_names),
    Rule("unknown-filter", "the template cannot be read with it", _unknown_filters),
    Rule("missing-translation", "readers of these languages would see English", _missing_translations),
    Rule("placeholder-mismatch", "the sentence would fail or show its code", _placeholder_mismatches),
)

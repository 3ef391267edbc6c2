"""Rules about the HTML in templates: what readers, their eyes, their networks and the page's policy need of it."""

import re
from collections.abc import Iterator

from .markup import VALUE, Element, Text
from .rule import Place, Rule
from .subject import Subject

_SPOKEN = ("alt", "aria-label", "placeholder", "title")  # attributes that a reader sees or hears
_LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "srcset", "video": "src"}
_REMOTE = re.compile(r"(?i)\s*(https?:)?//")
_NAME = re.compile(rf"\S*(-{VALUE}|{VALUE}-)\S*")  # an id or a class that a value is part of
_NO_TEXT = ("script", "style", "svg", "text", "code")


def _elements(subject: Subject) -> Iterator[tuple[str, Element]]:
    for template in subject.templates:
        yield from ((template.file, one) for one in template.markup if isinstance(one, Element))


def _hard_coded_texts(subject: Subject) -> Iterator[Place]:
    for template in subject.templates:
        for one in template.markup:
            spoken = [one.text] if isinstance(one, Text) else [one.attributes.get(name, "") for name in _SPOKEN]
            if isinstance(one, Text) and one.inside in _NO_TEXT:
                continue
            for text in spoken:
                words = " ".join(_NAME.sub("", text).replace(VALUE, "…").split())
                if sum(map(str.isalpha, words)) > 1:
                    mend = 'write {{ _("…") }} around it, and translate it in locales/'
                    yield Place(template.file, one.line, f"{words[:60]!r} is the same in every language", mend)


def _missing_alt(subject: Subject) -> Iterator[Place]:
    for file, one in _elements(subject):
        if one.tag == "img" and "alt" not in one.attributes:
            yield Place(file, one.line, "an image without alt", 'say what it shows, or alt="" where it only adorns')


def _missing_dimensions(subject: Subject) -> Iterator[Place]:
    for file, one in _elements(subject):
        if one.tag in ("img", "iframe", "video") and "height" not in one.attributes:
            yield Place(file, one.line, f"<{one.tag}> without a height", "give it width and height in pixels")


def _inline_scripts(subject: Subject) -> Iterator[Place]:
    for file, one in _elements(subject):
        if one.tag == "script" and "src" not in one.attributes and one.attributes.get("type", "") in ("", "module"):
            yield Place(
                file, one.line, "a script in the page", "put it into static/ and name it in scripts of theme.toml"
            )
        for name, value in one.attributes.items():
            if name.startswith("on") or value.strip().lower().startswith("javascript:"):
                mend = "listen in a script of static/, or do without one"
                yield Place(file, one.line, f"{name} runs a script", mend)


def _inline_styles(subject: Subject) -> Iterator[Place]:
    mails = {template.file for template in subject.templates if template.is_mail}
    for file, one in _elements(subject):
        if file in mails:
            continue
        if one.tag == "style" or "style" in one.attributes:
            yield Place(file, one.line, "a style in the page", "give it a class, and its style in static/")


def _remote_assets(subject: Subject) -> Iterator[Place]:
    for file, one in _elements(subject):
        address = one.attributes.get(_LOADS.get(one.tag, ""), "")
        if _REMOTE.match(address):
            mend = 'put it into static/ and write {{ asset("…") }}'
            yield Place(file, one.line, f"{address[:60]} is another company's machine", mend)
    for declaration in subject.declarations:
        if _REMOTE.match(declaration.value.partition("url(")[2].strip("\"' ")) or (
            declaration.name == "@import" and "//" in declaration.value
        ):
            mend = "put the file into static/"
            yield Place(
                declaration.file, declaration.line, f"{declaration.value[:60]} is another company's machine", mend
            )


def _blocking_scripts(subject: Subject) -> Iterator[Place]:
    for file, one in _elements(subject):
        waits = {"defer", "async"} & one.attributes.keys() or one.attributes.get("type") == "module"
        if one.tag == "script" and "src" in one.attributes and not waits:
            yield Place(file, one.line, "a script that the page waits for", "add defer")


MARKUP_RULES = (
    Rule("hard-coded-text", "readers of other languages cannot read it", _hard_coded_texts),
    Rule("missing-alt", "who cannot see it hears its file's name", _missing_alt),
    Rule("missing-dimensions", "the page jumps when it arrives", _missing_dimensions),
    Rule("inline-script", "the page's policy blocks it", _inline_scripts),
    Rule("inline-style", "the page's policy blocks it", _inline_styles),
    Rule("remote-asset", "it learns who reads the page, and the policy blocks it", _remote_assets),
    Rule("blocking-script", "nothing is shown until it has come", _blocking_scripts),
)

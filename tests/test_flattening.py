"""A template as one piece says what its files say, whatever is known of its pages; what is known stands written out in it."""

from typing import Any

import pytest
from jinja2 import DictLoader, pass_context
from jinja2.exceptions import SecurityError
from jinja2.nodes import Impossible
from markupsafe import Markup
from msgspec import Struct

from doorstep.bounds import bounded
from doorstep.flattening import flattened
from doorstep.folding import PRESENT
from doorstep.lasting import KEPT, Kept
from doorstep.sandboxing import TEXTS, Sandbox


class Shop(Struct, frozen=True):
    name: str = "Leaf & Co"
    links: tuple[dict[str, str], ...] = ({"url": "/a"}, {"url": "/b"})
    logo: str = ""


class Page(Struct, frozen=True):
    kind: str = "tracking"
    title: str = "Parcel <1>"
    menu: tuple[str, ...] = ("de", "en")


class Written:
    """One template in files and in one piece, for the same pages."""

    def __init__(self, known: dict[str, Any], **templates: str) -> None:
        self.asked: list[str] = []
        self.sandbox = Sandbox(
            DictLoader({name.replace("_", "/"): source for name, source in templates.items()}),
            functions={"asset": self._asset, "slot": self._slot},
            filters={"twice": self._twice},
            lasting=("shop", "page.menu"),
            changing=("slot",),
        )
        context = self.sandbox.context({TEXTS: {}})
        self.flat = flattened(self.sandbox, "page", known, {"asset": self._asset}, context)

    def render(self, **values: Any) -> str:
        given = {TEXTS: {}, KEPT: Kept(), "shop": Shop(), "page": Page(), **values}
        self.asked.clear()
        return bounded(self.flat.generate(given))

    def from_files(self, **values: Any) -> str:
        given = {TEXTS: {}, KEPT: Kept(), "shop": Shop(), "page": Page(), **values}
        return bounded(self.sandbox.get_template("page").generate(given))

    def _asset(self, context: object, name: str) -> str:
        self.asked.append("asset")
        return f"/static/{name}"

    @pass_context
    def _twice(self, context: object, value: Any) -> Any:
        self.asked.append("twice")
        return value * 2

    def _slot(self, context: object, name: str) -> Markup:
        self.asked.append("slot")
        return Markup(f"<{name}>")


KNOWN = {"shop": Shop(), "page.kind": "tracking", "sections": ("hero", "slot.end", "facts"), "none": None}
VALUES = {
    "sections": ("hero", "slot.end", "facts"),
    "none": None,
    "x": "<x>",
    "some": (1, 2, 3),
    "kept": (),
    "name": "part",
}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("{{ shop.name }} {{ page.kind }} {{ page.title }}", "Leaf &amp; Co tracking Parcel &lt;1&gt;"),
        ("{% for link in shop.links %}{{ link.url }}{{ x }}{% endfor %}", "/a&lt;x&gt;/b&lt;x&gt;"),
        ("{% for a, b in [(1, 'b'), (2, x)] %}{{ a }}{{ b }}{% endfor %}", "1b2&lt;x&gt;"),
        ("{% for s in sections if s[:5] == 'slot.' %}{{ slot(s[5:]) }}{% endfor %}", "<end>"),
        ("{% for s in sections %}{{ loop.index }}{{ s }}{% if not loop.last %}, {% endif %}{% endfor %}",
         "1hero, 2slot.end, 3facts"),
        ("{% for s in sections if s != 'slot.end' %}{{ loop.index }}{{ s }}{% endfor %}", "1hero2facts"),
        ("{% for s in sections %}{% for n in some %}{{ loop.index }}{% endfor %}{{ loop.revindex0 }}{% endfor %}",
         "123212311230"),
        ("{% for s in sections %}{{ loop.cycle('a', 'b') }}{{ loop.length }}{% endfor %}", "a3b3a3"),
        ("{% for a in sections %}{{ loop.first }}{% include name %}{% endfor %}",
         "True[hero tracking]False[slot.end tracking]False[facts tracking]"),
        ("{% macro m(a) %}<{{ a.url }}{{ '!' if a.url == x }}>{% endmacro %}{% for a in shop.links %}{{ m(a) }}{% endfor %}",
         "</a></b>"),
        ("{% macro m(a) %}{{ a.name }}{% endmacro %}{{ m(shop) }}{% macro m(a) %}-{% endmacro %}{{ m(shop) }}",
         "Leaf &amp; Co-"),
        ("{{ 2 | twice }}{{ x | twice }}{{ shop.links | length | twice }}", "4&lt;x&gt;&lt;x&gt;4"),
        ("{% for s in none or some %}{{ s }}{% else %}nothing{% endfor %}", "123"),
        ("{% for s in kept %}{{ s }}{% else %}nothing{% endfor %}", "nothing"),
        ("{% set a = shop.logo or 'plain' %}{{ a }}{% set a = x %}{{ a }}", "plain&lt;x&gt;"),
        ("{% set a = 1 %}{% if x %}{% set a = 2 %}{% endif %}{{ a }}", "2"),
        ("{% set a = 1 %}{% if shop.logo %}{% set a = 2 %}{% endif %}{{ a }}", "1"),
        ("{% set a = 1 %}{% for s in some %}{% set a = 2 %}{{ a }}{% endfor %}{{ a }}", "2221"),
        ("{% set a = 1 %}{% for s in sections %}{{ a }}{% set a = 2 %}{% endfor %}{{ a }}", "1111"),
        ("{% set shop = some %}{{ shop[0] }}{{ shop | length }}", "13"),
        ("{% for shop in some %}{{ shop }}{% endfor %}{{ shop.name }}", "123Leaf &amp; Co"),
        ("{% set page = {'kind': 'other'} %}{{ page.kind }}", "other"),
        ("{% with shop = {'name': 'Mill'} %}{{ shop.name }}{% endwith %}{{ shop.name }}", "MillLeaf &amp; Co"),
        ("{% macro m(shop) %}{{ shop }}{{ none }}{% endmacro %}{{ m('Mill') }}{{ m(x) }}", "MillNone&lt;x&gt;None"),
        ("{% for s in sections %}{% macro m() %}{{ s }}{% endmacro %}{{ m() }}{% endfor %}", "heroslot.endfacts"),
        ("{% set a %}{{ shop.name }}{% endset %}{{ a }}", "Leaf &amp; Co"),
        ("{% filter upper %}{{ shop.name }}{% endfilter %}", "LEAF &AMP; CO"),
        ("{{ shop.logo or x }}{{ shop.name and x }}{{ x if shop.logo else 'none' }}", "&lt;x&gt;&lt;x&gt;none"),
        ("{{ ('<' ~ shop.name) }}{{ ('<' | e) ~ shop.name }}", "&lt;Leaf &amp; Co&lt;Leaf &amp; Co"),
        ("{{ shop.name is defined }}{{ nobody is defined }}{{ shop.links | length > 1 }}", "TrueFalseTrue"),
        ("{{ asset('a.svg') }}{{ asset(x) }}", "/static/a.svg/static/&lt;x&gt;"),
        ("{% import 'macros' as m %}{{ m.both('a', 2) }}", "a2"),
        ("{% from 'macros' import both %}{{ both('<', 1) }}{{ both(x, 2) }}", "&lt;1&lt;x&gt;2"),
        ("{% from 'macros' import both as shop %}{{ shop(1, 2) }}", "12"),
        ("{% set both = 1 %}{% from 'macros' import both %}{% set both = 3 %}{{ both }}", "3"),
        ("{% set a = 1 %}{% include 'part' %}{{ a }}", "[1 tracking]1"),
        ("{% for a in sections %}{% include 'part' %}{% endfor %}",
         "[hero tracking][slot.end tracking][facts tracking]"),
        ("{% for a in some %}{% include 'part' %}{% endfor %}", "[1 tracking][2 tracking][3 tracking]"),
        ("{% for a in sections[:2] %}{% include name %}{% endfor %}", "[hero tracking][slot.end tracking]"),
        ("{% include 'sets' %}{{ a is defined }}", "2False"),
        ("{% set a = '' %}{% include 'nobody' ignore missing %}{% include ['nobody', 'part'] %}", "[ tracking]"),
        ("{% include 'menu' %}", "de en Leaf &amp; Co"),
        ("{% for s in some recursive %}{{ s }}{% if s == 2 %}{{ loop((8, 9)) }}{% endif %}{% endfor %}", "12893"),
    ],
)  # fmt: skip
def test_one_piece_says_what_the_files_say(page: str, said: str) -> None:
    written = Written(
        KNOWN, page=page, part="[{{ a }} {{ page.kind }}]", sets="{% set a = 2 %}{{ a }}",
        macros="{% macro both(a, b) %}{{ a }}{{ b }}{% endmacro %}",
        menu="{{ page.menu | join(' ') }} {{ shop.name }}",
    )  # fmt: skip
    assert written.from_files(**VALUES) == said
    assert written.render(**VALUES) == said


@pytest.mark.parametrize(
    ("page", "sheet", "said"),
    [
        ("{% extends 'sheet' %}{% block main %}[{{ a }}{{ x }}]{% endblock %}",
         "{% set a = shop.name %}<{% block main %}no{% endblock %}>", "<[Leaf &amp; Co&lt;x&gt;]>"),
        ("{% extends 'sheet' %}{% set a = 'child' %}unseen", "{{ a }}{% block main %}{{ a }}{% endblock %}", "childchild"),
        ("{% extends 'sheet' %}{% block inner %}mine{% endblock %}",
         "{% block main %}{% set a = 1 %}{% block inner %}theirs{% endblock %}{{ a }}{% endblock %}", "mine1"),
        ("{% extends 'sheet' %}", "{% if shop.logo %}{% block main %}{% endblock %}{% endif %}plain", "plain"),
    ],
)  # fmt: skip
def test_a_child_and_its_parent_are_one_piece(page: str, sheet: str, said: str) -> None:
    written = Written(KNOWN, page=page, sheet=sheet)
    assert written.from_files(**VALUES) == said
    assert written.render(**VALUES) == said


@pytest.mark.parametrize(
    "templates",
    [
        {"page": "{% extends 'sheet' %}{% block main %}{{ super() }}{% endblock %}", "sheet": "{% block main %}{% endblock %}"},
        {"page": "{% block main %}a{% endblock %}{{ self.main() }}"},
        {"page": "{% for s in some %}{% block main %}a{% endblock %}{% endfor %}"},
        {"page": "{% extends shop.name if x else 'sheet' %}", "sheet": ""},
        {"page": "{% include 'page' %}{% include 'page' %}"},
        {"page": "{% extends 'nobody' %}"},
    ],
)  # fmt: skip
def test_what_cannot_be_told_stays_in_files(templates: dict[str, str]) -> None:
    with pytest.raises(Impossible):
        Written(KNOWN, **templates)


def test_what_is_known_is_worked_out_once() -> None:
    written = Written(KNOWN, page="{{ asset('a.svg') }}{% if not shop.logo %}{{ slot('end') }}{% endif %}")
    assert written.asked == ["asset"]
    assert [written.render(**VALUES) for _ in range(2)] == ["/static/a.svg<end>"] * 2
    assert written.asked == ["slot"]


def test_loops_macros_and_what_a_language_writes_are_worked_out_once() -> None:
    macro = "{% macro m(a, n) %}{{ n }}{{ a.url }}{% endmacro %}"
    written = Written(KNOWN, page=macro + "{% for a in shop.links %}{{ m(a, loop.index) }}{{ 3 | twice }}{% endfor %}")
    assert written.asked == ["twice", "twice"]
    assert written.render(**VALUES) == "1/a62/b6"
    assert written.asked == []


def test_a_variable_that_has_a_value_is_told_from_one_that_has_none() -> None:
    source = "{% if order and not none %}{{ order.name }}{% else %}{{ asset('none') }}{% endif %}"
    source += "{{ 'a' if order or x else 'b' }}"
    written = Written({**KNOWN, "order": PRESENT}, page=source)
    assert written.render(order=Shop("Mill"), x=0, none=None) == "Milla"
    assert written.asked == []


def test_a_part_that_lasts_is_still_written_once_for_many_pages() -> None:
    written = Written(KNOWN, page="{% include 'menu' %}", menu="{{ page.menu | join(' ') }}{{ asset(page.menu[0]) }}")
    page, kept = Page(), Kept()
    given = {TEXTS: {}, KEPT: kept, "shop": Shop(), "page": page}
    assert [bounded(written.flat.generate(given)) for _ in range(2)] == ["de en/static/de"] * 2
    assert written.asked == ["asset"]


def test_macros_are_not_worked_out_at_any_price() -> None:
    endless = "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}"
    macros = f"{{% macro m(a) %}}{endless}{{{{ a }}}}{{% endmacro %}}"
    written = Written(KNOWN, page="{% from 'macros' import m %}{% if x %}{{ m(1) }}{% endif %}", macros=macros)
    assert written.render(x=0) == ""
    with pytest.raises(SecurityError):
        written.render(x=1)

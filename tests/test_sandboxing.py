"""The sandbox of themes: what templates may do, and a corpus of ways out that lead nowhere.

The corpus holds the known escapes of Jinja's own sandbox (CVE-2016-10745 and CVE-2019-10906: `format`, `format_map`;
CVE-2024-56326: a stored reference to `format`; CVE-2025-27516: `|attr` on `format`; CVE-2024-22195 and CVE-2024-34064:
`|xmlattr`) and the usual walks from a value to its class.
"""

import builtins
from typing import Any

import pytest
from jinja2 import DictLoader, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from msgspec import Struct

from doorstep.sandboxing import LARGEST_PAGE, Sandbox, bounded

CANARY = "canary-4f1d"  # in this module's globals: whoever reaches a function's globals finds it


class Item(Struct, frozen=True):
    name: str = "mug"
    count: int = 2

    def method(self) -> str:
        return CANARY


class Opaque:
    """What a template should never be given, and could not use."""

    secret = CANARY

    def __call__(self) -> str:
        return CANARY


def greet(name: str) -> str:
    return f"hello {name}"


def forbidden() -> str:
    return CANARY


PARTS = {
    "part.html": "<i>{{ item.name }}</i>",
    "macros.html": "{% macro bold(text) %}<b>{{ text }}</b>{% endmacro %}{% set hidden = 1 %}",
    "base.html": "[{% block body %}base{% endblock %}]",
}


def render(source: str, **variables: Any) -> str:
    sandbox = Sandbox(DictLoader({"page": source, **PARTS}), functions={"greet": greet}, filters={"shout": str.upper})
    sandbox.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    sandbox.allow_globals()
    given = {"item": Item(), "items": (Item(), Item("tray")), "settings": {"accent": "#123"}, "opaque": Opaque()}
    return bounded(sandbox.get_template("page").generate({**given, "forbidden": forbidden, **variables}))


# What works.


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ item.name }} {{ item['count'] }}", "mug 2"),
        ("{{ settings.accent }} {{ settings['accent'] }}", "#123 #123"),
        ("{% for one in items %}{{ loop.index }}{{ one.name }}{{ ',' if not loop.last }}{% endfor %}", "1mug,2tray"),
        ("{% for one in items %}{{ loop.cycle('a', 'b') }}{{ loop.changed(1) }}{% endfor %}", "aTruebFalse"),
        ("{% include 'part.html' %}", "<i>mug</i>"),
        ("{% from 'macros.html' import bold %}{{ bold('<x>') }}", "<b>&lt;x&gt;</b>"),
        ("{% import 'macros.html' as m %}{{ m.bold('x') }}", "<b>x</b>"),
        ("{% macro wrap() %}({{ caller() }}){% endmacro %}{% call wrap() %}in{% endcall %}", "(in)"),
        ("{% extends 'base.html' %}{% block body %}{{ super() }}+{% endblock %}", "[base+]"),
        ("{% block a %}x{% endblock %}{{ self.a() }}", "xx"),
        ("{{ greet('you') }} {{ 'hey' | shout }} {{ items | length }}", "hello you HEY 2"),
        ("{{ items[1].name }} {{ 'abc'[:2] }} {{ settings.gone | default('-') }}", "tray ab -"),
        ("{% for n in range(3) %}{{ n * 2 + 7 % 4 }} {% endfor %}", "3 5 7 "),
        ("{{ _('Track') }} {% trans n=2 %}one{% pluralize %}{{ n }} many{% endtrans %}", "Track 2 many"),
        ("{{ nothing is defined }} {{ item.gone is defined }} {{ nothing | default('-') }}", "False False -"),
        ("{{ '<script>' }}{{ item.name ~ '<' }}", "&lt;script&gt;mug&lt;"),
        ("{% set total = 1 %}{{ total + 1 }}", "2"),
    ],
)  # fmt: skip
def test_what_themes_need_works(source: str, text: str) -> None:
    assert render(source) == text


# What does not.

WALKS = """
{{ item.__class__ }}
{{ item['__class__'] }}
{{ item.__class__.__mro__[1].__subclasses__() }}
{{ item.__struct_fields__ }}
{{ item.__struct_config__ }}
{{ item.__init__.__globals__ }}
{{ item.method }}
{{ item.method() }}
{{ item['method']() }}
{{ ''.__class__ }}
{{ ''['__class__']['__base__'] }}
{{ ().__class__.__bases__[0].__subclasses__() }}
{{ [].__class__ }}
{{ {}.__class__ }}
{{ none.__class__ }}
{{ true.__class__ }}
{{ 1.5.__class__ }}
{{ (1).real }}
{{ items.__add__ }}
{{ items['__len__']() }}
{{ items.count }}
{{ settings.items() }}
{{ settings.keys }}
{{ settings.update({'accent': 1}) }}
{{ settings.pop('accent') }}
{{ settings.__class__ }}
{{ opaque.secret }}
{{ opaque['secret'] }}
{{ opaque() }}
{{ forbidden() }}
{{ greet.__globals__ }}
{{ greet.__globals__['CANARY'] }}
{{ greet.__code__ }}
{{ greet.__wrapped__ }}
{{ range.__globals__ }}
{{ _.__globals__ }}
{{ gettext.__closure__ }}
{{ item | attr('__class__') }}
{{ '' | attr('format') }}
{{ '{0.__class__}'.format(item) }}
{{ '{0.secret}'.format(opaque) }}
{{ '{x.secret}'.format_map({'x': opaque}) }}
{% set f = '{0.secret}'.format %}{{ f(opaque) }}
{{ ('{0.secret}' | e).format(opaque) }}
{{ ['{0.secret}'] | map('format', opaque) | list }}
{{ '{0.secret}' | format(opaque) }}
{{ '%s' % opaque }}
{{ '%(x)s' % {'x': opaque} }}
{{ '%s' | e % opaque }}
{{ 'a' * 100 }}
{{ [1] * 100 }}
{{ 9 ** 9 }}
{{ 2 ** 2 ** 2 ** 2 ** 2 ** 2 }}
{{ 'a'.upper() }}
{{ 'a'.encode() }}
{{ 'a'.join(items) }}
{{ lipsum }}
{{ lipsum.__globals__['os'].popen('id').read() }}
{{ cycler('a') }}
{{ cycler.__init__.__globals__.os }}
{{ joiner(',') }}
{{ joiner.__init__.__globals__ }}
{{ dict(a=1) }}
{% set ns = namespace(x=1) %}{{ ns.x }}
{% set ns = namespace() %}{% set ns.__class__ = 1 %}
{{ self.__init__.__globals__ }}
{{ self._TemplateReference__context }}
{{ self['_TemplateReference__context'] }}
{% block b %}{% endblock %}{{ self.b.__class__ }}
{% extends 'base.html' %}{% block body %}{{ super.__class__ }}{% endblock %}
{% extends 'base.html' %}{% block body %}{{ super._context }}{% endblock %}
{% for x in items %}{{ loop.__class__ }}{% endfor %}
{% for x in items %}{{ loop._iterable }}{% endfor %}
{% for x in items %}{{ loop['__init__'] }}{% endfor %}
{% for x in items %}{{ loop.cycle.__self__ }}{% endfor %}
{% for x in items %}{{ loop.cycle.__func__.__globals__ }}{% endfor %}
{% macro m() %}{% endmacro %}{{ m.__class__ }}
{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}
{% macro m() %}{% endmacro %}{{ m._environment }}
{% macro m() %}{{ caller._func }}{% endmacro %}{% call m() %}{% endcall %}
{% macro m() %}{{ varargs.__class__ }}{% endmacro %}{{ m(1) }}
{% macro m() %}{{ kwargs.items() }}{% endmacro %}{{ m(a=1) }}
{% macro m() %}{% endmacro %}{{ m.name.__class__ }}
{% import 'macros.html' as m %}{{ m.__dict__ }}
{% import 'macros.html' as m %}{{ m._body_stream }}
{% import 'macros.html' as m %}{{ m.hidden }}
{% import 'macros.html' as m %}{{ m.bold._func }}
{% import 'macros.html' as m with context %}{{ m.item }}
{% from 'macros.html' import __class__ %}
{% include '../page' %}
{% include '/etc/passwd' %}
{% include ['../a', 'b'] %}
{% extends opaque %}
{% include opaque %}
{% import opaque as o %}
{{ nothing }}
{{ nothing.__class__ }}
{{ nothing() }}
{{ config }}
{{ request.application }}
{{ context.environment }}
{{ environment }}
{{ get_flashed_messages.__globals__ }}
{{ url_for.__globals__ }}
{{ item | pprint }}
{{ item | tojson }}
{{ opaque | tojson }}
{{ {'a onload': 1} | xmlattr }}
{{ '<b>' | safe }}
{{ 'x' | urlize }}
{{ 'x' | center(1000000000) }}
{{ 'x' | indent(1000000000) }}
{{ items | map(attribute='__class__') | list }}
{{ items | sort(attribute='__class__') }}
{{ items | groupby('__class__') }}
{{ items | selectattr('__class__') | list }}
{{ items | sum(attribute='__class__') }}
{{ items | join(',', attribute='__class__') }}
{{ 1 is callable }}
{{ 1 is sameas 1 }}
{{ 1 is filter }}
{% do settings.clear() %}
{% debug %}
{{ range(1001) }}
{{ range(0, 1000000000, 2) }}
{{ range(-1000000000, 0) | list }}
""".strip().splitlines()


@pytest.mark.parametrize("source", WALKS)
def test_a_way_out_ends_in_an_error(source: str) -> None:
    with pytest.raises((TemplateError, TypeError)) as caught:
        render(source)
    assert CANARY not in str(caught.value)


def test_the_corpus_has_no_line_twice() -> None:
    assert len(set(WALKS)) == len(WALKS) >= 25


@pytest.mark.parametrize(
    "source", ["{{ self }}", "{{ items | batch(3, '-') | list }}", "{{ greet }}", "{{ forbidden }}", "{{ items }}"]
)
def test_what_may_be_printed_says_nothing_secret(source: str) -> None:
    assert CANARY not in render(source)


@pytest.mark.parametrize("name", sorted(name for name in dir(builtins) if name.islower() and not name.startswith("_")))
def test_no_builtin_of_python_is_a_name_in_a_template(name: str) -> None:
    if name == "range":  # Jinja's own, bounded
        assert render("{{ range(2) | list }}") == "[0, 1]"
        return
    assert render("{{ " + name + " is defined }}") == "False"


def test_only_what_was_there_when_the_globals_were_fixed_may_be_called() -> None:
    sandbox = Sandbox(DictLoader({"page": "{{ late() }}"}), functions={"greet": greet}, filters={})
    sandbox.allow_globals()
    sandbox.globals["late"] = forbidden
    with pytest.raises(SecurityError):
        sandbox.get_template("page").render()


def test_the_sandbox_takes_a_value_for_what_it_is_not_for_what_it_claims() -> None:
    class Lively(dict):  # type: ignore[type-arg]
        """A subclass may run any code where a dict is read."""

    with pytest.raises(TemplateError):
        render("{{ lively.secret }}", lively=Lively(secret=CANARY))


# Cost.


def test_a_page_beyond_any_reason_is_stopped() -> None:
    with pytest.raises(SecurityError, match=str(LARGEST_PAGE)):
        render("{% for a in range(1000) %}{% for b in range(1000) %}xxxxxxxxxx{% endfor %}{% endfor %}")


def test_a_page_of_the_largest_size_is_not() -> None:
    assert bounded(["x" * (LARGEST_PAGE - 1), "y"]).endswith("xy")
    with pytest.raises(SecurityError):
        bounded(["x" * LARGEST_PAGE, "y"])


def test_nothing_is_drawn_after_the_limit() -> None:
    drawn = 0

    def parts() -> Any:
        nonlocal drawn
        while True:
            drawn += 1
            yield "x" * 100_000

    with pytest.raises(SecurityError):
        bounded(parts())
    assert drawn == LARGEST_PAGE // 100_000 + 1


def test_a_macro_that_calls_itself_ends() -> None:
    with pytest.raises((RecursionError, TemplateRuntimeError)):
        render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")


@pytest.mark.parametrize(
    "source",
    [
        "{% autoescape false %}{{ x }}{% endautoescape %}",
        "{% if true %}{% autoescape not true %}{% endautoescape %}{% endif %}",
    ],
)
def test_escaping_cannot_be_switched_off(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="escaping"):
        Sandbox(DictLoader({"page.html": source}), functions={}, filters={}).get_template("page.html")

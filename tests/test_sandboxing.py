"""The sandbox of themes: what templates may do, and a corpus of ways out that lead nowhere.

The corpus holds the known escapes of Jinja's own sandbox (CVE-2016-10745 and CVE-2019-10906: `format`, `format_map`;
CVE-2024-56326: a stored reference to `format`; CVE-2025-27516: `|attr` on `format`; CVE-2024-22195 and CVE-2024-34064:
`|xmlattr`; CVE-2024-56201: a template's name that becomes code; CVE-2020-28493: `|urlize`) and the usual walks from a value to
its class. What templates become is code of our own: what it prints is compared with what Jinja's prints.
"""

import builtins
from collections.abc import Callable
from typing import Any

import pytest
from babel.support import NullTranslations
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context
from markupsafe import Markup
from msgspec import Struct

from doorstep.bounds import LARGEST_PAGE, MOST_STEPS, bounded
from doorstep.i18n import Localizer
from doorstep.sandboxing import TEXTS, Sandbox

CANARY = "canary-4f1d"  # in this module's globals: whoever reaches a function's globals finds it


class Item(Struct, frozen=True):
    name: str = "mug"
    count: int = 2

    def method(self) -> str:
        return CANARY


class Lively(Struct, frozen=True):
    """Its method has the name of another Struct's field."""

    colour: str = "red"

    def name(self) -> str:
        return CANARY


class Opaque:
    """What a template should never be given, and could not use."""

    secret = CANARY
    name = CANARY

    def __call__(self) -> str:
        return CANARY


def greet(context: Context, name: str) -> str:
    return f"hello {name}"


def gettext(context: Context, text: str, /, **values: Any) -> Markup:
    return Markup(text) % values


def ngettext(context: Context, one: str, many: str, n: int, /, **values: Any) -> Markup:
    return Markup(one if n == 1 else many) % {"num": n, **values}


def forbidden() -> str:
    return CANARY


PARTS = {
    "part.html": "<i>{{ item.name }}</i>",
    "macros.html": (
        "{% macro bold(text='-') %}<b>{{ text }}</b>{% endmacro %}{% set hidden = 1 %}"
        "{% macro said() %}{{ _('Track') }}{% endmacro %}"
    ),
    "base.html": "[{% block body %}base{% endblock %}]",
}


def render(source: str, **variables: Any) -> str:
    functions = {"greet": greet, "_": gettext, "gettext": gettext, "ngettext": ngettext}
    sandbox = Sandbox(DictLoader({"page": source, **PARTS}), functions=functions, filters={"shout": str.upper})
    values = {
        "item": Item(),
        "items": (Item(), Item("tray")),
        "settings": {"accent": "#123", "class": 1, "überall": 2},
        "opaque": Opaque(),
    }
    values |= {"forbidden": forbidden, "lively": Lively(), TEXTS: Localizer("en", NullTranslations()).marked}
    return bounded(sandbox.get_template("page").generate({**values, **variables}))


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
        ("{% set t = _('Track') %}{{ t }} {{ _('a %(x)s', x='<') }} {{ _('50%%') }}", "Track a &lt; 50%"),
        ("{% for _ in items %}{{ _.name }}{% endfor %}", "mugtray"),
        ("{% macro _(x) %}[{{ x }}]{% endmacro %}{{ _('Track') }}", "[Track]"),
        ("{% for one in items %}{% set x = one.name %}{% include 'part.html' %}{% endfor %}", "<i>mug</i><i>mug</i>"),
        ("{% for item in items %}{% include 'part.html' %}{% endfor %}", "<i>mug</i><i>tray</i>"),
        ("{% macro m() %}{% include 'part.html' %}{% endmacro %}{{ m() }}", "<i>mug</i>"),
        ("{% include ['gone.html', 'part.html'] %}{% include 'gone.html' ignore missing %}", "<i>mug</i>"),
        ("{% import 'macros.html' as m with context %}{{ m.said() }}", "Track"),
        ("{{ settings.class }}{{ settings.überall }}", "12"),
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
{{ opaque.name }}
{{ item.name }}{{ opaque.name }}
{{ item.name }}{{ lively.name }}
{{ item.name }}{{ lively.name() }}
{% for one in [item, lively] %}{{ one.name }}{% endfor %}
{% for one in [item, opaque] %}{{ one.name }}{% endfor %}
{{ item.＿＿class＿＿ }}
{{ item.ｍethod }}
{{ item.ｎame }}
{{ item.class }}
{{ item.None }}
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
{% from 'macros.html' import said %}{{ said() }}
{{ _('Track', 'Trace') }}
{{ _() }}
{{ _.name }}
{{ texts }}
{{ escaped('<') }}
{{ having_0 }}
{{ environment.having }}
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
@pytest.mark.fault(32)
def test_a_way_out_ends_in_an_error(source: str) -> None:
    with pytest.raises((TemplateError, TypeError)) as caught:
        render(source)
    assert CANARY not in str(caught.value)


def test_the_corpus_has_no_line_twice() -> None:
    assert len(set(WALKS)) == len(WALKS) >= 25


@pytest.mark.parametrize(
    "source", ["{{ self }}", "{{ items | batch(3, '-') | list }}", "{{ greet }}", "{{ forbidden }}", "{{ items }}"]
)
@pytest.mark.fault(32)
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
    sandbox.globals["late"] = forbidden
    with pytest.raises(SecurityError):
        sandbox.get_template("page").render()


def test_the_sandbox_takes_a_value_for_what_it_is_not_for_what_it_claims() -> None:
    class Lively(dict):  # type: ignore[type-arg]
        """A subclass may run any code where a dict is read."""

    with pytest.raises(TemplateError):
        render("{{ lively.secret }}", lively=Lively(secret=CANARY))


@pytest.mark.parametrize("name", ["{CANARY}", "{forbidden()}", "{{0}}", "'+CANARY+'", '"""+CANARY', "a\nCANARY", "\\"])
def test_a_name_of_a_template_is_never_code(name: str) -> None:
    templates = {name: "{% from 'macros.html' import gone %}{{ gone }}", **PARTS}
    with pytest.raises(TemplateError) as caught:
        Sandbox(DictLoader(templates), functions={}, filters={}).get_template(name).render()
    assert CANARY not in str(caught.value)


# What is kept between pages.


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("'1'", "1", "true", "1.0"), "<b>1</b><b>1</b><b>True</b><b>1.0</b>"),
        (("'<'", "_('<')", "'<'"), "<b>&lt;</b><b><</b><b>&lt;</b>"),
        (("[1]", "{1: 2}", "items[0]"), "<b>[1]</b><b>{1: 2}</b><b>Item(name=&#39;mug&#39;, count=2)</b>"),
        (("(1,)", "(true,)", "(1.0,)"), "<b>(1,)</b><b>(True,)</b><b>(1.0,)</b>"),
        (("0.0", "-0.0", "none"), "<b>0.0</b><b>-0.0</b><b>None</b>"),
        (("", "text='x'", ""), "<b>-</b><b>x</b><b>-</b>"),
    ],
)
def test_a_macro_makes_of_equal_looking_arguments_what_each_of_them_is(arguments: tuple[str, ...], text: str) -> None:
    calls = "".join(f"{{{{ bold({given}) }}}}" for given in arguments)
    assert render("{% from 'macros.html' import bold %}" + calls) == text


def test_a_macro_that_reads_more_than_its_arguments_is_made_each_time() -> None:
    macro = "{% macro m(x) %}{{ x }}{{ n }}{% endmacro %}"
    assert render(macro + "{% set n = 1 %}{{ m(0) }}") == "01"
    assert render("{% for n in range(2) %}{% macro m(x) %}{{ x }}{{ n }}{% endmacro %}{{ m(0) }}{% endfor %}") == "0001"


# The same as Jinja prints.

_CONDITIONS = st.sampled_from(
    ["a", "b", "not a", "n == 2", "item.count > n", "item.gone is defined", "loop is defined", "item.name", "b and item.count",
     "a or item.count", "2 < n < item.count", "(item.name if b else item.count)", "(item.count if item.name else a)"]
)  # fmt: skip
_PRINTED = st.sampled_from(
    ["<p>", " & ", "{{ a }}", "{{ n }}", "{{ item.name }}", "{{ '<' ~ n }}", "{{ _('Track') }}", "{{ b if a }}", "\n",
     "{{ ['<', n] | join('>') }}", "{{ items[0].name }}", "{# nothing #}",
     "{{ item.count }}", "{{ b and item.name or item.count }}", "{{ item.name if item.count > n else item.count }}",
     "{{ '<b>' | upper }}"]
)  # fmt: skip


def _blocks(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inside, max_size=4).map("".join)
    return st.one_of(
        several,
        st.builds("{{% if {} %}}{}{{% endif %}}".format, _CONDITIONS, several),
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, _CONDITIONS, several, several),
        st.builds("{{% if {} %}}{}{{% elif {} %}}{}{{% else %}}{}{{% endif %}}".format, _CONDITIONS, several, _CONDITIONS,
                  several, several),
        st.builds("{{% for item in items %}}{}{{% endfor %}}".format, several),
        st.builds("{{% for n in range(3) if n %}}{}{{{{ loop.index }}}}{{% endfor %}}".format, several),
        st.builds("{{% set n = 2 %}}{}".format, several),
        st.builds("{{% set b %}}{}{{% endset %}}{{{{ b }}}}".format, several),
        st.builds("{{% macro m(a) %}}{}{{% endmacro %}}{{{{ m('<m>') }}}}{{{{ m('<m>') }}}}".format, several),
        st.builds("{{% with n = 3 %}}{}{{% endwith %}}".format, several),
        st.builds("{{% filter upper %}}{}{{% endfilter %}}".format, several),
    )  # fmt: skip


@given(st.recursive(_PRINTED, _blocks, max_leaves=25))
def test_a_template_prints_what_jinja_itself_prints(source: str) -> None:
    values = {"a": "<a>", "b": "", "n": 1, "item": Item(), "items": (Item(), Item("<tray>", 1))}
    plain = Environment(autoescape=True, undefined=StrictUndefined)
    plain.globals["_"] = Markup
    assert said(render, source, **values) == said(plain.from_string(source).render, values)


def said(call: Callable[..., str], *args: Any, **values: Any) -> str:
    """What comes of it: the text, or the reason why there is none."""
    try:
        return call(*args, **values)
    except TemplateError as error:
        return f"{type(error).__name__}: {error}"


def test_conditions_may_be_nested_deeper_than_one_expression_takes() -> None:
    assert render("{% if item %}" * 45 + "deep" + "{% endif %}" * 45) == "deep"


# Cost.


@pytest.mark.fault(31)
def test_a_page_beyond_any_reason_is_stopped() -> None:
    with pytest.raises(SecurityError, match=str(LARGEST_PAGE)):
        render("{% for a in range(200) %}{% for b in range(200) %}" + 20 * "x" + "{% endfor %}{% endfor %}")


def test_a_page_of_the_largest_size_is_not() -> None:
    assert bounded(["x" * (LARGEST_PAGE - 1), *[""] * 100, "y"]).endswith("xy")
    with pytest.raises(SecurityError):
        bounded(["x" * LARGEST_PAGE, "y"])


def test_little_is_drawn_after_the_limit() -> None:
    drawn = 0

    def parts() -> Any:
        nonlocal drawn
        while True:
            drawn += 1
            yield "x" * 100_000

    with pytest.raises(SecurityError):
        bounded(parts())
    assert drawn <= 32


DOUBLED = {
    "joined": "{% set x = x ~ x %}",
    "added": "{% set x = x + x %}",
    "captured": "{% set x %}{{ x }}{{ x }}{% endset %}",
    "replaced": '{% set x = x | replace("x", "xx") %}',
    "told as JSON": "{% set x = (x ~ '\"') | tojson | string %}",
}
LISTS = {
    "held twice": "{% set y = [y, y] %}",
    "a tuple held twice": "{% set y = (y, y) %}",
    "a table": "{% set y = {'a': y, 'b': y} %}",
    "added lists": "{% set y = y + y %}",
}
RUNAWAYS = {
    "loops in loops": "{% for a in r %}{% for b in r %}{% for c in r %}{% endfor %}{% endfor %}{% endfor %}",
    "loops that skip": "{% for a in r %}{% for b in r if b < 0 %}{% endfor %}{% endfor %}",
    "loops over a text": "{% for a in long %}{% for b in long %}{% endfor %}{% endfor %}",
    "macros that call themselves twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
    "{{ f(40) }}",
    "macros around macros": "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + "d(" * 30 + '"x"' + ")" * 30 + " }}",
    "a loop that calls itself": "{% for a in [1, 2] recursive %}{{ loop([1, 2]) if loop.depth < 40 }}{% endfor %}",
    "rows": "{{ [1] | batch(100000000, 'x') | list | length }}",
    "a separator": "{{ r | join(long) }}",
    "digits": "{% set n = 9 %}" + "{% set n = n * n %}" * 40 + "{{ n > 1 }}",
    **{name: "{% set x = 'x' %}" + step * 40 + "{{ x | length }}" for name, step in DOUBLED.items()},
    **{f"{name}, printed": "{% set y = ['x'] %}" + step * 40 + "{{ y }}" for name, step in LISTS.items()},
}


@pytest.mark.parametrize("source", RUNAWAYS.values(), ids=RUNAWAYS)
@pytest.mark.fault(31)
def test_a_template_that_runs_away_is_stopped(source: str) -> None:
    """Each would take hours, or more memory than there is: that the test ends is what it proves."""
    with pytest.raises((SecurityError, RecursionError)):
        render(source, r=range(1000), long="x" * 100_000)


@pytest.mark.fault(31)
def test_one_page_leaves_the_next_its_steps() -> None:
    loop = "{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}done"
    for _ in range(3):
        assert render(loop, r=range(200)) == "done"
    assert 200 * 200 < MOST_STEPS < 3 * 200 * 200


def test_what_is_bounded_does_what_it_did() -> None:
    source = '{{ "a-b" | replace("-", "+") }} {{ [1, 2] | join(", ") }} {{ 2.567 | round(2) }} '
    source += '{{ 1.5 | round(900000000, "floor") }} {{ [1, 2, 3] | batch(2) | list }}'
    source += ' {{ 1 + 2 }} {{ "a" + "b" }} {{ [1] + [2] }} {{ "<" ~ 1 }} {{ [3] | tojson }} {{ {"a": (1, 2)}["a"] }}'
    assert render(source) == "a+b 1, 2 2.57 1.5 [[1, 2], [3]] 3 ab [1, 2] &lt;1 [3] (1, 2)"


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

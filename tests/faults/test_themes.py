"""Themes that are broken, run away or look for a way out: their pages are plain ones with the same answer, and nothing else is
touched. Served over real HTTP, by a process whose memory is bounded."""

import re
import resource
import signal

import pytest

from ..posting import until
from ..shopfront import parsed
from ..test_sandboxing import RUNAWAYS
from ..themes_on_disk import write_theme
from .processes import run_serve, serving

SECRET = "canary-77c1d0a2-0123456789abcdef0123456789abcdef"
SETTINGS = f"""\
secret_key = "{SECRET}"
[stores.main]
name = "Harbour & Pine"
[stores.sea]
name = "Sea"
path = "/sea"
theme = "sea"
"""
LAYOUT = '<link rel="stylesheet" href="{{ stylesheet() }}"><h1>good</h1>'
BROKEN = {
    "syntax": ("{% if %}", "lookup.html:1"),
    "a template that is not there": ('{% include "none.html" %}', "none.html"),
    "a variable that is not there": ("\n\n{{ nobody.at.all }}", "lookup.html:3"),
    "another language": ("<?php echo 1 ?>{{", "lookup.html:1"),
}


def themed(folder, template):
    files = {"templates/lookup.html": template}
    write_theme(folder / "themes", "sea", files, extends='"classic"')
    (folder / "doorstep.toml").write_text(SETTINGS)


@pytest.mark.fault(30)
def test_the_last_good_theme_stays_and_the_mistake_is_named_with_its_line(tmp_path):
    themed(tmp_path, LAYOUT)
    template = tmp_path / "themes" / "sea" / "templates" / "lookup.html"
    with serving(tmp_path) as shop:

        def amiss():
            return str(shop.client.get("/readyz").json()["amiss"])

        def changed_to(text, seen):
            template.write_text(text)
            shop.child.send_signal(signal.SIGHUP)
            until(lambda: seen in amiss())

        for text, place in BROKEN.values():
            changed_to(text, place)
            assert "<h1>good</h1>" in shop.client.get("/sea/").text
            assert shop.client.get("/").status_code == 200
        template.write_text(LAYOUT.replace("good", "better"))
        shop.child.send_signal(signal.SIGHUP)
        until(lambda: "<h1>better</h1>" in shop.client.get("/sea/").text)
        assert amiss() == "[]"


@pytest.mark.fault(30)
def test_a_theme_that_is_broken_from_the_start_is_named_and_nothing_is_served_in_its_place(tmp_path):
    themed(tmp_path, "{% if %}")
    started = run_serve(tmp_path)
    assert started.returncode == 1
    assert "sea/templates/lookup.html:1" in started.stderr
    assert "Traceback" not in started.stderr


LONG = "x" * 1000
# What a way out would show: a class, a module's globals, a file of the machine, the shop's secret.
GIVEN_AWAY = re.compile(r"canary|&lt;class|<class|__main__|root:x:|Popen|&lt;function|<function|object at 0x")
WAYS_OUT = [
    "{{ store.__class__.__mro__[1].__subclasses__() }}",
    "{{ store.__init__.__globals__ }}",
    "{{ store.__struct_fields__ }}",
    "{{ ''['__class__']['__base__'] }}",
    "{{ ().__class__.__bases__[0].__subclasses__() }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(store) }}",
    "{{ '{x.__class__}'.format_map({'x': store}) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(store) }}",
    "{{ '%s' % store }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ range.__globals__ }}",
    "{{ _.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% macro m() %}{{ caller._func }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% for x in [1] %}{{ loop.cycle.__func__.__globals__ }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../../../../etc/passwd' %}",
    "{% include '../../doorstep.toml' %}",
    "{{ config }}{{ config.secret_key }}",
    "{{ request.application }}",
    "{{ context.environment }}",
    "{{ environment }}",
    "{{ store | tojson }}",
]


def by_number(sources):
    """A template that is the nth of these when "n!" was typed, and the page as it should be otherwise."""
    cases = "".join(f'{{% if lookup.value == "{n}!" %}}{source}{{% endif %}}' for n, source in enumerate(sources))
    return f'{{% set r = range(1000) %}}{{% set long = "{LONG}" %}}{cases}{LAYOUT}'


def bounded():
    """As a shop's process is bounded by its machine: whoever wants more gets an error."""
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("themes")
    themed(folder, by_number([*RUNAWAYS.values(), *WAYS_OUT]))
    with serving(folder, limits=bounded) as shop:
        assert "<h1>good</h1>" in shop.client.get("/sea/").text
        yield shop


def plain(shop, number):
    """The engine's plain page, which stands in for one that the theme could not make."""
    answer = shop.client.get("/sea/", params={"number": f"{number}!"})
    assert answer.status_code == 400  # as of any theme: this is no number
    assert parsed(answer.text).find(".//link[@rel='stylesheet']") is None
    return answer.text


@pytest.mark.fault(31)
@pytest.mark.parametrize("number", range(len(RUNAWAYS)), ids=list(RUNAWAYS))
def test_a_theme_that_runs_away_is_stopped_and_the_process_goes_on(shop, number):
    before = shop.most_memory()
    plain(shop, number)
    assert shop.most_memory() < before + 300 * 2**20
    assert "<h1>good</h1>" in shop.client.get("/sea/").text
    assert shop.client.get("/").status_code == 200


@pytest.mark.fault(32)
@pytest.mark.parametrize("number", range(len(WAYS_OUT)), ids=WAYS_OUT)
def test_a_way_out_of_a_theme_ends_on_a_plain_page_that_gives_nothing_away(shop, number):
    assert not GIVEN_AWAY.search(plain(shop, len(RUNAWAYS) + number))
    assert "canary" not in shop.log.read_text()

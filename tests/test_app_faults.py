"""A plugin, a theme, a widget or Redis that fails hurts its own part and is named; the shop goes on."""

import time

import pytest
from structlog.testing import capture_logs

from doorstep.config import Plugins
from doorstep.packages import installed
from doorstep.sandbox import sandbox_of
from doorstep.secret import Secret
from doorstep.testing import serve

from .servers import redis_server
from .shopfront import DELIVERED, MOVING, TODAY, carriers, heading, parsed, shop, store, words

PAGE = f"/track/{DELIVERED}"


@pytest.fixture(scope="module")
def bundled():
    with carriers() as (sandbox, served):
        yield sandbox, served.url


WIDGET = """
from doorstep import Widget, hookimpl
class Odd(Widget):
    name = "{name}"
    def context(self, view):
        {context}
    def submit(self, form, view):
        {submit}
@hookimpl
def register_widgets(register):
    register(Odd)
"""


BROKEN = {
    "cannot be imported": "import no_such_module_at_all",
    "raises when imported": "raise RuntimeError('own words')",
    "leaves when imported": "raise SystemExit(3)",
    "is no Python": "def (:",
    "misspells its hook": "from doorstep import hookimpl\n@hookimpl\ndef register_widget(register): pass",
    "hook takes too much": "from doorstep import hookimpl\n@hookimpl\ndef register_widgets(register, more): pass",
    "hook raises": "from doorstep import hookimpl\n@hookimpl\ndef register_widgets(register): 1 / 0",
    "registers rubbish": "from doorstep import hookimpl\n@hookimpl\ndef register_widgets(register): register('x')",
}


@pytest.mark.fault(28)
def test_plugins_that_are_broken_are_named_each_and_the_rest_works(tmp_path, plugin, bundled):
    packages = tuple(plugin(f"doorstep_broken{n}", {"__init__.py": code}) for n, code in enumerate(BROKEN.values()))
    with capture_logs() as logs, shop(tmp_path, *bundled, more=packages) as front:
        assert front.get(PAGE).status_code == 200
        ready = front.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    named = [amiss.partition(":")[0] for amiss in ready.json()["amiss"]]
    assert named == [f"plugin {package.name}" for package in packages]
    logged = [entry for entry in logs if entry["event"] == "plugin is broken"]
    assert [entry["plugin"] for entry in logged] == [package.name for package in packages]
    assert all(entry["reason"] and entry["next_step"] for entry in logged)


def test_a_carrier_nobody_installed_is_named(tmp_path, bundled):
    with shop(tmp_path, *bundled, accounts={"pigeon": {}}) as front:
        assert front.get(PAGE).status_code == 200
        assert front.get("/readyz").json()["amiss"] == ["carrier pigeon: no installed plugin knows a carrier 'pigeon'"]


def test_a_disabled_plugin_is_not_there_and_nothing_is_amiss(tmp_path, bundled):
    stores = {"main": store(widgets={})}
    with shop(tmp_path, *bundled, stores=stores, plugins=Plugins(disabled=("survey",))) as front:
        assert front.get("/readyz").json() == {"status": "ready", "amiss": []}


@pytest.mark.parametrize(
    ("widgets", "amiss"),
    [
        ({"surveyy": {}}, "no plugin offers this widget"),
        ({"survey": {"qestion": "?"}}, "stores.main.widgets.survey.qestion is not a setting"),
        ({"survey": {"when": {"status": ["deliverd"]}}}, "stores.main.widgets.survey.when.status[0]"),
        ({"survey": {"question": 7}}, "stores.main.widgets.survey.question"),
    ],
)
def test_a_misspelt_widget_setting_is_named_and_costs_only_that_widget(tmp_path, bundled, widgets, amiss):
    both = {**widgets, "referral": {"link": "https://good.example/"}}
    with shop(tmp_path, *bundled, stores={"main": store(widgets=both)}) as front:
        page = parsed(front.get(PAGE).text)
        assert front.get(PAGE).status_code == 200
        assert page.find(".//section[@id='widget-survey']") is None
        assert page.find(".//*[@id='widget-referral']") is not None
        (problem,) = front.get("/readyz").json()["amiss"]
    assert problem.startswith(f"widget {next(iter(widgets))}: ")
    assert amiss in problem


FAILING = {
    "raises": "raise ValueError('own words')",
    "leaves": "raise SystemExit(1)",
    "interrupts": "raise KeyboardInterrupt",
    "recurses": "(f := lambda: f())()",
    "wrong type": "return {'a': 1}",
    "no template": "return view",
    "hangs": "__import__('time').sleep(3)",
}


def failing_widgets(plugin, prefix, part):
    """A package and a widget for each way to fail, in this part of it."""
    packages = {}
    for n, code in enumerate(FAILING.values()):
        name = f"{prefix}{n}"
        parts = {"context": "return None", "submit": "return None", part: code}
        packages[name] = plugin(f"doorstep_{name}", {"__init__.py": WIDGET.format(name=name, **parts)})
    return packages


def test_widgets_that_fail_leave_their_places_empty_and_the_page_whole(tmp_path, plugin, bundled):
    failing = failing_widgets(plugin, "shown", "context")
    stores = {"main": store(widgets={**{name: {} for name in failing}, "survey": {}})}
    with capture_logs() as logs, shop(tmp_path, *bundled, stores=stores, more=tuple(failing.values())) as front:
        response = front.get(PAGE)
        metrics = front.get("/metrics").text
    page = parsed(response.text)
    assert (response.status_code, words(page.find(".//h1"))) == (200, "Delivered")
    assert page.find(".//section[@id='widget-survey']") is not None
    assert [entry["widget"] for entry in logs if entry["event"].startswith("widget failed")] == list(failing)
    for name in failing:
        assert f'doorstep_widget_failures_total{{widget="{name}"}} 1.0' in metrics


def test_widgets_whose_form_fails_refuse_it_and_nothing_is_kept(tmp_path, plugin, bundled):
    failing = failing_widgets(plugin, "sent", "submit")
    stores = {"main": store(widgets={name: {} for name in failing})}
    with shop(tmp_path, *bundled, stores=stores, more=tuple(failing.values())) as front:
        for name in failing:
            assert front.post(f"{PAGE}?widget={name}", {"a": "1"}).status_code == 422, name
        assert front.get(PAGE).status_code == 200


def test_what_a_widget_raises_about_a_form_is_logged_with_its_place_and_not_with_what_was_typed(
    tmp_path, plugin, bundled
):
    code = WIDGET.format(name="quotes", context="return None", submit="raise ValueError(form['mail'])")
    package = plugin("doorstep_quotes", {"__init__.py": code})
    stores = {"main": store(widgets={"quotes": {}})}
    with capture_logs() as logs, shop(tmp_path, *bundled, stores=stores, more=(package,)) as front:
        assert front.post(f"{PAGE}?widget=quotes", {"mail": "mila@example.org"}).status_code == 422
    (told,) = [entry for entry in logs if entry["event"].startswith("widget failed")]
    raised = next(n for n, line in enumerate(code.splitlines(), 1) if "form['mail']" in line)
    assert (told["error"], told["detail"]) == ("ValueError", f"doorstep_quotes/__init__.py:{raised}")
    assert "mila" not in str(logs)


def theme(folder, **files):
    """A theme `mine` in the shop's own folder, a child of classic with these templates."""
    home = folder / "themes" / "mine"
    (home / "templates").mkdir(parents=True)
    (home / "theme.toml").write_text(
        'name = "mine"\ntitle = "Mine"\nversion = "1"\ncontract = 1\nextends = "classic"\n'
    )
    for name, text in files.items():
        (home / "templates" / f"{name}.html").write_text(text)
    return {"main": store(theme="mine")}


TEMPLATES = {
    "undefined": "{{ nothing.at.all }}",
    "arithmetic": "{{ 1 / 0 }}",
    "endless": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "memory": "{{ 'x' * 999999999 }}",
    "escape": "{{ ''.__class__.__mro__ }}",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.fault(30, 31)
def test_a_theme_that_fails_gives_way_to_a_plain_page_with_the_same_answer(tmp_path, bundled, template):
    stores = theme(tmp_path, tracking=template, choose=template)
    with capture_logs() as logs, shop(tmp_path, *bundled, stores=stores) as front:
        for path, told in ((PAGE, "Delivered"), ("/track/9261290104728163503948", "Which carrier brings your parcel?")):
            response = front.get(path)
            page = parsed(response.text)
            assert (response.status_code, words(page.find(".//h1"))) == (200, told)
            assert page.get("lang") == "en"
        assert front.get("/").status_code == 200  # a template that works still does
    failures = [entry for entry in logs if entry["event"].startswith("the theme failed")]
    assert len(failures) == 2
    assert "mine/templates/tracking.html:1" in failures[0]["reason"]
    assert DELIVERED not in str(logs)


@pytest.mark.fault(1)
def test_with_redis_gone_pages_answer_and_the_operator_is_told(tmp_path, bundled):
    sandbox, url = bundled
    with redis_server(tmp_path) as server, shop(tmp_path, sandbox, url, redis=Secret(server.url)) as front:
        assert front.get("/readyz").json() == {"status": "ready", "amiss": []}
        before = front.get(PAGE).text
        server.kill()
        asked = front.asked()
        assert front.get(PAGE).text == before  # from the process's own memory
        assert front.asked() == asked
        assert front.get(f"/track/{MOVING}").status_code == 200  # never asked before
        ready = front.get("/readyz")
        assert ready.json()["amiss"] == ["redis: not answering; answers are kept in the process"]
        assert ready.status_code == 200
        (part,) = ready.json()["parts"]
        assert "2026-11-22T11:55" < part["since"] <= "2026-11-22T12:00:00Z"  # as long ago as it really is
        assert front.post(f"{PAGE}?widget=survey", {"score": "5"}).status_code == 303
        server.start()
        ends = time.monotonic() + 10
        while front.get("/readyz").json()["status"] != "ready":
            assert time.monotonic() < ends, "Redis was never found again"
            time.sleep(0.1)


@pytest.mark.fault(2)
def test_with_redis_frozen_pages_answer(tmp_path, bundled):
    sandbox, url = bundled
    with redis_server(tmp_path) as server, shop(tmp_path, sandbox, url, redis=Secret(server.url)) as front:
        front.get(PAGE)
        server.freeze()
        for _ in range(20):
            assert front.get(PAGE).status_code == 200
        metrics = front.get("/metrics").text
        server.thaw()
    # One page paid for finding out; the others did not ask.
    assert 'doorstep_cache_failures_total{operation="get"} 1.0' in metrics


def test_two_processes_share_what_carriers_said(tmp_path, bundled):
    sandbox, url = bundled
    with redis_server(tmp_path) as server:
        with shop(tmp_path / "a", sandbox, url, redis=Secret(server.url), database="sqlite://") as one:
            told = one.get(PAGE).text
        asked = sum(sandbox.calls.values())
        with shop(tmp_path / "b", sandbox, url, redis=Secret(server.url), database="sqlite://") as other:
            assert other.get(PAGE).text == told
        assert sum(sandbox.calls.values()) == asked


def test_an_expired_token_is_renewed_behind_the_page(tmp_path):
    sandbox = sandbox_of(installed(), today=TODAY)
    with serve(sandbox.app) as served, shop(tmp_path, sandbox, served.url) as front:
        sandbox.refuse_tokens("ups")
        assert heading(front.get(PAGE).text) == "Delivered"
        assert sandbox.calls["ups", "token"] == 2


def test_a_wrong_key_is_not_the_shoppers_fault(tmp_path, bundled):
    sandbox, url = bundled
    wrong = {"la_poste": {"endpoint": f"{url}/la_poste", "okapi_key": "wrong"}}
    with capture_logs() as logs, shop(tmp_path, sandbox, url, accounts=wrong) as front:
        response = front.get(f"/track/{MOVING}")
    assert response.status_code == 503
    assert heading(response.text).endswith("is not answering")
    assert [entry["code"] for entry in logs if "code" in entry] == ["auth_refused"]
    assert "wrong" not in str([entry.get("reason") for entry in logs])

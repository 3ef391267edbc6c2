"""What every widget must keep: each rule told of a widget that breaks it and of no other; a good one breaks none."""

from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import Any

import pytest

from doorstep.packages import Package
from doorstep.widget_rules import RULES, CannotTry, trials

CODE = """
import time
from msgspec import Struct
from doorstep import FormProblem, Need, Source, Status, Submission, When, Widget, hookimpl, is_web_address

class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    url: str = ""

    def __post_init__(self):
        if self.url and not is_web_address(self.url, paths=True):
            raise ValueError("url cannot be linked")

class Context(Struct, frozen=True):
    text: str
    url: str
    voices: tuple

class Note(Widget[Settings]):
    name = "note"
    settings_type = Settings
    example = {"text": "Hello", "url": "https://shop.example/"}
    when = When(status=(Status.DELIVERED,), from_day=3, segments=("vip",), orders_from=9, markets=("NO",))
    needs = frozenset({Need.SHIPMENT, Need.CUSTOMER, Need.ITEMS, Need.VOICES})

    def context(self, view):
        if view.customer is None:
            return None
        return Context(self.settings.text, self.settings.url, view.voices)

    def submit(self, form, view):
        comment = form.get("comment", "").strip()[:100]
        if not comment:
            raise FormProblem("Write something.")
        return Submission({"comment": comment})

@hookimpl
def register_widgets(register):
    register(Note)
"""
PAGE = """
<section class="widget" id="{{ widget_id }}">
  <p>{{ text }}</p>
  <a href="{{ url }}">{{ view.store.name }}</a>
  {%- for voice in voices %}<p lang="{{ voice.language }}">{{ voice.text }}</p>{% endfor %}
  <form method="post" action="{{ view.action }}">
    {% if view.problem %}<p role="alert">{{ view.problem }}</p>{% endif %}
    <label>{{ _("Comment") }} <textarea name="comment">{{ view.values.comment | default("") }}</textarea></label>
    <input name="website" tabindex="-1">
    <button>{{ _("Send") }}</button>
  </form>
</section>
"""
CSS = ".note { color: var(--muted); margin-inline-start: 4px; }"
_MODULES = count(1)

Write = Callable[..., Package]


@pytest.fixture
def written(plugin: Write) -> Callable[..., Package]:
    def write(code: str = CODE, page: str = PAGE, css: str = CSS) -> Package:
        files = {"__init__.py": code, "templates/widgets/note.html": page, "static/note.css": css}
        return plugin(f"doorstep_tried{next(_MODULES)}", files)

    return write


def broken(package: Package) -> dict[str, list[str]]:
    """What is told of a package's widget, by rule."""
    [trial] = trials(package)
    told = {rule.name: rule.problems(trial) for rule in RULES}
    return {name: problems for name, problems in told.items() if problems}


def test_a_good_widget_breaks_no_rule(written: Any) -> None:
    assert broken(written()) == {}


LONG = "".join(sha256(bytes([i])).hexdigest() for i in range(100))  # nothing that compresses well
CASES = [
    ("has a name and a template", "small letters", {'name = "note"': 'name = "A Note"'}, {}, ""),
    ("its settings are typed", "takes any key", {", forbid_unknown_fields=True": ""}, {}, ""),
    ("its settings are typed", "can be changed", {"frozen=True, forbid": "forbid"}, {}, ""),
    ("its settings are typed", "has when, which", {'url: str = ""': 'url: str = ""\n    when: str = ""'}, {}, ""),
    ("says what it sees and when", "write a tuple", {"needs =": 'answers_of = "survey"\n    needs ='}, {}, ""),
    ("shows for somebody", "it never shows", {"view.customer is None": "True"}, {}, ""),
    ("bears what is missing", "without items, context raised IndexError", {"view.customer is": "view.items[0].sku is"}, {}, ""),
    ("bears every status", "of a parcel that is lost, context raised ValueError",
     {"if view.customer": "if view.shipment and view.shipment.status == 'lost': raise ValueError()\n        if view.customer"},
     {}, ""),
    ("speaks every language", "in 'ar', context raised KeyError",
     {"if view.customer": "{'en': 1, 'de': 1, 'fr': 1}[view.language]\n        if view.customer"}, {}, ""),
    ("gives a context or None", "context() gave a dict",
     {"return Context(self.settings.text, self.settings.url, view.voices)": "return {}"}, {}, ""),
    ("reading changes nothing", "two looks", {"Context(self.settings.text": "Context(str(time.monotonic_ns())"}, {}, ""),
    ("reading changes nothing", "keep nothing in self", {"if view.c": "self.seen = view\n        if view.c"}, {}, ""),
    ("has one root with its id", "2 root elements", {}, {"</section>": "</section><p></p>"}, ""),
    ("has one root with its id", "needs id=", {}, {' id="{{ widget_id }}"': ""}, ""),
    ("has one root with its id", "does not nest", {}, {"<p>{{ text }}</p>": "<p>{{ text }}"}, ""),
    ("holds nothing that the page blocks", "<style>", {}, {"<p>{{": "<style></style><p>{{"}, ""),
    ("holds nothing that the page blocks", "only pictures", {}, {"<p>{{": '<video src="{{ url }}"></video><p>{{'}, ""),
    ("is small", "bytes, compressed", {}, {"<p>{{ text }}</p>": f"<p>{{{{ text }}}}{LONG}</p>"}, ""),
    ("escapes what it is told", "becomes part of the HTML", {}, {'lang="{{ voice.language }}"': "class={{ voice.text }}"}, ""),
    ("escapes what was typed", "becomes part", {}, {"<textarea": "<textarea title={{ view.problem or 1 }}"}, ""),
    ("escapes its settings", "with url written by somebody else", {"if self.url and not": "if False and not"}, {}, ""),
    ("its form comes to itself", "no submit()", {"def submit": "def sent"}, {}, ""),
    ("its form comes to itself", "nothing else comes to submit", {}, {"{{ view.action }}": "/elsewhere"}, ""),
    ("a form is kept or refused and never fails", "raised KeyError", {'form.get("comment", "")': 'form["comment"]'}, {}, ""),
    ("a form is kept or refused and never fails", "without a word", {"Write something.": ""}, {}, ""),
    ("a form is kept or refused and never fails", "cut what is typed", {"[:100]": ""}, {}, ""),
    ("a form is kept or refused and never fails", "gave a str", {'Submission({"comment": comment})': "comment"}, {}, ""),
    ("a refused form keeps what was typed", "not everything is back", {}, {'{{ view.values.comment | default("") }}': ""}, ""),
    ("a refused form keeps what was typed", "without the reason", {}, {"{{ view.problem }}": ""}, ""),
    ("its files keep the rules of themes", "the same in every language", {}, {"{{ text }}": "{{ text }} Thank you"}, ""),
    ("its files keep the rules of themes", "margin-left", {}, {}, ".note { margin-left: 1px }"),
    ("its colours are the theme's", "wrong in the dark", {}, {}, ".note { color: #333 }"),
    ("its styles are small", "bytes, compressed", {}, {}, "\n".join(f".x{i * i} {{ gap: {i}px }}" for i in range(900))),
]  # fmt: skip


def test_each_rule_is_told_of_a_widget_that_breaks_it_and_no_other(written: Any) -> None:
    for rule, said, in_code, in_page, css in CASES:
        code, page = CODE, PAGE
        for old, new in in_code.items():
            assert old in code, old
            code = code.replace(old, new)
        for old, new in in_page.items():
            assert old in page, old
            page = page.replace(old, new)
        told = broken(written(code, page, css or CSS))
        assert rule in told, (rule, said, told)
        assert said in "\n".join(told[rule]), (said, told)


def test_what_works_too_long_is_told(written: Any) -> None:
    slow = CODE.replace("if view.customer", "sum(range(100_000_000))\n        if view.customer")
    [trial] = trials(written(slow))
    [quick] = [rule for rule in RULES if rule.name == "is quick"]
    assert "s of work: after 0.25 s the slot stays empty" in quick.problems(trial)[0]


def test_the_cases_are_of_every_other_rule() -> None:
    assert {case[0] for case in CASES} == {rule.name for rule in RULES} - {"is quick"}


def test_a_package_that_cannot_be_loaded_says_why(written: Any) -> None:
    with pytest.raises(CannotTry, match="ZeroDivisionError"):
        trials(written(code="1 / 0"))

"""`doorstep check theme`: each rule on a theme in memory, that breaks it and that does not; the shipped themes break none."""

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from tests.themes_on_disk import write_theme

from doorstep.cli import main
from doorstep.paths import shipped
from doorstep.theme_rules import RULES, Finding, accept_parents, check_files, check_theme
from doorstep.theme_rules.subject import Files
from doorstep.theme_rules.texts import Catalog

HEAD = 'name = "shore"\ntitle = "Shore"\nversion = "1"\ncontract = 1\n'
FOCUS = ":focus-visible { outline: 2px solid; }\n"
SETTING = '[settings.motto]\ntype = "text"\nlabel = "Motto"\ndefault = ""\n'
INK = '[settings.ink]\ntype = "color"\nlabel = "Ink"\ndefault = "{}"\n[[contrast]]\nof = "ink"\non = ["#fff"]\n'
PALE = '\n[presets.pale]\ntitle = "Pale"\nsettings = { ink = "#aaaaaa" }\n'
TEXTS: dict[str, Catalog] = {language: {"Copy": ("…",), "By %(name)s": ("… %(name)s",)} for language in ("de", "fr")}
TEXTS["en"] = {}  # texts are English
COLOURS = (
    '[settings.ink]\ntype = "color"\nlabel = "Ink"\ndefault = "#777777"\n'
    '[settings.paper]\ntype = "color"\nlabel = "Paper"\ndefault = "#888888"\n[[contrast]]\nof = "ink"\non = ["paper"]\n'
)
GERMAN = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "%s"\nmsgstr "%s"\n'


def theme(page: str = "", css: str = FOCUS, toml: str = "", **files: str) -> Files:
    """A theme in memory: one template, one style sheet, lines of theme.toml, and other files (`__` is a `/`, `_` a `.`)."""
    texts = {"theme.toml": HEAD + toml, "templates/page.html": page, "static/shore.css": css}
    texts |= {
        name.replace("__", "/").replace("_po", ".po").replace("_html", ".html"): text for name, text in files.items()
    }
    return Files("shore", {name: text.encode() for name, text in texts.items()})


def found(own: Files, *others: Files) -> list[Finding]:
    return check_files(own, {one.name: one for one in others}, TEXTS)


@pytest.mark.parametrize(
    ("rule", "line", "own", "said"),
    [
        ("syntax", 2, theme("<p>\n{% if hero %}</p>"), "end"),
        ("missing-template", 2, theme("\n{% include 'parts/none.html' %}"), "there is no template 'parts/none.html'"),
        ("unknown-variable", 2, theme("\n{{ hreo.headline }}"), "'hreo' is unknown here"),
        ("unknown-variable", 1, theme("{{ hero.headlin }}"), "Hero has no field 'headlin'"),
        ("unknown-variable", 1, theme("{% for d in shipment.days %}{{ d.labl }}{% endfor %}"), "Day has no field 'labl'"),
        ("unknown-variable", 1, theme("{% set one = shipment.days[0] %}{{ one.isso }}"), "Day has no field 'isso'"),
        ("unknown-variable", 1, theme(templates__mail__letter_html="{{ leter.subject }}"), "'leter' is unknown here"),
        ("unknown-variable", 1, theme(templates__mail__letter_html="{{ letter.subjct }}"), "LetterInfo has no field"),
        ("unknown-variable", 1, theme(templates__mail__letter_html="{{ shipment }}"), "'shipment' is unknown here"),
        ("unknown-filter", 1, theme("{{ store.name | shout }}"), "there is no filter 'shout'"),
        ("unknown-filter", 1, theme("{% if store.name is loud %}x{% endif %}"), "there is no test 'loud'"),
        ("missing-translation", 3, theme('\n\n{{ _("Ahoy") }}'), "'Ahoy' has no translation in de, fr"),
        ("missing-translation", 1, theme("{% trans %}Ahoy{% endtrans %}"), "'Ahoy' has no translation in de, fr"),
        ("missing-translation", 1, theme('{{ _("Ahoy") }}', locales__de_po=GERMAN % ("Aye", "Jawohl")),
         "'Ahoy' has no translation in de:"),
        ("placeholder-mismatch", 1, theme('{{ _("By %(name)s", nam="x") }}'), "is not given name"),
        ("placeholder-mismatch", 1, theme('{{ _("Copy") }}', locales__de_po=GERMAN % ("Copy", "Kopie %(of)s")),
         "the de translation of 'Copy' wants of"),
        ("hard-coded-text", 2, theme("<p>\n Thank you, {{ store.name }}</p>"), "'Thank you, …'"),
        ("hard-coded-text", 1, theme('<img src="{{ asset("a.png") }}" height="9" alt="A boat">'), "'A boat'"),
        ("hard-coded-text", 1, theme('<nav aria-label="Main">{{ store.name }}</nav>'), "'Main'"),
        ("missing-alt", 1, theme('<img src="{{ asset("a.png") }}" height="9" width="9">'), "without alt"),
        ("missing-dimensions", 1, theme('<img src="{{ asset("a.png") }}" alt="">'), "<img> without a height"),
        ("inline-script", 1, theme("<script>go()</script>"), "a script in the page"),
        ("inline-script", 1, theme('<p onclick="go()">{{ store.name }}</p>'), "onclick runs a script"),
        ("inline-script", 1, theme('<a href="javascript:go()">{{ store.name }}</a>'), "href runs a script"),
        ("inline-style", 2, theme('\n<p style="color: red">{{ store.name }}</p>'), "a style in the page"),
        ("remote-asset", 1, theme('<script src="https://cdn.example/x.js" defer></script>'), "https://cdn.example/x.js"),
        ("remote-asset", 1, theme('<link rel="stylesheet" href="//cdn.example/x.css">'), "//cdn.example/x.css"),
        ("remote-asset", 2, theme(css=FOCUS + "body { background: url(https://cdn.example/a.png) }"), "cdn.example"),
        ("remote-asset", 1, theme(css='@import "https://cdn.example/a.css";\n' + FOCUS), "cdn.example"),
        ("blocking-script", 1, theme('<script src="{{ asset("a.js") }}"></script>'), "waits for"),
        ("unused-setting", 5, theme(toml=SETTING), "reads setting 'motto'"),
        ("undefined-setting", 2, theme("\n{{ settings.motto }}"), "no setting 'motto'"),
        ("undefined-setting", 1, theme('{{ settings["motto"] }}'), "no setting 'motto'"),
        ("low-contrast", 13, theme("{{ settings.ink }}", toml=INK.format("#000000") + PALE), "presets pale: ink (#aaaaaa)"),
        ("oversized-asset", 1, theme(css=FOCUS + "/*" + "x" * 70_000 + "*/"), "70 kB, where 64 are much"),
        ("physical-property", 2, theme(css=FOCUS + "p { margin-left: 1px }"), "margin-left: 1px"),
        ("physical-property", 2, theme(css=FOCUS + "@media print { p { text-align: right } }"), "text-align: right"),
        ("missing-focus-style", 1, theme(css="p { color: red }"), "no style for :focus-visible"),
        ("missing-focus-style", 2, theme(css=FOCUS + "button { outline: none }"), "button takes the outline away"),
        ("low-contrast-style", 2, theme(css=FOCUS + "p { color: #999; background: #fff }"), "#999 on #fff has"),
        ("low-contrast", 5, theme("{{ settings.ink }}{{ settings.paper }}", toml=COLOURS), "ink (#777777) on paper (#888888)"),
        ("circular-extends", 5, theme(toml='extends = "shore"\n'), "shore → shore"),
    ],
)  # fmt: skip
def test_a_theme_that_breaks_a_rule_is_told_where_and_what_to_do(rule: str, line: int, own: Files, said: str) -> None:
    findings = found(own)
    assert [one.rule for one in findings] == [rule]
    assert findings[0].line == line
    assert said in findings[0].message
    assert findings[0].mend


@pytest.mark.parametrize(
    "own",
    [
        theme('{% set d = store.name %}{{ d }}{% if nobody is defined %}{{ nobody }}{% endif %}'),
        theme('{% macro of(n) %}{{ n }}{% endmacro %}{{ of(1) }}'),
        theme("{% block foot %}{{ super() }}{% endblock %}"),
        theme("{% for one in choices %}{{ loop.index }}{{ one.name }}{% endfor %}"),
        theme('{{ _("Copy") }}{{ 3 | round }}<svg><text>ab</text></svg>', locales__de_po=GERMAN % ("Ahoy", "Ahoi")),
        theme("<p>{% trans name=store.name %}By {{ name }} and by nobody else{% endtrans %}</p>",
              locales__de_po=GERMAN % ("By %(name)s and by nobody else", "Von %(name)s allein"),
              locales__fr_po=GERMAN % ("By %(name)s and by nobody else", "Par %(name)s seul")),
        theme("<b>{# Thank you #}{{ store.name }} · 24</b>"),
        theme('{{ settings.motto }}<script src="{{ asset("a.js") }}" defer></script>', toml=SETTING),
        theme(toml=SETTING + 'css = "--motto"\n', css=FOCUS + "p { content: var(--motto) }"),
        theme(css=FOCUS + '[dir="rtl"] p { left: 0 } main:focus { outline: none } p { margin-inline-start: 1px }'),
    ],
)  # fmt: skip
def test_what_is_right_is_left_alone(own: Files) -> None:
    assert found(own) == []


def test_what_an_including_template_sets_is_known_to_the_included_one() -> None:
    own = theme('{% set said = notice %}{% include "part.html" %}', templates__part_html="{{ said }}")
    files = {name.replace("_html", ".html"): content for name, content in own.files.items()}
    assert found(Files("shore", files)) == []


def test_a_setting_of_the_parent_is_a_setting_and_its_style_shows_focus() -> None:
    parent = Files("base", {"theme.toml": SETTING.encode(), "static/base.css": FOCUS.encode()})
    own = theme("{{ settings.motto }}", css="p { color: red }", toml='extends = "base"\n')
    assert found(own, parent) == []
    assert {one.rule for one in found(own)} == {"undefined-setting", "missing-focus-style"}


def test_a_circle_of_two_is_named_whole() -> None:
    parent = Files("base", {"theme.toml": b'extends = "shore"'})
    own = theme(toml='extends = "base"\n')
    assert found(own, parent)[0].message.startswith("shore → base → shore")


def test_every_rule_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why for rule in RULES)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in shipped("themes").glob("*/theme.toml")))
def test_the_shipped_themes_break_no_rule(name: str) -> None:
    assert check_theme(shipped("themes") / name) == []


def test_what_theme_toml_says_wrong_is_a_finding_too(tmp_path: Path) -> None:
    wrong = write_theme(tmp_path, "wrong", {}, contract="7")
    assert [(one.rule, one.file) for one in check_theme(wrong)] == [("manifest", "theme.toml")]
    broken = write_theme(tmp_path, "broken", {"templates/a.html": "{{ nobody }}"}, title="no quotes")
    assert [one.rule for one in check_theme(broken)] == ["manifest"]


def test_the_command_prints_file_and_line_or_json_and_ends_with_one(tmp_path: Path) -> None:
    folder = write_theme(tmp_path, "shore", {"templates/page.html": "\n{{ hreo }}"}, extends='"classic"')
    plain = CliRunner().invoke(main, ["check", "theme", str(folder)])
    assert plain.exit_code == 1
    assert (
        f"{folder}/templates/page.html:2: 'hreo' is unknown here: the page would fail where it is read" in plain.output
    )
    shown = CliRunner().invoke(main, ["check", "theme", str(folder), "--json"])
    found = msgspec.json.decode(shown.output)
    assert [sorted(one) for one in found] == [["file", "line", "mend", "message", "rule"]]
    (folder / "templates/page.html").write_text("{{ hero }}", "utf-8")
    fine = CliRunner().invoke(main, ["check", "theme", str(folder)])
    assert (fine.exit_code, fine.output) == (0, f"{folder}: fine\n")
    missing = CliRunner().invoke(main, ["check", "theme", str(tmp_path)])
    assert missing.exit_code == 1
    assert "has no theme.toml" in missing.output


# Parents that change.

PARENT = {
    "templates/layout.html": "<p>{{ store.name }}</p>",
    "templates/order.html": "<p>{{ store.name }}</p>",
    "static/base.css": FOCUS,
}


@pytest.fixture
def themes(tmp_path: Path) -> Path:
    """`base`, and `shore`, which overrides its layout."""
    write_theme(tmp_path / "themes", "base", PARENT, styles='["base.css"]')
    own = {"templates/layout.html": "<h1>{{ store.name }}</h1>"}
    write_theme(tmp_path / "themes", "shore", own, extends='"base"')
    return tmp_path / "themes"


def told(themes: Path) -> list[str]:
    return [one.message for one in check_theme(themes / "shore")]


def test_what_a_parent_changes_of_an_overridden_file_is_told_until_it_is_accepted(themes: Path) -> None:
    layout = themes / "base" / "templates" / "layout.html"
    layout.write_text("<p>{{ store.id }}</p>")
    assert told(themes) == []
    accept_parents(themes / "shore")
    assert told(themes) == []
    (themes / "base" / "templates" / "order.html").write_text("<b>{{ store.name }}</b>")  # not overridden
    assert told(themes) == []
    layout.write_text("<p>{{ store.base }}</p>")
    said = "base has changed templates/layout.html: what it mended or added there is not in this theme"
    assert told(themes) == [said]
    accept_parents(themes / "shore")
    assert told(themes) == []
    layout.unlink()
    assert told(themes)[0].startswith("base has no templates/layout.html any more")
    (themes / "shore" / "templates" / "layout.html").unlink()
    assert told(themes) == []


def test_the_nearest_parent_that_has_the_file_counts(themes: Path) -> None:
    write_theme(themes, "bay", {"templates/layout.html": "<i>{{ store.name }}</i>"}, extends='"shore"')
    accept_parents(themes / "bay")
    (themes / "base" / "templates" / "layout.html").write_text("<p>{{ store.base }}</p>")
    assert check_theme(themes / "bay") == []
    (themes / "shore" / "templates" / "layout.html").write_text("<p>{{ store.base }}</p>")
    assert [one.rule for one in check_theme(themes / "bay")] == ["parent-changed"]


def test_the_settings_check_tells_of_the_themes_in_use_and_accept_writes_the_record(
    themes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(themes.parent)
    Path("doorstep.toml").write_text('secret_key = "k"\n[stores.main]\nname = "Shore"\ntheme = "harbour"\n')
    write_theme(themes, "harbour", {"templates/error.html": "<p>{{ store.name }}</p>"}, extends='"classic"')
    accepted = CliRunner().invoke(main, ["check", "theme", "themes/harbour", "--accept"])
    assert accepted.exit_code == 0, accepted.output
    assert CliRunner().invoke(main, ["check"]).output == "doorstep.toml: fine\n"
    record = Path("themes/harbour/parents.toml")
    record.write_text(re.sub("[0-9a-f]{32}", "0" * 32, record.read_text()))  # as if classic had been another then
    checked = CliRunner().invoke(main, ["check"])
    assert checked.exit_code == 1
    assert checked.output == (
        "theme 'harbour': classic has changed templates/error.html: "
        "compare the two, then run: doorstep check theme themes/harbour --accept\n"
    )

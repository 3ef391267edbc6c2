"""A theme dressed for a store: overriding by file, by block and by setting; assets; mistakes with file and line."""

import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from babel.support import NullTranslations
from jinja2 import Template
from markupsafe import Markup, escape
from msgspec import Struct, structs

from doorstep import StoreView, WidgetView, often
from doorstep.appearance import Layer
from doorstep.context import Hero, LookupForm, PageContext, PageInfo
from doorstep.errors import ThemeError
from doorstep.i18n import Localizer
from doorstep.looks import Look, dressed
from doorstep.outgoing import Outgoing
from doorstep.paths import shipped
from doorstep.secret import Secret
from doorstep.themes import find_themes, load_theme
from doorstep.theming import Templates

from .themes_on_disk import write_theme

ENGLISH = Localizer("en", NullTranslations())
PAGE = PageContext(
    StoreView("main", "Leaf & Loom", base="/parcels"),
    PageInfo("tracking", "Your parcel", "en", "ltr"),
    hero=Hero("delivered", "Delivered <today>"),
    lookup=LookupForm("/parcels/", "12345678"),
)
LAND = {
    "templates/tracking.html": "<h1>{% block title %}{{ hero.headline }}{% endblock %}</h1>{% block rest %}land{% endblock %}",
    "templates/layout.html": "land layout",
    "static/land.css": "h1{color:var(--accent)}",
    "static/land.js": "let land;",
    "static/icon.svg": "<svg/>",
}
ACCENT = '[settings.accent]\ntype = "color"\nlabel = "Accent"\ndefault = "#123456"\ncss = "--accent"\n'
LOGO = '[settings.logo]\ntype = "range"\nlabel = "Logo"\ndefault = 32\nmin = 1\nmax = 99\ncss = "--logo"\nunit = "px"\n'


class Fields(Struct, frozen=True):
    text: str = "mug"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where "land" is, a theme that stands alone; a test may write a child beside it."""
    write_theme(tmp_path, "land", LAND, styles='["land.css"]', scripts='["land.js"]', more=ACCENT + LOGO)
    return tmp_path


def look(root: Path, name: str = "land", settings: dict[str, Any] | None = None, **options: Any) -> Look:
    templates = Templates(load_theme(name, find_themes([root])), **options)
    return dressed(templates, ("stores.main", Layer(settings=settings or {})))


def child(root: Path, files: dict[str, str], **keys: str) -> Look:
    write_theme(root, "sea", {f"templates/{name}": text for name, text in files.items()}, extends='"land"', **keys)
    return look(root, "sea")


def page(look: Look, template: str = "tracking.html", **slots: str) -> str:
    return look.render(template, PAGE, ENGLISH, slots)


# Overriding.


def test_a_page_is_rendered_and_escaped(root: Path) -> None:
    assert page(look(root)) == "<h1>Delivered &lt;today&gt;</h1>land"


def test_a_child_overrides_one_template_and_keeps_the_rest(root: Path) -> None:
    sea = child(root, {"layout.html": "sea layout"})
    assert page(sea, "layout.html") == "sea layout"
    assert page(sea).endswith("land")


def test_a_child_overrides_one_block_by_naming_its_parents_file(root: Path) -> None:
    sea = child(
        root, {"tracking.html": '{% extends "land/tracking.html" %}{% block rest %}{{ super() }} and sea{% endblock %}'}
    )
    assert page(sea) == "<h1>Delivered &lt;today&gt;</h1>land and sea"


def test_a_parents_name_means_what_it_shows_even_where_its_own_parent_has_the_file(root: Path) -> None:
    write_theme(root, "coast", {"templates/layout.html": "coast layout"}, extends='"land"')
    overriding = '{% extends "coast/tracking.html" %}{% block rest %}{% include "coast/layout.html" %}{% endblock %}'
    write_theme(root, "sea", {"templates/tracking.html": overriding, "templates/layout.html": "sea"}, extends='"coast"')
    assert look(root, "sea").render("tracking.html", PAGE, ENGLISH) == "<h1>Delivered &lt;today&gt;</h1>coast layout"


def test_a_parents_include_finds_the_childs_file(root: Path) -> None:
    write_theme(root, "land", {"templates/lookup.html": '{% include "part.html" %}', "templates/part.html": "land"})
    assert page(child(root, {"part.html": "sea"}), "lookup.html") == "sea"


def test_a_childs_setting_and_style_come_after_its_parents(root: Path) -> None:
    write_theme(
        root, "sea", {"static/sea.css": "h1{margin:0}"}, extends='"land"', styles='["sea.css"]',
        more=ACCENT.replace("#123456", "#abcdef"),
    )  # fmt: skip
    css = look(root, "sea").asset("store.css")
    assert css is not None
    assert css.body == b":root{--accent:#abcdef;--logo:32px;}\nh1{color:var(--accent)}\nh1{margin:0}"


def test_a_stores_settings_become_custom_properties(root: Path) -> None:
    css = look(root, settings={"accent": "#fff", "logo": 40}).asset("store.css")
    assert css is not None
    assert css.body.startswith(b":root{--accent:#fff;--logo:40px;}")


def test_a_theme_overrides_a_widgets_template(root: Path, tmp_path: Path) -> None:
    widgets = tmp_path / "plugin"
    (widgets / "templates" / "widgets").mkdir(parents=True)
    (widgets / "templates" / "widgets" / "note.html").write_text("plugin {{ text }} {{ view.id }} {{ widget_id }}")
    own = look(root, widget_folders=[widgets])
    store = StoreView("main", "Leaf")
    said = own.render_widget("note", Fields("<b>"), store, ENGLISH, "", widget_id="w1")
    assert said == "plugin &lt;b&gt; main w1"
    assert isinstance(said, Markup)
    write_theme(root, "sea", {"templates/widgets/note.html": "sea {{ text }}"}, extends='"land"')
    sea = look(root, "sea", widget_folders=[widgets])
    assert sea.render_widget("note", Fields(), store, ENGLISH, "", widget_id="w1") == "sea mug"
    assert sea.has_template("widgets/note.html")
    assert not sea.has_template("widgets/other.html")


# What a template can call.


def test_a_slot_takes_what_was_rendered_for_it_and_is_empty_otherwise(root: Path) -> None:
    sea = child(root, {"tracking.html": '[{{ slot("end") }}][{{ slot("none") }}]'})
    assert page(sea, end="<b>survey</b>") == "[<b>survey</b>][]"


def test_a_slot_is_a_section_that_a_theme_may_write_itself(root: Path) -> None:
    loop = '{% for name in ["slot.end", "slot.top"] %}{% include "sections/" ~ name ~ ".html" %}{% endfor %}'
    files = {"tracking.html": loop, "sections/slot.top.html": '<aside>{{ slot("top") }}</aside>'}
    sea = child(root, files, slots='["end", "top"]')
    assert page(sea, end="<b>survey</b>", top="x") == "<b>survey</b><aside>x</aside>"
    templates = Templates(load_theme("sea", find_themes([root])))
    assert templates.sections == ("slot.end", "slot.top")


def test_places_that_a_template_names_itself_are_known(root: Path) -> None:
    files = {"tracking.html": '{% extends "land/tracking.html" %}', "layout.html": "{{ slot( 'foot' ) }}"}
    write_theme(root, "land", {"templates/tracking.html": '{{ slot("after") }}{{ slot(name) }}'})
    child(root, files)
    assert Templates(load_theme("sea", find_themes([root]))).fixed_slots == {"after", "foot"}


def test_an_address_that_is_one_already_stays(root: Path) -> None:
    source = '{{ asset("https://cdn.example/a.png") }} {{ asset("/logo.svg") }}'
    assert page(child(root, {"tracking.html": source})) == "https://cdn.example/a.png /logo.svg"


def test_addresses_of_assets_hold_the_stores_path_and_a_fingerprint(root: Path) -> None:
    sea = child(root, {"tracking.html": '{{ stylesheet() }} {{ script() }} {{ asset("icon.svg") }}'})
    for url, name in zip(page(sea).split(), ("store.css", "store.js", "icon.svg"), strict=True):
        asset = sea.asset(name)
        assert asset is not None
        assert url == f"/parcels/static/{asset.fingerprint}/{name}"


def test_texts_plurals_and_money_are_the_readers(root: Path) -> None:
    source = '{{ _("Track") }} {{ ngettext("%(num)s scan", "%(num)s scans", 2) }} {{ "7" | money("EUR") }}'
    source += ' {{ pgettext("verb", "Order") }} {{ npgettext("verb", "one", "many", 2) }}'
    source += ' {{ pgettext("a", "%(context)s %(x)s", x="<") }}'
    source += ' {% trans n=1, x="&" %}{{ x }} scan{% pluralize %}s{% endtrans %}'
    assert page(child(root, {"tracking.html": source})) == "Track 2 scans €7.00 Order many a &lt; &amp; scan"


def test_numbers_in_texts_have_the_digits_of_the_readers_language(root: Path) -> None:
    source = '{{ ngettext("%(num)s scan", "%(num)s scans", 2400) }} {% trans score=4.5 %}{{ score }} of 5{% endtrans %}'
    source += ' {% trans number="4711" %}Order {{ number }}{% endtrans %}'
    persian = Localizer("fa", NullTranslations())
    said = child(root, {"tracking.html": source}).render("tracking.html", PAGE, persian)
    assert said == "۲٬۴۰۰ scans ۴٫۵ of 5 Order \u20684711\u2069"


def test_one_compiled_theme_speaks_every_readers_language(root: Path) -> None:
    class Upper(NullTranslations):
        def ugettext(self, message: str) -> str:
            return message.upper()

    source = '{{ _("Track") }} {% macro m(x) %}{{ _("mug") }}{{ x }}{% endmacro %}{{ m(1) }} {% include "part.html" %}'
    sea = child(root, {"tracking.html": source, "part.html": '{% trans %}tray{% endtrans %} {{ _("a" ~ "b") }}'})
    upper = Localizer("de", Upper())
    for _ in range(2):
        assert sea.render("tracking.html", PAGE, ENGLISH) == "Track mug1 tray ab"
        assert sea.render("tracking.html", PAGE, upper) == "TRACK MUG1 TRAY AB"


def test_a_macro_of_another_file_translates_when_it_is_imported_with_the_context(root: Path) -> None:
    macros = '{% macro said() %}{{ _("Track") }}{% endmacro %}'
    files = {"macros.html": macros, "tracking.html": '{% from "macros.html" import said with context %}{{ said() }}'}
    assert page(child(root, files)) == "Track"
    with pytest.raises(ThemeError, match="with context"):
        page(child(root, {**files, "tracking.html": '{% from "macros.html" import said %}{{ said() }}'}))


def test_the_engines_own_variable_can_be_neither_read_nor_replaced(root: Path) -> None:
    source = '{% set _rendering = 1 %}{% set doorstep = {"rendering": 1} %}{{ slot("end") }}{{ _rendering }}'
    assert page(child(root, {"tracking.html": source}), end="survey") == "survey1"
    with pytest.raises(ThemeError, match="UndefinedError"):
        page(child(root, {"tracking.html": "{{ doorstep.rendering }}"}))


# Mistakes.


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("one\n{% if %}", 2, ""),
        ("{% block a %}\n\n{% endfor %}", 3, "endfor"),
        ("one\n\n{{ hero | shine }}", None, "shine"),
        ("{{ hero is shiny }}", None, "shiny"),
        ("{% extends", 1, ""),
    ],
)
def test_a_template_that_does_not_compile_is_named_when_the_theme_is_loaded(
    root: Path, source: str, line: int | None, said: str
) -> None:
    with pytest.raises(ThemeError) as caught:
        child(root, {"sections/hero.html": source})
    assert caught.value.file.endswith("sections/hero.html")
    assert said in str(caught.value)
    if line is not None:
        assert (caught.value.file, caught.value.line) == ("sea/templates/sections/hero.html", line)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ heroine }}", "'heroine' is undefined"),
        ("{{ hero.headlin }}", "no attribute 'headlin'"),
        ("{{ hero.headline() }}", "SecurityError"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ('{{ asset("gone.svg") }}', "asset('gone.svg'): there is no static file of that name"),
        ('{{ asset("../theme.toml") }}', "there is no static file of that name"),
        ("{{ hero | tojson }}", "TypeError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        ("{{ _('%(gone)s') }}", "gone"),
        ("{% if gone %}x{% endif %}", "'gone' is undefined"),
        ("{% if hero %}{{ hero.gone }}{% endif %}", "no attribute 'gone'"),
        ("{% if not hero %}x{% elif hero.gone %}y{% else %}z{% endif %}", "no attribute 'gone'"),
        ("{% for one in [hero] if one.gone %}x{% endfor %}", "no attribute 'gone'"),
    ],
)
@pytest.mark.fault(30)
def test_an_error_while_rendering_names_the_file_and_the_line(root: Path, source: str, said: str) -> None:
    sea = child(root, {"tracking.html": '\n{% include "part.html" %}', "part.html": f"one\ntwo\n{source}"})
    with pytest.raises(ThemeError) as caught:
        page(sea)
    assert said in caught.value.message
    assert (caught.value.file, caught.value.line) == ("sea/templates/part.html", 3)


def test_an_error_inside_output_of_several_lines_names_its_own_line(root: Path) -> None:
    lines = [
        "{% if hero %}",
        "<p>",
        "{{ hero.status }}",
        "{% if not hero %}",
        "x",
        "{% elif hero.gone %}",
        "y",
        "{% endif %}{% endif %}",
    ]
    with pytest.raises(ThemeError) as caught:
        page(child(root, {"tracking.html": "\n".join(lines)}))
    assert (caught.value.file, caught.value.line) == ("sea/templates/tracking.html", 6)


def test_an_error_in_a_parents_block_names_the_parents_file(root: Path) -> None:
    write_theme(root, "land", {"templates/choose.html": "\n{% block a %}{{ gone }}{% endblock %}"})
    with pytest.raises(ThemeError, match=r"^land/templates/choose\.html:2: "):
        page(child(root, {"choose.html": '{% extends "land/choose.html" %}'}), "choose.html")


@pytest.mark.parametrize(
    "name", ["gone.html", "../theme.toml", "/etc/hostname", "land/../../theme.toml", "sea/gone.html"]
)
@pytest.mark.parametrize("statement", ["{{% include '{}' %}}", "{{% extends '{}' %}}", "{{% import '{}' as x %}}"])
def test_a_template_that_is_not_there_is_named_and_no_path_leads_out(root: Path, name: str, statement: str) -> None:
    with pytest.raises(ThemeError, match="has no template"):
        page(child(root, {"tracking.html": statement.format(name)}))


@pytest.mark.fault(32)
def test_a_template_is_no_way_to_a_file_through_a_link(root: Path) -> None:
    sea = child(root, {})
    (root / "secret.txt").write_text("secret")
    (root / "sea" / "templates").mkdir()
    (root / "sea" / "templates" / "link.html").symlink_to(root / "secret.txt")
    with pytest.raises(ThemeError, match=r"has no template 'link\.html'"):
        page(sea, "link.html")


def test_a_wrong_setting_is_refused_before_anything_is_compiled(root: Path) -> None:
    with pytest.raises(ThemeError, match=r"stores\.main\.settings\.acent: .*it has: accent, logo"):
        look(root, settings={"acent": "#fff"})


# Assets.


def test_a_fingerprint_is_the_same_for_the_same_bytes_and_another_for_others(root: Path) -> None:
    def fingerprint(**settings: Any) -> str:
        css = look(root, settings=settings).asset("store.css")
        assert css is not None
        return css.fingerprint

    assert fingerprint() == fingerprint()
    assert fingerprint(accent="#fff") != fingerprint()


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.woff2", "font/woff2"),
        ("a", "application/octet-stream"),
        ("a.unheard", "application/octet-stream"),
    ],
)  # fmt: skip
def test_an_asset_has_the_type_of_its_name(root: Path, name: str, content_type: str) -> None:
    write_theme(root, "land", {f"static/{name}": "x"})
    asset = look(root).asset(name)
    assert asset is not None
    assert asset.content_type == content_type


def test_an_asset_is_packed_where_that_is_smaller(root: Path) -> None:
    write_theme(root, "land", {"static/long.svg": "<g/>" * 500})
    long, short = look(root).asset("long.svg"), look(root).asset("icon.svg")
    assert long is not None
    assert short is not None
    assert long.packed is not None
    assert gzip.decompress(long.packed) == long.body
    assert short.packed is None


def test_a_widgets_file_is_served_unless_the_theme_has_one_of_that_name(root: Path, tmp_path: Path) -> None:
    widgets = tmp_path / "plugin"
    write_theme(tmp_path, "plugin", {"static/star.svg": "plugin", "static/icon.svg": "plugin", "static/x.css": "b{}"})
    own = look(root, widget_folders=[widgets])
    star, icon, css = own.asset("star.svg"), own.asset("icon.svg"), own.asset("store.css")
    assert star is not None
    assert icon is not None
    assert css is not None
    assert (star.body, icon.body) == (b"plugin", b"<svg/>")
    assert css.body.endswith(b"\nb{}")


@pytest.mark.parametrize("name", ["gone.svg", "../theme.toml", "/etc/hostname", "", "a\x00", "x" * 5000, "./icon.svg"])
def test_what_is_no_static_file_is_none(root: Path, name: str) -> None:
    assert look(root).asset(name) is None


@pytest.mark.parametrize("name", sorted(find_themes([shipped("themes")])))
def test_the_shipped_themes_compile_and_answer(name: str) -> None:
    theme = load_theme(name, find_themes([shipped("themes")]))
    own = dressed(Templates(theme))
    context = PageContext(
        PAGE.store, PAGE.page, own.settings, theme.sections, theme.aside, PAGE.hero, lookup=PAGE.lookup
    )
    html = own.render("tracking.html", context, ENGLISH, {})
    assert "Delivered &lt;today&gt;" in html
    assert "<today>" not in html


# What is rendered often.


@pytest.fixture
def often_rendered(monkeypatch: pytest.MonkeyPatch) -> list[Template]:
    """Every template is written as one piece after its first page; what was written."""
    written: list[Template] = []

    def write(one: Any, make: Callable[[], Template]) -> None:
        one.made = make()
        written.append(one.made)

    monkeypatch.setattr(often, "_OFTEN", 1)
    monkeypatch.setattr(often, "_WRITER", SimpleNamespace(submit=lambda _, *given: write(*given)))
    return written


def test_a_page_that_is_rendered_often_says_the_same_in_every_language(
    root: Path, often_rendered: list[Template]
) -> None:
    class Upper(NullTranslations):
        def ugettext(self, message: str) -> str:
            return message.upper()

    sea = child(root, {"tracking.html": '{{ _("Track") }} {{ page.title }} {{ slot("end") }} {{ script() }}'})
    upper = Localizer("de", Upper())
    for _ in range(3):
        assert page(sea, end="<b>").startswith("Track Your parcel <b> /parcels/static/")
        assert sea.render("tracking.html", PAGE, upper).startswith("TRACK ")
    assert len(often_rendered) == 2


def test_a_mistake_that_only_a_later_page_meets_is_told_with_its_place(
    root: Path, often_rendered: list[Template]
) -> None:
    source = '{% include "part.html" %}'
    sea = child(
        root, {"tracking.html": source, "part.html": "\n{% if page.title == 'no' %}{{ page.nobody }}{% endif %}"}
    )
    page(sea)
    assert len(often_rendered) == 1
    other = structs.replace(PAGE, page=structs.replace(PAGE.page, title="no"))
    with pytest.raises(ThemeError) as caught:
        sea.render("tracking.html", other, ENGLISH)
    assert (caught.value.file, caught.value.line) == ("sea/templates/part.html", 2)


def test_a_widgets_link_out_is_of_its_store_and_widget_and_any_other_template_has_the_address(
    root: Path, tmp_path: Path
) -> None:
    link = '<a href="{{ out(text) }}">'
    write_theme(
        root,
        "leaf",
        {"templates/widgets/note.html": link, "templates/plain.html": "{{ out(store.name) }}"},
        extends='"land"',
    )
    outgoing = Outgoing([Secret("s" * 32)])
    theme = load_theme("leaf", find_themes([root]))
    own = dressed(Templates(theme, outgoing=outgoing), ("stores.main", Layer()))
    view = WidgetView(StoreView("main", "Leaf"), "en", 0, date(2026, 11, 22), "/x")
    for address in ("/a?b=1&c=2", "https://shop.example/"):
        for _ in range(40):  # also when it has become one of those that are rendered often
            said = own.render_widget("note", Fields(address), view, ENGLISH, "/leaf", widget_id="w1")
            assert said == f'<a href="{escape(outgoing.link("/leaf", "main", "note", address))}">'
    assert page(own, "plain.html") == "Leaf &amp; Loom"
    with pytest.raises(ThemeError, match="cannot be linked"):
        own.render_widget("note", Fields("javascript:alert(1)"), view, ENGLISH, "", widget_id="w1")

"""The style sheet of mails: everything that is known written out, as mail programs understand it."""

import pytest

from doorstep.errors import ThemeError
from doorstep.mail_styles import inlined, written_out


def test_values_stand_where_properties_stood() -> None:
    sheet = ":root { --ink: var(--accent); --far: 2px }\n.a { color: var(--ink); padding: var(--far) var(--none, 3px) }"
    assert written_out(sheet, {"--accent": "#123456"}) == ".a { color: #123456; padding: 2px 3px }"


def test_a_child_defines_anew_what_the_sheet_before_it_defined() -> None:
    assert written_out(":root { --x: red; } .a { color: var(--x) } :root { --x: blue; }", {}) == ".a { color: blue }"


def test_mixed_colours_are_mixed() -> None:
    assert (
        written_out(".a{color:color-mix(in oklab, #000000 50%, var(--w))}", {"--w": "#ffffff"}) == ".a{color:#636363}"
    )


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        (".a { color: var(--nowhere) }", "nothing sets --nowhere"),
        (":root { --a: var(--a) } b { c: var(--a) }", "of itself"),
    ],
)
def test_what_is_nowhere_is_named(sheet: str, said: str) -> None:
    with pytest.raises(ThemeError, match=said):
        written_out(sheet, {})


def test_no_sheet_ends_the_element_it_stands_in() -> None:
    assert "</style" not in written_out('.a { content: "</style><script>" }', {})


def test_styles_are_on_the_elements_and_only_what_depends_on_the_screen_stays_in_the_head() -> None:
    sheet = (
        ".a { color: red } .b .a { margin: 0 } @media (prefers-color-scheme: dark) { .a { color: blue !important } }"
    )
    page = f'<!doctype html><html><head><style>{sheet}</style></head><body class="b"><p class="a">x</p></body></html>'
    made = inlined(page)
    assert '<p class="a" style="color:red;margin:0">' in made
    head = made.partition("</head>")[0].replace(" ", "")
    assert "@media(prefers-color-scheme:dark){.a{color:blue!important}}" in head
    assert "color:red" not in head

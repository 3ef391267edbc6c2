"""Included templates whose reads last are written once; what they read decides, and everything else is written anew."""

from typing import Any

import pytest
from jinja2 import DictLoader
from msgspec import Struct

from doorstep.bounds import LARGEST_PAGE, bounded
from doorstep.lasting import KEPT, Kept
from doorstep.sandboxing import TEXTS, Sandbox, SecurityError


class Page(Struct, frozen=True):
    dir: str
    title: str


class Pages:
    """Pages of one look in one language; counts how often a function was called while they were written."""

    def __init__(self, **templates: str) -> None:
        self.calls = 0
        self._sandbox = Sandbox(
            DictLoader(templates),
            functions={"counted": self._counted, "slot": lambda context: "slot"},
            filters={},
            lasting=("shop", "page.dir"),
            changing=("slot",),
        )
        self._kept = Kept()

    def render(self, **values: Any) -> str:
        given = {TEXTS: {}, KEPT: self._kept, "page": Page("ltr", "A page"), "shop": "Corner", **values}
        return bounded(self._sandbox.get_template("page").generate(given))

    def _counted(self, context: object) -> str:
        self.calls += 1
        return str(self.calls)


def test_what_reads_only_what_lasts_is_written_once() -> None:
    pages = Pages(page="{% include 'part' %}", part="{{ shop }} {{ page.dir }} {{ counted() }}")
    assert [pages.render(page=Page("ltr", title)) for title in "ab"] == ["Corner ltr 1"] * 2


def test_another_value_is_another_text() -> None:
    pages = Pages(page="{% include 'part' %}", part="{{ shop }} {{ page.dir }}")
    shown = [pages.render(), pages.render(shop="Mill"), pages.render(page=Page("rtl", "")), pages.render()]
    assert shown == ["Corner ltr", "Mill ltr", "Corner rtl", "Corner ltr"]


def test_equal_values_that_print_otherwise_are_told_apart() -> None:
    pages = Pages(page="{% include 'part' %}", part="{{ shop }}")
    assert [pages.render(shop=one) for one in (1, True, 1.0)] == ["1", "True", "1.0"]


@pytest.mark.parametrize(
    "part",
    [
        "{{ page.title }}", "{{ other }}", "{{ page }}", "{% set p = page %}{{ p.dir }}", "{{ slot() }}",
        "{% include 'deep' %}", "{% import 'deep' as deep %}", "{% from 'deep' import said with context %}",
        "{% block b %}{% endblock %}",
    ],
)  # fmt: skip
def test_what_may_read_more_is_written_for_each_page(part: str) -> None:
    deep = "{% macro said() %}{% endmacro %}"
    pages = Pages(page="{% include 'part' %}", part=part + "{{ counted() }}", deep=deep)
    first, second = (pages.render(other="other") for _ in range(2))
    assert (first[-1], second[-1]) == ("1", "2")


@pytest.mark.parametrize(
    "page",
    [
        "{% set shop = other %}{% include 'part' %}",
        "{% for shop in [other] %}{% include 'part' %}{% endfor %}",
    ],
)
def test_a_name_that_means_something_else_there_is_read_there(page: str) -> None:
    pages = Pages(page=page, part="{{ shop }}")
    assert [pages.render(other=one) for one in ("One", "Two")] == ["One", "Two"]


def test_the_name_of_a_function_may_mean_something_else_too() -> None:
    pages = Pages(page="{% set counted = other %}{% include 'part' %}", part="{{ counted }}")
    assert [pages.render(other=one) for one in ("One", "Two")] == ["One", "Two"]


def test_all_is_forgotten_when_it_is_too_much() -> None:
    kept, written = Kept(), []

    def say(shop: str) -> str:
        return kept.get("part", (shop,), lambda: written.append(shop) or shop)  # type: ignore[func-returns-value]

    assert [say(one) for one in ("first", "first", *map(str, range(256)), "first")][-1] == "first"
    assert written.count("first") == 2


def test_an_included_template_is_bounded_too() -> None:
    endless = "{% for a in range(200) %}{% for b in range(200) %}xxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}"
    pages = Pages(page="{% include 'part' %}", part=endless)
    with pytest.raises(SecurityError, match=str(LARGEST_PAGE)):
        pages.render()

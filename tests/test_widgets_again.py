"""What a widget said on one page is said again on another that is the same to it, and asked for anew on any other."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from markupsafe import Markup, escape
from msgspec import Struct, structs

from doorstep import CodeFacts, ItemFacts, MessageFacts, OrderFacts, ShipmentFacts, Source, Status, Voice, When, Widget
from doorstep.context import StoreView
from doorstep.i18n import Catalogs, Localizer
from doorstep.looks import Look
from doorstep.metrics import Metrics
from doorstep.order import CustomerFacts
from doorstep.order_forms import Typed
from doorstep.scenes import Scene, declared, same_for_all
from doorstep.sources import Found, Sources
from doorstep.widget import NoWidgetSettings, WidgetView
from doorstep.widgets import Placed, Widgets

DAY = date(2026, 11, 20)
PAGE = Scene(
    StoreView("main", "Leaf & Loom"), "en", 0, DAY, address=lambda name: f"?widget={name}", country="NO",
    shipment=ShipmentFacts("acme", Status.DELIVERED, True, False, "NO", 2),
)  # fmt: skip
ENGLISH = Catalogs([]).localizer("en")


class Told(Struct):
    text: Any


class Says(Widget[NoWidgetSettings]):
    """Says the next of what it is given; an error it raises."""

    name = "says"

    def __init__(self, *words: Any) -> None:
        super().__init__(NoWidgetSettings())
        self.words = list(words)

    def context(self, view: WidgetView) -> Told | None:
        word = self.words.pop(0)
        if isinstance(word, Exception):
            raise word
        return None if word is None else Told(word)


class Reads(Says):
    def sources(self, view: WidgetView) -> Sequence[Source]:
        return [Source("list", "https://feed.example/", lambda body, kind: body)]


class _Feeds:
    async def read(self, *_: object, **__: object) -> Found:
        return Found({}, pending=False)


class Shown:
    """A store with one widget, and how often its template was rendered."""

    def __init__(self, widget: Says) -> None:
        self.rendered = 0
        placed = Placed(widget, "after_timeline", When(), declared(widget), Path())
        look = cast(Look, SimpleNamespace(render_widget=self._render))
        self.widgets = Widgets([placed], look, Metrics(), sources=cast(Sources, _Feeds()))

    def _render(self, name: str, context: Told, *_: object, **__: object) -> Markup:
        self.rendered += 1
        return Markup("<p>{}</p>").format(context.text)

    def on(self, *pages: Scene, localizer: Localizer = ENGLISH) -> list[str]:
        async def read() -> list[str]:
            return ["".join((await self.widgets.slots(page, localizer)).values()) for page in pages]

        return asyncio.run(read())


def other(**fields: Any) -> Scene:
    return structs.replace(PAGE, **fields)


def test_it_is_asked_once_for_pages_that_are_the_same_to_it() -> None:
    shown = Shown(Says("first"))
    assert shown.on(PAGE, other(address=lambda name: f"?widget={name}"), PAGE) == ["<p>first</p>"] * 3
    assert shown.rendered == 1


def test_that_it_has_nothing_to_say_is_known_too() -> None:
    assert Shown(Says(None)).on(PAGE, PAGE) == ["", ""]


def test_one_that_failed_is_asked_again() -> None:
    assert Shown(Says(ValueError(), "back", "never")).on(PAGE, PAGE, PAGE) == ["", "<p>back</p>", "<p>back</p>"]


def test_another_language_another_day_and_another_shop_are_other_pages() -> None:
    pages = [PAGE, other(today=DAY + timedelta(1)), other(language="de"), other(store=StoreView("main", "Loom"))]
    assert Shown(Says(1, 2, 3, 4)).on(*pages, *pages) == [f"<p>{n}</p>" for n in (1, 2, 3, 4)] * 2


def test_other_texts_are_asked_for_anew() -> None:
    shown = Shown(Says("one", "two"))
    assert shown.on(PAGE) + shown.on(PAGE, localizer=Catalogs([]).localizer("en")) == ["<p>one</p>", "<p>two</p>"]


def test_the_page_of_an_order_is_nobody_elses() -> None:
    page = other(level=1, order=OrderFacts("o1", DAY))
    shown = Shown(Says("one", "two"))
    assert shown.on(page, page) == ["<p>one</p>", "<p>two</p>"]
    assert not shown.widgets._turns


def test_one_that_reads_sources_is_asked_each_time_and_written_anew_when_it_says_something_else() -> None:
    words = ["a < b", "a < b", Markup("a < b"), "a < c", "a < c"]
    shown = Shown(Reads(*words))
    assert shown.on(*[PAGE] * 5) == [f"<p>{escape(word)}</p>" for word in words]
    assert shown.rendered == 3


def test_what_cannot_be_told_from_another_is_written_each_time() -> None:
    shown = Shown(Reads(1 + 2j, 1 + 2j))
    assert shown.on(PAGE, PAGE) == ["<p>(1+2j)</p>"] * 2
    assert shown.rendered == 2


def test_what_is_long_is_not_kept_and_neither_are_more_pages_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorstep.widgets._LONGEST_KEPT", 20)
    monkeypatch.setattr("doorstep.widgets._MOST_KEPT", 2)
    long = "x" * 30
    assert Shown(Says(long, "short")).on(PAGE, PAGE) == [f"<p>{long}</p>", "<p>short</p>"]
    days = [other(today=DAY + timedelta(n)) for n in range(3)]
    shown = Shown(Says(*range(5)))
    assert shown.on(*days, days[0]) == ["<p>0</p>", "<p>1</p>", "<p>2</p>", "<p>3</p>"]


CHANGES: dict[str, Callable[[], Any]] = {
    "store": lambda: StoreView("main", "Other"),
    "language": lambda: "de",
    "level": lambda: 1,
    "today": lambda: DAY + timedelta(1),
    "address": lambda: lambda name: f"?lang=en&widget={name}",
    "country": lambda: "SE",
    "shipment": lambda: None,
    "order": lambda: OrderFacts("o1", DAY),
    "items": lambda: (ItemFacts("Linen throw"),),
    "customer": lambda: CustomerFacts(3),
    "codes": lambda: {"says": CodeFacts("TAKE10")},
    "messages": lambda: MessageFacts(()),
    "voices": lambda: (Voice("Lovely.", 5),),
    "answers": lambda: {"says": {"after": {"score": 4}}},
    "done": lambda: "says",
    "typed": lambda: Typed("says", {}, "Choose one."),
}
UNSEEN = {"items", "codes", "messages", "answers"}  # by anybody who has the number alone


@pytest.mark.parametrize("field", Scene.__struct_fields__)
def test_whatever_a_widget_sees_of_a_page_tells_it_from_others(field: str) -> None:
    page, changed = same_for_all(PAGE), same_for_all(other(**{field: CHANGES[field]()}))
    assert page is not None
    assert (changed == page) is (field in UNSEEN)

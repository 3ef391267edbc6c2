"""What the tests of the widgets share: a page to stand on, and the template rendered into elements that can be asked."""

import importlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import structs

from doorstep import ShipmentFacts, Status, StoreView, Widget, WidgetView

View = Callable[..., WidgetView]
Render = Callable[[Widget[Any], WidgetView], Element]


@pytest.fixture
def view() -> View:
    """`view(Status.DELIVERED, language="de", …)`: a page of the shop "Leaf & Loom"; None for a page without shipment."""

    def make(status: Status | None = Status.IN_TRANSIT, **fields: Any) -> WidgetView:
        facts = status and ShipmentFacts("acme", status, status is Status.DELIVERED, False, "DE")
        store = StoreView("main", "Leaf & Loom")
        plain = WidgetView(
            store=store,
            language="en",
            level=0,
            today=date(2026, 11, 20),
            shipment=facts,
            action="?widget=x",
        )
        return structs.replace(plain, **fields)

    return make


@pytest.fixture
def render() -> Render:
    """The widget's own template as a browser would read it. `money` writes "EUR 1.00"; the engine's is tested there."""

    def html(widget: Widget[Any], view: WidgetView) -> Element:
        package = Path(str(importlib.import_module(type(widget).__module__).__file__)).parent
        env = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(package / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
        )
        env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        env.filters["day"] = lambda day, today: f"{day} seen {today}"
        env.filters["money"] = lambda amount, currency: f"{currency} {amount}"
        env.filters["number"] = str
        env.globals["out"] = str  # where links lead; that they are signed and counted is the engine's, tested there
        context = widget.context(view)
        assert context is not None, "nothing is shown on this page"
        text = env.get_template(f"widgets/{widget.name}.html").render(
            {**structs.asdict(context), "view": view, "widget_id": "w1"}
        )
        return html5lib.parse(text, namespaceHTMLElements=False)

    return html

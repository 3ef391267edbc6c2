"""What a widget is shown of a page: what it declares, where the reader may see it, and days as the shop counts them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from doorstep import (
    CodeFacts,
    CustomerFacts,
    ItemFacts,
    MessageFacts,
    Moment,
    Need,
    OrderFacts,
    Precision,
    Reach,
    Shipment,
    ShipmentFacts,
    Status,
    StoreView,
    Submission,
    Voice,
    Way,
    Widget,
    WidgetView,
)
from doorstep.errors import PluginError
from doorstep.i18n import Catalogs
from doorstep.order_forms import Typed
from doorstep.scenes import Scene, declared, shipment_facts, view_of
from doorstep.views import Reader

DAY = date(2026, 11, 20)
FULL = Scene(
    StoreView("main", "Leaf & Loom"),
    "en",
    1,
    DAY,
    address=lambda name: f"/o/token/widgets/{name}",
    country="NO",
    shipment=ShipmentFacts("acme", Status.DELIVERED, True, False, "NO", 2),
    order=OrderFacts("o1", DAY, "NO", ("gift",), 2),
    items=(ItemFacts("Linen throw", 2, "L-1"),),
    customer=CustomerFacts(3),
    codes={"offer": CodeFacts("TAKE10"), "probe": CodeFacts("MINE")},
    voices=(Voice("Lovely.", 5),),
    answers={name: {"after": {"score": 4}} for name in ("probe", "survey", "other")},
    messages=MessageFacts((Way(Reach.EMAIL, "m…@post.example"),)),
)


class Probe(Widget[Any]):
    name = "probe"
    needs = frozenset()


class Asking(Probe):
    def submit(self, form: Any, view: WidgetView) -> Submission:
        return Submission({})


def seen(level: int = 1, kind: type[Widget[Any]] = Probe, *needs: Need, answers_of: tuple[str, ...] = ()) -> set[str]:
    """The fields in which a view differs from that of a widget that sees nothing."""

    class Other(kind):  # type: ignore[misc, valid-type]
        pass

    Other.needs, Other.answers_of = frozenset(needs), answers_of
    view = view_of(msgspec.structs.replace(FULL, level=level), declared(Other(None)))
    nothing = WidgetView(FULL.store, "en", level, DAY, "/o/token/widgets/probe")
    return {name for name in WidgetView.__struct_fields__ if getattr(view, name) != getattr(nothing, name)}


def test_who_declares_nothing_sees_the_shop_and_the_page() -> None:
    assert seen() == set()


@pytest.mark.parametrize("need", Need)
def test_who_declares_one_thing_sees_that_one(need: Need) -> None:
    assert seen(1, Probe, need) == {need.value}


def test_who_has_the_number_alone_is_shown_the_parcel_and_what_all_may_read() -> None:
    assert seen(0, Asking, *Need, answers_of=("survey",)) == {"shipment", "voices"}


def test_a_code_is_the_widgets_own() -> None:
    class Coded(Probe):
        needs = frozenset({Need.CODE})

    assert view_of(FULL, declared(Coded(None))).code == CodeFacts("MINE")


def test_answers_are_its_own_where_it_asks_and_those_it_names() -> None:
    def read(kind: type[Widget[Any]], *of: str) -> set[str]:
        widget = kind(None)
        widget.answers_of = of  # type: ignore[misc]
        return set(view_of(FULL, declared(widget)).answers)

    assert read(Probe) == set()
    assert read(Probe, "survey") == {"survey"}
    assert read(Asking, "survey", "probe", "unheard") == {"probe", "survey"}


def test_what_is_no_need_is_named() -> None:
    widget = Probe(None)
    widget.needs = frozenset({"email"})  # type: ignore[misc, arg-type]
    with pytest.raises(PluginError, match=r"widget 'probe' needs \['email'\]: there are shipment, order, items"):
        declared(widget)


def test_a_refused_form_comes_back_to_its_own_widget_only() -> None:
    typed = Typed("probe", {"score": "9"}, "Choose one.")
    page = msgspec.structs.replace(FULL, typed=typed, done="probe")
    view = view_of(page, declared(Probe(None)))
    assert (view.problem, view.values, view.done) == ("Choose one.", {"score": "9"}, False)

    class Other(Probe):
        name = "other"

    view = view_of(page, declared(Other(None)))
    assert (view.problem, view.values, view.done) == ("", {}, False)


def test_after_a_form_was_sent_its_widget_is_told() -> None:
    assert view_of(msgspec.structs.replace(FULL, done="probe"), declared(Probe(None))).done


BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "days"),
    [
        (Moment("", instant=datetime(2026, 11, 22, 8, tzinfo=UTC)), 0),
        (Moment("", instant=datetime(2026, 11, 20, 22, 59, tzinfo=UTC)), 2),
        (Moment("", instant=datetime(2026, 11, 20, 23, 1, tzinfo=UTC)), 1),  # after midnight in Berlin
        (Moment("", local=datetime(2026, 11, 20, 23, 1)), 2),  # nobody knows where
        (Moment("", Precision.DAY, local=datetime(2026, 11, 15)), 7),
        (Moment("", local=datetime(2026, 11, 23, 1)), 0),  # already tomorrow, there
        (Moment("rubbish"), None),
        (None, None),
    ],
)
def test_days_are_those_of_the_shop(since: Moment | None, days: int | None) -> None:
    reader = Reader(Catalogs([]).localizer("en"), NOON, BERLIN)
    facts = shipment_facts(Shipment("1", id="s1", carrier="acme", since=since), reader)
    assert facts.days == days

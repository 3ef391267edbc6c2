"""A store's widgets: placed by its settings, shown by its rules, told what was gathered, and each failing by itself."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from doorstep import CodeFacts, ShipmentFacts, Source, Status, Voice, When
from doorstep.app import assemble
from doorstep.backstage import Backstage
from doorstep.config import Config, Store
from doorstep.errors import StoreError
from doorstep.order import CustomerFacts
from doorstep.packages import Package
from doorstep.plugins import load_plugins
from doorstep.scenes import Scene
from doorstep.shops import Outfitter
from doorstep.sources import Found
from doorstep.widgets import Widgets, place_widgets

from .ordering import DELIVERED, MOVING, order, ordering, placed
from .shopfront import HOST, Front, parsed, store

WIDGETS = """
from decimal import Decimal

import msgspec
from doorstep import FormProblem, Money, Need, Source, Status, Submission, When, Widget, hookimpl

class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str = ""

    def __post_init__(self):
        if self.text == "bad":
            raise ValueError("write something good")

class Told(msgspec.Struct):
    text: str

class Mirror(Widget):
    name = "mirror"
    settings_type = Settings
    needs = frozenset(Need)

    def context(self, view):
        return Told(msgspec.json.encode(view).decode())

    def submit(self, form, view):
        return Submission({"said": form.get("said", "")}, "later")

class Fed(Widget):
    name = "fed"

    def sources(self, view):
        return [Source("list", f"https://feed.example/{view.language}", lambda body, kind: body)]

    def context(self, view):
        return Told(str(view.sources))

class Happy(Widget):
    name = "happy"
    when = When(status=(Status.DELIVERED,), from_day=1)

    def context(self, view):
        return Told("asked")

class Choosy(Happy):
    name = "choosy"
    when = When(status=(Status.DELIVERED,), to_day=9, orders_to=3, value_from=Money(Decimal(5), "EUR"))

class Particular(Widget):
    name = "particular"

    def __init__(self, settings):
        raise RuntimeError("not with me")

@hookimpl
def register_widgets(register):
    for one in (Mirror, Fed, Happy, Choosy, Particular):
        register(one)
"""
TEMPLATES = {
    f"templates/widgets/{name}.html": f'<p id="{name}">{{{{ text }}}}</p>'
    for name in ("mirror", "fed", "happy", "choosy")
}


@pytest.fixture
def package(plugin: Callable[..., Package]) -> Package:
    return plugin("doorstep_probes", {"__init__.py": WIDGETS, **TEMPLATES})


def offers(package: Package) -> Any:
    return load_plugins(Config(stores={"main": Store(name="Test")}), [package]).registered.widgets


def problem(package: Package, name: str, **settings: Any) -> str:
    """What is said of a widget that cannot be had."""
    _, [found] = place_widgets({name: settings}, offers(package), store="main", file="doorstep.toml", base=Path())
    return f"{found.reason}: {found.next_step}"


def test_a_rule_of_the_store_replaces_the_widgets_own(package: Package) -> None:
    wanted = {"happy": {"when": {"from_day": 5, "markets": ["NO"]}, "slot": "aside"}}
    [one], _ = place_widgets(wanted, offers(package), store="main", file="doorstep.toml", base=Path())
    assert (one.slot, one.when.from_day, one.when.markets, [str(status) for status in one.when.status]) == (
        "aside", 5, ("NO",), ["delivered"],
    )  # fmt: skip


def test_an_empty_value_takes_a_rule_of_the_widgets_own_back(package: Package) -> None:
    """As in `when = { to_day = "" }`: TOML has no null."""
    rules = {"status": [], "to_day": "", "orders_to": "", "value_from": ""}
    [one], _ = place_widgets(
        {"choosy": {"when": rules}}, offers(package), store="main", file="doorstep.toml", base=Path()
    )
    assert one.when == When()


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("happy", {"when": {"statsu": []}}, "happy.when.statsu is not a setting: did you mean 'status'?"),
        ("happy", {"when": {"status": ["delivered", "lots"]}}, "happy.when.status[1]: Invalid enum value 'lots'"),
        ("happy", {"when": {"markets": ["norway"]}}, "happy.when.markets[0]: "),
        ("happy", {"when": {"value_from": {"amount": "1"}}}, "happy.when.value_from.currency is missing"),
        ("happy", {"when": {"from_day": ""}}, "happy.when.from_day: Expected `int`, got `str`"),
        ("happy", {"when": "delivered"}, "happy.when: Expected `object`, got `str`"),
        ("happy", {"slot": 3}, "happy.slot: Expected `str`, got `int`"),
        ("happy", {"when": {"to_day": 0}}, "happy.when: it never shows: to_day 0 is before from_day 1"),
        ("mirror", {"text": "bad"}, "mirror: write something good"),
        ("particular", {}, "particular: RuntimeError: not with me: correct the value"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    package: Package, name: str, settings: dict[str, Any], said: str
) -> None:
    assert f"doorstep.toml: stores.main.widgets.{said}" in problem(package, name, **settings)


class Codes:
    def of_order(self, connection: Any, kept: Any) -> Mapping[str, CodeFacts]:
        return {"mirror": CodeFacts(f"CODE-{kept.order.number}"), "other": CodeFacts("NOT-MINE")}


class Voices:
    async def of(self, store: str) -> tuple[Voice, ...]:
        return (Voice(f"heard in {store}", 5),)


class Counting:
    def __init__(self, database: Any) -> None:
        self.database, self.reads = database, 0

    async def read(self, work: Any) -> Any:
        self.reads += 1
        return await self.database.read(work)


class Away:
    def of_order(self, connection: Any, kept: Any) -> Any:
        raise StoreError("codes are away")

    async def of(self, store: str) -> Any:
        raise StoreError("voices are away")


class Feeds:
    """Stands for what reads from outside; says when it is asked for something that many see."""

    def trust(self, settings: Any) -> None:
        pass

    async def read(self, store: str, widget: str, wanted: Sequence[Source], *, shared: bool) -> Found:
        told = "shared" if shared else "own"
        return Found({one.name: f"{store}/{widget} read {told} {one.address}" for one in wanted}, pending=False)


def serving(front: Front, **facilities: Any) -> Front:
    """The same shop, with these facilities of the order pages and the tracking pages."""
    engine = front.engine
    database = facilities.pop("database", engine.database)
    backstage = Backstage(
        database,
        engine.orders,
        engine.answers,
        **{"codes": engine.codes, "voices": engine.voices, "consents": engine.consents, **facilities},
    )
    engine = msgspec.structs.replace(engine, backstage=backstage)
    return Front(TestClient(assemble(engine), base_url=HOST), engine, front.sandbox, front.clock)


@pytest.fixture
def front(tmp_path: Path, plugin: Callable[..., Package], package: Package) -> Iterator[Front]:
    stores = {
        "main": store(widgets={"mirror": {}, "fed": {}, "happy": {}}),
        "late": store(path="/late", widgets={"happy": {"when": {"from_day": 3}}}),
        "picky": store(
            path="/picky", widgets={"mirror": {"when": {"status": ["lost"]}}, "happy": {"when": {"level": 1}}}
        ),
    }
    with ordering(tmp_path, plugin, package, stores=stores) as front:
        yield front


def told(front: Front, path: str, name: str = "mirror") -> Any:
    found = parsed(front.get(path).text).find(f".//p[@id='{name}']")
    return None if found is None else found.text


def page(front: Front, *parcels: str, **fields: Any) -> str:
    kept = placed(front, order("1001", *parcels, **fields))
    return f"/o/{front.engine.access.link(kept, timedelta(days=9))}/"


def test_an_orders_page_tells_what_is_known_of_it(front: Front) -> None:
    asked = serving(front, codes=Codes(), voices=Voices())
    path = page(front, DELIVERED, customer=CustomerFacts(3, tags=("vip",)), country="NO")
    view = msgspec.json.decode(told(asked, path))
    assert view["code"]["code"] == "CODE-1001"
    assert view["voices"][0]["text"] == "heard in main"
    assert (view["customer"]["orders"], view["customer"]["tags"]) == (3, ["vip"])
    assert (view["order"]["country"], view["order"]["placed_on"], view["order"]["quantity"]) == ("NO", "2026-11-22", 4)
    assert [one["name"] for one in view["items"]] == ["Trail shoes", "Wool socks"]
    assert (view["shipment"]["status"], view["shipment"]["days"]) == ("delivered", 2)
    assert "NOT-MINE" not in told(asked, path)


def test_a_numbers_page_tells_of_the_parcel_and_of_what_all_may_read(front: Front) -> None:
    view = msgspec.json.decode(told(serving(front, codes=Codes(), voices=Voices()), f"/track/{DELIVERED}"))
    assert (view["order"], view["customer"], view["code"], view["items"], view["answers"]) == (None, None, None, [], {})
    assert (view["shipment"]["status"], view["voices"][0]["text"]) == ("delivered", "heard in main")


def test_an_answer_is_seen_by_the_widget_that_asked(front: Front) -> None:
    path = page(front, MOVING)
    assert msgspec.json.decode(told(front, path))["answers"] == {}
    front.post(f"{path}widgets/mirror", {"said": "first"})
    front.post(f"{path}widgets/mirror", {"said": "second"})
    assert msgspec.json.decode(told(front, path))["answers"] == {"mirror": {"later": {"said": "second"}}}


def test_all_that_is_known_of_an_order_is_read_in_one_transaction(front: Front) -> None:
    database = Counting(front.engine.database)
    asked = serving(front, database=database, codes=Codes())
    view = msgspec.json.decode(told(asked, page(front, MOVING, email="ada@post.example")))
    assert (view["customer"]["orders"], view["code"]["code"], database.reads) == (1, "CODE-1001", 1)


def test_what_cannot_be_read_is_not_there_and_the_page_is(front: Front) -> None:
    path = page(front, MOVING, customer=CustomerFacts(7))
    with capture_logs() as logs:
        view = msgspec.json.decode(told(serving(front, codes=Away(), voices=Away()), path))
    assert (view["code"], view["voices"], view["customer"]["orders"]) == (None, [], 7)
    assert {one["reason"] for one in logs if one["log_level"] == "warning"} == {"codes are away", "voices are away"}


def test_who_is_shown_nothing_is_not_answered(front: Front) -> None:
    path = page(front, MOVING)
    assert told(front, path, "happy") is None
    assert front.post(f"{path}widgets/happy", {}).status_code == 422
    assert told(front, f"/track/{DELIVERED}", "happy") == "asked"


def test_a_form_that_comes_too_late_comes_back_with_what_was_typed(front: Front) -> None:
    assert told(front, f"/picky/track/{DELIVERED}") is None
    back = front.post(f"/picky/track/{DELIVERED}?widget=mirror", {"said": "on time"})
    view = msgspec.json.decode(parsed(back.text).find(".//p[@id='mirror']").text)
    assert (back.status_code, view["values"]) == (422, {"said": "on time"})
    assert view["problem"] == "This question cannot be answered for this parcel right now."


def test_a_form_that_nobody_was_shown_shows_no_widget_of_a_higher_level(front: Front) -> None:
    back = front.post(f"/picky/track/{DELIVERED}?widget=happy", {"said": "on time"})
    assert (back.status_code, parsed(back.text).find(".//p[@id='happy']")) == (422, None)


def test_a_rule_of_days_turns_at_the_shops_midnight_on_pages_near_too(front: Front) -> None:
    """In Berlin, the parcel that came on the 20th is two days old until one hour before midnight, UTC."""
    seen = []
    for hours in (0, 10.9, 0.2):
        front.clock.advance(hours * 3600)
        seen += [told(front, f"/late/track/{DELIVERED}", "happy") for _ in range(2)]
    assert seen == [None, None, None, None, "asked", "asked"]


def rendered(front: Front, sources: Any) -> tuple[str, Widgets]:
    """What stands on a page of the shop, where widgets read from these."""
    engine = front.engine
    outfitter = Outfitter(engine.config, engine.plugins, clock=front.clock, metrics=engine.metrics, sources=sources)
    shop = outfitter.shop("main", engine.config.stores["main"])
    facts = ShipmentFacts("spy", Status.DELIVERED, True, False, "NO", 2)
    scene = Scene(shop.view, "en", 0, date(2026, 11, 22), address=str, shipment=facts)
    return "".join(asyncio.run(shop.widgets.slots(scene, shop.localizer("en"))).values()), shop.widgets


def test_sources_are_read_for_the_widget_that_names_them(front: Front) -> None:
    html, _ = rendered(front, Feeds())
    assert "main/fed read shared https://feed.example/en" in html


class Failing(Feeds):
    async def read(self, store: str, widget: str, wanted: Sequence[Source], *, shared: bool) -> Found:
        raise OSError("the feed's disk is gone")


class Coming(Feeds):
    async def read(self, store: str, widget: str, wanted: Sequence[Source], *, shared: bool) -> Found:
        return Found({}, pending=True)


def test_a_source_that_fails_leaves_its_widgets_slot_empty_and_no_other(front: Front) -> None:
    with capture_logs() as logs:
        html, widgets = rendered(front, Failing())
    assert 'id="fed"' not in html
    assert 'id="happy"' in html
    assert (widgets.gaps, [(one["widget"], one["error"]) for one in logs if "error" in one]) == (
        1,
        [("fed", "OSError")],
    )
    assert 'doorstep_widget_failures_total{widget="fed"} 1.0' in front.get("/metrics").text


def test_what_is_still_on_its_way_is_missing_and_no_failure(front: Front) -> None:
    html, widgets = rendered(front, Coming())
    assert widgets.gaps == 1
    assert 'id="happy"' in html
    assert 'doorstep_widget_failures_total{widget="fed"}' not in front.get("/metrics").text

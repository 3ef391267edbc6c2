"""When a widget shows: each rule by itself, all of them together, and what holds where something is not known."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import TROUBLE, CustomerFacts, Money, OrderFacts, ShipmentFacts, Status, StoreView, When
from doorstep.rules import holds, merged
from doorstep.scenes import Scene

STORE, DAY = StoreView("main", "Leaf & Loom"), date(2026, 11, 20)


def parcel(status: Status = Status.IN_TRANSIT, days: int | None = 3) -> ShipmentFacts:
    return ShipmentFacts("acme", status, False, False, "DE", days)


def scene(**fields: Any) -> Scene:
    plain: dict[str, Any] = {"language": "en", "level": 1, "shipment": parcel()}
    return Scene(store=STORE, today=DAY, address=str, **{**plain, **fields})


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_without_rules_it_always_shows() -> None:
    assert holds(When(), scene(level=0, shipment=None))


@pytest.mark.parametrize(
    ("when", "status", "shown"),
    [
        (When(status=(Status.DELIVERED,)), Status.DELIVERED, True),
        (When(status=(Status.DELIVERED,)), Status.LOST, False),
        (When(except_status=TROUBLE), Status.LOST, False),
        (When(except_status=TROUBLE), Status.DELIVERED, True),
        (When(status=(Status.DELIVERED, Status.LOST), except_status=TROUBLE), Status.LOST, False),
    ],
)
def test_a_rule_about_the_status(when: When, status: Status, shown: bool) -> None:
    assert holds(when, scene(shipment=parcel(status))) == shown


def test_where_no_parcel_is_known_a_rule_that_wants_a_status_does_not_hold_and_one_that_excludes_some_does() -> None:
    assert not holds(When(status=(Status.DELIVERED,)), scene(shipment=None))
    assert holds(When(except_status=TROUBLE), scene(shipment=None))


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [(2, None, [2, 3, 4]), (0, 2, [0, 1, 2]), (1, 2, [1, 2]), (3, 3, [3])],
)
def test_days_count_from_the_first_to_the_last_and_both_are_in(first: int, last: int | None, days: list[int]) -> None:
    when = When(from_day=first, to_day=last)
    assert [n for n in range(5) if holds(when, scene(shipment=parcel(days=n)))] == days
    assert not holds(when, scene(shipment=parcel(days=None)))
    assert not holds(when, scene(shipment=None))


def test_a_market_is_where_the_parcel_goes() -> None:
    when = When(markets=("NO", "SE"))
    assert [holds(when, scene(country=one)) for one in ("SE", "DK", "")] == [True, False, False]


@pytest.mark.parametrize(
    ("languages", "page", "shown"),
    [
        (("pt",), "pt-BR", True),
        (("pt-BR",), "pt", False),
        (("pt_BR",), "pt-br", True),
        (("pt",), "ptx", False),
        (("de", "fr"), "fr", True),
    ],
)
def test_a_language_covers_its_regions(languages: tuple[str, ...], page: str, shown: bool) -> None:
    assert holds(When(languages=languages), scene(language=page)) == shown


def test_a_segment_is_a_tag_of_the_order_or_the_customer() -> None:
    when = When(segments=("gift", "vip"))
    order = OrderFacts("o1", DAY, tags=("gift",))
    assert holds(when, scene(order=order))
    assert holds(when, scene(customer=CustomerFacts(tags=("vip", "wholesale"))))
    assert not holds(when, scene(order=OrderFacts("o1", DAY, tags=("vi",)), customer=CustomerFacts()))
    assert not holds(when, scene())


def test_orders_and_what_they_are_worth_are_counted() -> None:
    customer = CustomerFacts(orders=3, value=euros("99.90"))

    def shown(**rules: Any) -> bool:
        return holds(When(**rules), scene(customer=customer))

    assert [shown(orders_from=n) for n in (3, 4)] == [True, False]
    assert [shown(orders_to=n) for n in (2, 3)] == [False, True]
    assert [shown(value_from=euros(amount)) for amount in ("99.90", "99.91")] == [True, False]


def test_a_worth_in_another_money_or_unknown_is_not_enough() -> None:
    when = When(value_from=euros("10"))
    for value in (None, Money(Decimal(500), "SEK")):
        assert not holds(when, scene(customer=CustomerFacts(1, value)))


@pytest.mark.parametrize("rules", [{"orders_from": 1}, {"orders_to": 0}, {"value_from": euros("0")}])
def test_a_rule_about_a_customer_does_not_hold_where_none_is_known(rules: dict[str, Any]) -> None:
    assert not holds(When(**rules), scene(level=0))


def test_the_level_is_the_least_one() -> None:
    assert [holds(When(level=1), scene(level=n)) for n in range(3)] == [False, True, True]


WHENS = st.builds(
    When,
    status=st.lists(st.sampled_from(Status), max_size=3).map(tuple),
    except_status=st.lists(st.sampled_from(Status), max_size=3).map(tuple),
    from_day=st.integers(0, 4),
    to_day=st.none() | st.integers(0, 4),
    markets=st.lists(st.sampled_from(["DE", "NO"]), max_size=2).map(tuple),
    languages=st.lists(st.sampled_from(["en", "de"]), max_size=2).map(tuple),
    segments=st.lists(st.sampled_from(["vip", "gift"]), max_size=2).map(tuple),
    orders_from=st.integers(0, 3),
    orders_to=st.none() | st.integers(0, 3),
    level=st.integers(0, 2),
)
SCENES = st.builds(
    scene,
    level=st.integers(0, 2),
    language=st.sampled_from(["en", "de-AT"]),
    country=st.sampled_from(["", "DE", "NO"]),
    shipment=st.none() | st.builds(parcel, st.sampled_from(Status), st.none() | st.integers(0, 4)),
    order=st.none() | st.just(OrderFacts("o1", DAY, tags=("vip",))),
    customer=st.none() | st.builds(CustomerFacts, orders=st.integers(0, 3)),
)


@given(WHENS, SCENES)
def test_all_rules_hold_together_if_each_does_alone(when: When, page: Scene) -> None:
    plain = When()
    alone = [
        msgspec.structs.replace(plain, **{name: getattr(when, name)})
        for name in When.__struct_fields__
        if name not in ("from_day", "to_day")
    ]
    alone.append(When(from_day=when.from_day, to_day=when.to_day))
    assert holds(when, page) == all(holds(one, page) for one in alone)


def test_a_store_replaces_rule_by_rule() -> None:
    own = When(except_status=TROUBLE, from_day=2)
    assert merged(own, {"from_day": 0}, When()) == When(except_status=TROUBLE)
    assert merged(own, {"except_status": [], "level": 1}, When(level=1)) == When(from_day=2, level=1)
    assert merged(own, {}, When()) == own


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"status": (Status.LOST,), "except_status": TROUBLE}, "except_status has every status of `status`"),
        ({"from_day": 3, "to_day": 2}, "to_day 2 is before from_day 3"),
        ({"orders_from": 3, "orders_to": 2}, "orders_to 2 is less than orders_from 3"),
    ],
)
def test_rules_that_never_hold_together_are_named(rules: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        merged(When(), rules, When(**rules))

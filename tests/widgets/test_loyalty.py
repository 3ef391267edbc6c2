from decimal import Decimal

import msgspec
import pytest

from doorstep import TROUBLE, CustomerFacts, Money, Need, When
from doorstep.testing import WidgetContract
from doorstep_loyalty import Loyalty, Settings

REWARDS = [{"name": "A candle", "points": 600}, {"name": "Free delivery", "points": 250}]
TIERS = [{"name": {"en": "Silver", "de": "Silber"}, "from": 300}, {"name": "Friend", "from": 0}]


def loyalty(**settings):
    return Loyalty(msgspec.convert({"rewards": REWARDS, **settings}, Settings))


def customer(orders=3, value=None, **fields):
    return CustomerFacts(orders, Money(Decimal(value), "EUR") if value else None, **fields)


class TestContract(WidgetContract):
    package = "doorstep_loyalty"


class TestCountedPoints(WidgetContract):
    package = "doorstep_loyalty"
    settings = {"point_for": {"amount": "1", "currency": "EUR"}, "tiers": TIERS, "rewards": REWARDS}


def test_it_is_for_the_customer_alone_and_silent_in_trouble():
    assert Loyalty.when == When(except_status=TROUBLE)
    assert Loyalty.needs == {Need.CUSTOMER}


def test_the_shops_own_points_and_tier_go_before_what_is_counted(view):
    widget = loyalty(tiers=TIERS, points_per_order=10_000)
    context = widget.context(view(customer=customer(points=480, tier="Gold")))
    assert (context.points, context.tier) == (480, "Gold")
    assert (context.reached, context.reward, context.missing, context.of) == ("Free delivery", "A candle", 120, 600)


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        (customer(3, "214.99"), 214 + 30),
        (customer(3), 30),
        (CustomerFacts(1, Money(Decimal(500), "SEK")), 10),  # another money is not counted
        (customer(2, "-5"), 20),  # what came back costs no points
    ],
)
def test_points_are_counted_by_worth_and_by_orders(view, facts, points):
    widget = loyalty(point_for={"amount": "1", "currency": "EUR"}, points_per_order=10)
    assert widget.context(view(customer=facts)).points == points


def test_a_point_may_cost_more_than_one(view):
    widget = loyalty(point_for={"amount": "2.50", "currency": "EUR"})
    assert widget.context(view(customer=customer(1, "9.99"))).points == 3


@pytest.mark.parametrize(("points", "tier"), [(299, "Friend"), (300, "Silber")])
def test_a_tier_is_the_highest_whose_points_are_there(view, points, tier):
    assert loyalty(tiers=TIERS).context(view(customer=customer(points=points), language="de")).tier == tier


@pytest.mark.parametrize(
    ("points", "reached", "reward", "missing"),
    [(1, "", "Free delivery", 249), (250, "Free delivery", "A candle", 350), (600, "A candle", "", 0)],
)
def test_the_next_reward_is_the_nearest_one_above(view, points, reached, reward, missing):
    context = loyalty().context(view(customer=customer(points=points)))
    assert (context.reached, context.reward, context.missing) == (reached, reward, missing)


def test_a_tier_alone_shows_without_points_and_promises_nothing(view, render):
    page = render(loyalty(), view(customer=customer(tier="Gold")))
    assert "".join(page.find(".//p[@class='widget-text loyalty-now']").itertext()) == "Gold"
    assert page.find(".//progress") is None
    assert "reward:" not in "".join(page.itertext())


def test_how_far_it_is_stands_in_words_and_as_a_bar(view, render):
    page = render(loyalty(), view(customer=customer(points=480)))
    bar = page.find(".//progress")
    assert (bar.get("value"), bar.get("max"), bar.get("aria-labelledby")) == ("480", "600", "w1-next")
    assert "120 points to go" in "".join(page.itertext())
    assert "".join(page.find(".//p[@id='w1-next']").itertext()) == "Next reward: A candle"


@pytest.mark.parametrize("facts", [None, customer(), customer(points=0)])
def test_where_there_is_nothing_to_tell_nothing_shows(view, facts):
    assert loyalty().context(view(customer=facts)) is None


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"url": "javascript:x"}, "cannot be linked"),
        ({"point_for": {"amount": "0", "currency": "EUR"}}, "point_for is nothing"),
        ({"rewards": [{"name": "x", "points": 0}]}, ">= 1"),
        ({"tiers": [{"name": "x"}]}, "missing required field `from`"),
        ({"colour": "gold"}, "unknown field"),
    ],
)
def test_impossible_settings_are_refused(settings, problem):
    with pytest.raises(msgspec.ValidationError, match=problem):
        loyalty(**settings)

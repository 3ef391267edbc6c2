"""Loyalty: where a customer stands in the shop's programme, and how far the next reward is."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct, field

from doorstep import (
    TROUBLE,
    CustomerFacts,
    Money,
    Need,
    OwnWords,
    When,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
    is_web_address,
)

Points = Annotated[int, Meta(ge=0, le=10_000_000)]


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """A name for those who have so many points, `from` on."""

    name: OwnWords
    start: Points = field(name="from")


class Reward(Struct, frozen=True, forbid_unknown_fields=True):
    """Something to be had for so many points."""

    name: OwnWords
    points: Annotated[int, Meta(ge=1, le=10_000_000)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.loyalty]`. Points and tier are the shop's own where an order brings them; else one point is
    counted for every `point_for` that the customer's orders are worth, `points_per_order` for each."""

    programme: OwnWords = ""
    url: str = ""
    point_for: Money | None = None
    points_per_order: Points = 0
    tiers: tuple[Tier, ...] = ()
    rewards: tuple[Reward, ...] = ()

    def __post_init__(self) -> None:
        if self.url and not is_web_address(self.url, paths=True):
            raise ValueError(f"url {self.url!r} cannot be linked: write https://… or a path that starts with one /")
        if self.point_for is not None and self.point_for.amount <= 0:
            raise ValueError('point_for is nothing: write what one point costs, as { amount = "1", currency = "EUR" }')


class Context(Struct, frozen=True):
    """For the template. `points` is None where nobody counts any; `reward` is the next one, `missing` the points to it and
    `of` those it takes; `reached` is the best one that can be had already."""

    programme: str
    url: str
    tier: str
    points: int | None
    reward: str = ""
    missing: int = 0
    of: int = 0
    reached: str = ""


class Loyalty(Widget[Settings]):
    name = "loyalty"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {
        "programme": "Friends of the mill",
        "url": "https://shop.example/friends",
        "rewards": [{"name": "Free delivery", "points": 250}, {"name": "A candle of your choice", "points": 600}],
    }
    when = When(except_status=TROUBLE)
    needs = frozenset({Need.CUSTOMER})

    def context(self, view: WidgetView) -> Context | None:
        if view.customer is None:
            return None
        points = self._points(view.customer)
        tier = view.customer.tier or self._tier(points, view.language)
        if not tier and not points:
            return None
        rewards = sorted(self.settings.rewards, key=lambda one: one.points)
        reached = [one for one in rewards if one.points <= (points or 0)]
        to_come = rewards[len(reached) :] if points is not None else []
        return Context(
            programme=_words(self.settings.programme, view),
            url=self.settings.url,
            tier=tier,
            points=points,
            reached=_words(reached[-1].name, view) if reached else "",
            reward=_words(to_come[0].name, view) if to_come else "",
            missing=to_come[0].points - (points or 0) if to_come else 0,
            of=to_come[0].points if to_come else 0,
        )

    def _points(self, customer: CustomerFacts) -> int | None:
        if customer.points is not None:
            return customer.points
        said = self.settings
        if said.point_for is None and not said.points_per_order:
            return None
        worth = customer.value
        bought = Decimal(0)
        if said.point_for and worth and worth.currency == said.point_for.currency:
            bought = max(Decimal(0), worth.amount // said.point_for.amount)
        return int(bought) + customer.orders * said.points_per_order

    def _tier(self, points: int | None, language: str) -> str:
        reached = [tier for tier in self.settings.tiers if points is not None and tier.start <= points]
        return in_language(max(reached, key=lambda tier: tier.start).name, language)[0] if reached else ""


def _words(words: OwnWords, view: WidgetView) -> str:
    return in_language(words, view.language)[0]


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Loyalty)

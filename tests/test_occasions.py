"""The rules of what is worth a message. It is noon on Sunday 22 November 2026, UTC; 13:00 in Berlin."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from doorstep.config import Occasion as Wish
from doorstep.message import Kind, Topic
from doorstep.models import Status
from doorstep.occasion import Why
from doorstep.occasions import occasions
from doorstep.order import Item, PackedItem, Promise

from .occasioning import NOON, day, facts, journey, said, why_not
from .orders import order

DAY = timedelta(days=1)
SURVEYED = frozenset({(Kind.SURVEY, "")})


def at(number: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def test_each_state_says_its_message_and_no_other() -> None:
    said_of = {
        "accepted": Kind.ON_ITS_WAY, "in_transit": Kind.ON_ITS_WAY, "customs": Kind.ON_ITS_WAY,
        "out_for_delivery": Kind.ARRIVES_TODAY, "available_for_pickup": Kind.READY_FOR_PICKUP,
        "delivery_attempted": Kind.ATTEMPTED, "delivered": Kind.DELIVERED, "returning": Kind.RETURNED,
        "returned": Kind.RETURNED,
    }  # fmt: skip
    for status in Status:
        expected = {said_of[status]} if status in said_of else set()
        assert said(facts(journey((-2, "label_created"), (-1, status.value)))).keys() == expected, status


def test_paperwork_is_no_movement() -> None:
    told = facts(journey((-30, "pending"), (-1, "label_created")))
    assert said(told) == {}
    assert why_not(told, Kind.ON_ITS_WAY) is Why.NOT_YET


def test_what_happened_long_before_it_was_noticed_is_too_late() -> None:
    delivered = facts(journey((-80, "in_transit"), (-1, "delivered"), since=-49))
    assert why_not(delivered, Kind.DELIVERED) is Why.STALE
    assert Kind.DELIVERED in said(facts(journey((-80, "in_transit"), (-1, "delivered"), since=-47)))


def test_a_parcel_that_had_arrived_before_the_shop_told_of_it_says_nothing() -> None:
    told = facts(journey((-1, "delivered"), since=-5, known=-2), leads=SURVEYED)
    assert said(told) == {}
    assert why_not(told, Kind.DELIVERED) is Why.PAST
    assert why_not(told, Kind.SURVEY) is Why.PAST
    # It was told of before, and was not looked at until it had arrived.
    assert said(facts(journey((-1, "delivered"), since=-5, known=-20))).keys() == {Kind.DELIVERED}


def test_arrives_today_is_said_by_the_driver_or_by_the_day_and_then_not_that_it_is_on_its_way() -> None:
    today = facts(journey((-1, "in_transit", {"expected": day(22)})))
    assert said(today).keys() == {Kind.ARRIVES_TODAY}
    by_day = said(today)[Kind.ARRIVES_TODAY]
    # From midnight to midnight in Berlin, which is an hour before UTC.
    assert (by_day.at, by_day.until) == (at(21, 23), at(22, 23))
    by_driver = said(facts(journey((-9, "in_transit", {"expected": day(22)}), (-1, "out_for_delivery"))))
    assert by_driver[Kind.ARRIVES_TODAY].once == by_day.once
    assert said(facts(journey((-1, "in_transit", {"expected": day(23)})))).keys() == {Kind.ON_ITS_WAY}


def test_a_day_that_is_put_off_every_day_is_announced_once_unless_the_driver_has_it() -> None:
    once = "arrives_today:pcl_1:2026-11-21"
    put_off = journey((-30, "in_transit", {"expected": day(21)}), (-3, "in_transit", {"expected": day(22)}))
    assert said(facts(put_off, told=frozenset({once}))).keys() == {Kind.ON_ITS_WAY}
    driven = journey((-30, "in_transit", {"expected": day(21)}), (-3, "out_for_delivery", {"expected": day(22)}))
    assert said(facts(driven, told=frozenset({once}))).keys() == {Kind.ARRIVES_TODAY}


def test_out_for_delivery_yesterday_is_not_today() -> None:
    told = facts(journey((-40, "in_transit"), (-26, "out_for_delivery")))
    assert why_not(told, Kind.ARRIVES_TODAY) is Why.STALE


def test_what_was_overtaken_is_not_said() -> None:
    told = facts(journey((-9, "out_for_delivery"), (-8, "delivery_attempted"), (-1, "delivered")))
    assert said(told).keys() == {Kind.DELIVERED}
    assert why_not(told, Kind.ATTEMPTED) is Why.OVERTAKEN
    assert why_not(told, Kind.ON_ITS_WAY) is Why.OVERTAKEN


def test_who_has_not_picked_up_is_reminded_two_days_before_it_goes_back() -> None:
    waiting = journey((-24, "available_for_pickup"), until=day(27))
    reminder = next(one for one in occasions(facts(waiting)) if one.kind is Kind.PICKUP_REMINDER)
    assert reminder.why is None
    # The 25th and the end of the 27th in Berlin.
    assert (reminder.at, reminder.until) == (at(24, 23), at(27, 23))
    sooner = facts(waiting, kinds={Kind.PICKUP_REMINDER: Wish(days=1)})
    assert next(one.at for one in occasions(sooner) if one.kind is Kind.PICKUP_REMINDER) == at(25, 23)


def test_who_has_not_picked_up_is_reminded_after_five_days_where_it_is_not_known_when_it_goes_back() -> None:
    waiting = facts(journey((-24, "available_for_pickup")))
    assert next(one.at for one in occasions(waiting) if one.kind is Kind.PICKUP_REMINDER) == at(25, 23)
    assert said(waiting).keys() == {Kind.READY_FOR_PICKUP}


def test_nobody_is_reminded_on_the_day_it_came() -> None:
    told = facts(journey((-1, "available_for_pickup"), until=day(24)), hours=12)
    assert why_not(told, Kind.PICKUP_REMINDER) is Why.OVERTAKEN


def test_each_attempt_is_said() -> None:
    first = said(facts(journey((-30, "out_for_delivery"), (-28, "delivery_attempted"))))[Kind.ATTEMPTED]
    tries = journey(
        (-30, "out_for_delivery"), (-28, "delivery_attempted"), (-4, "out_for_delivery"), (-1, "delivery_attempted")
    )
    second = said(facts(tries))[Kind.ATTEMPTED]
    assert first.once != second.once
    # The carrier has another reason, and was there no more.
    same = journey(
        (-30, "out_for_delivery"), (-28, "delivery_attempted"), (-20, "delivery_attempted", {"reason": "absent"})
    )
    assert said(facts(same))[Kind.ATTEMPTED].once == first.once


def test_a_delay_is_said_against_the_promise_and_again_for_another_day() -> None:
    promised = Promise(until=day(25))
    late = facts(journey((-1, "in_transit", {"expected": day(26)})), promised=promised)
    assert said(late)[Kind.DELAYED].once == "delayed:pcl_1:2026-11-26"
    later = journey((-9, "in_transit", {"expected": day(26)}), (-1, "in_transit", {"expected": day(28)}))
    assert said(facts(later, promised=promised))[Kind.DELAYED].once == "delayed:pcl_1:2026-11-28"
    in_time = facts(journey((-1, "in_transit", {"expected": day(25)})), promised=promised)
    assert why_not(in_time, Kind.DELAYED) is Why.NOT_YET


def test_a_delay_is_said_against_the_carriers_own_word_where_it_calls_it_one() -> None:
    moved = [(-9, "in_transit", {"expected": day(24)}), (-1, "in_transit", {"expected": day(26), "delayed": True})]
    assert Kind.DELAYED in said(facts(journey(*moved)))
    moved[1][2]["delayed"] = False  # type: ignore[index]
    assert Kind.DELAYED not in said(facts(journey(*moved)))
    assert Kind.DELAYED not in said(facts(journey((-1, "in_transit", {"expected": day(24), "delayed": True}))))


def test_a_promise_that_is_only_at_risk_is_no_delay() -> None:
    under_way = journey((-1, "in_transit"))
    promised = Promise(until=day(21))
    assert Kind.DELAYED not in said(facts(under_way, promised=promised, promise="at_risk"))
    assert Kind.DELAYED in said(facts(under_way, promised=promised, promise="missed"))


def test_an_order_without_a_parcel_is_late_when_its_promise_was_missed() -> None:
    told = said(facts(promised=Promise(until=day(21)), promise="missed"))
    assert told[Kind.DELAYED].once == "delayed:ord_1:2026-11-21"
    assert told[Kind.DELAYED].parcel_id == ""


def test_action_is_asked_for_once_for_each_reason() -> None:
    told = said(facts(journey((-1, "customs", {"reason": "customs_payment"}), asked=True)))
    assert told[Kind.NEEDS_ACTION].once == "needs_action:pcl_1:customs_payment"
    # A pickup point says so by itself.
    assert Kind.NEEDS_ACTION not in said(facts(journey((-1, "available_for_pickup"), asked=True)))


def test_the_survey_comes_days_after_all_has_arrived() -> None:
    first = journey((-90, "in_transit"), (-80, "delivered"), id="pcl_1")
    second = journey((-90, "in_transit"), (-72, "delivered"), id="pcl_2")
    assert said(facts(first, second, leads=SURVEYED)).keys() == {Kind.SURVEY}
    assert Kind.SURVEY not in said(facts(first, second, leads=SURVEYED, hours=-1))
    assert Kind.SURVEY not in said(facts(first, second))
    open_one = journey((-90, "in_transit"), id="pcl_2")
    assert why_not(facts(first, open_one, leads=SURVEYED), Kind.SURVEY) is Why.NOT_YET
    lost = journey((-90, "lost"), id="pcl_2")
    assert why_not(facts(first, lost, leads=SURVEYED), Kind.SURVEY) is Why.INCOMPLETE


def test_the_survey_waits_for_what_is_not_sent_yet() -> None:
    mug = Item("Mug", "mug", quantity=2)
    arrived = journey((-90, "in_transit"), (-80, "delivered"), items=(PackedItem("mug", 1),))
    half = facts(arrived, order=order(items=[{"name": "Mug", "id": "mug", "quantity": 2}]), leads=SURVEYED)
    assert why_not(half, Kind.SURVEY) is Why.NOT_YET
    whole = journey((-90, "in_transit"), (-80, "delivered"), items=(PackedItem("mug", mug.quantity),))
    assert Kind.SURVEY in said(facts(whole, order=half.order.order, leads=SURVEYED))


def test_one_how_to_is_told_a_day_after_its_item_arrived() -> None:
    bought = order(items=[{"name": "Pan", "id": "pan"}, {"name": "Wok", "id": "wok"}])
    leads = frozenset({(Kind.HOW_TO, "pan"), (Kind.HOW_TO, "wok")})
    arrived = journey((-40, "in_transit"), (-24, "delivered"))
    told = said(facts(arrived, order=bought, leads=leads))
    assert told[Kind.HOW_TO].item == "pan"
    assert said(facts(arrived, order=bought)).keys() == {Kind.DELIVERED}


def test_an_item_is_ordered_again_a_week_before_it_is_used_up() -> None:
    # Two of them, 20 days each: used up 40 days after they arrived, so to be ordered after 33.
    bought = order(items=[{"name": "Coffee", "id": "coffee", "quantity": 2, "lifetime": 20}])
    arrived = journey((-34 * 24, "in_transit"), (-33 * 24, "delivered"))
    assert said(facts(arrived, order=bought))[Kind.REPLENISH].item == "coffee"
    assert Kind.REPLENISH not in said(facts(arrived, order=bought, hours=-1))
    assert Kind.REPLENISH not in said(facts(arrived, order=bought, reordered=frozenset({"coffee"})))
    assert Kind.REPLENISH in said(facts(arrived, order=bought, reordered=frozenset({"tea"})))


def test_a_warranty_is_spoken_of_thirty_days_before_it_ends() -> None:
    bought = order(items=[{"name": "Radio", "warranty_until": "2026-12-22"}])
    arrived = journey((-400, "in_transit"), (-380, "delivered"))
    # The 22nd begins in Berlin at 23:00 of the 21st, UTC: thirteen hours before noon.
    assert Kind.WARRANTY in said(facts(arrived, order=bought))
    assert Kind.WARRANTY not in said(facts(arrived, order=bought, hours=-14))
    assert Kind.WARRANTY not in said(facts(journey((-4, "in_transit")), order=bought))


def test_thanks_come_after_three_six_and_twelve_months_without_an_order() -> None:
    leads = frozenset({(Kind.THANKS, "")})
    placed = datetime(2026, 8, 31, 9, tzinfo=UTC)
    told = facts(journey((-80 * 24, "delivered")), placed_at=placed, email_hash="a hash", leads=leads)
    found = [one for one in occasions(told) if one.kind is Kind.THANKS]
    assert [one.at for one in found] == [
        at(30, 9),
        datetime(2027, 2, 28, 9, tzinfo=UTC),
        datetime(2027, 8, 31, 9, tzinfo=UTC),
    ]
    again = facts(
        journey((-80 * 24, "delivered")), placed_at=placed, email_hash="a hash", leads=leads, reordered=frozenset()
    )
    assert why_not(again, Kind.THANKS) is Why.REORDERED
    unknown = facts(journey((-80 * 24, "delivered")), placed_at=placed, leads=leads)
    assert why_not(unknown, Kind.THANKS) is Why.UNKNOWN


def test_what_the_shop_switched_off_cancelled_or_erased_is_not_said() -> None:
    moving = journey((-1, "in_transit"))
    assert why_not(facts(moving, kinds={Kind.ON_ITS_WAY: Wish(send=False)}), Kind.ON_ITS_WAY) is Why.OFF
    assert {one.why for one in occasions(facts(moving, order=order(cancelled_at="2026-11-22T10:00:00Z")))} == {
        Why.CANCELLED
    }
    assert {one.why for one in occasions(facts(moving, erased_at=NOON))} == {Why.ERASED}


def test_that_it_arrives_today_hides_nothing_where_the_shop_does_not_say_it() -> None:
    today = journey((-1, "in_transit", {"expected": day(22)}))
    assert said(facts(today, kinds={Kind.ARRIVES_TODAY: Wish(send=False)})).keys() == {Kind.ON_ITS_WAY}


_STEP = st.tuples(
    st.integers(-200, -1), st.sampled_from([one.value for one in Status]),
    st.fixed_dictionaries(
        {},
        optional={
            "expected": st.dates(day(10), date(2026, 12, 10)), "delayed": st.booleans(),
            "reason": st.sampled_from(["", "weather", "customs_payment"]),
        },
    ),
)  # fmt: skip


@given(
    steps=st.lists(_STEP, max_size=8), since=st.none() | st.integers(-300, 10), until=st.none() | st.dates(day(15), day(30)),
    asked=st.booleans(), promised=st.none() | st.dates(day(15), day(30)), promise=st.sampled_from(["", "at_risk", "missed"]),
    lifetime=st.none() | st.integers(1, 36_500), quantity=st.integers(1, 100_000),
)  # fmt: skip
def test_whatever_happens_nothing_stale_nothing_twice_and_no_news_after_an_end(
    steps: list[Any], since: int | None, until: date | None, asked: bool, promised: date | None, promise: str,
    lifetime: int | None, quantity: int,
) -> None:  # fmt: skip
    steps = sorted(steps, key=lambda step: step[0])
    parcel = journey(*steps, since=since, until=until, asked=asked) if steps else journey()
    items = [{"name": "Tea", "id": "tea", "quantity": quantity, "lifetime": lifetime, "warranty_until": "2026-12-01"}]
    known = facts(
        parcel, order=order(items=items), promised=Promise(until=promised) if promised else None, promise=promise,
        leads=frozenset({(Kind.SURVEY, ""), (Kind.THANKS, ""), (Kind.HOW_TO, "tea")}), email_hash="a hash",
    )  # fmt: skip
    found = occasions(known)
    assert len({one.once for one in found}) == len(found)
    for one in found:
        assert len(one.once) <= 128
        if one.why is None:
            assert one.at is not None
            assert one.until is not None
            assert one.until > known.now
            assert one.at < one.until or one.at <= known.now
    news = {one.kind for one in found if one.why is None and one.at is not None and one.at <= known.now}
    assert {Kind.ON_ITS_WAY, Kind.ARRIVES_TODAY} - news
    if parcel.parcel.status in ("delivered", "returned", "cancelled", "lost"):
        assert {kind for kind in news if kind.topic is Topic.ORDER} <= {Kind.DELIVERED, Kind.RETURNED}

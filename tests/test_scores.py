"""What answers come to, in figures."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.scores import Asked, by_day, csat, mean, nps
from doorstep.tables import answers

BERLIN = ZoneInfo("Europe/Berlin")
COUNTS = st.dictionaries(st.integers(0, 10), st.integers(0, 50))


@pytest.mark.parametrize(
    ("counts", "figure"),
    [
        ({}, None),
        ({10: 0}, None),
        ({9: 1, 10: 1}, 100),
        ({0: 1, 6: 3}, -100),
        ({7: 5, 8: 5}, 0),
        ({10: 5, 8: 3, 3: 2}, 30),  # 50 % less 20 %
    ],
)
def test_the_nps_is_promoters_less_detractors(counts, figure):
    assert nps(counts) == figure


@pytest.mark.parametrize(
    ("counts", "figure"), [({}, None), ({4: 1, 5: 2, 3: 1}, 75), ({1: 2, 2: 1, 3: 1}, 0), ({5: 7}, 100)]
)
def test_csat_is_the_share_of_four_and_five(counts, figure):
    assert csat(counts) == figure


def test_the_mean_weighs_each_score_by_how_often_it_was_given():
    assert mean({5: 3, 1: 1}) == 4
    assert mean({}) is None


@given(COUNTS)
def test_figures_stay_in_their_range_and_do_not_depend_on_how_many_ask(counts):
    twice = {score: 2 * count for score, count in counts.items()}
    for figure, least in ((nps, -100), (csat, 0)):
        found = figure(counts)
        assert found == figure(twice)
        assert found is None or least <= found <= 100


def test_scores_are_counted_by_the_shops_day_moment_and_scale(database):
    """Berlin is an hour ahead of UTC in November: 23:30 UTC on the 21st is the 22nd there."""
    rows = [
        (
            "survey",
            "after_delivery",
            {"score": 5, "of": 5, "comment": "Good"},
            datetime(2026, 11, 21, 23, 30, tzinfo=UTC),
        ),
        ("survey", "after_delivery", {"score": 5, "of": 5}, datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("survey", "after_delivery", {"score": 2, "of": 5}, datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("survey", "on_the_way", {"score": 9, "of": 10}, datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ("survey", "on_the_way", {"score": 9, "of": 10}, datetime(2026, 11, 20, 22, 59, tzinfo=UTC)),  # the day before
        ("survey", "after_delivery", {"score": 1, "of": 5}, datetime(2026, 11, 22, 23, tzinfo=UTC)),  # the day after
        ("survey", "own", {"colour": "red"}, datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("poll", "", {"score": "many", "of": 5}, datetime(2026, 11, 22, 9, tzinfo=UTC)),
    ]
    with database.writing() as connection:
        for i, (widget, moment, data, at) in enumerate(rows):
            for store in ("main", "other")[: 1 + (i == 2)]:
                connection.execute(answers.insert().values(_row(store, widget, moment, data, at, f"s{i}")))
    first = date(2026, 11, 21)
    with database.reading() as connection:
        counted = by_day(connection, "main", first, first + timedelta(days=1), BERLIN)
    assert counted == {
        Asked("survey", "after_delivery", 5): {date(2026, 11, 22): Counter({5: 2, 2: 1})},
        Asked("survey", "on_the_way", 10): {date(2026, 11, 21): Counter({9: 1})},
    }


def _row(store, widget, moment, data, at, shipment):
    kept = {"store": store, "widget": widget, "moment": moment, "shipment": shipment}
    return {**kept, "data": msgspec.json.encode(data), "created_at": at, "updated_at": at}

"""What is counted comes out as Prometheus reads it."""

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from doorstep.freshness import Freshness
from doorstep.metrics import LoopCounter, Reading, Recent, Tally


def test_a_tally_is_a_histogram() -> None:
    registry = CollectorRegistry()
    tally = Tally("seconds", "…", [1, 5], registry=registry)
    assert registry.get_sample_value("seconds_count") is None
    for value in (0.5, 1, 3, 5, 6.5, -2):  # an edge belongs to what is below it
        tally.of().observe(value)
    told = {edge: registry.get_sample_value("seconds_bucket", {"le": edge}) for edge in ("1", "5", "+Inf")}
    assert told == {"1": 3, "5": 5, "+Inf": 6}
    assert registry.get_sample_value("seconds_count") == 6
    assert registry.get_sample_value("seconds_sum") == 16  # an age below zero is two clocks that differ


def test_a_tally_counts_each_value_of_its_label_by_itself() -> None:
    registry = CollectorRegistry()
    tally = Tally("seconds", "…", [1], registry=registry, label="kind")
    tally.of("a").observe(2)
    tally.of("b").observe(3)
    tally.of("a").observe(2)
    assert [registry.get_sample_value("seconds_sum", {"kind": kind}) for kind in "ab"] == [4, 3]


def test_a_loops_counter_counts_each_value_of_its_label_by_itself() -> None:
    registry = CollectorRegistry()
    lookups = LoopCounter("lookups", "…", label="outcome", registry=registry)
    for outcome in (Freshness.STALE, "miss", Freshness.STALE):
        lookups.counts[outcome] += 1
    told = {outcome: registry.get_sample_value("lookups_total", {"outcome": outcome}) for outcome in ("stale", "miss")}
    assert told == {"stale": 2, "miss": 1}


def test_a_reading_is_what_it_is_when_it_is_asked_for() -> None:
    registry = CollectorRegistry()
    pages = [1, 2]
    Reading(GaugeMetricFamily, "pages", "…", registry).read = lambda: len(pages)
    Reading(CounterMetricFamily, "evictions", "…", registry).read = lambda: 7
    pages.append(3)
    assert (registry.get_sample_value("pages"), registry.get_sample_value("evictions_total")) == (3, 7)


def test_the_largest_of_the_last_ten_minutes() -> None:
    recent = Recent()
    assert recent.largest(1000) is None
    recent.note(50, 1000)
    recent.note(7, 1001)
    recent.note(30, 1300)
    assert recent.largest(1500) == 50
    assert recent.largest(1700) == 30
    assert recent.largest(2400) is None

"""What is counted, in Prometheus' terms. Labels never carry numbers, names or anything of a person."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_RECENT = 10  # minutes
_AGES = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY,
)  # fmt: skip
_LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_RENDERINGS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._count_lookups()
        self._count_carriers()
        self._count_widgets()
        self._count_near_pages()
        self._count_the_process()
        self._count_the_worker()

    def _count_lookups(self) -> None:
        self.lookups = LoopCounter(
            "doorstep_lookups", "Look-ups by how they were answered; a miss had to be asked for, in time",
            label="outcome", registry=self.registry,
        )  # fmt: skip
        self.served_age = Tally(
            "doorstep_served_age_seconds", "How old what a look-up found was", _AGES, label="freshness",
            registry=self.registry,
        )  # fmt: skip
        self.outage_age = Recent()

    def _count_carriers(self) -> None:
        self.carrier_calls = self._counter(
            "carrier_calls", "Questions to an account's carrier by result", "account", "result"
        )
        self.carrier_seconds = Histogram(
            "doorstep_carrier_seconds", "Time an account's carrier took to answer", ["account"], registry=self.registry
        )
        self.breaker_open = self._gauge(
            "carrier_breaker_open", "1 while an account is left alone because its carrier keeps failing", "account"
        )
        self.budget_left = self._gauge(
            "carrier_budget_requests", "Requests an account has left of each limit, for orders and for strangers",
            "account", "limit", "share",
        )  # fmt: skip
        self.retries_left = self._gauge(
            "carrier_retries_left", "Requests of an account that may be repeated now, should they fail", "account"
        )
        self.unmapped_codes = self._counter("unmapped_codes", "Scans whose code the table does not know", "carrier")

    def _count_widgets(self) -> None:
        self.render_seconds = Tally(
            "doorstep_render_seconds", "Time a theme took for a page", _RENDERINGS, registry=self.registry
        )
        self.widget_failures = self._counter("widget_failures", "Widgets that left their slot empty", "widget")
        self.source_age = self._gauge(
            "source_age_seconds", "How old what a widget has from outside is, where it is on kept pages",
            "store", "widget", "source",
        )  # fmt: skip
        self.source_failures = self._counter(
            "source_failures", "Times that what a widget needs from outside could not be had or read",
            "store", "widget", "source",
        )  # fmt: skip
        self.codes_missing = self._counter(
            "codes_missing", "Orders that got no code, because the pool was empty", "store", "pool"
        )

    def _count_near_pages(self) -> None:
        self.near_lookups = LoopCounter(
            "doorstep_near_lookups", "Pages looked for among the finished ones, by whether they were there",
            label="result", registry=self.registry,
        )  # fmt: skip
        self.near_evictions = Reading(
            CounterMetricFamily, "doorstep_near_evictions", "Finished pages that made room for others", self.registry
        )
        self.near_pages = Reading(
            GaugeMetricFamily, "doorstep_near_pages", "Finished pages that are kept", self.registry
        )
        self.near_bytes = Reading(GaugeMetricFamily, "doorstep_near_bytes", "What they take up", self.registry)

    def _count_the_process(self) -> None:
        self.loop_lag = Tally(
            "doorstep_loop_lag_seconds", "How late the event loop came to what was to be done now", _LAGS,
            registry=self.registry,
        )  # fmt: skip
        self.loop_held = self._counter(
            "loop_held", "Times the event loop was held for longer than it may be, by who held it", "by"
        )
        self.webhooks = self._counter(
            "webhooks", "Deliveries to a webhook's endpoint by result", "store", "endpoint", "result"
        )
        self.messages = self._counter(
            "messages", "Messages to shoppers by what became of an attempt", "kind", "channel", "result"
        )
        self.reports = self._counter(
            "message_reports", "Reports of a channel's provider by what became of them", "account", "result"
        )
        self.pushes = self._counter(
            "pushes", "Pushes of an account's carrier by what became of them", "account", "result"
        )
        self.cache_failures = self._counter(
            "cache_failures", "Times the shared cache did not answer, or with what cannot be used", "operation"
        )
        self.looks_loaded = self._counter(
            "looks_loaded", "Times that themes and settings were loaded anew, by what came of it", "result"
        )

    def _count_the_worker(self) -> None:
        self.worker_due = self._gauge("worker_due", "Parcels of orders to be asked about now")
        self.worker_lag = self._gauge("worker_lag_seconds", "For how long the first of them is due")
        self.messages_due = self._gauge("messages_due", "Messages to be sent now")
        self.messages_lag = self._gauge("messages_lag_seconds", "For how long the first of them is due")
        self.worker_claims = self._counter("worker_claims", "Parcels a worker took on")
        self.worker_refreshed = self._counter(
            "worker_refreshed", "Parcels a worker was done with, by what came of it", "result"
        )

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"doorstep_{name}", documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"doorstep_{name}", documentation, labels, registry=self.registry)

    def render(self) -> bytes:
        return generate_latest(self.registry)


class Counted(Struct, frozen=True, gc=False):
    """A value, with the bucket that it lies in."""

    bucket: int
    value: float


class Counts:
    """How many values lie up to each edge and above the one before, with their sum; beyond the last edge, too."""

    __slots__ = ("_edges", "counts", "sum")

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.again(self.counted(value))

    def counted(self, value: float) -> Counted:
        """A value that may be counted `again`, at once or later."""
        # Clocks differ: what another machine kept may be from a moment to come.
        return Counted(bisect_left(self._edges, value), value if value > 0 else 0.0)

    def again(self, counted: Counted) -> None:
        """Counts a value, once more."""
        self.counts[counted.bucket] += 1
        self.sum += counted.value


class LoopCounter(Collector):
    """A counter that one thread counts, the loop's: by an integer for each value of its label, without a lock."""

    def __init__(self, name: str, documentation: str, *, label: str, registry: CollectorRegistry) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self._name = f"{name}_total"
        self._documentation = documentation
        self._labelnames = (label,)
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for value, count in self.counts.items():
            family.add_metric([value], count)
        return [family]


class Tally(Collector):
    """A histogram that one thread counts, the loop's: by integers without a lock, put together when it is read."""

    def __init__(
        self, name: str, documentation: str, edges: Sequence[float], *, registry: CollectorRegistry, label: str = ""
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = (label,) if label else ()
        self._edges = edges
        self._of: dict[str, Counts] = {}
        registry.register(self)

    def of(self, value: str = "") -> Counts:
        """What is counted under this value of the label."""
        if value not in self._of:
            self._of[value] = Counts(self._edges)
        return self._of[value]

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
        edges = [*map(str, self._edges), "+Inf"]
        for value, counted in self._of.items():
            buckets = list(zip(edges, accumulate(counted.counts), strict=True))
            family.add_metric([value][: len(self._labelnames)], buckets, counted.sum)
        return [family]


class Recent:
    """The largest of the values of the last ten minutes."""

    def __init__(self) -> None:
        self._of_minute: dict[int, float] = {}

    def note(self, value: float, now: float) -> None:
        self._forget(now)
        minute = int(now // _MINUTE)
        self._of_minute[minute] = max(value, self._of_minute.get(minute, value))

    def largest(self, now: float) -> float | None:
        self._forget(now)
        return max(self._of_minute.values(), default=None)

    def _forget(self, now: float) -> None:
        first = int(now // _MINUTE) - _RECENT
        self._of_minute = {minute: value for minute, value in self._of_minute.items() if minute >= first}


class Reading(Collector):
    """A value that others keep: who does sets `read`, which is called when somebody wants to know."""

    def __init__(
        self, family: type[CounterMetricFamily | GaugeMetricFamily], name: str, documentation: str,
        registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self.read: Callable[[], float] = float
        self._family = family
        self._name = f"{name}_total" if family is CounterMetricFamily else name
        self._documentation = documentation
        self._labelnames = ()
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        return [self._family(self._name, self._documentation, value=self.read())]

"""What is counted, in Prometheus' terms. Labels never carry numbers, names or anything of a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.lookups = Counter(
            "doorstep_lookups", "Lookups by how they were answered", ["outcome"], registry=self.registry
        )
        self.carrier_calls = Counter(
            "doorstep_carrier_calls", "Questions to a carrier by result", ["carrier", "result"], registry=self.registry
        )
        self.carrier_seconds = Histogram(
            "doorstep_carrier_seconds", "Time a carrier took to answer", ["carrier"], registry=self.registry
        )
        self.unmapped_codes = Counter(
            "doorstep_unmapped_codes", "Scans whose code the table does not know", ["carrier"], registry=self.registry
        )
        self.widget_failures = Counter(
            "doorstep_widget_failures", "Widgets that left their slot empty", ["widget"], registry=self.registry
        )
        self.webhooks = Counter(
            "doorstep_webhooks", "Deliveries to a webhook's endpoint by result", ["store", "endpoint", "result"],
            registry=self.registry,
        )  # fmt: skip
        self.cache_failures = Counter(
            "doorstep_cache_failures", "Times the shared cache did not answer", ["operation"], registry=self.registry
        )
        self.worker_due = Gauge(
            "doorstep_worker_due", "Parcels of orders to be asked about now", registry=self.registry
        )
        self.worker_lag = Gauge(
            "doorstep_worker_lag_seconds", "For how long the first of them is due", registry=self.registry
        )
        self.worker_claims = Counter("doorstep_worker_claims", "Parcels a worker took on", registry=self.registry)
        self.worker_refreshed = Counter(
            "doorstep_worker_refreshed", "Parcels a worker was done with, by what came of it", ["result"],
            registry=self.registry,
        )  # fmt: skip

        self.near_hits = 0  # since the last time: cheaper to count, on the hottest path, than a counter

    def render(self) -> bytes:
        self.lookups.labels("fresh").inc(self.near_hits)
        self.near_hits = 0
        return generate_latest(self.registry)

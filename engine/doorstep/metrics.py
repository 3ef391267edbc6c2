"""What is counted, in Prometheus' terms. Labels never carry numbers, names or anything of a person."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

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
        self.cache_failures = Counter(
            "doorstep_cache_failures", "Times the shared cache did not answer", ["operation"], registry=self.registry
        )

    def render(self) -> bytes:
        return generate_latest(self.registry)

"""Time that moves only when a test says so."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A `doorstep.clock.Clock` that stands still at noon, UTC, until it is advanced."""

    def __init__(self, now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Both clocks go on, as they do while nobody sets the wall clock."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

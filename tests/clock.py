"""Time that moves only when a test says so."""

import asyncio
import selectors
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


class _Skipping(selectors.SelectSelector):
    """Waits for nothing; says how long it would have."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.skipped += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes when nobody has work to do."""

    def __init__(self) -> None:
        self.selector = _Skipping()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.skipped

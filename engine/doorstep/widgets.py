"""A store's widgets: made from its settings, rendered each by itself into its slot; one that fails leaves its slot empty."""

import asyncio
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from markupsafe import Markup
from msgspec import Struct

from .errors import ConfigError, DoorstepError
from .i18n import Localizer
from .lane import Lane
from .looks import Look
from .metrics import Metrics
from .plugins import WidgetOffer
from .settings import convert
from .widget import FormProblem, Submission, Widget, WidgetView

T = TypeVar("T")
LONGEST = 0.25  # seconds a widget may think

log = structlog.get_logger("doorstep.widgets")


class Placed(Struct, frozen=True):
    """A widget of a store and the slot it stands in."""

    widget: Widget[Any]
    slot: str
    folder: Path


class WidgetProblem(Struct, frozen=True):
    """A widget that a store asks for and cannot have."""

    widget: str
    reason: str
    next_step: str


def place_widgets(
    wanted: Mapping[str, Mapping[str, Any]], offers: Mapping[str, WidgetOffer], *, store: str, file: str, base: Path
) -> tuple[list[Placed], list[WidgetProblem]]:
    """The widgets of `[stores.<store>.widgets]`, in order, and those that cannot be had, with the reason."""
    placed: list[Placed] = []
    problems: list[WidgetProblem] = []
    for name, raw in wanted.items():
        path = f"stores.{store}.widgets.{name}"
        try:
            if name not in offers:
                known = ", ".join(sorted(offers)) or "none"
                raise ConfigError(f"{file}: {path}: no plugin offers this widget", next_step=f"installed: {known}")
            offer = offers[name]
            own = {key: value for key, value in raw.items() if key != "slot"}
            settings = convert(own, offer.type.settings_type, path=path, file=file, base=base)
            placed.append(Placed(offer.type(settings), str(raw.get("slot", offer.type.slot)), offer.folder))
        except DoorstepError as error:
            problems.append(WidgetProblem(name, error.message, error.next_step))
    return placed, problems


class Filled(dict[str, Markup]):
    """What stands in each slot. `shown` are the widgets that have something to say."""

    shown: tuple[str, ...] = ()


class Widgets:
    """Renders the widgets of one store."""

    def __init__(self, placed: Sequence[Placed], look: Look, metrics: Metrics) -> None:
        self._placed = {one.widget.name: one for one in placed}
        self._look = look
        self._metrics = metrics
        self._lane: Lane | None = None
        self.longest = LONGEST
        self.failures = 0

    def __contains__(self, name: str) -> bool:
        return name in self._placed

    async def slots(self, views: Mapping[str, WidgetView], localizer: Localizer) -> Filled:
        """What stands in each slot, given the view of each widget by name."""
        seen = [one for name, one in self._placed.items() if name in views and views[name].level >= one.widget.level]
        contexts = [self._start(one, partial(one.widget.context, views[one.widget.name])) for one in seen]
        filled = Filled()
        for placed, context in zip(seen, contexts, strict=True):
            if said := await self._render(placed, context, views[placed.widget.name], localizer):
                filled[placed.slot] = filled.get(placed.slot, Markup()) + said
                filled.shown += (placed.widget.name,)
        return filled

    async def submit(self, name: str, form: Mapping[str, str], view: WidgetView) -> Submission:
        """What a widget reads from a sent form. Raises FormProblem; a widget that fails refuses the form."""
        placed = self._placed[name]
        try:
            submission = await self._start(placed, partial(placed.widget.submit, form, view))
        except FormProblem:
            raise
        except Exception as error:
            self._failed(name, type(error).__name__, _place(error))
            raise FormProblem("Your answer could not be read. Please try again.") from None
        if not isinstance(submission, Submission):
            self._failed(name, "TypeError", f"submit() returned {type(submission).__name__}")
            raise FormProblem("Your answer could not be read. Please try again.")
        return submission

    def _start(self, placed: Placed, work: Callable[[], T]) -> asyncio.Future[T]:
        """Plugin code, off the loop, one widget's beside the other's."""
        loop = asyncio.get_running_loop()
        if self._lane is None or self._lane.loop is not loop:
            self._lane = Lane(loop)
        return self._lane.start(placed.widget.name, work, longest=self.longest)

    async def _render(
        self, placed: Placed, coming: asyncio.Future[Struct | None], view: WidgetView, localizer: Localizer
    ) -> Markup:
        name = placed.widget.name
        try:
            context = await coming
            if context is None:
                return Markup()
            return self._look.render_widget(
                name, context, view, localizer, view.store.base, widget_id=f"widget-{name.replace('_', '-')}"
            )
        except Exception as error:  # whatever a plugin does, the page goes out
            self._failed(name, type(error).__name__, str(error))
            return Markup()

    def _failed(self, name: str, error: str, detail: str) -> None:
        self.failures += 1
        self._metrics.widget_failures.labels(name).inc()
        log.error("widget failed, its slot stays empty", widget=name, error=error, detail=detail)


def _place(error: Exception) -> str:
    """Where it was raised. Its words may be those that a shopper has typed, and are not for logs."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    file = Path(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{line}"

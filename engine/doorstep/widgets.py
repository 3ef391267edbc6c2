"""A store's widgets: made from its settings, rendered each by itself into its slot; one that fails leaves its slot empty."""

import asyncio
import traceback
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
from markupsafe import Markup
from msgspec import Struct, structs

from .errors import ConfigError, DoorstepError
from .i18n import Localizer
from .lane import Lane
from .looks import Look
from .message import Kind, Topic
from .metrics import Metrics
from .occasion import key_of
from .order import Item
from .plugins import WidgetOffer
from .proof import NUMBER, sees
from .rules import asks_for_customer, holds, merged
from .scenes import Declared, Scene, declared, facts_of, same_for_all, view_of
from .settings import convert
from .sources import Sources
from .widget import CodeRule, FormProblem, ItemFacts, Need, Source, Submission, When, Widget, WidgetView

T = TypeVar("T")
LONGEST = 0.25  # seconds a widget may think

_MOST_KEPT = 256  # pages of which it is known what their widgets say
_LONGEST_KEPT = 20_000  # characters

_LATER = [kind for kind in Kind if kind.topic is Topic.MORE]
_ENGINE_KEYS = frozenset({"slot", "when"})
_OPTIONAL = frozenset(rule.name for rule in structs.fields(When) if rule.default is None)

log = structlog.get_logger("doorstep.widgets")


class Placed(Struct, frozen=True):
    """A widget of a store: the slot it stands in, when it shows, what it declared to see."""

    widget: Widget[Any]
    slot: str
    when: When
    declared: Declared
    folder: Path

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def has_sources(self) -> bool:
        return type(self.widget).sources is not Widget.sources


class WidgetProblem(Struct, frozen=True):
    """A widget that a store asks for and cannot have."""

    widget: str
    reason: str
    next_step: str


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of every widget's settings that are the engine's."""

    slot: str = ""
    when: When = When()


class Wants(Struct, frozen=True):
    """What must be known of a page for a store's widgets, all together."""

    needs: frozenset[Need]
    answers: frozenset[str]  # of these widgets
    customer: bool  # to see, or for a rule


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
            placed.append(_placed(offers[name], raw, path=path, file=file, base=base))
        except DoorstepError as error:
            problems.append(WidgetProblem(name, error.message, error.next_step))
    return placed, problems


def _placed(offer: WidgetOffer, raw: Mapping[str, Any], *, path: str, file: str, base: Path) -> Placed:
    """Raises ConfigError or PluginError."""
    read = partial(convert, path=path, file=file, base=base)
    place = read({key: value for key, value in _taken_back(raw).items() if key in _ENGINE_KEYS}, Place)
    settings = read({key: value for key, value in raw.items() if key not in _ENGINE_KEYS}, offer.type.settings_type)
    try:
        when = merged(offer.type.when, raw.get("when", {}), place.when)
    except ValueError as error:
        raise ConfigError(f"{file}: {path}.when: it never shows: {error}", next_step="correct one of them") from None
    try:
        widget = offer.type(settings)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{file}: {path}: {type(error).__name__}: {error}", next_step="correct the value") from None
    return Placed(widget, place.slot or offer.type.slot, when, declared(widget), offer.folder)


def _taken_back(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """With "" as nothing where a rule may be none: how a store takes a widget's own back, as TOML cannot write null."""
    if not isinstance(when := raw.get("when"), Mapping):
        return raw
    return {**raw, "when": {name: None if name in _OPTIONAL and value == "" else value for name, value in when.items()}}


class Filled(dict[str, Markup]):
    """What stands in each slot. `shown` are the widgets that have something to say."""

    shown: tuple[str, ...] = ()


class _Turn(Struct):
    """A widget on a page, and what it said the last time: `html`, of a context that is told from others by `told`."""

    placed: Placed
    view: WidgetView
    told: bytes = b""
    html: Markup | None = None

    @property
    def is_known(self) -> bool:
        """Whether it says the same again; where it reads sources, they may say something else."""
        return self.html is not None and not self.placed.has_sources


class Widgets:
    """Renders the widgets of one store."""

    def __init__(
        self, placed: Sequence[Placed], look: Look, metrics: Metrics, *, store: str = "", sources: Sources | None = None
    ) -> None:
        self._placed = {one.name: one for one in placed}
        self._look = look
        self._metrics = metrics
        self._store = store
        self._sources = sources
        self._lane: Lane | None = None
        self._turns: dict[Hashable, list[_Turn]] = {}  # on pages that many parcels have
        self.wants = _wants(placed)
        self.longest = LONGEST
        self.gaps = 0  # times that something was missing from a page which may be there a moment later

    def without_rules(self) -> "Widgets":
        """The same, shown on every page."""
        always = [structs.replace(one, when=When()) for one in self._placed.values()]
        return Widgets(always, self._look, self._metrics, store=self._store, sources=self._sources)

    def __contains__(self, name: str) -> bool:
        return name in self._placed

    def codes(self) -> dict[str, CodeRule]:
        """How orders get a code, of each widget that gives one; none of one that fails."""
        found = {}
        for name, placed in self._placed.items():
            try:
                rule = placed.widget.codes()
                if rule is not None:
                    found[name] = msgspec.convert(msgspec.to_builtins(rule), CodeRule)
            except Exception as error:
                self._failed(name, type(error).__name__, str(error))
        return found

    def leads(self, items: Sequence[Item]) -> frozenset[tuple[Kind, str]]:
        """What messages after the arrival of these items lead to something here, each with the item's key or ""."""
        told = [("", None), *((key_of(item), facts_of(item)) for item in items)]
        following = [one.widget for one in self._placed.values() if type(one.widget).follows is not Widget.follows]
        return frozenset(
            (kind, key)
            for widget in following
            for kind in _LATER
            for key, facts in told
            if self._leads(widget, kind, facts)
        )

    def _leads(self, widget: Widget[Any], kind: Kind, facts: ItemFacts | None) -> bool:
        try:
            return widget.follows(kind, facts)
        except Exception as error:
            self._failed(widget.name, type(error).__name__, _place(error))
            return False

    async def slots(self, scene: Scene, localizer: Localizer) -> Filled:
        """What stands in each slot of a page."""
        turns = self._turns_on(scene, localizer)
        begun = [None if one.is_known else self._context(one.placed, one.view) for one in turns]
        filled = Filled()
        for turn, coming in zip(turns, begun, strict=True):
            placed = turn.placed
            if said := turn.html if coming is None else await self._render(turn, coming, localizer):
                filled[placed.slot] = filled[placed.slot] + said if placed.slot in filled else said
                filled.shown += (placed.name,)
        return filled

    def _turns_on(self, scene: Scene, localizer: Localizer) -> list[_Turn]:
        """The widgets that show on a page; those of another page that is the same to them, where there was one."""
        of_all = same_for_all(scene)
        turns = None if of_all is None else self._turns.get((of_all, localizer))
        if turns is None:
            turns = [_Turn(one, view_of(scene, one.declared)) for one in self._placed.values() if _shows(one, scene)]
            if of_all is not None:
                if len(self._turns) >= _MOST_KEPT:
                    self._turns.clear()
                self._turns[of_all, localizer] = turns
        return turns

    @property
    def have_sources(self) -> bool:
        return any(one.has_sources for one in self._placed.values())

    async def sources(self, scene: Scene) -> dict[str, Sequence[Source]]:
        """What each widget needs from outside for a page, by the widget's name."""
        placed = [one for one in self._placed.values() if one.has_sources]
        wanted = [self._start(one, partial(one.widget.sources, view_of(scene, one.declared))) for one in placed]
        found: dict[str, Sequence[Source]] = {}
        for one, coming in zip(placed, wanted, strict=True):
            try:
                found[one.name] = await coming
            except Exception as error:
                self._failed(one.name, type(error).__name__, str(error))
        return found

    async def submit(self, name: str, form: Mapping[str, str], scene: Scene) -> Submission:
        """What a widget reads from a sent form. Raises FormProblem, also for a widget that the page does not show; one that
        fails refuses the form."""
        placed = self._placed[name]
        if not holds(placed.when, scene):
            raise FormProblem("This question cannot be answered for this parcel right now.")
        try:
            submission = await self._start(placed, partial(placed.widget.submit, form, view_of(scene, placed.declared)))
        except FormProblem:
            raise
        except Exception as error:
            self._failed(name, type(error).__name__, _place(error))
            raise FormProblem("Your answer could not be read. Please try again.") from None
        if not isinstance(submission, Submission):
            self._failed(name, "TypeError", f"submit() returned {type(submission).__name__}")
            raise FormProblem("Your answer could not be read. Please try again.")
        if submission.consents and not sees(scene.level, "order.messages"):
            self._failed(name, "ValueError", "submit() asked for messages where only a number is known")
            raise FormProblem("Your answer could not be read. Please try again.")
        return submission

    def _context(self, placed: Placed, view: WidgetView) -> asyncio.Future[Struct | None]:
        """The values of a widget's template, under way."""
        if placed.has_sources and self._sources is not None:
            return asyncio.ensure_future(self._with_sources(placed, view, self._sources))
        return self._start(placed, partial(placed.widget.context, view))

    async def _with_sources(self, placed: Placed, view: WidgetView, sources: Sources) -> Struct | None:
        wanted = await self._start(placed, partial(placed.widget.sources, view))
        read = await sources.read(self._store, placed.name, wanted, shared=view.level == NUMBER)
        self.gaps += read.pending
        return await self._start(placed, partial(placed.widget.context, structs.replace(view, sources=read.values)))

    def _start(self, placed: Placed, work: Callable[[], T]) -> asyncio.Future[T]:
        """Plugin code, off the loop, one widget's beside the other's."""
        loop = asyncio.get_running_loop()
        if self._lane is None or self._lane.loop is not loop:
            self._lane = Lane(loop)
        return self._lane.start(placed.name, work, longest=self.longest)

    async def _render(self, turn: _Turn, coming: asyncio.Future[Struct | None], localizer: Localizer) -> Markup:
        name, view = turn.placed.name, turn.view
        try:
            context = await coming
            if context is None:
                told, said = b"", Markup()
            elif (told := _as_bytes(context)) and told == turn.told and turn.html is not None:
                said = turn.html
            else:
                said = self._look.render_widget(
                    name, context, view, localizer, view.store.base, widget_id=f"widget-{name.replace('_', '-')}"
                )
            if len(said) <= _LONGEST_KEPT:
                turn.told, turn.html = told, said
            return said
        except Exception as error:  # whatever a plugin does, the page goes out
            self._failed(name, type(error).__name__, str(error))
            return Markup()

    def _failed(self, name: str, error: str, detail: str) -> None:
        self.gaps += 1
        self._metrics.widget_failures.labels(name).inc()
        log.error("widget failed, its slot stays empty", widget=name, error=error, detail=detail)


def _as_bytes(context: Struct) -> bytes:
    """What tells values from others that are written otherwise; nothing where that cannot be told."""
    try:
        return _TELLING.encode(context)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return b""


def _told_apart(value: object) -> msgspec.msgpack.Ext:
    """HTML is written otherwise than the same words."""
    if type(value) is Markup:
        return msgspec.msgpack.Ext(1, value.encode())
    raise TypeError


_TELLING = msgspec.msgpack.Encoder(enc_hook=_told_apart)


def _shows(placed: Placed, scene: Scene) -> bool:
    """As its rules say. A form that was refused comes back whatever they say, so that nothing is lost that was typed; but
    never to a reader who may not see the widget."""
    is_back = scene.typed is not None and scene.typed.name == placed.name
    return holds(When(level=placed.when.level) if is_back else placed.when, scene)


def _wants(placed: Iterable[Placed]) -> Wants:
    all_needs = [one.declared.needs for one in placed]
    needs = frozenset[Need]().union(*all_needs)
    ruled = any(asks_for_customer(one.when) for one in placed)
    answers = frozenset(name for one in placed for name in one.declared.answers_of)
    return Wants(needs, answers, customer=ruled or Need.CUSTOMER in needs)


def _place(error: Exception) -> str:
    """Where it was raised. Its words may be those that a shopper has typed, and are not for logs."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    file = Path(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{line}"

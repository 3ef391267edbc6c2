"""Notify: tell me when something happens. Who wants it presses a button; the address is asked before anything is sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from doorstep import (
    Agreed,
    Browsers,
    ConsentRequest,
    FormProblem,
    Need,
    OwnWords,
    Reach,
    Submission,
    Topic,
    Way,
    When,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
    mail_address,
    phone_number,
    push_subscription,
)

_WHAT = "What shall we tell you?"
_NOT_SENT = "Your answer was not sent. Please send it again."
_INCOMPLETE = {
    Reach.EMAIL: "Please write the whole email address, such as name@shop.example.",
    Reach.PHONE: "Please write the number with the code of the country, such as +33.",
}


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.notify]`. With `more` it also asks whether surveys, tips, reminders and offers are wanted."""

    title: OwnWords = ""
    more: bool = True


class Field(Struct, frozen=True):
    """A way as the form shows it: a box to tick where the address is known (`shown`), else a field to write it in."""

    reach: str
    shown: str
    value: str
    ticked: bool


class Context(Struct, frozen=True):
    """For the template. `state` is on, asked, or empty; `topics` are those that can be asked for, and whether they are ticked;
    `url` leads to where all of it is chosen; `browsers` is there where the store reaches browsers."""

    title: str
    title_language: str  # BCP 47; empty where the title is the translated one
    state: str
    topics: tuple[tuple[str, bool], ...]
    fields: tuple[Field, ...]
    url: str
    browsers: Browsers | None


class Notify(Widget[Settings]):
    name = "notify"
    slot = "after_answer"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {}
    when = When(level=1)
    needs = frozenset({Need.MESSAGES})

    def context(self, view: WidgetView) -> Context | None:
        if view.messages is None:
            return None
        ways = _written_to(view)
        state = _state(view.messages.ways)
        open_to = self._open(ways) if state != Agreed.ASKED or view.problem else ()
        return Context(
            *in_language(self.settings.title, view.language),
            state,
            tuple((one.value, _ticked(one, view)) for one in open_to),
            tuple(_field(way, view, first=way is ways[0]) for way in ways if _offered(way, open_to)),
            view.messages.url,
            view.messages.browsers,
        )

    def submit(self, form: Mapping[str, str], view: WidgetView) -> Submission:
        """What is asked for, by each way that was ticked or whose address was written; or by a browser, of which there may be
        more."""
        ways = _written_to(view)
        if form.get("website") or view.messages is None:
            raise FormProblem(_NOT_SENT)
        if "push_address" in form:
            return Submission(consents=(_browser(form["push_address"]),))
        topics = tuple(one for one in self._open(ways) if form.get(one))
        if not topics:
            raise FormProblem(_WHAT)
        wanted = [one for way in ways if (one := _request(way, topics, form)) is not None]
        if not wanted:
            raise FormProblem(_INCOMPLETE[ways[0].reach])
        return Submission(consents=tuple(wanted))

    def _open(self, ways: Sequence[Way]) -> tuple[Topic, ...]:
        """The topics that are not on by every way."""
        asks = (Topic.ORDER, Topic.MORE) if self.settings.more else (Topic.ORDER,)
        return tuple(one for one in asks if any(_stands(way, one) is not Agreed.ON for way in ways))


def _written_to(view: WidgetView) -> tuple[Way, ...]:
    """The ways to an address, which a form asks for by itself."""
    ways = view.messages.ways if view.messages else ()
    return tuple(way for way in ways if way.reach is not Reach.PUSH)


def _browser(written: str) -> ConsentRequest:
    subscription = push_subscription(written)
    if not subscription:
        raise FormProblem("This browser takes no messages from this page.")
    return ConsentRequest(Reach.PUSH, (Topic.ORDER,), subscription)


def _state(ways: Sequence[Way]) -> str:
    stands = [_stands(way, topic) for way in ways for topic in Topic]
    if Agreed.ASKED in stands:
        return Agreed.ASKED
    return Agreed.ON if Agreed.ON in stands else ""


def _stands(way: Way, topic: Topic) -> Agreed:
    return way.states.get(topic, Agreed.OFF)


def _offered(way: Way, topics: Sequence[Topic]) -> bool:
    return any(_stands(way, one) is Agreed.OFF for one in topics)


def _ticked(topic: Topic, view: WidgetView) -> bool:
    """As it was sent; before that what belongs to the order, and nothing more."""
    return bool(view.values.get(topic)) if view.values else topic is Topic.ORDER


def _field(way: Way, view: WidgetView, *, first: bool) -> Field:
    ticked = bool(view.values.get(f"by_{way.reach}")) if view.values else first
    return Field(way.reach.value, way.shown, view.values.get(f"{way.reach}_address", "")[:254], ticked)


def _request(way: Way, topics: Sequence[Topic], form: Mapping[str, str]) -> ConsentRequest | None:
    off = tuple(one for one in topics if _stands(way, one) is Agreed.OFF)
    if not off:
        return None
    if way.shown:
        return ConsentRequest(way.reach, off) if form.get(f"by_{way.reach}") else None
    written = form.get(f"{way.reach}_address", "").strip()
    if not written:
        return None
    address = mail_address(written) if way.reach is Reach.EMAIL else phone_number(written)
    if not address:
        raise FormProblem(_INCOMPLETE[way.reach])
    return ConsentRequest(way.reach, off, address)


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Notify)

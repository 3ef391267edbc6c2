"""The forms of messages: which of them somebody wants, no more of them, and yes, this address wants them."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from . import message_words as words
from .addresses import mail_address, phone_number
from .consents import Shown
from .context import FieldView, FormView, Option
from .i18n import N_, Localizer
from .message import Kind, Reach, Topic
from .order_forms import Missing, Typed
from .widget import Agreed, ConsentRequest, Way

NAME, STOP = "messages", "stop"
_TOPICS = {Topic.ORDER: words.TOPIC_ORDER, Topic.MORE: words.TOPIC_MORE}
_BY = {Reach.EMAIL: words.BY_EMAIL, Reach.PHONE: words.BY_PHONE, Reach.PUSH: words.BY_PUSH}
_PHONE = N_("Telephone number")


class Wishes(Struct, frozen=True):
    """What a sent form changes: what is to be asked for, and the topics that are off from now on, by way."""

    asked: tuple[ConsentRequest, ...]
    off: Mapping[Reach, tuple[Topic, ...]]


def shown(reach: Reach, localizer: Localizer, source: str) -> Shown:
    """What stands where somebody agrees: the question, the topic, the way."""
    text = localizer.text
    said = {
        topic: f"{text(words.TELL_ME)}: {text(topic_words)} ({text(_BY[reach])})"
        for topic, topic_words in _TOPICS.items()
    }
    return Shown(said, localizer.tag, source)


def choose(ways: Sequence[Way], action: str, localizer: Localizer, typed: Typed | None = None) -> FormView:
    """What is on, by way and topic, each to be switched."""
    text = localizer.text
    fields = [field for way in ways for field in _fields(way, localizer, typed)]
    problem = typed.problem if typed is not None else ""
    return FormView(NAME, text(words.QUESTION), action, text(words.SAVE), fields=tuple(fields), problem=problem)


def stop(action: str, localizer: Localizer) -> FormView:
    """Nothing more, by whichever way."""
    text = localizer.text
    fields = (FieldView(STOP, type="hidden", value="1"),)
    return FormView(STOP, text(words.UNSUBSCRIBE), action, text(words.STOP_ALL), fields=fields)


def no_more(topic: Topic, reach: Reach, action: str, localizer: Localizer) -> FormView:
    """What an unsubscribing link leads to: one press, and nothing before it."""
    text = localizer.text
    points = (f"{text(_TOPICS[topic])} ({text(_BY.get(reach, words.BY_EMAIL))})",)
    return FormView(STOP, text(words.TITLE), action, text(words.UNSUBSCRIBE), points=points)


def agree(topics: Sequence[Topic], action: str, localizer: Localizer) -> FormView:
    """What a confirming link leads to."""
    text = localizer.text
    options = tuple(Option(one, text(_TOPICS[one]), chosen=True) for one in topics)
    fields = (FieldView("topics", text(words.QUESTION), "checkboxes", options=options),)
    return FormView(NAME, text(words.TITLE), action, text(words.LETTERS[Kind.CONFIRM].button), fields=fields)


def agreed(form: Mapping[str, str]) -> tuple[Topic, ...]:
    """The topics that were left on in `agree`."""
    return tuple(one for one in Topic if form.get(f"topics.{one}"))


def wishes(form: Mapping[str, str], ways: Sequence[Way]) -> Wishes:
    """What a sent form changes. Raises Missing."""
    asked: list[ConsentRequest] = []
    off: dict[Reach, tuple[Topic, ...]] = {}
    for way in ways:
        wanted = [topic for topic in Topic if form.get(f"{way.reach}.{topic}")]
        address = _address(way, form.get(f"{way.reach}.address", "") if wanted else "")
        fresh = wanted if address else [one for one in wanted if _state(way, one) is Agreed.OFF]
        if fresh and not (way.shown or way.settled or address):
            raise Missing(_incomplete(way.reach))
        if fresh:
            asked.append(ConsentRequest(way.reach, tuple(fresh), address))
        off[way.reach] = tuple(one for one in Topic if one not in wanted and _state(way, one) is not Agreed.OFF)
    return Wishes(tuple(asked), off)


def _fields(way: Way, localizer: Localizer, typed: Typed | None) -> list[FieldView]:
    text, values = localizer.text, typed.values if typed is not None else None
    by = text(_BY[way.reach])
    label = f"{by} ({localizer.isolate(way.shown)})" if way.shown else by
    options = tuple(
        Option(
            topic,
            text(said),
            bool(values.get(f"{way.reach}.{topic}")) if values is not None else _is_wanted(way, topic),
        )
        for topic, said in _TOPICS.items()
    )
    hint = text(words.ASKED) if Agreed.ASKED in way.states.values() else ""
    fields = [FieldView(way.reach, label, "checkboxes", hint=hint, options=options)]
    if not way.settled:
        name, value = f"{way.reach}.address", (values or {}).get(f"{way.reach}.address", "")[:254]
        kind, named = ("email", words.EMAIL) if way.reach is Reach.EMAIL else ("tel", _PHONE)
        fields.append(FieldView(name, text(named), kind, value, autocomplete=kind))
    return fields


def _is_wanted(way: Way, topic: Topic) -> bool:
    return _state(way, topic) is not Agreed.OFF


def _state(way: Way, topic: Topic) -> Agreed:
    return way.states.get(topic, Agreed.OFF)


def _address(way: Way, written: str) -> str:
    """Raises Missing for what is none."""
    if way.settled or not written.strip():
        return ""
    address = mail_address(written) if way.reach is Reach.EMAIL else phone_number(written)
    if not address:
        raise Missing(_incomplete(way.reach))
    return address


def _incomplete(reach: Reach) -> str:
    return words.WHOLE_ADDRESS if reach is Reach.EMAIL else words.WHOLE_NUMBER

"""Survey: a short question at the right moment, after checkout, on the way, after delivery; and a next step by the answer."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from doorstep import (
    TROUBLE,
    FormProblem,
    ItemFacts,
    Kind,
    Status,
    Submission,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
)

from .settings import MOMENTS, Ask, Question, Settings
from .sheet import (
    LONGEST_COMMENT,
    LONGEST_NAME,
    LONGEST_TEXT,
    Field,
    Option,
    Phrase,
    cleaned,
    fields,
    filled,
    line,
    phrase,
    read,
    scale,
)

__all__ = ["Ask", "Question", "Settings", "Survey"]
_BEFORE = (Status.PENDING, Status.LABEL_CREATED)  # the carrier has scanned nothing


class Context(Struct, frozen=True):
    """For the template. An empty `title` stands for the translated one of `moment` and `kind`. `scores` are the steps of the
    scale, `fields` the shop's own questions, `has_comment` and `asks_share` whether there is room for words and whether they
    may be shown to others. `answered`: an answer is kept already, with `score` (-1: without one); `mood` is then happy,
    unhappy or empty, `review_url` where the happy are asked on to. `has_form`: the order's page has a form to ask for a call.
    """

    moment: str
    kind: str
    title: Phrase
    scores: tuple[Option, ...]
    fields: tuple[Field, ...]
    has_comment: bool
    comment: str
    asks_share: bool
    share: bool
    name: str
    answered: bool
    score: int
    mood: str
    review_url: str
    has_form: bool
    comment_limit: int = LONGEST_COMMENT
    text_limit: int = LONGEST_TEXT
    name_limit: int = LONGEST_NAME


class Survey(Widget[Settings]):
    name = "survey"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {"on_the_way": {"kind": "csat"}, "after_delivery": {"kind": "nps"}}

    def follows(self, kind: Kind, item: ItemFacts | None = None) -> bool:
        return kind is Kind.SURVEY and item is None and "after_delivery" in self.settings.asks

    def context(self, view: WidgetView) -> Context | None:
        moment = self._moment(view.values, view) if view.problem else self._asked(view)
        ask = self.settings.asks.get(moment)
        if ask is None:
            return None
        kept = view.answers.get(self.name, {}).get(moment, {})
        values = view.values if view.problem else filled(ask, kept)
        score = kept.get("score", -1)
        mood = _mood(ask, score)
        return Context(
            moment=moment,
            kind=ask.kind,
            title=phrase(ask.question, view.language),
            scores=scale("score", ask.scale, values),
            fields=fields(ask.questions, values, view.language),
            has_comment=ask.comment,
            comment=cleaned(values.get("comment", ""), LONGEST_COMMENT),
            asks_share=ask.share and view.level > 0,
            share=bool(values.get("share")),
            name=line(values.get("name", "")),
            answered=bool(kept),
            score=score,
            mood=mood,
            review_url=in_language(self.settings.review_url, view.language)[0] if mood == "happy" else "",
            has_form=view.level > 0,
        )

    def submit(self, form: Mapping[str, str], view: WidgetView) -> Submission:
        moment = self._moment(form, view)
        ask = self.settings.asks.get(moment)
        if ask is None:
            raise FormProblem("This question cannot be answered for this parcel right now.")
        if form.get("website"):  # nobody sees this field; only a program fills it in
            raise FormProblem("Your answer was not sent. Please send it again.")
        # Only who has the order's own link is a customer, whose words are theirs to share.
        data = read(ask, form, language=view.language, may_share=ask.share and view.level > 0)
        return Submission(data, moment)

    def _asked(self, view: WidgetView) -> str:
        """The moment that it is now; "" when nothing is asked."""
        status = view.shipment.status if view.shipment else None
        for moment, ask in self.settings.asks.items():
            if status in ask.status if ask.status else moment == _usual(status):
                return moment if moment != "after_checkout" or view.level > 0 else ""
        return ""

    def _moment(self, form: Mapping[str, str], view: WidgetView) -> str:
        """The moment whose form was sent: the one that it is, or one that has been while the form lay open."""
        sent, asked = form.get("moment", ""), self._asked(view)
        if sent not in self.settings.asks:
            return asked
        reached = _reached(view.shipment.status if view.shipment else None)
        was_asked = MOMENTS.index(sent) <= reached and (sent != "after_checkout" or view.level > 0)
        return sent if was_asked or sent == asked else ""


def _usual(status: Status | None) -> str:
    """The moment of a status. Nothing is asked of somebody whose parcel is in trouble."""
    return "" if status in TROUBLE else MOMENTS[_reached(status)]


def _reached(status: Status | None) -> int:
    if status is None or status in _BEFORE:
        return 0
    return 2 if status is Status.DELIVERED else 1


def _mood(ask: Ask, score: int) -> str:
    low, high = ask.moods
    if score not in ask.scale or low < score < high:
        return ""
    return "unhappy" if score <= low else "happy"


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Survey)

"""Survey: after delivery, one question with five answers and room for a comment."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from doorstep import FormProblem, Status, Submission, When, Widget, WidgetView, hookimpl

SCORES = ("1", "2", "3", "4", "5")
COMMENT_LIMIT = 1000


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.survey]`."""

    question: str = ""


class Context(Struct, frozen=True):
    """For the template. An empty `question` stands for the translated one; `score` (0: none) and `comment` are what was
    typed into a form that was refused."""

    question: str
    score: int = 0
    comment: str = ""
    comment_limit: int = COMMENT_LIMIT


class Survey(Widget[Settings]):
    name = "survey"
    slot = "after_timeline"
    settings_type = Settings
    when = When(status=(Status.DELIVERED,))
    needs = frozenset()

    def context(self, view: WidgetView) -> Context:
        return Context(self.settings.question, _score(view.values), _comment(view.values))

    def submit(self, form: Mapping[str, str], view: WidgetView) -> Submission:
        if form.get("website"):  # nobody sees this field; only a program fills it in
            raise FormProblem("Your answer was not sent. Please send it again.")
        score = _score(form)
        if not score:
            raise FormProblem("Please choose one of the five answers.")
        return Submission(data={"score": score, "comment": _comment(form)}, moment="after_delivery")


def _score(form: Mapping[str, str]) -> int:
    """1 to 5, or 0 when it is missing or anything else."""
    text = form.get("score", "")
    return int(text) if text in SCORES else 0


def _comment(form: Mapping[str, str]) -> str:
    """The comment as it can be kept in any database: plain line ends, no control characters, not too long."""
    lines = form.get("comment", "").replace("\r\n", "\n").replace("\r", "\n")
    # Cc and Cs only: format characters (Cf) join emoji and Persian or Indic letters.
    text = "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))
    return text.strip()[:COMMENT_LIMIT].rstrip()


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Survey)

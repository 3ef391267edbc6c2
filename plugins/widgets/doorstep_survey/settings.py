"""What a shop may ask: at each of three moments a scale, questions of its own, room for words."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorstep import OwnWords, Status, is_web_address

MOST_QUESTIONS, MOST_OPTIONS = 8, 12
RESERVED = frozenset({"score", "of", "comment", "share", "name", "language"})  # what an answer has besides
_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")

Kind = Literal["csat", "nps", "stars", "questions"]
SCALES: dict[Kind, range] = {"csat": range(1, 6), "nps": range(11), "stars": range(1, 6), "questions": range(0)}
# Up to which score somebody is unhappy, and from which happy.
_MOODS: dict[Kind, tuple[int, int]] = {"csat": (2, 4), "nps": (6, 9), "stars": (2, 4), "questions": (0, 0)}


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """A question of the shop's own, kept under `id`. A `choice` has `options`, by the id that is kept, of which `several`
    may be chosen; a `scale` goes from 1 to `top`, its ends named `low` and `high`."""

    id: str
    text: OwnWords
    kind: Literal["choice", "scale", "text"] = "text"
    options: dict[str, OwnWords] = {}
    several: bool = False
    top: Annotated[int, Meta(ge=2, le=10)] = 5
    low: OwnWords = ""
    high: OwnWords = ""
    required: bool = False

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or self.id in RESERVED:
            raise ValueError(
                f"id {self.id!r} cannot be kept: write letters, digits and _, not one of {_listed(RESERVED)}"
            )
        if not self.text:
            raise ValueError(f"the question {self.id!r} has no text")
        if self.kind != "choice" and (self.options or self.several):
            raise ValueError(f'the question {self.id!r} has options: write kind = "choice"')
        if self.kind == "choice" and not 2 <= len(self.options) <= MOST_OPTIONS:
            raise ValueError(f"the choice {self.id!r} needs 2 to {MOST_OPTIONS} options")
        if wrong := [id for id in self.options if not _ID.fullmatch(id)]:
            raise ValueError(f"the option {wrong[0]!r} of {self.id!r} cannot be kept: write letters, digits and _")


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked at one moment. `unhappy_to` and `happy_from` are scores; `share` asks whether the words may be shown to
    others; `status` are the statuses at which it is asked instead of the moment's own."""

    kind: Kind = "csat"
    question: OwnWords = ""
    questions: Annotated[tuple[Question, ...], Meta(max_length=MOST_QUESTIONS)] = ()
    comment: bool = True
    share: bool = False
    unhappy_to: int | None = None
    happy_from: int | None = None
    status: tuple[Status, ...] = ()

    def __post_init__(self) -> None:
        ids = [one.id for one in self.questions]
        if twice := [id for id in ids if ids.count(id) > 1]:
            raise ValueError(f"two questions have the id {twice[0]!r}")
        if self.kind == "questions" and not ids:
            raise ValueError('kind = "questions" needs questions')
        if self.share and not self.comment:
            raise ValueError("share is about the comment: leave comment = true")
        low, high = self.moods
        if low >= high and self.kind != "questions":
            raise ValueError(f"unhappy_to {low} is not less than happy_from {high}")

    @property
    def moods(self) -> tuple[int, int]:
        """Up to which score somebody is unhappy, and from which happy."""
        low, high = _MOODS[self.kind]
        return (
            low if self.unhappy_to is None else self.unhappy_to,
            high if self.happy_from is None else self.happy_from,
        )

    @property
    def scale(self) -> range:
        return SCALES[self.kind]

    @property
    def best(self) -> int:
        return self.scale[-1] if self.scale else 0


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.survey]`. Of three moments those that are set are asked about; none: the delivery. `review_url`
    is where those who are happy are asked to tell others, one for all languages or one for each."""

    after_checkout: Ask | None = None
    on_the_way: Ask | None = None
    after_delivery: Ask | None = None
    review_url: OwnWords = ""

    def __post_init__(self) -> None:
        for url in (self.review_url,) if isinstance(self.review_url, str) else self.review_url.values():
            if url and not is_web_address(url, paths=True):
                raise ValueError(
                    f"review_url {url!r} cannot be linked: write https://… or a path that starts with one /"
                )

    @property
    def asks(self) -> dict[str, Ask]:
        """What is asked, by moment, in the order in which they come."""
        named = {name: getattr(self, name) for name in MOMENTS}
        return {name: ask for name, ask in named.items() if ask is not None} or {"after_delivery": Ask()}


MOMENTS = ("after_checkout", "on_the_way", "after_delivery")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))

"""Review: after a good answer on to the shop's review page; and what other customers said, where the shop approved it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from doorstep import (
    TROUBLE,
    Need,
    OwnWords,
    Voice,
    When,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
    is_web_address,
)

LONGEST = 280  # characters of a voice
_MOMENTS = ("after_delivery", "on_the_way", "after_checkout")  # the survey's, the last first
_TEN = 10


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.review]`. `url` is the review page, one for all languages or one for each, `markets` those of
    countries that have their own. Asked is who gave `from_score` of five, or `from_nps` of ten; `count` voices are shown."""

    url: OwnWords = ""
    markets: dict[str, OwnWords] = {}
    from_score: Annotated[int, Meta(ge=1, le=5)] = 4
    from_nps: Annotated[int, Meta(ge=0, le=10)] = 9
    count: Annotated[int, Meta(ge=0, le=6)] = 3
    title: OwnWords = ""

    def __post_init__(self) -> None:
        for country in self.markets:
            if not (len(country) == 2 and country.isascii() and country.isupper()):
                raise ValueError(f'markets.{country}: write a country as in ISO 3166-1, "DE"')
        for url in (address for texts in (self.url, *self.markets.values()) for address in _addresses(texts)):
            if url and not is_web_address(url, paths=True):
                raise ValueError(f"url {url!r} cannot be linked: write https://… or a path that starts with one /")


class Said(Struct, frozen=True):
    """A voice as the template shows it. `score` is of five, 0: none; `cut`: there was more of it."""

    text: str
    cut: bool
    score: int
    name: str
    language: str


class Context(Struct, frozen=True):
    """For the template. `url` is where the reader is asked on to, empty for those who are not; an empty `title` stands for
    the translated one; `title_language` (BCP 47) is empty when it has none of its own."""

    title: str
    title_language: str
    url: str
    voices: tuple[Said, ...]


class Review(Widget[Settings]):
    name = "review"
    slot = "after_timeline"
    settings_type = Settings
    when = When(except_status=TROUBLE)
    needs = frozenset({Need.SHIPMENT, Need.ORDER, Need.VOICES})
    answers_of = ("survey",)

    def context(self, view: WidgetView) -> Context | None:
        url = self._url(view) if self._is_happy(view.answers.get("survey", {})) else ""
        voices = tuple(map(_said, _nearest(view.voices, view.language)[: self.settings.count]))
        if not url and not voices:
            return None
        return Context(*in_language(self.settings.title, view.language), url, voices)

    def _is_happy(self, answers: Mapping[str, Mapping[str, Any]]) -> bool:
        """By the last moment at which a score was given."""
        given = next((answers[moment] for moment in _MOMENTS if "score" in answers.get(moment, {})), None)
        if given is None:
            return False
        least = self.settings.from_nps if given.get("of") == _TEN else self.settings.from_score
        score = given["score"]
        return isinstance(score, int) and score >= least

    def _url(self, view: WidgetView) -> str:
        """That of the country the parcel goes to, in the nearest language; else that of all."""
        countries = (one.country for one in (view.shipment, view.order) if one is not None)
        market = next((one for one in countries if one in self.settings.markets), "")
        return in_language(self.settings.markets.get(market, self.settings.url), view.language)[0]


def _nearest(voices: tuple[Voice, ...], language: str) -> list[Voice]:
    """Those in the page's language first, each in the order in which they came."""
    base = language.replace("_", "-").partition("-")[0].lower()
    return sorted(voices, key=lambda one: one.language.partition("-")[0].lower() != base)


def _said(voice: Voice) -> Said:
    """At most so much of it as a page has room for, cut between words."""
    text = " ".join(voice.text.split())
    if len(text) <= LONGEST:
        return Said(text, False, voice.score, voice.name, voice.language)
    start = text[: LONGEST + 1].rsplit(" ", 1)[0][:LONGEST]
    return Said(start, True, voice.score, voice.name, voice.language)


def _addresses(texts: OwnWords) -> Iterator[str]:
    yield from (texts,) if isinstance(texts, str) else texts.values()


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Review)

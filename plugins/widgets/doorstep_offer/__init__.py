"""Offer: a discount for the next order, with a code that is the order's own, as long as it can be used."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from msgspec import Meta, Struct

from doorstep import (
    CodeRule,
    ItemFacts,
    Kind,
    Need,
    OwnWords,
    Status,
    When,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
    is_web_address,
)

_PLACE = "{code}"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.offer]`. `text`, `title` and `terms` are one text each, or a text for each language. `url` is where
    the offer is used, with the code in the place of `{code}`; `terms_url` an http(s) address. Codes come from `pool`, else
    they are made and begin with `prefix`; they end `days` days after the order was placed or `delivered` (`start`)."""

    text: OwnWords
    title: OwnWords = ""
    terms: OwnWords = ""
    terms_url: str = ""
    url: str = ""
    pool: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""
    prefix: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})?$")] = ""
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    start: Literal["placed", "delivered"] = "delivered"
    per_customer: bool = False

    def __post_init__(self) -> None:
        if not _texts(self.text) or not all(text.strip() for text in _texts(self.text)):
            raise ValueError("text is empty: write what the offer is")
        if self.pool and self.prefix:
            raise ValueError("pool and prefix exclude each other: codes of a pool stay as they are")
        if self.terms_url and not is_web_address(self.terms_url):
            raise ValueError(f"terms_url {self.terms_url!r} cannot be linked: write the whole address, https://…")
        if self.url and not _is_place_for_code(self.url):
            raise ValueError(
                f"url {self.url!r} cannot be linked: write https://… or a path, with {_PLACE} behind the host or not at all"
            )


class Context(Struct, frozen=True):
    """For the template. An empty `title` stands for the translated one; the languages (BCP 47) are empty where a text has none
    of its own. `ends` is the last day, None without one; `url` may be empty."""

    code: str
    ends: date | None
    url: str
    title: str
    title_language: str
    text: str
    text_language: str
    terms: str
    terms_language: str
    terms_url: str


class Offer(Widget[Settings]):
    name = "offer"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {
        "text": "10 % off, as a thank-you.",
        "url": "https://shop.example/discount/{code}",
    }
    when = When(status=(Status.DELIVERED,))
    needs = frozenset({Need.CODE})

    def follows(self, kind: Kind, item: ItemFacts | None = None) -> bool:
        """Months later a code is still there that does not end."""
        return kind is Kind.THANKS and item is None and self.settings.days is None

    def codes(self) -> CodeRule:
        settings = self.settings
        return CodeRule(
            pool=settings.pool, prefix=settings.prefix, per_customer=settings.per_customer, lasts=settings.days,
            start=settings.start,
        )  # fmt: skip

    def context(self, view: WidgetView) -> Context | None:
        code, settings = view.code, self.settings
        if code is None or code.redeemed or (code.ends is not None and code.ends < view.today):
            return None
        title, text, terms = (
            in_language(one, view.language) for one in (settings.title, settings.text, settings.terms)
        )
        url = settings.url.replace(_PLACE, quote(code.code, safe=""))
        return Context(code.code, code.ends, url, *title, *text, *terms, settings.terms_url)


def _is_place_for_code(url: str) -> bool:
    """Whether it is an address whatever the code is: the code must not choose the host."""
    filled = url.replace(_PLACE, "x")
    return is_web_address(filled, paths=True) and _PLACE not in urlsplit(url).netloc and "{" not in filled


def _texts(texts: OwnWords) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts.values())


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Offer)

"""Referral: the shop's link to pass on to a friend, and what comes of it."""

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import Struct

from doorstep import TROUBLE, When, Widget, WidgetView, hookimpl, is_web_address


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.referral]`. `reward` is one text, or a text for each language, the first one being for all
    others; `link` and `terms_url` are http(s) addresses."""

    link: str
    reward: str | dict[str, str] = ""
    terms_url: str = ""

    def __post_init__(self) -> None:
        _check_address("link", self.link)
        if self.terms_url:
            _check_address("terms_url", self.terms_url)


class Context(Struct, frozen=True):
    """For the template. `reward_language` (BCP 47) is empty when the text has no language of its own."""

    link: str
    mail: str  # a mailto: address with the shop's name as subject and the link as text
    reward: str
    reward_language: str
    terms_url: str


class Referral(Widget[Settings]):
    name = "referral"
    slot = "aside"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {"link": "https://shop.example/friends", "reward": "10 € for both"}
    when = When(except_status=TROUBLE)
    needs = frozenset()

    def context(self, view: WidgetView) -> Context | None:
        settings = self.settings
        text, language = _in_language(settings.reward, view.language)
        mail = f"mailto:?subject={quote(view.store.name, safe='')}&body={quote(settings.link, safe='')}"
        return Context(settings.link, mail, text, language, settings.terms_url)


def _in_language(texts: str | dict[str, str], language: str) -> tuple[str, str]:
    """The text nearest to `language` (pt-BR, then pt, then the first) and the BCP 47 tag that it stands under."""
    if isinstance(texts, str):
        return texts, ""
    tags = {key.replace("_", "-").lower(): key for key in texts}
    parts = language.replace("_", "-").lower().split("-")
    wanted = ("-".join(parts[:size]) for size in range(len(parts), 0, -1))
    key = next((tags[tag] for tag in wanted if tag in tags), next(iter(texts), ""))
    return texts.get(key, ""), key.replace("_", "-")


def _check_address(field: str, url: str) -> None:
    if not is_web_address(url):
        raise ValueError(f"{field} {url!r} cannot be shared: write the whole address, https://…")


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Referral)

"""Referral: a link to pass on to a friend, the customer's own where the page knows the customer, and what comes of it."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from msgspec import Meta, Struct

from doorstep import (
    TROUBLE,
    CodeRule,
    FriendRule,
    Need,
    OwnWords,
    When,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
    is_web_address,
)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.referral]`. `link` is where friends arrive, with the code as `parameter`; it and `terms_url` are
    http(s) addresses. `reward` and `friend_reward` are one text each, or a text for each language. A reward is earned `days`
    days after the friend's order has arrived; of the friends of one customer `most_a_day` count in a day and `most` in all.
    Codes begin with `prefix`."""

    link: str
    reward: OwnWords = ""
    friend_reward: OwnWords = ""
    terms_url: str = ""
    parameter: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.~-]{1,64}$")] = "ref"
    prefix: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})?$")] = ""
    days: Annotated[int, Meta(ge=0, le=365)] = 14
    most_a_day: Annotated[int, Meta(ge=1)] = 5
    most: Annotated[int, Meta(ge=1)] = 50

    def __post_init__(self) -> None:
        _check_address("link", self.link)
        if self.terms_url:
            _check_address("terms_url", self.terms_url)


class Context(Struct, frozen=True):
    """For the template. `code` and `qr` are empty where the link is the shop's general one; the languages (BCP 47) are empty
    where a text has none of its own. `friends` have come, `earned` of them count."""

    link: str
    mail: str  # a mailto: address with the shop's name as subject, the friend's reward and the link as text
    code: str
    qr: str  # the address of a picture of the link
    reward: str
    reward_language: str
    friend_reward: str
    friend_reward_language: str
    terms_url: str
    friends: int
    earned: int


class Referral(Widget[Settings]):
    name = "referral"
    slot = "aside"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {"link": "https://shop.example/friends", "reward": "10 € for both"}
    when = When(except_status=TROUBLE)
    needs = frozenset({Need.CODE})

    def codes(self) -> CodeRule:
        settings = self.settings
        friends = FriendRule(settings.link, settings.parameter, settings.days, settings.most_a_day, settings.most)
        return CodeRule(prefix=settings.prefix, per_customer=True, friends=friends)

    def context(self, view: WidgetView) -> Context:
        settings, own = self.settings, view.code
        link = own.link if own and own.link else settings.link
        reward, language = in_language(settings.reward, view.language)
        friend_reward, friend_language = in_language(settings.friend_reward, view.language)
        body = "\r\n\r\n".join(filter(None, (friend_reward, link)))
        return Context(
            link=link,
            mail=f"mailto:?subject={quote(view.store.name, safe='')}&body={quote(body, safe='')}",
            code=own.code if own else "",
            qr=f"{view.store.base}/r/{quote(own.code, safe='')}/qr.svg" if own else "",
            reward=reward,
            reward_language=language,
            friend_reward=friend_reward,
            friend_reward_language=friend_language,
            terms_url=settings.terms_url,
            friends=own.friends if own else 0,
            earned=own.earned if own else 0,
        )


def _check_address(field: str, url: str) -> None:
    if not is_web_address(url):
        raise ValueError(f"{field} {url!r} cannot be shared: write the whole address, https://…")


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Referral)

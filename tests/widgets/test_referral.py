from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from doorstep import TROUBLE, CodeFacts, CodeRule, FriendRule, Need, StoreView, When
from doorstep.testing import WidgetContract
from doorstep_referral import Referral, Settings

LINK = "https://shop.example/friends?from=page&gift=10%25"
REWARDS = {"en": "10 € for both", "pt": "10 € para ambos", "pt_BR": "R$ 50 para os dois", "zh-Hant": "兩人各得 10 €"}


def referral(**settings):
    return Referral(msgspec.convert({"link": LINK, **settings}, Settings))


class TestContract(WidgetContract):
    package = "doorstep_referral"
    settings = {"link": LINK, "reward": REWARDS, "friend_reward": REWARDS, "terms_url": "https://shop.example/terms"}


def test_the_link_can_be_copied_opened_and_mailed(view, render):
    share = render(referral(), view()).find(".//div[@class='share']")
    field = share.find("input")
    assert field.get("value") == LINK
    assert field.get("readonly") is not None
    assert share.find("label").get("for") == field.get("id")
    mail, plain = share.findall("a")
    assert mail.get("href").startswith("mailto:?")
    assert plain.get("href") == LINK


def test_the_mail_holds_the_shops_name_and_the_whole_link(view):
    context = referral().context(view())
    parts = urlsplit(context.mail)
    assert (parts.scheme, parts.path) == ("mailto", "")
    assert parse_qs(parts.query) == {"subject": ["Leaf & Loom"], "body": [LINK]}
    assert "+" not in parts.query  # RFC 6068, section 5: a space is %20


@pytest.mark.parametrize(
    ("language", "text", "tag"),
    [
        ("en", "10 € for both", "en"),
        ("en-GB", "10 € for both", "en"),
        ("pt-PT", "10 € para ambos", "pt"),
        ("pt-BR", "R$ 50 para os dois", "pt-BR"),
        ("zh-Hant-TW", "兩人各得 10 €", "zh-Hant"),
        ("zh-Hans", "10 € for both", "en"),
        ("de", "10 € for both", "en"),
    ],
)
def test_the_rewards_are_told_in_the_nearest_language_and_marked_with_it(view, render, language, text, tag):
    page = render(referral(reward=REWARDS, friend_reward=REWARDS), view(language=language))
    assert [(one.text, one.get("lang")) for one in page.findall(".//dd/bdi")] == [(text, tag)] * 2
    assert [one.text for one in page.findall(".//dt")] == ["Your friend gets", "You get"]


def test_one_text_is_for_every_language(view, render):
    told = render(referral(reward="10 € <each>"), view(language="de")).find(".//dd/bdi")
    assert (told.text, told.get("lang")) == ("10 € <each>", None)


@pytest.mark.parametrize("reward", ["", {}])
def test_without_reward_and_terms_the_link_stands_alone(view, render, reward):
    page = render(referral(reward=reward), view())
    assert [page.find(f".//{tag}") for tag in ("p", "dl")] == [None] * 2


def test_the_terms_are_linked(view, render):
    page = render(referral(terms_url="https://shop.example/terms"), view())
    assert page.find(".//p[@class='note']/a").get("href") == "https://shop.example/terms"


OWN = "https://track.example/r/F-2345ABCD"


def test_a_customer_s_own_link_takes_the_place_of_the_shop_s(view, render):
    page = render(referral(), view(code=CodeFacts("F-2345ABCD", link=OWN), store=StoreView("main", "L & L", "/shop")))
    share = page.find(".//div[@class='share']")
    assert (share.find("label").text, share.find("input").get("value")) == ("Your own link", OWN)
    mail, picture = share.findall("a")  # nobody opens one's own link
    assert mail.get("href").startswith("mailto:?")
    assert picture.get("href") == "/shop/r/F-2345ABCD/qr.svg"
    assert page.find(".//p") is None


def test_the_mail_tells_the_friend_what_there_is_to_have(view):
    mail = referral(friend_reward="10 € off").context(view(code=CodeFacts("F", link=OWN))).mail
    assert parse_qs(urlsplit(mail).query)["body"] == [f"10 € off\r\n\r\n{OWN}"]


@pytest.mark.parametrize(
    ("friends", "earned", "said"),
    [
        (1, 0, "One friend has ordered by your link."),
        (3, 1, "3 friends have ordered by your link. One reward is earned."),
        (3, 2, "3 friends have ordered by your link. 2 rewards are earned."),
    ],
)
def test_it_says_how_many_friends_came_and_how_many_count(view, render, friends, earned, said):
    code = CodeFacts("F", friends=friends, earned=earned, link=OWN)
    assert " ".join(render(referral(), view(code=code)).find(".//p[@class='note']").text.split()) == said


def test_a_phone_is_told_what_its_button_for_sharing_says(view, render):
    assert render(referral(), view()).find(".//div[@class='share']").get("data-share") == "Share"


def test_every_customer_has_one_code_that_brings_friends_to_the_link():
    assert referral().codes() == CodeRule(per_customer=True, friends=FriendRule(LINK))
    own = referral(parameter="friend", prefix="F-", days=30, most_a_day=2, most=9)
    assert own.codes() == CodeRule(prefix="F-", per_customer=True, friends=FriendRule(LINK, "friend", 30, 2, 9))


def test_it_stands_aside_and_sees_nothing_but_the_code():
    assert (Referral.slot, Referral.needs) == ("aside", {Need.CODE})


def test_nobody_is_asked_to_recommend_a_parcel_in_trouble():
    assert Referral.when == When(except_status=TROUBLE)


@pytest.mark.parametrize("settings", [{"parameter": "a&b"}, {"prefix": "-"}, {"days": -1}, {"most": 0}, {"hide": []}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(msgspec.ValidationError):
        referral(**settings)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "mailto:a@b.example",
        "//evil.example",
        "https:evil.example",
        "https:///evil.example",
        "https://shop.example@evil.example",
        "https://shop.example\\@evil.example",
        "https://shop.example/ x",
        "/friends",
        "friends",
        "",
    ],
)
def test_only_a_whole_web_address_can_be_shared(url):
    with pytest.raises(ValueError, match=r"^link .* write the whole address"):
        Settings(link=url)
    if url:
        with pytest.raises(ValueError, match=r"^terms_url .* write the whole address"):
            Settings(link=LINK, terms_url=url)


def test_a_link_is_required():
    with pytest.raises(msgspec.ValidationError, match="link"):
        msgspec.convert({}, Settings)

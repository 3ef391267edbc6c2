from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from doorstep import TROUBLE, When
from doorstep.testing import WidgetContract
from doorstep_referral import Referral, Settings

LINK = "https://shop.example/friends?from=page&gift=10%25"
REWARDS = {"en": "10 € for both", "pt": "10 € para ambos", "pt_BR": "R$ 50 para os dois", "zh-Hant": "兩人各得 10 €"}


def referral(**settings):
    return Referral(msgspec.convert({"link": LINK, **settings}, Settings))


class TestContract(WidgetContract):
    package = "doorstep_referral"
    settings = {"link": LINK, "reward": REWARDS, "terms_url": "https://shop.example/terms"}


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
def test_the_reward_is_told_in_the_nearest_language_and_marked_with_it(view, render, language, text, tag):
    told = render(referral(reward=REWARDS), view(language=language)).find(".//p[@class='widget-text']/bdi")
    assert (told.text, told.get("lang")) == (text, tag)


def test_one_text_is_for_every_language(view, render):
    told = render(referral(reward="10 € <each>"), view(language="de")).find(".//p[@class='widget-text']/bdi")
    assert (told.text, told.get("lang")) == ("10 € <each>", None)


@pytest.mark.parametrize("reward", ["", {}])
def test_without_reward_and_terms_the_link_stands_alone(view, render, reward):
    page = render(referral(reward=reward), view())
    assert page.find(".//p") is None


def test_the_terms_are_linked(view, render):
    page = render(referral(terms_url="https://shop.example/terms"), view())
    assert page.find(".//p[@class='note']/a").get("href") == "https://shop.example/terms"


def test_it_stands_aside():
    assert Referral.slot == "aside"


def test_nobody_is_asked_to_recommend_a_parcel_in_trouble():
    assert Referral.when == When(except_status=TROUBLE)


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

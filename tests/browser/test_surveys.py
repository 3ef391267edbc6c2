"""Surveys and reviews in a browser: answered without a script from a signed link, for everybody, in every look."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from msgspec import structs
from playwright.sync_api import BrowserContext, Page

from doorstep.database import Database
from doorstep.demo import THEMES
from doorstep.tables import answers

from .looks import Look, amiss, in_four_looks, in_looks
from .orders import SHOP, Orders, running

pytestmark = pytest.mark.browser
REVIEWS = "https://reviews.example/harbour"
OWN = [
    {
        "id": "why", "kind": "choice", "several": True, "text": {"en": "Why us?", "de": "Warum wir?", "ar": "لماذا نحن؟"},
        "options": {"price": "Price", "taste": {"en": "Taste", "ar": "الذوق"}},
    },
    {"id": "box", "kind": "scale", "top": 7, "text": "And the box?", "low": "too much", "high": "just right"},
    {"id": "wish", "text": "What is missing?", "required": True},
]  # fmt: skip
WIDGETS = {
    "survey": {
        "after_checkout": {"kind": "stars"},
        "on_the_way": {"questions": OWN},
        "after_delivery": {"kind": "nps", "share": True},
    },
    "review": {"url": REVIEWS},
}
VOICE = {
    "score": 5,
    "of": 5,
    "comment": "On time, dry, and the box was small.",
    "share": True,
    "name": "Mira",
    "language": "en",
}
ASKED = ("before any parcel", "two parcels", "arrived")


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    """The shop that asks at each moment; one voice of each theme's store is approved."""
    folder = tmp_path_factory.mktemp("asking")
    with running(folder, shop=structs.replace(SHOP, widgets=WIDGETS)) as orders:
        _approved(folder)
        yield orders


def _approved(folder: Path) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    row = {"widget": "survey", "shipment": "shp_1", "moment": "after_delivery", "data": msgspec.json.encode(VOICE)}
    database = Database("sqlite:///doorstep.db", base=folder)
    with database.writing() as connection:
        for store in THEMES:
            values = {**row, "store": store, "created_at": at, "updated_at": at, "approved_at": at}
            connection.execute(answers.insert().values(values))
    database.close_now()


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    return context_of(java_script_enabled=False).new_page()


@pytest.mark.parametrize(("name", "look"), in_looks(ASKED, first=1))
def test_a_question_is_for_everybody_in_every_look(
    asking: Orders, context_of: Callable[..., BrowserContext], name: str, look: Look
) -> None:
    page = context_of().new_page()
    assert amiss(page, asking.address(name, look.theme, look.language), look) == []
    assert page.locator("#widget-survey form").count() == 1
    assert page.locator("#widget-review blockquote").count() == 1


def send(page: Page) -> None:
    page.locator("#widget-survey").get_by_role("button", name="Send answer").click()


def test_buying_is_answered_with_stars(asking: Orders, page: Page) -> None:
    page.goto(asking.address("before any parcel", "minimal"))
    page.get_by_role("radio", name="4").check(force=True)
    send(page)
    assert page.url.endswith("#widget-survey")
    assert page.locator("#widget-survey").get_by_role("status").inner_text() == "Thank you. Your answer has arrived."


def test_own_questions_are_answered_and_what_was_forgotten_is_asked_for_again(asking: Orders, page: Page) -> None:
    page.goto(asking.address("two parcels"))
    survey = page.locator("#widget-survey")
    survey.get_by_role("radio", name="4 · Good").check(force=True)
    survey.get_by_role("checkbox", name="Taste").check(force=True)
    survey.get_by_role("radio", name="7").check(force=True)
    survey.get_by_label("What is missing?").fill(" ")  # which a browser takes for something
    send(page)
    assert survey.get_by_role("alert").inner_text() == "Please answer every question that is not optional."
    assert survey.get_by_role("checkbox", name="Taste").is_checked()
    survey.get_by_label("What is missing?").fill("A map")
    send(page)
    assert survey.get_by_role("status").is_visible()


def test_the_delivery_is_answered_shared_changed_and_leads_on(asking: Orders, page: Page) -> None:
    page.goto(asking.address("arrived"))
    survey = page.locator("#widget-survey")
    survey.get_by_role("radio", name="3", exact=True).check(force=True)
    survey.get_by_label("Anything you want to add (optional)").fill("Too late")
    send(page)
    assert survey.get_by_role("link", name="Ask for a call").get_attribute("href") == "#form-call"
    survey.get_by_text("Change your answer").click()
    assert survey.get_by_role("radio", name="3", exact=True).is_checked()
    survey.get_by_role("radio", name="10").check(force=True)
    survey.get_by_label("may show my words to others").check()
    survey.get_by_label("The name to show with them (optional)").fill("Jo")
    send(page)
    review = page.locator("#widget-review").get_by_role("link", name="Write a review")
    assert quote(REVIEWS, safe="") in str(review.get_attribute("href"))


@pytest.mark.parametrize("look", in_four_looks(4))
def test_an_answered_survey_is_for_everybody(
    asking: Orders, context_of: Callable[..., BrowserContext], look: Look
) -> None:
    page = context_of().new_page()
    page.goto(asking.address("arrived", look.theme, look.language))
    if not page.locator("#widget-survey details").count():
        page.locator("#widget-survey input[value='2']").check(force=True)
        page.locator("#widget-survey [type=submit]").click()
    assert page.locator("#widget-survey details").count() == 1
    assert amiss(page, asking.address("arrived", look.theme, look.language), look) == []

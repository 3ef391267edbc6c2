"""Drafts: a signed link shows one on the live address, on every page it leads to; nobody else sees it and nothing is kept."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from doorstep.appearance import Draft, Layer, Season
from doorstep.config import Store
from doorstep.draft_links import DraftLinks
from doorstep.secret import Secret

from .clock import FakeClock
from .shopfront import DELIVERED, TODAY, Front, carriers, parsed, shop, words

PAGE = f"/track/{DELIVERED}"
STORES = {
    "main": Store(
        name="Harbour & Pine",
        settings={"corners": "soft", "accent": "#1f4fd8"},
        sections=("hero", "progress", "details"),
        market={"US": Layer(settings={"corners": "square"})},
        draft={
            "spring": Draft(settings={"corners": "round"}),
            "letter": Draft(theme="minimal", settings={"width": "wide"}),
        },
    ),
    "outlet": Store(name="Outlet", path="/outlet", draft={"spring": Draft()}),
}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with carriers() as (sandbox, served):
        folder = tmp_path_factory.mktemp("shop")
        with shop(folder, sandbox, served.url, stores=STORES) as front:
            yield front


def token(front: Front, draft: str = "spring", *, store: str = "main", **lasting: float) -> str:
    links = DraftLinks(front.engine.config.secret_key, clock=front.clock)
    return links.token(store, draft, front.clock.now() + timedelta(**lasting or {"days": 1}))


def corners(front: Front, path: str) -> Any:
    return front.get(f"/api/v1/pages/{DELIVERED}?{path}").json()["settings"]["corners"]


def test_the_link_shows_the_draft_over_every_other_layer_and_says_so(front: Front) -> None:
    assert corners(front, "") == "square"
    assert corners(front, f"draft={token(front)}") == "round"
    page = parsed(front.get(f"{PAGE}?draft={token(front)}").text)
    said = "This is the draft “spring”. Only who has this link sees it."
    assert words(page.find(".//p[@class='frame draft']")) == said
    assert "draft" not in front.get(PAGE).text


def test_a_draft_of_another_theme_keeps_what_both_have(front: Front) -> None:
    values = front.get(f"/api/v1/pages/{DELIVERED}?draft={token(front, 'letter')}").json()
    assert (values["settings"]["width"], values["settings"]["accent"]) == ("wide", "#1f4fd8")
    assert values["sections"] == ["hero", "progress", "details"]


def test_every_link_on_its_pages_goes_on_showing_it(front: Front) -> None:
    shown = token(front)
    page = parsed(front.get(f"{PAGE}?draft={shown}&lang=de").text)
    own = [link.get("href") for link in page.iter("a") if (link.get("href") or "").startswith(("/", "?"))]
    assert own
    assert [address for address in own if f"draft={shown}" not in address] == []
    assert front.get(f"/?number={DELIVERED}&draft={shown}").headers["location"] == f"{PAGE}?draft={shown}"


def test_nothing_of_it_is_kept_or_listed_and_its_files_are_found(front: Front) -> None:
    address = f"{PAGE}?draft={token(front)}"
    for _ in range(3):
        answer = front.get(address)
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
    assert front.engine.metrics.near_lookups.counts["hit"] == 0
    letter = front.get(f"{PAGE}?draft={token(front, 'letter')}").text
    sheet = re.search(r'href="(/static/[0-9a-f]+/store\.css)"', letter)
    assert sheet is not None
    assert front.get(sheet[1]).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sheet[1] not in front.get(PAGE).text


@pytest.mark.parametrize(
    "made",
    [
        lambda front: token(front, days=-1),
        lambda front: token(front, "winter"),
        lambda front: token(front, store="outlet"),
        lambda front: token(front)[:-1],
        lambda front: "x" * 5000,
        lambda front: "%00",
        lambda front: "",
    ],
)
def test_a_link_that_does_not_hold_leads_to_what_everybody_sees(front: Front, made: Any) -> None:
    answer = front.get(f"{PAGE}?lang=de&draft={made(front)}")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{PAGE}?lang=de")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "/%0d%0aX-A:b"])
def test_it_leads_to_no_other_host(front: Front, path: str) -> None:
    answer = front.get(f"http://shop.example{path}?draft=x")
    assert answer.headers["location"].startswith("/")
    assert not answer.headers["location"].startswith(("//", "/\\"))
    assert "x-a" not in answer.headers


def test_a_token_of_an_older_key_holds_until_it_is_over() -> None:
    clock, old, new = FakeClock(), Secret("o" * 32), Secret("n" * 32)
    made = DraftLinks([old], clock=clock).token("main", "spring", clock.now() + timedelta(hours=1))
    links = DraftLinks([new, old], clock=clock)
    assert links.read(made, "main") == "spring"
    assert DraftLinks([new], clock=clock).read(made, "main") is None
    clock.advance(3601)
    assert links.read(made, "main") is None


def test_a_wrong_draft_is_named_at_start(tmp_path: Path) -> None:
    seasons = (Season(name="s", from_=TODAY, until=TODAY),)
    own = Store(name="S", season=seasons, draft={"spring": Draft(theme="minimal", settings={"widht": "wide"})})
    with (
        carriers() as (sandbox, served),
        pytest.raises(Exception, match=r"stores\.main\.draft\.spring\.settings\.widht: theme 'minimal' has no such"),
        shop(tmp_path, sandbox, served.url, stores={"main": own}),
    ):
        pass

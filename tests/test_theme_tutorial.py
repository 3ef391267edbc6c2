"""The theme tutorial, chapter by chapter: its files are written, its commands run, and the pages look as it says."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from click.testing import CliRunner
from msgspec import structs
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.cli import main
from doorstep.config import Server, Store, load
from doorstep.engine import create_engine
from doorstep.sandbox import Sandbox, sandbox_accounts
from doorstep.testing import Served

from .shopfront import DELIVERED, carriers, heading, parsed, words
from .test_docs import DOCS, ENDLESS, FENCE

PAGE = f"/track/{DELIVERED}"
TEXT = (DOCS / "theme-tutorial.md").read_text("utf-8")
Get = Callable[..., Any]


class Desk:
    """The folder of somebody who follows the page: the links it was given, and the shop as it is now."""

    def __init__(self, sandbox: Sandbox, served: Served) -> None:
        self._accounts = sandbox_accounts(sandbox, served.url)
        self.links: dict[str, str] = {}

    def follow(self, chapter: str) -> None:
        """Writes the chapter's files and runs its commands, in their order."""
        for block in FENCE.finditer(chapter):
            if block["name"]:
                file = Path(block["name"])
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block["text"], "utf-8")
            elif block["language"] == "console":
                for command in re.findall(r"^\$ doorstep (.*)$", block["text"], re.MULTILINE):
                    self._run(shlex.split(command, comments=True))

    def _run(self, arguments: list[str]) -> None:
        if arguments[0] == "check" or arguments[0] in ENDLESS:  # how these end is seen in test_docs
            return
        printed = CliRunner().invoke(main, arguments, prog_name="doorstep").stdout
        if "link" in arguments:
            address = urlsplit(printed.strip())
            self.links[arguments[-1]] = f"{address.path}?{address.query}"

    @contextmanager
    def open(self, **changed: Any) -> Iterator[Get]:
        """`get(path, language)` asks the shop as it is, with carriers that answer; `changed` are fields of its store."""
        config = load(Path("doorstep.toml"), {})
        stores: dict[str, Store] = {"main": structs.replace(config.stores["main"], **changed)}
        engine = create_engine(
            structs.replace(config, stores=stores, carriers=self._accounts, server=Server(deadline=5))
        )
        with TestClient(assemble(engine), base_url="http://127.0.0.1:8000") as client:
            yield lambda path, language="en": client.get(path, headers={"Accept-Language": language}).text


def sheet(get: Get, page: str = PAGE) -> str:
    link = parsed(get(page)).find(".//link[@rel='stylesheet']")
    assert link is not None
    return str(get(link.attrib["href"])).replace(" ", "")


def sections(get: Get) -> list[str]:
    return re.findall(r'id="(\w+)-title"', get(PAGE))


def packed(get: Get, language: str) -> str:
    return words(parsed(get("/", language)).find(".//p[@class='packed']"))


def a_store(desk: Desk) -> None:
    with desk.open() as get:
        assert heading(get("/")) == "Track your parcel"
        assert "packed" not in get("/")


def a_theme(desk: Desk) -> None:
    with desk.open() as get:
        assert packed(get, "en") == "Packed with care by Harbour & Pine."
        order = get(desk.links["1001"])
        assert "Cast iron pan, 26 cm" in order
        assert 'class="packed"' in order


def your_colours(desk: Desk) -> None:
    with desk.open() as get:
        assert re.search(r":root\{[^}]*--accent:#2f5d50;[^}]*--background:#f2f5f0;", sheet(get))
        before = sections(get)
        assert before.index("timeline") < before.index("details")
    with desk.open(settings={"accent": "#1c5c46"}) as get:
        assert "--accent:#1c5c46" in sheet(get)


def your_logo(desk: Desk) -> None:
    with desk.open() as get:
        logo = parsed(get("/")).find(".//header//img")
        assert logo is not None
        assert (logo.attrib["alt"], logo.attrib["width"]) == ("Harbour & Pine", "160")
        assert get(logo.attrib["src"]) == Path("themes/harbour/static/logo.svg").read_text("utf-8")


def a_section_moved(desk: Desk) -> None:
    with desk.open() as get:
        after = sections(get)
        assert after.index("details") < after.index("timeline")
        page = parsed(get(PAGE))
        assert page.find(".//div[@class='column']/section[@aria-labelledby='details-title']") is not None
        order = get(desk.links["1001"])
        assert order.index('id="items-title"') < order.index('class="parcel')


def a_text_in_two_languages(desk: Desk) -> None:
    with desk.open() as get:
        assert [heading(get("/", language)) for language in ("en", "de")] == ["Where is it?", "Wo ist es?"]
        assert heading(get("/", "fr")) not in ("Where is it?", "Track your parcel")
        assert packed(get, "de") == "Von Harbour & Pine für Sie gepackt."


def a_block_and_a_picture_in_it(desk: Desk) -> None:
    with desk.open() as get:
        assert heading(get(PAGE)) == "Delivered"  # a plain page with the same answer
        assert "<footer" not in get(PAGE)


def checking_it(desk: Desk) -> None:
    with desk.open() as get:
        page = get(PAGE)
        assert (
            page.index("</main>") < page.index('class="harbour"') < page.index('class="packed"') < page.index("<footer")
        )
        assert ".harbour{display:block" in sheet(get)


def in_ten_lines(desk: Desk) -> None:
    assert len(Path("themes/pine/theme.toml").read_text("utf-8").splitlines()) == 10
    assert [str(file) for file in Path("themes/pine").rglob("*")] == ["themes/pine/theme.toml"]
    with desk.open(theme="minimal") as get:
        before = get(PAGE)
        assert "--accent:#1d1c19" in sheet(get)
    assert before.index('class="steps') < before.index('id="timeline-title"')
    with desk.open(theme="pine") as get:
        after = get(PAGE)
        restyled = sheet(get)
    assert 'class="steps' not in after
    assert "--accent:#14532d" in restyled
    assert "--font:Seravek" in restyled
    assert after.index("</h1>") < after.index('id="timeline-title"') < after.index('id="details-title"')


def showing_it_to_somebody_first(desk: Desk) -> None:
    with desk.open() as get:
        token = desk.links["pine"].partition("?")[2]
        assert token.startswith("draft=")
        assert "This is the draft “pine”" in get(f"{PAGE}?{token}")
        assert 'class="packed"' in get(PAGE)


CHECKS = (
    a_store, a_theme, your_colours, your_logo, a_section_moved, a_text_in_two_languages, a_block_and_a_picture_in_it,
    checking_it, in_ten_lines, showing_it_to_somebody_first,
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DOORSTEP_")]:
        monkeypatch.delenv(name)
    with carriers() as (sandbox, served):
        yield Desk(sandbox, served)
    structlog.reset_defaults()


def test_each_chapter_does_to_the_pages_what_it_says(desk: Desk) -> None:
    chapters = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    titles = [re.sub(r"\W+", "_", chapter.partition("\n")[0].lower()) for chapter in chapters]
    assert titles == [check.__name__ for check in CHECKS]
    for chapter, check in zip(chapters, CHECKS, strict=True):
        desk.follow(chapter)
        check(desk)

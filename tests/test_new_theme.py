"""`doorstep new theme`: what is written works at once on any parent, and nothing is ever written over."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from click.testing import CliRunner, Result

from doorstep.cli import main
from doorstep.errors import ConfigError, ThemeError
from doorstep.paths import shipped
from doorstep.scaffold.theme import new_theme
from doorstep.theme_rules import check_theme

from .shopfront import DELIVERED, Front, carriers, parsed, shop, store, words
from .themes_on_disk import write_theme

FILES = [
    "locales/ar.po", "locales/de.po", "locales/fr.po", "parents.toml", "static/harbour.css", "templates/layout.html",
    "theme.toml",
]  # fmt: skip
PARENTS = ("bold", "classic", "minimal")
PAGE = f"/track/{DELIVERED}"
SENTENCES = {
    "en": "Packed with care by Harbour & Pine.",
    "de": "Mit Sorgfalt gepackt von Harbour & Pine.",
    "fr": "Préparé avec soin par Harbour & Pine.",
    "ar": "عُبِّئ بعناية لدى \u2068Harbour & Pine\u2069.",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", "theme", *arguments], prog_name="doorstep")


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.mark.usefixtures("folder")
def test_it_writes_a_child_of_classic_and_says_what_comes_next() -> None:
    result = new("harbour")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [f"themes/harbour/{name}" for name in FILES]
    assert files_in(Path("themes/harbour")) == FILES
    for step in (
        'theme = "harbour"',
        "[stores.main]",
        "doorstep check theme themes/harbour",
        "doorstep serve --preview",
    ):
        assert step in result.stderr
    assert tomllib.loads(Path("themes/harbour/theme.toml").read_text("utf-8"))["extends"] == "classic"


@pytest.mark.parametrize("parent", PARENTS)
def test_no_rule_is_broken_whatever_theme_that_ships_is_extended(tmp_path: Path, parent: str) -> None:
    new_theme("harbour", tmp_path, extends=parent)
    assert check_theme(tmp_path / "themes" / "harbour") == []


def test_a_theme_of_the_shop_may_be_the_parent_too(tmp_path: Path) -> None:
    write_theme(tmp_path / "themes", "base", extends='"minimal"', sections='["hero", "timeline", "details", "carrier"]')
    new_theme("spring-2027", tmp_path, extends="base")
    folder = tmp_path / "themes" / "spring-2027"
    assert check_theme(folder) == []
    manifest = tomllib.loads((folder / "theme.toml").read_text("utf-8"))
    assert (manifest["title"], manifest["extends"]) == ("Spring 2027", "base")
    assert manifest["sections"] == ["hero", "timeline", "carrier", "details"]


def test_into_is_where_the_shop_lies(folder: Path) -> None:
    result = new("harbour", "--into", "shop")
    assert files_in(folder / "shop" / "themes" / "harbour") == FILES
    assert "doorstep check theme shop/themes/harbour" in result.stderr


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A shop with a child of each parent below a path of its own, and `quiet`, which switches the new setting off."""
    folder = tmp_path_factory.mktemp("shop")
    for parent in PARENTS:
        new_theme(f"on-{parent}", folder, extends=parent)
    stores = {parent: store(path=f"/{parent}", theme=f"on-{parent}") for parent in PARENTS}
    stores |= {"plain": store(), "quiet": store(path="/quiet", theme="on-classic", settings={"thanks": False})}
    with carriers() as (sandbox, served), shop(folder, sandbox, served.url, stores=stores) as front:
        yield front


def sheet(front: Front, page: Element) -> str:
    link = page.find(".//link[@rel='stylesheet']")
    assert link is not None
    text: Any = front.get(link.attrib["href"]).text
    return str(text)


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("language", SENTENCES)
def test_its_own_text_stands_in_its_block_above_the_parents_foot(front: Front, parent: str, language: str) -> None:
    page = parsed(front.get(f"/{parent}{PAGE}", language).text)
    assert words(page.find(".//p[@class='packed']")) == SENTENCES[language]
    assert page.find(".//footer[@class='foot']") is not None


@pytest.mark.parametrize("parent", PARENTS)
def test_its_default_and_its_style_sheet_are_worn(front: Front, parent: str) -> None:
    css = sheet(front, parsed(front.get(f"/{parent}{PAGE}").text))
    assert "--accent:#7a3b1d" in css.replace(" ", "")
    assert ".packed" in css


def test_its_order_of_sections_is_the_pages(front: Front) -> None:
    """The carrier's card before the details: the other way round than on Classic's own page."""
    own, plain = (front.get(f"{path}{PAGE}").text for path in ("/classic", ""))
    assert own.index('class="card carrier"') < own.index('id="details-title"')
    assert plain.index('class="card carrier"') > plain.index('id="details-title"')


def test_its_own_setting_is_a_stores_to_switch(front: Front) -> None:
    assert 'class="packed"' in front.get(f"/classic{PAGE}").text
    assert 'class="packed"' not in front.get(f"/quiet{PAGE}").text


def test_its_comments_name_what_there_is(tmp_path: Path) -> None:
    """A custom property that the style sheet offers by name is one that every look sets, or the engine or Ground does."""
    new_theme("harbour", tmp_path, extends="classic")
    text = (tmp_path / "themes/harbour/static/harbour.css").read_text("utf-8")
    named = set(re.findall(r"--[a-z]+", text))
    assert {"--muted", "--gutter"} <= named
    ground = (shipped("themes") / "classic/static/ground.css").read_text("utf-8")
    for parent in PARENTS:
        look = (shipped("themes") / parent / "static/look.css").read_text("utf-8")
        assert named - set(re.findall(r"(--[a-z]+):", ground + look)) == set()


@pytest.mark.parametrize("name", ["", "h", "Harbour", "harbour pine", "../harbour", "7seas", "käse", "متجر", "a" * 41])
def test_what_is_no_name_is_refused_with_one_that_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a theme") as refused:
        new_theme(name, tmp_path, extends="classic")
    assert "harbour-pine" in refused.value.next_step
    assert files_in(tmp_path) == []


def test_what_is_there_already_stays_as_it_is(folder: Path) -> None:
    (folder / "themes" / "harbour").mkdir(parents=True)
    (folder / "themes/harbour/notes.txt").write_text("mine")
    result = new("harbour")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "themes/harbour is there already: choose another name, or remove it" in result.stderr
    assert files_in(folder) == ["themes/harbour/notes.txt"]


@pytest.mark.parametrize("name", PARENTS)
def test_a_name_of_a_theme_that_ships_is_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is a theme that ships"):
        new_theme(name, tmp_path, extends="classic")


def test_a_parent_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match="there is no theme 'clasic'") as refused:
        new_theme("harbour", tmp_path, extends="clasic")
    assert refused.value.next_step == "installed: bold, classic, minimal"
    assert files_in(tmp_path) == []


def test_a_parent_that_has_nothing_of_classics_is_refused(tmp_path: Path) -> None:
    write_theme(tmp_path / "themes", "own")
    with pytest.raises(ConfigError, match="does not build on 'classic'") as refused:
        new_theme("harbour", tmp_path, extends="own")
    assert refused.value.next_step == "extend classic, or a theme that extends it"
    assert not (tmp_path / "themes" / "harbour").exists()

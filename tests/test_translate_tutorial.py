"""The tutorial of translators: a folder is made, its files are written as the page says, and a page speaks the language."""

import re
import shutil
from pathlib import Path
from typing import Any

import polib
import pytest
from babel.messages.plurals import get_plural
from starlette.testclient import TestClient

from doorstep import shops
from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.i18n import Catalogs
from doorstep.secret import Secret

from . import catalogs
from .test_docs import DOCS, Block, blocks

PAGE = DOCS / "translate-tutorial.md"


def followed(folder: Path) -> dict[str, Block]:
    """The page's files, by name."""
    found = {Path(one.name).name: one for one in blocks(PAGE) if one.name}
    assert found.keys() == {"glossary.toml", "doorstep.po"}
    (code,) = re.findall(r"\./dev locales update (\w+)", PAGE.read_text("utf-8"))
    assert code == "cy"
    assert not (catalogs.LOCALES / code).exists()
    assert catalogs.main(["update", code]) == 0
    assert Path(found["glossary.toml"].name).parent.name == code
    return found


def test_from_a_new_folder_to_a_page_in_that_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locales = tmp_path / "locales"
    shutil.copytree(catalogs.LOCALES / "en", locales / "en")
    source = catalogs.texts()
    for name, value in (("LOCALES", locales), ("ROOT", tmp_path), ("texts", lambda: source)):
        monkeypatch.setattr(catalogs, name, value)
    written = followed(locales)
    (locales / "cy" / "glossary.toml").write_text(written["glossary.toml"].text, "utf-8")
    said = {one.msgid: one.msgstr for one in polib.pofile(written["doorstep.po"].text)}
    assert len(said) == 3
    file = locales / "cy" / "LC_MESSAGES" / "doorstep.po"
    po = polib.pofile(str(file), encoding="utf-8")
    for entry in po:
        entry.msgstr = said.pop(entry.msgid, entry.msgstr)
    po.save()
    assert said == {}, "the page translates what is no text of ours"
    assert {len(entry.msgstr_plural) for entry in po if entry.msgid_plural} == {get_plural("cy").num_plurals}

    left = catalogs.problems("cy", source)
    assert not [one for one in left if "Track your parcel" in one or "Delivered'" in one]
    assert any(one.startswith("untranslated") for one in left)  # an honest start: the check says what is missing

    monkeypatch.setattr(shops, "shipped", lambda name: tmp_path / name)
    assert set(Catalogs([locales]).languages) == {"cy", "en"}
    store: dict[str, Any] = {"main": Store(name="Siop")}
    config = Config(stores=store, secret_key=(Secret("k" * 32),), database=f"sqlite:///{tmp_path / 'shop.db'}")
    with TestClient(assemble(create_engine(config))) as client:
        page = client.get("/?lang=cy").text
        assert '<html lang="cy"' in page
        assert "Olrhain eich parsel" in page
        assert 'hreflang="cy"' in client.get("/").text

"""What makers change is shown without a restart, whole; what cannot be shown leaves the last good one live, and is told."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import load
from doorstep.engine import Engine, create_engine
from doorstep.preview.trial import trial_of

from .themes_on_disk import write_theme

SETTINGS = """\
secret_key = "0123456789abcdef0123456789abcdef"
[stores.main]
name = "Harbour"
theme = "sea"
languages = ["en", "de"]
"""
LAYOUT = '<link rel="stylesheet" href="{{ stylesheet() }}"><h1>one</h1><p>{{ _("Need help?") }}</p>'


class Site:
    """A running shop whose theme and settings are files."""

    def __init__(self, root: Path, client: TestClient, engine: Engine) -> None:
        self.root = root
        self.client = client
        self.engine = engine

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, "utf-8")

    def layout(self, text: str) -> None:
        self.write("themes/sea/templates/lookup.html", text)

    def looked_again(self) -> None:
        assert self.client.portal is not None
        self.client.portal.call(self.engine.wardrobe.refresh)

    def heading(self, **headers: str) -> str:
        return re.findall("<h1>(.*?)</h1>", self.client.get("/", headers=headers).text)[0]

    def sheet(self) -> str:
        return re.findall('href="(.*?store.css)"', self.client.get("/").text)[0]

    def amiss(self) -> list[str]:
        told: list[str] = self.client.get("/readyz").json()["amiss"]
        return told


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    write_theme(
        tmp_path / "themes", "sea", {"templates/lookup.html": LAYOUT, "static/sea.css": "h1{}"},
        extends='"classic"', styles='["sea.css"]',
    )  # fmt: skip
    (tmp_path / "doorstep.toml").write_text(SETTINGS)
    engine = create_engine(load(tmp_path / "doorstep.toml", {}), packages=[])
    trial = trial_of(engine.plugins.manifests)
    with TestClient(assemble(engine, beside=partial(engine.wardrobe.watching_files, trial))) as client:
        yield Site(tmp_path, client, engine)


def test_a_changed_template_is_shown(site: Site) -> None:
    assert site.heading() == "one"
    site.layout(LAYOUT.replace("one", "two"))
    site.looked_again()
    assert site.heading() == "two"


@pytest.mark.fault(30)
def test_a_template_that_fails_when_it_is_rendered_leaves_the_last_good_one_live(site: Site) -> None:
    site.layout(LAYOUT.replace("one", "{{ nobody }}"))
    site.looked_again()
    assert site.heading() == "one"
    assert any("lookup.html:1" in one and "nobody" in one for one in site.amiss())
    site.layout(LAYOUT.replace("one", "two"))
    site.looked_again()
    assert (site.heading(), site.amiss()) == ("two", [])


def test_a_new_style_sheet_has_a_new_address_and_the_old_one_still_serves_the_old(site: Site) -> None:
    old = site.sheet()
    before = site.client.get(old).text
    site.write("themes/sea/static/sea.css", "h1{margin:0}")
    assert site.client.get(old).text == before
    site.looked_again()
    new = site.sheet()
    assert new != old
    assert site.client.get(new).text == before.replace("h1{}", "h1{margin:0}")
    assert site.client.get(old).text == before


def test_a_process_that_has_not_seen_the_change_yet_looks_when_its_new_file_is_asked_for(site: Site) -> None:
    """As when another process made the page."""
    site.write("themes/sea/static/sea.css", "h1{margin:0}")
    other = create_engine(load(site.root / "doorstep.toml", {}), packages=[])
    sheet = other.shops.all[0].look.assets["store.css"]
    address = f"/static/{sheet.fingerprint}/store.css"
    site.engine.wardrobe._looked_at = -inf
    assert site.client.get(address).content == sheet.body
    assert site.client.get("/static/0000000000000000/store.css").status_code == 404


def test_html_and_css_change_together(site: Site) -> None:
    """Files that changed on disk and were not loaded yet are on no page."""
    old = site.sheet()
    site.write("themes/sea/static/sea.css", "h1{margin:0}")
    site.layout(LAYOUT.replace("one", "two"))
    assert (site.heading(), site.sheet()) == ("one", old)


def test_a_stores_values_drafts_and_texts_are_read_anew(site: Site) -> None:
    old = site.sheet()
    site.write("doorstep.toml", SETTINGS + 'settings = { accent = "#7a3b1d" }\n[stores.main.draft.spring]\n')
    (site.root / "themes" / "sea" / "locales").mkdir()
    site.write("themes/sea/locales/de.po", '\nmsgid "Need help?"\nmsgstr "Ahoi?"\n')
    site.looked_again()
    assert site.sheet() != old
    assert set(site.engine.shops.all[0].drafts) == {"spring"}
    assert "<p>Ahoi?</p>" in site.client.get("/", headers={"Accept-Language": "de"}).text


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda site: site.layout("{% if %}"), "sea/templates/lookup.html:1: "),
        (lambda site: site.write("themes/sea/theme.toml", "name ="), "sea/theme.toml: "),
        (lambda site: site.write("doorstep.toml", SETTINGS + 'sections = ["heroo"]'), "stores.main.sections[0]: "),
        (lambda site: site.write("doorstep.toml", SETTINGS + "colour = 1"), "stores.main.colour is not a setting"),
        (lambda site: site.write("doorstep.toml", "[[["), "doorstep.toml: "),
        (lambda site: (site.root / "themes/sea/static/sea.css").unlink(), "styles names 'sea.css'"),
    ],
)
@pytest.mark.fault(30)
def test_what_cannot_be_shown_is_told_and_the_last_good_one_stays(
    site: Site, spoil: Callable[[Site], Any], said: str
) -> None:
    spoil(site)
    site.looked_again()
    assert site.heading() == "one"
    (told,) = site.amiss()
    assert said in told
    assert told.endswith("; the last good looks stay")
    assert b'doorstep_looks_loaded_total{result="failed"} 1.0' in site.client.get("/metrics").content
    site.write("doorstep.toml", SETTINGS)
    site.write("themes/sea/static/sea.css", "h1{}")
    write_theme(site.root / "themes", "sea", extends='"classic"')
    site.layout(LAYOUT.replace("one", "mended"))
    site.looked_again()
    assert (site.heading(), site.amiss()) == ("mended", [])


def test_other_settings_wait_for_a_restart_and_that_is_told(site: Site) -> None:
    site.write("doorstep.toml", SETTINGS.replace("Harbour", "Haven") + 'settings = { accent = "#7a3b1d" }\n')
    old = site.sheet()
    site.looked_again()
    assert site.sheet() != old
    assert site.engine.shops.all[0].view.name == "Harbour"
    assert site.amiss() == ["settings: some have changed that are only read at start: restart"]
    site.write("doorstep.toml", SETTINGS)
    site.looked_again()
    assert site.amiss() == []


def test_files_are_watched(site: Site) -> None:
    site.layout(LAYOUT.replace("one", "two"))
    ends = monotonic() + 60
    while site.heading() == "one" and monotonic() < ends:
        sleep(0.1)
    assert site.heading() == "two"


@pytest.mark.anyio
async def test_a_signal_asks_to_look_at_once(site: Site) -> None:
    wardrobe = create_engine(load(site.root / "doorstep.toml", {}), packages=[]).wardrobe
    async with wardrobe.watching_files():
        assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL  # else the next line would end this process
        wardrobe._asked.clear()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(wardrobe._asked.wait(), 30)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_nothing_is_loaded_while_nothing_changes(site: Site) -> None:
    shop = site.engine.shops.all[0]
    for _ in range(3):
        site.looked_again()
    assert site.engine.shops.all[0] is shop

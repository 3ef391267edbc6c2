"""How far each carrier can be relied on: what its manifest says, and what the page of all carriers makes of it."""

from pathlib import Path

import pytest

from doorstep.manifest import Manifest, Sureness
from doorstep.packages import installed

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "carriers.md").read_text("utf-8")
ALL = [one for package in installed() for one in package.manifests()]
ASKED = [one for one in ALL if one.asks]

every_asked_carrier = pytest.mark.parametrize("manifest", ASKED, ids=[one.slug for one in ASKED])


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def row(heading: str, manifest: Manifest) -> list[str]:
    (found,) = [cells for cells in rows(heading) if cells[0].startswith(f"[{manifest.name}](")]
    return found


@every_asked_carrier
def test_manifest_says_how_surely_answers_and_codes_are_known(manifest: Manifest) -> None:
    assert manifest.certainty, (
        'carrier.toml: certainty = { answers = "…", codes = "…" }; docs/manifest.md has the words'
    )


@every_asked_carrier
def test_page_of_a_carrier_known_with_low_certainty_says_so(manifest: Manifest) -> None:
    certainty = manifest.certainty
    if certainty and Sureness.LOW in (certainty.answers, certainty.codes):
        assert "low certainty" in (DOCS.parent / manifest.docs).read_text("utf-8").replace("\n", " ").replace("**", "")


@every_asked_carrier
def test_page_of_all_carriers_tells_what_each_can_do_how_surely_and_by_which_codes(manifest: Manifest) -> None:
    assert f"`{manifest.slug}`" in row("What each can do", manifest)
    assert manifest.certainty
    certainty = [manifest.certainty.answers.value, manifest.certainty.codes.value]
    assert row("How far each can be relied on", manifest)[2:4] == certainty
    _, count, sources = row("Where the codes come from", manifest)
    assert int(count) > 0
    assert sources


def test_page_of_all_carriers_names_those_that_are_known_by_number() -> None:
    part = PAGE.partition("\n## Known by number\n")[2]
    for manifest in ALL:
        if not manifest.asks:
            assert manifest.name in part
            assert f"`{manifest.slug}`" in part

"""Each package has its reason, a licence that a shop can live with, and its place in the lock; nothing else is imported."""

import ast
import re
import sys
from pathlib import Path

import pytest
from markupsafe import _escape_inner, escape  # type: ignore[attr-defined]

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "docs"))
import security_lists  # noqa: E402

GOOD = re.compile(r"MIT|BSD|Apache|PSF|Python Software Foundation|MPL-2\.0|LGPL-3\.0-only")
IMPORTED_AS = {
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
    "css_inline": "css-inline",
}
OWN = {"doorstep", *(file.parent.name for file in ROOT.glob("plugins/*/*/__init__.py"))}
ONE_OR_THE_OTHER = {"_pytest": "pytest"}


def imported():
    """Every package that the engine or a plugin imports, wherever in a file."""
    for file in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("plugins/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (one.name.partition(".")[0] for one in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield (node.module or "").partition(".")[0]


def test_the_page_names_every_package_that_is_asked_for():
    told, asked = security_lists.reasons(), security_lists.asked_for()
    assert {group: {*names} - {*told[group]} for group, names in asked.items()} == {group: set() for group in asked}
    for group in {*asked} - {"dev"}:  # tools come and go
        assert {*told[group]} == {*asked[group]}, group


def test_what_is_imported_is_asked_for():
    asked = {name for group, names in security_lists.asked_for().items() if group != "dev" for name in names}
    found = {one for one in imported() if one not in sys.stdlib_module_names and one not in OWN}
    assert {IMPORTED_AS.get(one, ONE_OR_THE_OTHER.get(one, one)) for one in found} - asked == set()


def test_every_licence_is_one_a_shop_can_live_with():
    named = {
        name: security_lists.licence(group, name)
        for group, names in security_lists.asked_for().items()
        for name in names
    }
    assert {name: licence for name, licence in named.items() if not GOOD.search(licence)} == {}
    assert {name for name, licence in named.items() if "LGPL" in licence} == {"psycopg"}


def test_the_lock_has_every_package_with_its_hashes():
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    locked = dict(
        re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)(?: ;.*)? ?\\?\n(?=    --hash=sha256:)", lock, re.MULTILINE)
    )
    for names in security_lists.asked_for().values():
        assert {*names} <= {*locked}, {*names} - {*locked}
    assert not re.search(r"https?://|--index|--find-links", lock)


@pytest.mark.parametrize("text", ["", "Lille", "<a href=\"x\" id='y'>&amp;</a>", "ß ﷺ \u2028 \x00", "'\"<>&" * 50])
def test_what_is_taken_from_markupsafe_says_what_its_public_function_says(text):
    assert _escape_inner(text) == str(escape(text))


def test_every_requirement_that_is_met_names_what_there_is():
    seen = set()
    for chapter in security_lists.requirements().values():
        for id, one in chapter.items():
            if id == "title":
                continue
            assert id not in seen
            seen.add(id)
            assert one["is"] in ("met", "partly", "operator", "n/a"), id
            assert one["how"].endswith("."), id
            for name in one.get("where", ()):
                place = ROOT / "engine" / "doorstep" / name
                assert place.with_suffix(".py").is_file() or place.is_dir(), (id, name)
            for test in one.get("tests", ()):
                file, _, name = test.partition("::")
                assert re.search(
                    rf"^ *(async )?def {name}\(", (ROOT / "tests" / file).read_text("utf-8"), re.MULTILINE
                ), (id, test)
            assert one["is"] not in ("met", "partly") or one.get("tests") or one.get("where"), id
    assert {id.partition(".")[0] for id in seen} == {str(n) for n in range(1, 18)}

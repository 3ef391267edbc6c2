"""docs/faults.md cannot lie about what is tested: every fault has its tests, and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "faults.md").read_text("utf-8")


def rows() -> dict[int, list[tuple[str, str]]]:
    """File and name of the tests, by the fault's number."""
    cells = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]
    return {int(first.strip("| ")): re.findall(r"`(\S+?)::(\S+?)`", last) for first, *_, last in cells}


def test_every_fault_has_a_test_and_no_number_is_left_out() -> None:
    found = rows()
    assert list(found) == list(range(1, len(found) + 1))
    assert [number for number, tests in found.items() if not tests] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = {test for tests in rows().values() for test in tests}
    assert len(named) > 40
    missing = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if not re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    ]
    assert missing == []

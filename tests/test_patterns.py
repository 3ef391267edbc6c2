"""No regular expression of the engine or of a plugin can be made to take its time: none repeats a repeat, and none is worse
than quadratic on texts that are made against it."""

import pytest

from .patterns import Found, attacks, every, growth, nested, parsed

WORST = 6.5  # for twice the text: quadratic is 4, cubic 8
BAD = [r"(a+)+$", r"(\w+\s?)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(a|aa)+$", r"(.*a){12}", r"(\d+)*x"]
GOOD = [r"[0-9]{9}", r"(\w+\.)*\w+", r"a+b+", r"(?:[a-z]+-)+x", r"\s+$"]


@pytest.fixture(scope="module")
def patterns() -> dict[str, Found]:
    return every()


def test_they_are_found_wherever_they_stand(patterns: dict[str, Found]) -> None:
    kinds = {where.partition(".")[0].partition("/")[0] for where in patterns}
    assert {"doorstep", "doorstep_cross_sell", "ups", "dhl"} <= kinds
    assert len(patterns) > 200


@pytest.mark.fault(29)
def test_no_pattern_repeats_a_repeat(patterns: dict[str, Found]) -> None:
    assert {where: one.pattern for where, one in patterns.items() if nested(parsed(one.pattern, one.flags))} == {}


def test_a_repeated_repeat_would_be_seen() -> None:
    assert [bool(nested(parsed(one))) for one in BAD] == [True, True, True, False, False, True]
    assert not [one for one in GOOD if nested(parsed(one))]


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"a*a*a*a*b"])
def test_growth_beyond_what_is_allowed_would_be_seen(pattern: str) -> None:
    assert any(growth(Found(pattern, 0), one) > WORST for one in attacks(parsed(pattern)))


@pytest.mark.exhaustive
@pytest.mark.fault(29)
def test_no_pattern_is_worse_than_quadratic_on_texts_made_against_it(patterns: dict[str, Found]) -> None:
    slow = {}
    for one, where in {one: where for where, one in patterns.items()}.items():
        for attack in attacks(parsed(one.pattern, one.flags)):
            found = growth(one, attack)
            for _ in range(3):  # once more: the machine may have been busy
                found = min(found, growth(one, attack)) if found > WORST else found
            if found > WORST:
                slow[where] = (one.pattern, attack, found)
    assert slow == {}

"""What the fast gate has, what it leaves to `./dev prove`, and that both say so."""

from itertools import combinations, product

import pytest

from .check import ROOT
from .gates import pairwise, sorted_out, telling
from .prove.__main__ import PARTS, main


def fast(parameters):
    return [one.values for one in parameters if not one.marks]


def test_of_many_cases_those_tell_that_show_something_new():
    cases = [("dhl", "lost"), ("dhl", "lost"), ("ups", "lost"), ("ups", "found"), ("dhl", "found")]
    parameters = telling(cases, lambda case: case[0], lambda case: case[1])
    assert [one.values for one in parameters] == cases
    assert fast(parameters) == [("dhl", "lost"), ("ups", "lost"), ("ups", "found")]


def test_any_two_values_of_two_axes_meet_in_the_fast_gate():
    axes = ("abc", "defg", "hi", "jk")
    parameters = pairwise(*axes)
    assert [one.values for one in parameters] == list(product(*axes))
    for one, other in combinations(range(4), 2):
        assert {(case[one], case[other]) for case in fast(parameters)} == set(product(axes[one], axes[other]))
    assert len(fast(parameters)) < len(parameters) / 2


@pytest.mark.parametrize(("gate", "runs", "leaves"), [("fast", "ac", "b"), ("rest", "b", "ac"), ("all", "abc", "")])
def test_a_gate_runs_what_is_its_own(gate, runs, leaves):
    class Item:
        def __init__(self, name):
            self.name = name

        def get_closest_marker(self, marker):
            return pytest.mark.exhaustive if (self.name, marker) == ("b", "exhaustive") else None

    items = [Item(name) for name in "abc"]
    left = sorted_out(items, gate)
    assert "".join(item.name for item in items) == runs
    assert "".join(item.name for item in left) == leaves


def test_all_that_is_proved_takes_less_than_an_hour():
    assert sum(part.minutes for part in PARTS.values()) <= 60


@pytest.mark.parametrize("asked", [["all"], ["soak", "long"], ["soak", "1", "2", "3"], ["soak", "-1"]])
def test_wrong_usage_names_every_part_and_runs_nothing(asked, capsys):
    assert main(asked) == 2
    told = capsys.readouterr().err
    assert told.startswith("usage: ./dev prove [PART [HOW MUCH [SEED]]]")
    assert all(f"  {name} " in told and part.proves in told for name, part in PARTS.items())


def test_contributors_are_told_of_every_part():
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for name, part in PARTS.items():
        much = "" if name == "tests" else f"{part.usual} {part.of}"
        assert f"| `{name}` | {part.proves} | {much}".rstrip() in told

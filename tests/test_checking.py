"""`doorstep check plugin`: every mistake in a plugin is named with its place and its mend."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from doorstep.checking import Report, check_plugins
from doorstep.cli import main
from doorstep.errors import ManifestError
from doorstep.packages import in_folder, installed
from doorstep.quality import RULES, Claim, Standing, load_quality
from doorstep.scaffold import new_carrier

Spoil = Callable[..., Report]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A shop's folder with one plugin of its own; its files are below `home`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    new_carrier("Blue Line", tmp_path, shop=True)
    yield tmp_path
    sys.modules.pop("doorstep_blue_line", None)


@pytest.fixture
def spoil(shop: Path) -> Spoil:
    """Replaces a text in one of the plugin's files (or writes the whole file), and gives the report."""

    def spoilt(name: str, old: str, new: str) -> Report:
        file = shop / "plugins" / "doorstep_blue_line" / name
        text = file.read_text("utf-8") if file.exists() else ""
        assert old in text
        file.write_text(text.replace(old, new) if old else new, "utf-8")
        return check_plugins(in_folder(shop / "plugins"))[0]

    return spoilt


def test_a_new_plugin_is_fine(shop: Path) -> None:
    report = check_plugins(in_folder(shop / "plugins"))[0]
    assert (report.plugin, report.problems) == ("blue_line", ())
    assert sum(report.standing.values()) == len(RULES)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("carrier.toml", "rank = 90", "rank = 190", r"carrier.toml.*rank.*manifest.md"),
        ("carrier.toml", "contract = 1", "contract = 7", r"newer than this engine.*update Doorstep"),
        ("carrier.toml", "[0-9]{8}", "[0-9]+", r"unbounded repeat.*bounded repeats"),
        ("carrier.toml", 'auth = "key"', 'auth = "key"\ncan = ["track_many"]', r"has no track_many\(\).*take it out of can"),
        ("codes.toml", '"in_transit"', '"on_the_moon"', r"codes.HUB.*status is one of"),
        ("__init__.py", "from doorstep import", "import no_such_module\nfrom doorstep import",
         r"No module named 'no_such_module'"),
        ("__init__.py", "register_carriers = registers(BlueLineCarrier)", "", r"registers no carrier.*register\(YourCarrier\)"),
        ("__init__.py", "def track(", "def register(self, queries): yield\n    def track(", r"has register\(\).*add it to can"),
        ("samples/delivered/expected.json", '"final": true', '"final": false',
         r"samples/delivered: \$.shipments\[0\].final: expected False, got True.*expected.json where that is wrong"),
        ("samples/delivered/expected.json", '"service"', '"sevrice"', r"\$.shipments\[0\].sevrice is missing"),
        ("samples/delivered/response.json", '"scans"', '"scan"', r"samples/delivered: \$.shipments is missing"),
        ("samples/delivered/case.toml", "title", "titel", r"delivered/case.toml.*titel"),
        ("samples/sandbox.toml", "anchor", "anker", r"samples/sandbox.toml"),
        ("quality.toml", 'window = {', 'windows = {', r"'windows' is no rule.*the rules are recognition"),
        ("quality.toml", 'live = { exempt = "Blue Line is invented" }', "", r"says nothing of live.*exempt"),
        ("quality.toml", 'live = { exempt = "Blue Line is invented" }', "live = { todo = ' ' }", r"quality.toml: live is"),
        ("quality.toml", 'several = { exempt = "Blue Line uses no number twice" }', 'several = "done"',
         r"several is not done: no sample has two shipments.*todo"),
        ("quality.toml", 'documents = { exempt = "the API has none" }', 'documents = "done"', r"can does not name 'document'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_its_mend(spoil: Spoil, file: str, old: str, new: str, said: str) -> None:
    report = spoil(file, old, new)
    told = [f"{problem.message}: {problem.mend}" for problem in report.problems]
    assert any(re.search(said, one) for one in told), told


def test_a_plugin_that_raises_in_reading_is_a_problem_of_that_sample(spoil: Spoil) -> None:
    report = spoil("__init__.py", "self.codes.read(", "{}['x'], self.codes.read(")
    assert "samples/delivered: the plugin raised KeyError" in report.problems[0].message


def test_a_sample_without_an_expectation_is_a_problem(shop: Path) -> None:
    (shop / "plugins/doorstep_blue_line/samples/delivered/expected.json").unlink()
    problems = check_plugins(in_folder(shop / "plugins"))[0].problems
    assert "samples/delivered has no expected.json" in problems[0].message


def test_the_command_prints_every_rule_of_a_plugin_that_is_named(shop: Path) -> None:
    result = CliRunner().invoke(main, ["check", "plugin", "blue_line"])
    assert result.exit_code == 0
    assert all(rule.id in result.output for rule in RULES)


def test_the_command_ends_with_1_where_something_is_to_mend(spoil: Spoil) -> None:
    spoil("codes.toml", '"in_transit"', '"on_the_moon"')
    result = CliRunner().invoke(main, ["check", "plugin", "blue_line", "--json"])
    assert result.exit_code == 1
    assert "on_the_moon" in result.output


def test_a_plugin_that_is_not_there_is_said(shop: Path) -> None:
    result = CliRunner().invoke(main, ["check", "plugin", "red_line"])
    assert result.exit_code == 1
    assert "there is no plugin 'red_line': there are" in result.output


def test_every_bundled_plugin_is_fine() -> None:
    assert {report.plugin: report.problems for report in check_plugins(installed()) if report.problems} == {}


def test_claims_are_read_with_their_reasons(shop: Path) -> None:
    claims = load_quality(shop / "plugins/doorstep_blue_line/quality.toml")
    assert claims["link"] == Claim(Standing.DONE)
    assert claims["window"] == Claim(Standing.TODO, "the answer's estimate is not read yet")
    assert claims["batch"] == Claim(Standing.EXEMPT, "the API takes one number a call")
    assert list(claims) == [rule.id for rule in RULES]


def test_a_list_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"quality.toml"):
        load_quality(tmp_path / "quality.toml")
    (tmp_path / "quality.toml").write_text("= 1")
    with pytest.raises(ManifestError, match=r"quality.toml.*docs/quality.md"):
        load_quality(tmp_path / "quality.toml")

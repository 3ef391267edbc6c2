"""`doorstep new carrier`: what is written works, whatever the carrier is called."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from doorstep.cli import main
from doorstep.errors import ConfigError
from doorstep.manifest import load_manifest
from doorstep.packages import in_folder
from doorstep.scaffold import names, new_carrier, new_widget
from doorstep.widget_rules import trials
from doorstep.widget_rules.trial import LANGUAGES


@pytest.mark.parametrize(
    ("name", "class_name", "slug", "letters"),
    [
        ("Acme Post", "AcmePost", "acme_post", "AC"),
        ("DHL", "DHL", "dhl", "DH"),
        ("north-west 24", "NorthWest24", "north_west_24", "NO"),
        ("T9", "T9", "t9", "TX"),
        ("Käse Kurier", "KSeKurier", "k_se_kurier", "KS"),
    ],
)
def test_a_name_makes_class_slug_and_letters(name: str, class_name: str, slug: str, letters: str) -> None:
    called = names(name)
    assert (called.class_name, called.slug, called.letters) == (class_name, slug, letters)


@pytest.mark.parametrize("name", ["", "17TRACK", "x", "!", "שליח", 'Bob"s', "a\\b", "a\nb", "a" * 41])
def test_a_name_that_makes_none_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ConfigError, match="Acme Post"):
        names(name)


@pytest.mark.parametrize("name", ["Query", "Parcel", "Settings", "Event", "Acme Post", "acme", "Doorstep"])
def test_no_name_breaks_what_is_written(name: str, tmp_path: Path) -> None:
    files = new_carrier(name, tmp_path, shop=True)
    for file in files:
        text = file.read_text("utf-8")
        if file.suffix == ".py":
            compile(text, file.name, "exec")
        if file.suffix == ".toml":
            tomllib.loads(text)
    slug = names(name).slug
    manifest = load_manifest((tmp_path / f"plugins/doorstep_{slug}/carrier.toml").read_text(), file="carrier.toml")
    assert (manifest.slug, manifest.name) == (slug, name)


def test_nothing_of_the_invented_carrier_is_left(tmp_path: Path) -> None:
    for shop in (True, False):
        for file in new_carrier("Blue Line", tmp_path / str(shop), shop=shop):
            assert "acme" not in file.read_text("utf-8").lower(), file
            assert "acme" not in str(file).lower()


def test_what_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    first = new_carrier("Blue Line", tmp_path, shop=True)
    first[0].write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        new_carrier("blue line", tmp_path, shop=True)
    assert first[0].read_text() == "mine"


def run(*command: str, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.exhaustive
def test_in_a_shop_it_passes_its_own_tests_and_the_check_and_is_asked(tmp_path: Path) -> None:
    new_carrier("Blue Line", tmp_path, shop=True)
    assert " passed" in run("pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert run("doorstep", "check", "plugin", "blue_line", cwd=tmp_path).startswith("blue_line: fine")
    assert "✓ With your neighbour" in run("doorstep", "track", "BL482107352", cwd=tmp_path)


@pytest.mark.exhaustive
def test_as_a_distribution_it_is_built_installed_and_passes_its_own_tests(tmp_path: Path) -> None:
    new_carrier("Blue Line", tmp_path, shop=False)
    home, site = tmp_path / "doorstep-blue-line", tmp_path / "site"
    run("build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(home), cwd=tmp_path)
    wheel = next(tmp_path.glob("*.whl"))
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    tests = tmp_path / "elsewhere"
    (home / "tests").rename(tests)
    assert " passed" in run("pytest", "-q", "-p", "no:cacheprovider", cwd=tests, PYTHONPATH=str(site))


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["new", "carrier", "Blue Line", "--shop", "--into", str(tmp_path)])
    assert result.exit_code == 0
    assert f"{tmp_path}/plugins/doorstep_blue_line/carrier.toml" in result.output
    assert "Next: pytest, doorstep demo" in result.stderr
    again = CliRunner().invoke(main, ["new", "carrier", "Blue Line", "--shop", "--into", str(tmp_path)])
    assert (again.exit_code, again.stdout) == (1, "")
    assert "is there already" in again.stderr


@pytest.mark.exhaustive  # the tutorial does the same with another name
def test_a_new_widget_in_a_shop_keeps_every_rule_and_passes_its_own_tests(tmp_path: Path) -> None:
    files = new_widget("Care Tips", tmp_path, shop=True)
    assert not [file for file in files if "acme" in f"{file} {file.read_text('utf-8')}".lower()]
    assert " passed" in run("pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert run("doorstep", "check", "plugin", "care_tips", cwd=tmp_path) == "care_tips: fine (22 rules)\n"


def test_a_new_widget_as_a_distribution_names_itself_to_the_engine(tmp_path: Path) -> None:
    new_widget("Care Tips", tmp_path, shop=False)
    home = tmp_path / "doorstep-care-tips"
    project = tomllib.loads((home / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["doorstep"] == {"care_tips": "doorstep_care_tips"}
    assert (home / "doorstep_care_tips" / "templates" / "widgets" / "care_tips.html").is_file()
    assert (home / "tests" / "test_care_tips.py").is_file()


def test_the_widgets_own_texts_are_there_in_four_languages(tmp_path: Path) -> None:
    new_widget("Care Tips", tmp_path, shop=True)
    [trial] = trials(in_folder(tmp_path / "plugins")[0])
    told = {language: trial.html(trial.good_page(language)) for language in LANGUAGES}
    headings = {"en": "Good to see you again", "de": "Schön, dass Sie wieder da sind", "fr": "Ravis de vous revoir"}
    assert all(text in told[language] for language, text in headings.items())
    assert "سعداء بعودتك" in told["ar"]

"""What is shipped: the wheel and the sdist, installed away from the checkout, and a plugin as a distribution of its own."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGIN_PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-la-poste"
version = "3.2.1"
dependencies = ["doorstep"]
[project.entry-points.doorstep]
la_poste = "doorstep_la_poste"
[tool.hatch.build.targets.wheel]
packages = ["doorstep_la_poste"]
"""
CONTRACT_TEST = """\
from doorstep.testing import CarrierContract


class TestContract(CarrierContract):
    package = "doorstep_la_poste"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as it stands now, so that nothing changes between one build and the next."""
    folder = tmp_path_factory.mktemp("checkout") / "doorstep"
    ignore = shutil.ignore_patterns(".git", ".venv", ".tools", ".*_cache", ".hypothesis", "__pycache__", "dist", "var")
    shutil.copytree(ROOT, folder, ignore=ignore)
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("built")
    build(checkout, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the running environment has installed, without Doorstep itself."""
    folder = tmp_path_factory.mktemp("dependencies")
    for site in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for item in Path(site).iterdir():
            if not re.match(r"doorstep|_?_editable|.*\.pth$", item.name):
                (folder / item.name).symlink_to(item)
    return folder


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    install(wheel, target)
    return target


def build(project: Path, folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), *options, str(project)]
    run(command, cwd=folder)


def install(wheel: Path, target: Path) -> None:
    """With uv, as `./dev` keeps it, or with pip where somebody made the environment in another way."""
    uv = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools" / "bin")
    command = (
        [uv, "pip", "install", "--no-cache", "--offline", "--python"] if uv else ["-m", "pip", "install", "--no-index"]
    )
    command = [*command, sys.executable] if uv else [sys.executable, *command]
    run([*command, "--no-deps", "--target", str(target), str(wheel)], cwd=target)


def run(command: list[str], *, cwd: Path, code: int = 0, **environment: str) -> str:
    """What the command printed; it must end with this exit code."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def python(target: Path, dependencies: Path, cwd: Path, *arguments: str, code: int = 0) -> str:
    """Runs Python with this installation only: -S leaves the running environment, and with it the checkout, out."""
    path = os.pathsep.join(map(str, (target, dependencies)))
    command = [sys.executable, "-S", "-P", *arguments]
    return run(command, cwd=cwd, code=code, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")


def contents(wheel: Path) -> dict[str, int]:
    """Name and checksum of every file."""
    with zipfile.ZipFile(wheel) as archive:
        return {file.filename: file.CRC for file in archive.infolist()}


def plugins(checkout: Path) -> set[str]:
    return {folder.name for folder in checkout.glob("plugins/*/*/")}


@pytest.mark.parametrize(
    ("folder", "pattern", "home"),
    [
        ("engine", "*.py", ""),
        ("engine", "py.typed", ""),
        ("engine", "*.mako", ""),
        ("engine/doorstep/demo", "*", "doorstep/demo/"),
        ("engine/doorstep/scaffold", "*", "doorstep/scaffold/"),
        ("plugins/carriers", "*.py", ""),
        ("plugins/carriers", "*.toml", ""),
        ("plugins/carriers", "*.json", ""),
        ("plugins/carriers", "py.typed", ""),
        ("plugins/shops", "*.py", ""),
        ("plugins/shops", "py.typed", ""),
        ("plugins/widgets", "*.py", ""),
        ("plugins/widgets", "*.html", ""),
        ("plugins/widgets", "py.typed", ""),
        ("themes", "*", "doorstep/themes/"),
        ("locales", "*.po", "doorstep/locales/"),
    ],
)
def test_wheel_brings_every_file_that_the_engine_reads(
    checkout: Path, wheel: Path, folder: str, pattern: str, home: str
) -> None:
    found = [file for file in (checkout / folder).rglob(pattern) if file.is_file()]
    wanted = {f"{home}{file.relative_to(checkout / folder).as_posix()}" for file in found}
    assert wanted
    assert sorted(wanted - contents(wheel).keys()) == []


def test_wheel_puts_nothing_else_into_site_packages(checkout: Path, wheel: Path) -> None:
    version = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    roots = {name.partition("/")[0] for name in contents(wheel)}
    assert roots == {"doorstep", f"doorstep-{version}.dist-info", *plugins(checkout)}
    assert all(re.fullmatch(r"doorstep_[a-z0-9_]+", plugin) for plugin in plugins(checkout))


def test_wheel_has_no_tests_no_templates_for_translators_no_notes_and_no_traces(wheel: Path) -> None:
    unwanted = re.compile(
        r"(^|/)(tests?|bench|docs|__pycache__|\..*)/|(^|/)\.|README|\.(pyc|pot|mo|orig|rej|swp|log|db)$|~$"
    )
    copied = "doorstep/scaffold/"  # what `doorstep new` copies is a whole distribution
    assert [name for name in contents(wheel) if unwanted.search(name) and not name.startswith(copied)] == []
    code = [name for name in contents(wheel) if name.endswith(".py")]
    assert [name for name in code if name.startswith(("doorstep/themes/", "doorstep/locales/"))] == []


@pytest.mark.exhaustive
def test_sdist_builds_the_same_wheel_as_the_checkout(checkout: Path, built: Path, wheel: Path, tmp_path: Path) -> None:
    build(checkout, tmp_path, "--wheel")
    assert contents(wheel) == contents(tmp_path / wheel.name)
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "requirements.txt", "dev", "tests/conftest.py"} <= names
    assert [name for name in names if name.startswith((".ci/", ".venv/", ".tools/", ".git/"))] == []


def test_the_changelog_begins_with_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    told = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert told[0] == version


def test_entry_points_name_the_commands_the_plugins_and_the_test_suites(checkout: Path, installed: Path) -> None:
    (file,) = installed.glob("doorstep-*.dist-info/entry_points.txt")
    lines = file.read_text("utf-8").splitlines()
    assert {f"{name.removeprefix('doorstep_')} = {name}" for name in plugins(checkout)} <= set(lines)
    assert "doorstep = doorstep.cli:main" in lines
    assert "doorstep = doorstep.testing" in lines
    assert os.access(installed / "bin" / "doorstep", os.X_OK)


def test_installed_engine_is_whole_away_from_the_checkout(installed: Path, dependencies: Path, tmp_path: Path) -> None:
    code = "import doorstep, doorstep_ups, sys; print(doorstep.__file__, doorstep_ups.__file__, *sys.path, sep='\\n')"
    lines = python(installed, dependencies, tmp_path, "-c", code).splitlines()
    assert [Path(line).parent.parent for line in lines[:2]] == [installed, installed]
    assert not [line for line in lines if Path(line) in (ROOT, ROOT / "engine")]
    listed = python(installed, dependencies, tmp_path, "-m", "doorstep", "carriers")
    for carrier in ("dhl", "la_poste", "ups", "known by number only"):
        assert carrier in listed
    assert "broken" not in listed


@pytest.mark.exhaustive
def test_installed_engine_tracks_a_sample_in_another_language(
    installed: Path, dependencies: Path, tmp_path: Path
) -> None:
    said = python(installed, dependencies, tmp_path, "-m", "doorstep", "track", "2648701930", "--locale", "de")
    assert "Zugestellt" in said
    assert "DHL" in said


@pytest.mark.exhaustive
def test_installed_engine_makes_its_database_and_a_themed_page(
    installed: Path, dependencies: Path, tmp_path: Path
) -> None:
    (tmp_path / "page.py").write_text(
        "from starlette.testclient import TestClient\n"
        "from doorstep.app import create_app\n"
        "from doorstep.demo import demo_config\n"
        "from doorstep.config import Server\n"
        "config = demo_config({}, database='sqlite:///page.db', server=Server())\n"
        "with TestClient(create_app(config)) as client:\n"
        "    print(client.get('/readyz').status_code)\n"
        "    print(client.get('/?lang=ar').text)\n"
        "    print(client.get('/minimal/?lang=fr').text)\n"
    )
    said = python(installed, dependencies, tmp_path, "page.py")
    assert said.startswith("200\n")
    assert '<html lang="ar" dir="rtl"' in said
    assert '<html lang="fr" dir="ltr"' in said
    assert said.count('<link rel="stylesheet" href="') == 2
    assert (tmp_path / "page.db").is_file()


@pytest.mark.exhaustive
def test_carrier_as_a_distribution_of_its_own_passes_the_contract(
    checkout: Path, wheel: Path, dependencies: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    install(wheel, target)
    shutil.rmtree(target / "doorstep_la_poste")
    (entries,) = target.glob("doorstep-*.dist-info/entry_points.txt")
    entries.write_text(entries.read_text("utf-8").replace("la_poste = doorstep_la_poste\n", ""), "utf-8")
    assert "la_poste" not in python(target, dependencies, tmp_path, "-m", "doorstep", "carriers")

    project = tmp_path / "acme-la-poste"
    shutil.copytree(checkout / "plugins/carriers/doorstep_la_poste", project / "doorstep_la_poste")
    (project / "pyproject.toml").write_text(PLUGIN_PROJECT)
    (project / "test_contract.py").write_text(CONTRACT_TEST)
    build(project, tmp_path, "--wheel")
    install(next(tmp_path.glob("acme_la_poste-3.2.1-*.whl")), target)
    shutil.rmtree(project / "doorstep_la_poste")

    owner = "from doorstep.packages import installed; print({one.name: one.distribution for one in installed()})"
    assert "'la_poste': 'acme-la-poste'" in python(target, dependencies, project, "-c", owner)
    assert "la_poste" in python(target, dependencies, project, "-m", "doorstep", "carriers")
    said = python(target, dependencies, project, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    passed = re.search(r"^(\d+) passed in", said, re.MULTILINE)
    assert passed, said
    assert int(passed[1]) >= len(list((target / "doorstep_la_poste" / "samples").glob("*/expected.json")))

"""`./dev`: usage, exit codes, and an environment that is built when it has to be. Nothing real is built here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .prove.__main__ import main as prove
from .prove.parts import PARTS

ROOT = Path(__file__).parent.parent
# Writes down how it was called, and gives `uv venv` what it would make; fails where the file `fails` says so.
UV = """#!/bin/sh
echo "$*" >>uv.log
case "$*" in
*"$(cat fails 2>/dev/null || echo nothing)"*) exit 9 ;;
venv*)
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "$0 $*"\\n' | tee .venv/bin/python >.venv/bin/doorstep
    chmod +x .venv/bin/* ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with `dev`, the files it goes by, and a uv that only pretends."""
    folder = tmp_path / "a checkout"
    (folder / ".tools" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "dev", folder)
    for name in ("requirements.txt", "pyproject.toml"):
        (folder / name).write_text(f"{name} as it is now\n")
    script(folder / ".tools" / "bin" / "uv", UV)
    return folder


def script(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def dev(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "dev", *arguments], cwd=folder.parent, capture_output=True, text=True, timeout=60, check=False
    )


def calls(folder: Path) -> list[str]:
    log = folder / "uv.log"
    return [line.split(" --")[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("arguments", [(), ("help",)])
def test_without_a_command_the_usage_is_printed(checkout: Path, arguments: tuple[str, ...]) -> None:
    result = dev(checkout, *arguments)
    assert result.returncode == 0
    assert result.stdout.startswith("usage: ./dev ")
    assert calls(checkout) == []


def test_unknown_command_is_wrong_usage(checkout: Path) -> None:
    result = dev(checkout, "tset")
    assert result.returncode == 2
    assert "usage: ./dev " in result.stdout
    assert calls(checkout) == []


def test_every_command_of_the_usage_is_known(checkout: Path) -> None:
    usage = dev(checkout).stdout.removeprefix("usage: ./dev ")
    commands = [part.split()[0] for part in usage.split(" | ")]
    assert len(commands) >= 5
    for command in commands:
        assert dev(checkout, command, "true").returncode == 0, command


@pytest.mark.parametrize("code", [0, 1, 7])
def test_run_passes_the_exit_code_on(checkout: Path, code: int) -> None:
    assert dev(checkout, "run", "sh", "-c", f"exit {code}").returncode == code


def test_run_finds_the_commands_of_the_environment_first_and_keeps_arguments_whole(checkout: Path) -> None:
    assert dev(checkout, "run", "true").returncode == 0
    script(checkout / ".venv" / "bin" / "ls", '#!/bin/sh\nprintf "<%s>" "$@"\n')
    assert dev(checkout, "run", "ls", "two words", "*").stdout == "<two words><*>"


def test_test_uses_every_processor_and_hands_its_arguments_to_pytest(checkout: Path) -> None:
    started = f".venv/bin/python -m pytest --numprocesses {(os.cpu_count() or 1) + 1} --dist worksteal"
    assert dev(checkout, "test", "-q", "tests").stdout == f"{started} -q tests\n"


def test_environment_is_built_once_and_again_when_its_files_change(checkout: Path) -> None:
    built = ["venv", "pip sync", "pip install"]
    dev(checkout, "run", "true")
    dev(checkout, "run", "true")
    assert calls(checkout) == built
    (checkout / "requirements.txt").write_text("another requirement\n")
    dev(checkout, "run", "true")
    assert calls(checkout) == built * 2


@pytest.mark.parametrize("step", ["venv", "pip sync", "pip install"])
def test_environment_that_could_not_be_built_is_not_used_nor_taken_for_whole(checkout: Path, step: str) -> None:
    (checkout / "fails").write_text(step)
    result = dev(checkout, "run", "echo", "used")
    assert (result.returncode, result.stdout) == (9, "")
    (checkout / "fails").unlink()
    assert dev(checkout, "run", "echo", "used").stdout == "used\n"


def test_script_is_executable_as_it_is_kept() -> None:
    assert os.access(ROOT / "dev", os.X_OK)


def test_the_parts_of_the_proof_are_those_that_contributing_lists_and_take_an_hour_at_most() -> None:
    rows = [f"| `{name}` | {part.proves} | {part.usual} {part.of} | {part.minutes} |" for name, part in PARTS.items()]
    assert "\n".join(rows) in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert sum(part.minutes for part in PARTS.values()) <= 60


@pytest.mark.parametrize("asked", [["nothing"], ["kills", "many"], ["kills", "1", "one"], ["kills", "1", "1", "1"]])
def test_what_cannot_be_proved_is_answered_with_the_parts(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert prove(asked) == 2
    assert "soak" in capsys.readouterr().err

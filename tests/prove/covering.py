"""Which lines and branches of the engine the whole suite runs, in every process that it starts.

python -m tests.prove.covering [PYTEST…]      the same of some tests only, told line by line
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def cover(tests: list[str], least: int) -> bool:
    """Whether the tests pass and run so many percent of the engine, branches counted. Tells what they leave out."""
    with tempfile.TemporaryDirectory(prefix="doorstep-coverage-") as name:
        data = f"--data-file={name}/coverage"
        suite = ["-q", "-p", "no:cacheprovider", "--numprocesses", "logical", "--dist", "worksteal", *tests]
        passed = _ran("run", data, "-m", "pytest", *suite)
        combined = _ran("combine", "--quiet", data)
        enough = _ran("report", data, "--show-missing", "--skip-covered", f"--fail-under={least}")
    return passed and combined and enough


def _ran(*arguments: str) -> bool:
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(not cover(sys.argv[1:], 0))

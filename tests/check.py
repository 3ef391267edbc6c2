"""`./dev check`: everything that can be said of the code without running the whole suite. Exit code 1 when one fails."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(file.parent.name for file in ROOT.glob("plugins/*/*/__init__.py"))
CHECKS = {
    "style": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy", "-p", "doorstep", *(part for name in PLUGINS for part in ("-p", name))],
    "layers": ["pytest", "-q", "tests/test_architecture.py"],
    "docs": ["pytest", "-q", "tests/test_docs.py"],
    "catalogs": ["pytest", "-q", "tests/test_catalogs.py"],
}


def main() -> int:
    failed = []
    for name, command in CHECKS.items():
        print(f"· {name}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

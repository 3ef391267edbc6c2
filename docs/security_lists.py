"""The tables of requirements and of packages in the documentation, from `asvs.toml` and `dependencies.toml`; used by
`generate.py`."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from reference import table

DOCS = Path(__file__).parent
NAME = re.compile(r"[A-Za-z0-9._-]+")
_IS = {"met": "met", "partly": "in part", "operator": "the operator’s", "n/a": "does not apply"}


def requirements() -> dict[str, Any]:
    """By chapter, then by number."""
    return tomllib.loads((DOCS / "asvs.toml").read_text("utf-8"))


def asvs() -> str:
    return "\n\n".join(_chapter(name, chapter) for name, chapter in requirements().items())


def _chapter(name: str, chapter: dict[str, Any]) -> str:
    rows = [
        (id, str(one["level"]), _IS[one["is"]], one["how"], _codes(one.get("where", ())), _tests(one.get("tests", ())))
        for id, one in chapter.items()
        if id != "title"
    ]
    heading = f"### {name} {chapter['title']}"
    return f"{heading}\n\n" + table(["number", "level", "is", "how", "where", "tests"], rows)


def _codes(names: list[str]) -> str:
    return ", ".join(f"`{one}`" for one in names)


def _tests(names: list[str]) -> str:
    return ", ".join(
        f"[{one.partition('::test_')[2].replace('_', ' ')}](../tests/{one.partition('::')[0]})" for one in names
    )


def reasons() -> dict[str, dict[str, Any]]:
    """Why each package is here, by who asks for it."""
    return tomllib.loads((DOCS / "dependencies.toml").read_text("utf-8"))


def asked_for() -> dict[str, dict[str, str]]:
    """By who asks for it: each package with its lowest version, as pyproject.toml has it."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))
    groups = {
        "engine": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        "dev": project["dependency-groups"]["dev"],
    }
    return {group: dict(map(_floor, wanted)) for group, wanted in groups.items()}


def _floor(requirement: str) -> tuple[str, str]:
    name = NAME.match(requirement)
    floor = re.search(r"[><=]=([0-9.]+)", requirement)
    return (name[0] if name else requirement), (floor[1] if floor else "")


def dependencies() -> str:
    rows = [
        (f"`{name}`", group, floor, licence(group, name), why(group, name))
        for group, wanted in asked_for().items()
        for name, floor in wanted.items()
    ]
    return table(["package", "for", "from", "licence", "why"], rows)


def why(group: str, name: str) -> str:
    told = reasons()[group][name]
    return str(told if isinstance(told, str) else told["why"])


def licence(group: str, name: str) -> str:
    """As the installed package names it."""
    told = reasons()[group][name]
    try:
        found = next(_named(name), "")
    except PackageNotFoundError:  # an extra for another machine
        found = ""
    return found or (told["licence"] if isinstance(told, dict) else "")


def _named(name: str) -> Iterator[str]:
    about = metadata(name)
    if expression := about["License-Expression"]:
        yield str(expression)
    if (written := about["License"] or "") and len(written) < 30:
        yield written.removesuffix(" License")
    for classifier in about.get_all("Classifier") or ():
        if classifier.startswith("License :: ") and not classifier.endswith("OSI Approved"):
            yield classifier.rpartition(" :: ")[2].removesuffix(" License")

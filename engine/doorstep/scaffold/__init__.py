"""`doorstep new`: a plugin that works, to be changed step by step. What is copied is a real plugin, of an invented name."""

import re
from pathlib import Path

from msgspec import Struct

from ..errors import ConfigError

_HERE = Path(__file__).parent
_INVENTED = re.compile(r"AcmeCarrier|AcmeWidget|Acme Post|Acme|doorstep-acme|acme\.example|acme|\bAC(?=[0-9(])")
_WORD = re.compile(r"[A-Za-z0-9]+", re.ASCII)


class Names(Struct, frozen=True):
    """What the invented plugin's names become: `Acme Post` and its class, slug and letters in front of numbers."""

    name: str
    class_name: str
    slug: str
    letters: str

    def applied(self, text: str) -> str:
        """The text of a file of the invented plugin, as the new one's."""
        dashed = self.slug.replace("_", "-")
        becomes = {
            "AcmeCarrier": f"{self.class_name}Carrier", "AcmeWidget": f"{self.class_name}Widget",
            "Acme Post": self.name, "Acme": self.name,
            "doorstep-acme": f"doorstep-{dashed}", "acme.example": f"{dashed}.example", "acme": self.slug, "AC": self.letters,
        }  # fmt: skip
        return _INVENTED.sub(lambda found: becomes[found[0]], text)


def names(name: str) -> Names:
    """The names of a plugin. Raises ConfigError for a name that makes none."""
    words = _WORD.findall(name)
    slug = "_".join(words).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", slug) or not name.isprintable() or {'"', "\\"} & set(name):
        raise ConfigError(
            f"{name!r} makes no name for a plugin", next_step="use letters and digits, a letter in front: Acme Post"
        )
    letters = "".join(char for char in slug.upper() if char.isalpha())[:2].ljust(2, "X")
    return Names(name, "".join(word[0].upper() + word[1:] for word in words), slug, letters)


def new_carrier(name: str, into: Path, *, shop: bool) -> list[Path]:
    """Writes a carrier's plugin below `into` and gives the files: into the shop's folder of plugins, or as a distribution of
    its own. Raises ConfigError when the name is no name, or something is there already."""
    return _new_plugin(_HERE / "carrier", names(name), into, shop=shop)


def new_widget(name: str, into: Path, *, shop: bool) -> list[Path]:
    """The same for a widget's plugin."""
    return _new_plugin(_HERE / "widget", names(name), into, shop=shop)


def _new_plugin(model: Path, called: Names, into: Path, *, shop: bool) -> list[Path]:
    package = f"doorstep_{called.slug}"
    if shop:
        home, pairs = into, [(model / "package", f"plugins/{package}")]
    else:
        home = into / f"doorstep-{called.slug.replace('_', '-')}"
        pairs = [(model / "distribution", "."), (model / "package", package)]
    files = {
        home / target / called.applied(file.relative_to(source).as_posix()): file
        for source, target in pairs
        for file in sorted(source.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    files[home / "tests" / f"test_{called.slug}.py"] = model / "test_acme.py"
    there = next((target for target in files if target.exists()), None)
    if there is not None:
        raise ConfigError(f"{there} is there already", next_step="choose another name, or remove it")
    for target, source in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(called.applied(source.read_text("utf-8")), "utf-8")
    return list(files)

"""Rules about a widget's templates and styles as they are written: those of themes that mean a widget too."""

import gzip
from collections.abc import Iterator

from ..theme_rules import RULES as THEME_RULES
from ..theme_rules.subject import Files, Subject
from .rule import Rule
from .trial import Trial

LARGEST = 1024  # bytes of a widget's styles, compressed
_PARTS = ("templates", "static")
_MEANT = frozenset(
    {
        "syntax", "unknown-filter", "hard-coded-text", "missing-alt", "missing-dimensions", "inline-script", "inline-style",
        "remote-asset", "low-contrast-style", "physical-property",
    }
)  # fmt: skip


def _files(trial: Trial) -> Files:
    folder = trial.offer.folder
    files = (file for part in _PARTS for file in sorted((folder / part).rglob("*")) if file.is_file())
    return Files(trial.name, {file.relative_to(folder).as_posix(): file.read_bytes() for file in files})


def _as_themes(trial: Trial) -> Iterator[str]:
    subject = Subject(_files(trial), {}, {})
    for rule in THEME_RULES:
        if rule.name in _MEANT:
            for one in rule.findings(subject):
                yield f"{one.file}:{one.line}: {one.message}: {one.mend}"


def _light_and_dark(trial: Trial) -> Iterator[str]:
    for one in Subject(_files(trial), {}, {}).declarations:
        if "color" in one.name and any(mark in one.value for mark in ("#", "rgb", "hsl")):
            yield f"{one.file}:{one.line}: {one.name}: {one.value}: a colour of its own is wrong in the dark; use var(--…)"


def _small_styles(trial: Trial) -> Iterator[str]:
    styles = b"".join(body for name, body in _files(trial).files.items() if name.endswith(".css"))
    size = len(gzip.compress(styles, 6)) if styles else 0
    if size > LARGEST:
        yield f"its styles are {size} bytes, compressed: {LARGEST} are enough where the theme's classes are used"


FILE_RULES = (
    Rule("its files keep the rules of themes", _as_themes),
    Rule("its colours are the theme's", _light_and_dark),
    Rule("its styles are small", _small_styles),
)

"""`doorstep new store`: the settings of a store that works, with a secret of its own, and two orders to try it with."""

import secrets
from pathlib import Path

import msgspec

from ...errors import ConfigError

_HERE = Path(__file__).parent
_FILES = {"doorstep.toml": "doorstep.toml", "gitignore": ".gitignore", "orders.jsonl": "orders.jsonl"}
_SECRET = Path("secrets", "secret_key")
_NAME = '"My shop"'  # as it stands in the settings


def new_store(folder: Path, name: str) -> list[Path]:
    """Writes a store called `name` into a folder, which is made where there is none, and gives the files. Raises ConfigError
    when one of them is there already, or the name cannot be written."""
    if not name.strip() or not name.isprintable():
        raise ConfigError(f"{name!r} is no name for a store", next_step="write it as shoppers know it")
    texts = {folder / target: (_HERE / source).read_text("utf-8") for source, target in _FILES.items()}
    settings = folder / "doorstep.toml"
    texts[settings] = texts[settings].replace(_NAME, msgspec.json.encode(name).decode(), 1)
    texts[folder / _SECRET] = f"{secrets.token_urlsafe(32)}\n"
    there = next((file for file in texts if file.exists()), None)
    if there is not None:
        raise ConfigError(f"{there} is there already", next_step="choose another folder, or remove it")
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, text)
    except OSError as error:
        raise ConfigError(
            f"cannot write {error.filename}: {error.strerror}", next_step="choose another folder"
        ) from None
    return list(texts)


def _write(file: Path, text: str) -> None:
    """A new file, whoever else makes one of that name meanwhile; a secret for its owner's eyes only."""
    file.touch(0o600 if file.parent.name == _SECRET.parent.name else 0o666, exist_ok=False)
    file.write_text(text, "utf-8")

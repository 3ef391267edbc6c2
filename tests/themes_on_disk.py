"""Small themes for the tests of themes and theming."""

from pathlib import Path


def write_theme(root: Path, folder_name: str, files: dict[str, str] | None = None, /, **keys: str) -> Path:
    """A theme in `root/<folder_name>`; `keys` are lines of its theme.toml as TOML writes their values, `more` whole tables."""
    folder = root / folder_name
    more = keys.pop("more", "")
    lines = {"name": f'"{folder_name}"', "title": '"T"', "version": '"1"', "contract": "1"} | keys
    text = "".join(f"{key} = {value}\n" for key, value in lines.items())
    for file, content in {"theme.toml": f"{text}\n{more}", **(files or {})}.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder

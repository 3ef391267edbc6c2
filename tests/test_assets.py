"""Static files: read once, found by fingerprint and name, the earlier ones for a while."""

from pathlib import Path

import pytest

from doorstep import assets
from doorstep.assets import Shelf, asset, read_assets
from doorstep.errors import ThemeError


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_of_equal_names_the_first_folders_file_is_read(tmp_path: Path) -> None:
    own, theme = write(tmp_path / "own", a="own"), write(tmp_path / "theme", a="theme", b="theme")
    found = read_assets([own, theme, tmp_path / "gone"])
    assert {name: one.body for name, one in found.items()} == {"a": b"own", "b": b"theme"}


def test_a_link_out_of_the_folder_is_no_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "static", a="")
    (tmp_path / "secret").write_text("secret")
    (folder / "b").symlink_to(tmp_path / "secret")
    assert list(read_assets([folder])) == ["a"]


def test_a_file_too_large_for_memory_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "LARGEST", 3)
    with pytest.raises(ThemeError, match=r"sea: static/film\.mp4 is larger"):
        read_assets([write(tmp_path / "sea" / "static", **{"film.mp4": "four"})])


def test_files_of_before_are_found_beside_those_of_now_and_nothing_else_is() -> None:
    old, new = asset("a.css", b"old"), asset("a.css", b"new")
    shelf = Shelf([{"a.css": new}], Shelf([{"a.css": old}]))
    assert shelf.find(new.fingerprint, "a.css") is new
    assert shelf.find(old.fingerprint, "a.css") is old
    assert shelf.find("0" * 16, "a.css") is None
    assert shelf.find(new.fingerprint, "b.css") is None


def test_only_so_many_generations_are_kept_and_an_equal_one_is_none() -> None:
    files = [asset("a.css", str(n).encode()) for n in range(6)]
    shelf = Shelf()
    for file in files:
        for _ in range(3):
            shelf = Shelf([{"a.css": file}], shelf)
    assert [shelf.find(file.fingerprint, "a.css") is file for file in files] == [False, True, True, True, True, True]

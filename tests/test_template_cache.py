"""Compiled templates on the disk: taken from there when nothing changed, and never in anybody's way."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Template, TemplateSyntaxError

from doorstep import template_cache
from doorstep.sandboxing import Sandbox
from doorstep.template_cache import TemplateCache

GREETING = {"page.html": "Hello {{ name }}"}


class Counting(Sandbox):
    """A sandbox that counts what it compiles."""

    def __init__(self, texts: dict[str, str], cache: TemplateCache | None) -> None:
        super().__init__(DictLoader(texts), functions={}, filters={}, cache=cache)
        self.count = 0

    def _compile(self, source: str, filename: str) -> Any:
        self.count += 1
        return super()._compile(source, filename)


def compiled(texts: dict[str, str], cache: TemplateCache | None) -> tuple[Template, int]:
    sandbox = Counting(texts, cache)
    return sandbox.get_template("page.html"), sandbox.count


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def test_a_template_is_compiled_once_and_says_the_same_when_it_comes_from_the_disk(folder: str) -> None:
    first, before = compiled(GREETING, TemplateCache(folder))
    again, after = compiled(GREETING, TemplateCache(folder))
    assert (before, after) == (1, 0)
    assert first.render(name="<Ada>") == again.render(name="<Ada>") == "Hello &lt;Ada&gt;"


def test_a_text_that_was_changed_is_compiled_anew(folder: str) -> None:
    compiled(GREETING, TemplateCache(folder))
    template, count = compiled({"page.html": "Bye {{ name }}"}, TemplateCache(folder))
    assert (template.render(name="Ada"), count) == ("Bye Ada", 1)


def test_a_template_that_was_broken_is_told_although_its_code_was_kept(folder: str) -> None:
    compiled(GREETING, TemplateCache(folder))
    with pytest.raises(TemplateSyntaxError):
        compiled({"page.html": "Hello {{ name"}, TemplateCache(folder))


def test_another_engine_compiles_anew(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(GREETING, TemplateCache(folder))
    monkeypatch.setattr(template_cache, "_makers", lambda: b"another")
    assert compiled(GREETING, TemplateCache(folder))[1] == 1


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", None], ids=["empty", "rubbish", "half"])
def test_what_cannot_be_read_is_compiled_and_kept_again(folder: str, rubbish: bytes | None) -> None:
    compiled(GREETING, TemplateCache(folder))
    (file,) = Path(folder).iterdir()
    code = file.read_bytes()
    file.write_bytes(code[: len(code) // 2] if rubbish is None else rubbish)
    counts = [compiled(GREETING, TemplateCache(folder))[1] for _ in range(2)]
    assert counts == [1, 0]


def test_a_folder_that_is_gone_is_missed_by_nobody(tmp_path: Path) -> None:
    template, count = compiled(GREETING, TemplateCache(str(tmp_path / "gone")))
    assert (template.render(name="Ada"), count) == ("Hello Ada", 1)


def test_the_folder_belongs_to_the_user_alone_or_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    cache = template_cache.template_cache()
    assert cache is not None
    assert Path(cache.directory).parent == tmp_path
    assert Path(cache.directory).stat().st_mode & 0o777 == 0o700
    Path(cache.directory).rmdir()
    (tmp_path / "elsewhere").mkdir()
    Path(cache.directory).symlink_to(tmp_path / "elsewhere")
    assert template_cache.template_cache() is None


def test_without_a_place_for_temporary_files_everything_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    assert not os.path.lexists(tmp_path / "gone")
    assert template_cache.template_cache() is None

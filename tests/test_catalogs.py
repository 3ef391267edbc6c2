"""The catalogs are in step with the source, complete and honest; and the command that says so finds what is not."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polib
import pytest

from doorstep import wording
from doorstep.i18n import Catalogs

from . import catalogs

SCANS = ("%(n)s older scan", "%(n)s older scans")
SOURCE = {("", "Today"): "", ("", "To %(shop)s"): "", ("", SCANS[0]): SCANS[1], ("step", "done"): ""}


@pytest.fixture(scope="module")
def source() -> dict[catalogs.Key, str]:
    return catalogs.texts()


@pytest.mark.parametrize("language", catalogs.languages())
def test_a_catalog_is_complete_and_in_step_with_the_source(language: str, source: dict[catalogs.Key, str]) -> None:
    assert list(catalogs.problems(language, source)) == []


@pytest.mark.parametrize("language", catalogs.languages())
def test_the_engine_finds_a_plural_form_for_every_number(language: str) -> None:
    localizer = Catalogs([catalogs.LOCALES]).localizer(language)
    for number in (3, 5, 11, 21, 100, 101, 1_000_000):
        assert localizer.number(number) in localizer.plural(*SCANS, number)
    assert localizer.plural(*SCANS, 1).strip()
    assert localizer.plural(*SCANS, 2).strip()


def test_french_marks_never_wrap_alone() -> None:
    for entry in polib.pofile(str(catalogs.catalog("fr")), encoding="utf-8"):
        for form in (entry.msgstr, *entry.msgstr_plural.values()):
            assert not re.search("[^\u00a0\u202f]:|[^\u202f][;?!]", form.replace("://", "")), form


def test_every_text_about_a_status_or_reason_is_extracted(source: dict[catalogs.Key, str]) -> None:
    said = {text for words in (*wording.STATUS.values(), *wording.WITHOUT.values(), *wording.ORDER.values())
            for text in (words.headline, words.detail, words.label)}  # fmt: skip
    said |= {text for texts in wording.REASON.values() for text in texts}
    said |= {
        *wording.STEPS,
        *wording.ORDER_STEPS,
        *wording.PICKUP_STEPS,
        *wording.RETURN_STEPS,
        *wording.STATES.values(),
    }
    assert said - {""} <= {msgid for _, msgid in source}


def test_a_text_of_the_source_is_marked_where_it_goes_to_a_localizer() -> None:
    unmarked = [f"{file.relative_to(catalogs.ROOT)}:{line}"
                for folder in ("engine", "plugins/widgets") for file in sorted((catalogs.ROOT / folder).rglob("*.py"))
                if re.search("localizer|plugins/widgets", file.read_text("utf-8") + file.as_posix(), re.IGNORECASE)
                for line in _unmarked(ast.parse(file.read_text("utf-8")))]  # fmt: skip
    assert unmarked == [], "write text(N_(…)), or the catalogs will not have it"


def _unmarked(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) == "text":
            first = node.args[0]
            parts = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            yield from (part.lineno for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`german(("Today", "Heute"), …)` writes these translations into a catalog made for SOURCE."""
    monkeypatch.setattr(catalogs, "LOCALES", tmp_path)

    def write(*changed: tuple[str, str | dict[int, str]]) -> None:
        catalogs.update("de", SOURCE)
        po = polib.pofile(str(catalogs.catalog("de")), encoding="utf-8")
        right = {"Today": "Heute", "To %(shop)s": "An %(shop)s", "done": "erledigt",
                 SCANS[0]: {0: "Ein älteres Ereignis", 1: "%(n)s ältere Ereignisse"}}  # fmt: skip
        for entry in po:
            found = {**right, **dict(changed)}[entry.msgid]
            if isinstance(found, dict):
                entry.msgstr_plural = found
            else:
                entry.msgstr = found
        po.save()

    return write


def test_nothing_is_amiss_with_a_right_catalog(german: Callable[..., None]) -> None:
    german()
    assert list(catalogs.problems("de", SOURCE)) == []


@pytest.mark.parametrize(
    ("msgid", "translation", "problem"),
    [
        ("Today", "", "untranslated: 'Today'"),
        ("Today", "Heute ", "other white space around 'Heute ': 'Today'"),
        ("Today", "\u2067Heute\u2069", "a bidi control in '\\u2067Heute\\u2069': 'Today'"),
        ("To %(shop)s", "An den Shop", "other placeholders in 'An den Shop': 'To %(shop)s'"),
        ("To %(shop)s", "An %(store)s", "other placeholders in 'An %(store)s': 'To %(shop)s'"),
        ("To %(shop)s", "Zu 50 % an %(shop)s", "other placeholders in 'Zu 50 % an %(shop)s': 'To %(shop)s'"),
        (SCANS[0], {0: "%(n)s Scan"}, "1 plural forms, not 2: '%(n)s older scan'"),
        (SCANS[0], {0: "%(n)s Scan", 1: "Viele"}, "other placeholders in 'Viele': '%(n)s older scan'"),
    ],
)
def test_a_wrong_translation_is_named(
    german: Callable[..., None], msgid: str, translation: str | dict[int, str], problem: str
) -> None:
    german((msgid, translation))
    assert list(catalogs.problems("de", SOURCE)) == [problem]


def test_what_is_missing_or_obsolete_is_named(german: Callable[..., None]) -> None:
    german()
    moved = {key: plural for key, plural in SOURCE.items() if key != ("", "Today")} | {("", "Tomorrow"): ""}
    assert sorted(catalogs.problems("de", moved)) == ["missing: 'Tomorrow'", "obsolete: 'Today'"]


def test_fuzzy_is_named(german: Callable[..., None]) -> None:
    german()
    file = catalogs.catalog("de")
    file.write_text(file.read_text("utf-8").replace('msgid "Today"', '#, fuzzy\nmsgid "Today"'), "utf-8")
    assert list(catalogs.problems("de", SOURCE)) == ["fuzzy: 'Today'"]


def test_a_header_that_does_not_say_who_wrote_it_is_named(german: Callable[..., None]) -> None:
    german()
    file = catalogs.catalog("de")
    file.write_text(
        file.read_text("utf-8").replace('"X-Reviewed-By: none\\n"\n', '"Last-Translator: NAME\\n"\n'), "utf-8"
    )
    assert sorted(catalogs.problems("de", SOURCE)) == [
        "header: Last-Translator is of no use here",
        "header: X-Reviewed-By is None, not 'none'",
    ]


def test_a_form_that_stands_for_several_numbers_keeps_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "LOCALES", tmp_path)
    catalogs.update("fr", {("", SCANS[0]): SCANS[1]})  # French says 0 as it says 1
    po = polib.pofile(str(catalogs.catalog("fr")), encoding="utf-8")
    po[0].msgstr_plural = {0: "Une étape précédente", 1: "%(n)s étapes précédentes"}
    po.save()
    assert list(catalogs.problems("fr", {("", SCANS[0]): SCANS[1]})) == [
        "other placeholders in 'Une étape précédente': '%(n)s older scan'"
    ]


def test_update_keeps_translations_and_their_order_and_marks_nothing_fuzzy(german: Callable[..., None]) -> None:
    german()
    moved = {("", "Later"): "", ("", "Today"): "", ("step", "done"): ""}
    assert catalogs.update("de", moved) == (["Later"], ["To %(shop)s", SCANS[0]])
    entries = polib.pofile(str(catalogs.catalog("de")), encoding="utf-8")
    assert [(one.msgid, one.msgstr, one.fuzzy) for one in entries] == [
        ("Later", "", False), ("Today", "Heute", False), ("done", "erledigt", False),
    ]  # fmt: skip


def test_update_keeps_the_name_of_who_reviewed(german: Callable[..., None]) -> None:
    german()
    file = catalogs.catalog("de")
    file.write_text(file.read_text("utf-8").replace("X-Reviewed-By: none", "X-Reviewed-By: a native speaker"), "utf-8")
    catalogs.update("de", SOURCE)
    assert "X-Reviewed-By: a native speaker" in file.read_text("utf-8")
    assert list(catalogs.problems("de", SOURCE)) == []


def test_the_command_exits_with_1_when_something_is_amiss(
    german: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    german(("Today", ""))
    monkeypatch.setattr(catalogs, "texts", lambda: SOURCE)
    monkeypatch.setattr(catalogs, "ROOT", catalogs.LOCALES)
    assert catalogs.main(["check"]) == 1
    assert capsys.readouterr().out == "de/LC_MESSAGES/doorstep.po: untranslated: 'Today'\n"
    german()
    assert catalogs.main(["check"]) == 0
    assert catalogs.main(["tidy"]) == 2


def test_a_new_language_is_one_folder_and_the_report_says_how_much_of_it_is_said(
    german: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    german(("Today", ""))  # of four texts one is left out
    monkeypatch.setattr(catalogs, "texts", lambda: SOURCE)
    monkeypatch.setattr(catalogs, "ROOT", catalogs.LOCALES)
    assert catalogs.main(["update", "sv"]) == 0
    made = {file.relative_to(catalogs.LOCALES / "sv").as_posix() for file in (catalogs.LOCALES / "sv").rglob("*.*")}
    assert made == {"LC_MESSAGES/doorstep.po", "glossary.toml"}
    capsys.readouterr()
    assert catalogs.main(["report"]) == 0
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "de German 75 % none",
        "sv Swedish 0 % none",
    ]


def test_no_template_is_committed() -> None:
    assert not list(catalogs.LOCALES.rglob("*.pot"))

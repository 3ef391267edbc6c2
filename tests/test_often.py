"""What is rendered often is written for that, beside the pages, while they go on as before."""

import threading

import pytest
from jinja2 import Template
from jinja2.nodes import Impossible

from doorstep import often
from doorstep.often import Often


class Writer:
    """Writes when it is told to."""

    def __init__(self) -> None:
        self._waiting: list[tuple[object, ...]] = []

    def submit(self, *work: object) -> None:
        self._waiting.append(work)

    def write(self) -> None:
        for work, *given in self._waiting:
            assert callable(work)
            work(*given)
        self._waiting.clear()


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    made = Writer()
    monkeypatch.setattr(often, "_WRITER", made)
    monkeypatch.setattr(often, "_OFTEN", 3)
    monkeypatch.setattr(often, "_MOST", 2)
    monkeypatch.setattr(often, "_MOST_COUNTED", 4)
    return made


def make() -> Template:
    return Template("made")


def impossible() -> Template:
    raise Impossible


def test_what_is_asked_for_often_is_there_when_it_is_written(writer: Writer) -> None:
    templates = Often()
    assert [templates.find("page", (), make) for _ in range(3)] == [None] * 3
    writer.write()
    made = templates.find("page", (), make)
    assert made is not None
    assert made.render() == "made"
    assert templates.find("page", (), make) is made


def test_other_objects_are_other_pages_and_equal_texts_are_not(writer: Writer) -> None:
    templates, first, second = Often(), ["a"], ["a"]
    for _ in range(3):
        templates.find("page", (first, "en"), make)
    writer.write()
    assert templates.find("page", (first, "".join(["e", "n"])), make) is not None
    assert templates.find("page", (second, "en"), make) is None
    assert templates.find("page", (first, "de"), make) is None


def test_what_is_impossible_is_tried_once(writer: Writer) -> None:
    templates, tried = Often(), []
    for _ in range(9):
        assert templates.find("page", (), lambda: tried.append(1) or impossible()) is None
        writer.write()
    assert tried == [1]


def test_there_are_only_so_many(writer: Writer) -> None:
    templates = Often()
    for page in "abc":
        for _ in range(3):
            templates.find(page, (), make)
    for page in range(9):
        templates.find(page, (), make)
    writer.write()
    assert [templates.find(page, (), make) is not None for page in "abc"] == [True, True, False]
    assert len(templates._ones) <= 4


def test_it_is_written_beside_the_pages() -> None:
    written = threading.Event()
    who: list[threading.Thread] = []

    def make() -> Template:
        who.append(threading.current_thread())
        written.set()
        return Template("")

    templates = Often()
    while not written.is_set():
        templates.find("page", (), make)
    assert who != [threading.current_thread()]

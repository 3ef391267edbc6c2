"""The carrier tutorial's first chapter, with real processes: it ends at the new carrier's page in the demo."""

from pathlib import Path

from bench import tutorial


def test_from_an_empty_folder_to_the_page_in_the_demo(tmp_path: Path) -> None:
    rows = tutorial.walk(tmp_path)
    assert [row["name"] for row in rows] == [*(f"tutorial: {command}" for command in tutorial.chapter()), "tutorial"]
    assert tutorial.chapter()[0] == 'doorstep new carrier "Acme" --shop'
    assert tutorial.chapter()[-1] == "doorstep demo"

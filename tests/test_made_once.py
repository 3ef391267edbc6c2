"""What is made when it is first asked for is made once, for each object anew."""

from msgspec import Struct, structs

from doorstep.made_once import once

MADE: list[str] = []


class Word(Struct, frozen=True, dict=True):
    text: str

    @once
    def upper(self) -> str:
        """In capitals."""
        MADE.append(self.text)
        return self.text.upper()


def test_it_is_made_once_and_for_a_copy_anew() -> None:
    MADE.clear()
    word = Word("a")
    assert MADE == []
    assert [word.upper, word.upper] == ["A", "A"]
    assert [structs.replace(word, text="b").upper, word.upper] == ["B", "A"]
    assert MADE == ["a", "b"]


def test_the_class_says_what_it_is() -> None:
    assert Word.upper.__doc__ == "In capitals."

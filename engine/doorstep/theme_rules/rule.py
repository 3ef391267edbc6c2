"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from .subject import Subject


class Place(Struct, frozen=True):
    """Something that breaks a rule: where, what, and what to do about it."""

    file: str
    line: int
    what: str
    mend: str


class Finding(Struct, frozen=True):
    """A place with its rule's name; `message` says what is wrong and why that matters."""

    rule: str
    file: str
    line: int
    message: str
    mend: str


class Rule(Struct, frozen=True):
    """One thing that themes get wrong. `why` ends the sentence that says what was found."""

    name: str
    why: str
    places: Callable[[Subject], Iterator[Place]]

    def findings(self, subject: Subject) -> Iterator[Finding]:
        for place in self.places(subject):
            yield Finding(self.name, place.file, place.line, f"{place.what}: {self.why}", place.mend)

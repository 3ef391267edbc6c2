"""Texts that a shop writes in its settings: one for every language, or one for each."""

from msgspec import Struct

Texts = str | dict[str, str]  # by BCP 47 tag; the first one stands for all languages that are not there


class Phrase(Struct, frozen=True):
    """A text and the language (BCP 47) it stands under; "" where it is one for all."""

    text: str = ""
    language: str = ""

    def __bool__(self) -> bool:
        return bool(self.text)


def in_language(texts: Texts, language: str) -> Phrase:
    """The text nearest to a language: for pt-BR that of pt-BR, then of pt, then the first."""
    if isinstance(texts, str):
        return Phrase(texts)
    tags = {key.replace("_", "-").lower(): key for key in texts}
    parts = language.replace("_", "-").lower().split("-")
    wanted = ("-".join(parts[:size]) for size in range(len(parts), 0, -1))
    key = next((tags[tag] for tag in wanted if tag in tags), next(iter(texts), ""))
    return Phrase(texts.get(key, ""), key.replace("_", "-"))


def language_covers(language: str, page: str) -> bool:
    """Whether what is for `language` is for a page (BCP 47 both): `pt` covers pt-BR and pt-PT, `pt-BR` itself only."""
    wanted, tag = (one.lower().replace("_", "-") for one in (language, page))
    return tag == wanted or tag.startswith(f"{wanted}-")

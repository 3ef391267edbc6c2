"""Texts that a shop writes itself: one for all languages, or one for each."""

OwnWords = str | dict[str, str]


def in_language(words: OwnWords, language: str) -> tuple[str, str]:
    """The text nearest to a language (pt-BR, then pt, then the first) and the BCP 47 tag that it stands under; "" where one
    text is for all."""
    if isinstance(words, str):
        return words, ""
    tags = {key.replace("_", "-").lower(): key for key in words}
    parts = language.replace("_", "-").lower().split("-")
    wanted = ("-".join(parts[:size]) for size in range(len(parts), 0, -1))
    key = next((tags[tag] for tag in wanted if tag in tags), next(iter(words), ""))
    return words.get(key, ""), key.replace("_", "-")


def language_covers(language: str, page: str) -> bool:
    """Whether what is for `language` is for a page (BCP 47 both): `pt` covers pt-BR and pt-PT, `pt-BR` itself only."""
    wanted, tag = (one.lower().replace("_", "-") for one in (language, page))
    return tag == wanted or tag.startswith(f"{wanted}-")

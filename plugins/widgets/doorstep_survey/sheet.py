"""The form of a moment: its fields with what stands in them, and what a sent one says."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from doorstep import FormProblem, OwnWords, in_language

from .settings import Ask, Question

LONGEST_COMMENT, LONGEST_TEXT, LONGEST_NAME = 1000, 500, 60

Values = Mapping[str, str]  # what stands in a form, by the name of the field


class Phrase(Struct, frozen=True):
    """Words of the shop's own, and the language (BCP 47) they stand under; "" where they are for all."""

    text: str = ""
    language: str = ""


class Option(Struct, frozen=True):
    """One answer that can be chosen. A scale's have no `label`."""

    field: str
    value: str
    chosen: bool
    label: Phrase = Phrase()


class Field(Struct, frozen=True):
    """A question as the template draws it; `kind` is choice, several, scale or text. `value` is a text's."""

    name: str
    kind: str
    label: Phrase
    required: bool
    options: tuple[Option, ...] = ()
    value: str = ""
    low: Phrase = Phrase()
    high: Phrase = Phrase()


def phrase(words: OwnWords, language: str) -> Phrase:
    return Phrase(*in_language(words, language))


def fields(questions: Sequence[Question], values: Values, language: str) -> tuple[Field, ...]:
    """The fields of a shop's own questions."""
    return tuple(_field(one, values, language) for one in questions)


def scale(name: str, steps: Sequence[int], values: Values) -> tuple[Option, ...]:
    given = values.get(name)
    return _scale(name, tuple(steps), _step(given, steps) if given else None)


@lru_cache(256)  # the same on nearly every page
def _scale(name: str, steps: tuple[int, ...], chosen: int | None) -> tuple[Option, ...]:
    return tuple(Option(name, str(step), step == chosen) for step in steps)


def filled(ask: Ask, data: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form of a kept answer. What the shop asks differently by now is empty."""
    values = {name: str(data[name]) for name in ("score", "comment", "name") if name in data}
    if data.get("share") is True:
        values["share"] = "1"
    for one in ask.questions:
        kept = data.get(one.id)
        if isinstance(kept, list):
            values |= {_box(one.id, str(option)): "1" for option in kept}
        elif kept is not None:
            values[_name(one.id)] = str(kept)
    return values


def read(ask: Ask, form: Values, *, language: str, may_share: bool) -> dict[str, Any]:
    """What a sent form says, as it is kept. Raises FormProblem."""
    data: dict[str, Any] = {}
    if ask.scale:
        score = _step(form.get("score", ""), ask.scale)
        if score is None:
            raise FormProblem("Please choose one of the answers.")
        data |= {"score": score, "of": ask.best}
    for one in ask.questions:
        given = _given(one, form)
        if given in (None, "", []):
            if one.required:
                raise FormProblem("Please answer every question that is not optional.")
        else:
            data[one.id] = given
    comment = cleaned(form.get("comment", ""), LONGEST_COMMENT) if ask.comment else ""
    if not data and not comment:
        raise FormProblem("Please answer at least one question.")
    if ask.comment:
        data["comment"] = comment
    if comment and may_share and form.get("share"):
        data |= {"share": True, "name": line(form.get("name", "")), "language": language}
    return data


def cleaned(text: str, longest: int) -> str:
    """Words as they can be kept in any database: plain line ends, no control characters, not too long."""
    if not text:
        return ""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    # Cc and Cs only: format characters (Cf) join emoji and Persian or Indic letters.
    kept = "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))
    return kept.strip()[:longest].rstrip()


def line(text: str) -> str:
    """A name, on one line."""
    return " ".join(cleaned(text, LONGEST_NAME).split())


def _field(one: Question, values: Values, language: str) -> Field:
    label, name = phrase(one.text, language), _name(one.id)
    if one.kind == "text":
        return Field(name, "text", label, one.required, value=cleaned(values.get(name, ""), LONGEST_TEXT))
    if one.kind == "scale":
        ends = [phrase(end, language) for end in (one.low, one.high)]
        steps = scale(name, range(1, one.top + 1), values)
        return Field(name, "scale", label, one.required, steps, low=ends[0], high=ends[1])
    told = {id: phrase(text, language) for id, text in one.options.items()}
    if one.several:
        boxes = tuple(
            Option(_box(one.id, id), "1", bool(values.get(_box(one.id, id))), text) for id, text in told.items()
        )
        return Field(name, "several", label, one.required, boxes)
    options = tuple(Option(name, id, values.get(name) == id, text) for id, text in told.items())
    return Field(name, "choice", label, one.required, options)


def _given(one: Question, form: Values) -> Any:
    text = form.get(_name(one.id), "")
    if one.kind == "text":
        return cleaned(text, LONGEST_TEXT)
    if one.kind == "scale":
        return _step(text, range(1, one.top + 1))
    if one.several:
        return [id for id in one.options if form.get(_box(one.id, id))]
    return text if text in one.options else None


def _step(text: str, steps: Sequence[int]) -> int | None:
    return next((step for step in steps if text == str(step)), None)


def _name(id: str) -> str:
    return f"q-{id}"


def _box(id: str, option: str) -> str:
    return f"q-{id}-{option}"

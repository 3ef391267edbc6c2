"""Rules about a widget's form: without JavaScript, never failing, and nothing that was typed is lost."""

from collections.abc import Iterator

import msgspec
from msgspec import structs

from ..order_forms import Typed
from ..widget import FormProblem, Submission, Widget
from .of_markup import EVIL
from .rule import Rule
from .trial import Raised, Tag, Trial, read_tags

LARGEST = 20_000  # bytes of an answer
_LONGEST_MOMENT = 64
_WORDS = "typed by a shopper"
_ODD: tuple[dict[str, str], ...] = (
    {},
    {"score": "x"},
    {"score": "9" * 400, "comment": "\x00" * 9},
    {"comment": EVIL * 500, "website": "x"},
)


def _takes_forms(trial: Trial) -> bool:
    return trial.type.submit is not Widget.submit


def _posts(trial: Trial) -> Iterator[str]:
    for form in (tag for tag in _shown(trial) if tag.name == "form"):
        if form.attributes.get("method", "get").lower() != "post":
            continue  # a search, say
        if not _takes_forms(trial):
            yield "it shows a form and has no submit(): whatever is sent would be refused"
        if form.attributes.get("action") != trial.view(trial.good_page()).action:
            yield 'the form needs action="{{ view.action }}": nothing else comes to submit()'


def _never_fails(trial: Trial) -> Iterator[str]:
    if not _takes_forms(trial):
        return
    view = trial.view(trial.good_page())
    fields = [tag.attributes["name"] for tag in _shown(trial) if "name" in tag.attributes]
    for form in (*_ODD, dict.fromkeys(fields, EVIL), dict.fromkeys(fields, "")):
        try:
            kept = trial.own.widget.submit(form, view)
        except FormProblem as problem:
            if not str(problem).strip():
                yield "submit() refuses a form without a word: say what the shopper can do"
        except Exception as error:
            yield f"submit({_short(form)}) raised {type(error).__name__}: raise FormProblem with what the shopper can do"
        else:
            yield from _answer(kept)


def _answer(kept: object) -> Iterator[str]:
    if not isinstance(kept, Submission):
        yield f"submit() gave a {type(kept).__name__}: give a Submission"
        return
    if len(kept.moment) > _LONGEST_MOMENT:
        yield f"a moment of {len(kept.moment)} characters: {_LONGEST_MOMENT} are kept"
    try:
        size = len(msgspec.json.encode(kept.data))
    except (TypeError, ValueError) as error:
        yield f"what submit() gives cannot be kept as JSON: {error}"
    else:
        if size > LARGEST:
            yield f"an answer of {size} bytes is kept: cut what is typed, {LARGEST} are enough for anybody"


def _gives_back(trial: Trial) -> Iterator[str]:
    """What stands in a field that a shopper sees must be there when the form comes back."""
    fields = {tag.attributes["name"]: tag for tag in _shown(trial) if _is_typed_into(tag)}
    page = structs.replace(
        trial.good_page(), typed=Typed(trial.name, dict.fromkeys(fields, _WORDS), "Please look again at this.")
    )
    if not fields or not _takes_forms(trial):
        return
    try:
        html = trial.html(page)
    except Raised as error:
        yield f"when a form comes back, {error}"
        return
    if html.count(_WORDS) < len(fields):
        yield f"of {', '.join(fields)} not everything is back after a refusal: fill them from view.values"
    if "Please look again at this." not in html:
        yield "a refused form comes back without the reason: show view.problem"


def _is_typed_into(tag: Tag) -> bool:
    kind = tag.attributes.get("type", "text")
    shown = tag.attributes.get("tabindex") != "-1"  # which is where programs write
    return shown and "name" in tag.attributes and (tag.name == "textarea" or (tag.name == "input" and kind == "text"))


def _shown(trial: Trial) -> list[Tag]:
    return read_tags(trial.html(trial.good_page()))[0]


def _short(form: object) -> str:
    return f"{form!r}"[:60]


FORM_RULES = (
    Rule("its form comes to itself", _posts),
    Rule("a form is kept or refused and never fails", _never_fails),
    Rule("a refused form keeps what was typed", _gives_back),
)

"""The forms about an order: look it up, prove more, report a problem, ask for a call, say that a parcel did not come."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from .access import Seen, second_proofs
from .context import FieldView, FormView, Option
from .i18n import N_, Localizer
from .ids import new_id
from .links import Proof
from .order_views import Addresses, Looked
from .reports import Kind
from .wording import STATES

LONGEST_TEXT = 2000
SEND = N_("Send to the shop")
_LONGEST_LINE = 200
_ID = re.compile(r"rep_[0-9a-z]{24}")
_WHOLE = "order"  # instead of a parcel's id: the order as a whole
_NO_ORDER = N_(
    "We cannot find an order with this number and this e-mail address or postcode. Please compare them with the shop’s message."
)
_NO_PROOF = N_("This does not belong to the order. Please compare it with the shop’s message.")


class Typed(Struct, frozen=True):
    """A form that was sent: whose, what was typed into it, and why it was not accepted."""

    name: str
    values: Mapping[str, str]
    problem: str = ""


class Told(Struct, frozen=True):
    """What a form of an order gave: kept under `id`, about a parcel or the whole order."""

    id: str
    parcel_id: str
    data: dict[str, str]


class Missing(Exception):
    """Something must be filled in; the message is a msgid."""


def lookup(action: str, localizer: Localizer, typed: Typed | None = None) -> FormView:
    """An order's number, and what only its recipient knows."""
    text, values = localizer.text, _values(typed, "order")
    fields = (
        FieldView("order", text(N_("Order number")), "text", values.get("order", ""), required=True),
        FieldView(
            "proof", text(N_("E-mail address or postcode")), "text", values.get("proof", ""),
            text(N_("The one you gave with the order.")), required=True, autocomplete="email",
        ),
    )  # fmt: skip
    return FormView(
        "order", text(N_("See your order")), action, text(N_("Show order")),
        text(N_("With what is in it, and where each parcel is.")), fields=fields, problem=_problem(typed, "order"),
    )  # fmt: skip


def not_found(values: Mapping[str, str], localizer: Localizer) -> Typed:
    return Typed("order", values, localizer.text(_NO_ORDER))


def not_proved(values: Mapping[str, str], localizer: Localizer) -> Typed:
    return Typed("proof", values, localizer.text(_NO_PROOF))


def second(seen: Seen, at: Addresses, localizer: Localizer, typed: Typed | None = None) -> FormView | None:
    """The other proof, for what one is not enough for; None where there is none to give."""
    text = localizer.text
    label = {
        (Proof.EMAIL,): N_("E-mail address of the order"),
        (Proof.POSTCODE,): N_("Postcode of the order"),
        (Proof.EMAIL, Proof.POSTCODE): N_("E-mail address or postcode"),
    }.get(second_proofs(seen))
    if label is None or seen.level > 1:
        return None
    value = _values(typed, "proof").get("proof", "")
    fields = (FieldView("proof", text(label), "text", value, required=True, autocomplete="email"),)
    return FormView(
        "proof", text(N_("Proof of delivery")), at.below("proof"), text(N_("Show it")),
        text(N_("To see signature or photo, please show once more that the order is yours.")),
        fields=fields, problem=_problem(typed, "proof"),
    )  # fmt: skip


def reports(
    looked: Sequence[Looked], at: Addresses, localizer: Localizer, *, typed: Typed | None = None, done: str = ""
) -> tuple[FormView, ...]:
    """What a shopper may tell the shop; `done` names the form that was just sent."""
    arrived = [one for one in looked if one.state == "arrived"]
    forms = [_not_received(arrived, at, localizer, typed)] if arrived else []
    forms += [_a_problem(looked, at, localizer, typed), _a_call(at, localizer, typed)]
    thanks = localizer.text(N_("Thank you. The shop has your message."))
    return tuple(structs.replace(one, done=thanks) if one.name == done and not one.problem else one for one in forms)


def kept(typed: Typed, at: Addresses, localizer: Localizer) -> FormView:
    """A form whose order cannot be read at the moment, with all that was typed: nothing is lost."""
    is_call = typed.name == Kind.CALL
    same = Typed(Kind.CALL if is_call else Kind.PROBLEM, typed.values, typed.problem)
    form = _a_call(at, localizer, same) if is_call else _a_problem((), at, localizer, same)
    parcel = FieldView("parcel", type="hidden", value=typed.values.get("parcel", ""))
    action = at.below(f"reports/{typed.name}")
    return structs.replace(form, name=typed.name, intro="", action=action, fields=(*form.fields, parcel))


def again(typed: Typed, action: str, localizer: Localizer, title: str, button: str) -> FormView:
    """A form whose page cannot be made at the moment, to be sent once more as it was: nothing is lost. `title` and `button` are
    msgids."""
    fields = tuple(FieldView(name, type="hidden", value=value) for name, value in typed.values.items() if name)
    return FormView(typed.name, localizer.text(title), action, localizer.text(button), fields=fields)


def told(kind: Kind, form: Mapping[str, str], parcel_ids: Sequence[str]) -> Told:
    """What a sent form says. Raises Missing."""
    data = {"text": _cleaned(form.get("text", ""), LONGEST_TEXT)}
    if kind is Kind.CALL:
        data |= {name: _cleaned(form.get(name, ""), _LONGEST_LINE) for name in ("phone", "time")}
        if sum(char.isdigit() for char in data["phone"]) < 5:
            raise Missing(N_("Please write the number that we should call."))
    if kind is Kind.PROBLEM and not data["text"]:
        raise Missing(N_("Please write what is wrong."))
    about = form.get("parcel", "")
    id = form.get("id", "")
    # A form's id makes one report of it, however often it is sent; whatever else stands there is not an id.
    return Told(id if _ID.fullmatch(id) else new_id("rep"), about if about in parcel_ids else "", data)


def _a_problem(looked: Sequence[Looked], at: Addresses, localizer: Localizer, typed: Typed | None) -> FormView:
    text, values = localizer.text, _values(typed, Kind.PROBLEM)
    return FormView(
        Kind.PROBLEM, text(N_("Report a problem")), at.below("reports/problem"), text(SEND),
        text(N_("Something is missing, broken or wrong? Tell us, and we will see to it.")),
        fields=(
            _id(values), *_parcel(looked, values, localizer, whole=True),
            FieldView("text", text(N_("What is wrong?")), "textarea", values.get("text", ""), required=True),
        ),
        problem=_problem(typed, Kind.PROBLEM),
    )  # fmt: skip


def _a_call(at: Addresses, localizer: Localizer, typed: Typed | None) -> FormView:
    text, values = localizer.text, _values(typed, Kind.CALL)
    return FormView(
        Kind.CALL, text(N_("Ask for a call")), at.below("reports/call"), text(N_("Ask for a call")),
        fields=(
            _id(values),
            FieldView("phone", text(N_("Telephone number")), "tel", values.get("phone", ""), required=True, autocomplete="tel"),
            FieldView("time", text(N_("When does it suit you? (optional)")), "text", values.get("time", "")),
            FieldView("text", text(N_("What is it about? (optional)")), "textarea", values.get("text", "")),
        ),
        problem=_problem(typed, Kind.CALL),
    )  # fmt: skip


def _not_received(arrived: Sequence[Looked], at: Addresses, localizer: Localizer, typed: Typed | None) -> FormView:
    text, values = localizer.text, _values(typed, Kind.NOT_RECEIVED)
    return FormView(
        Kind.NOT_RECEIVED, text(N_("It says delivered, but I do not have it")), at.below("reports/not_received"),
        text(N_("I still do not have it")), text(N_("Most parcels turn up in one of these places:")),
        (
            text(N_("With a neighbour, or somebody you live with")),
            text(N_("Beside the door, in the letterbox, the garage or the garden")),
            text(N_("Where the carrier says it left it: see the last scan")),
        ),
        (
            _id(values), *_parcel(arrived, values, localizer, whole=False),
            FieldView("text", text(N_("Anything we should know? (optional)")), "textarea", values.get("text", "")),
        ),
        _problem(typed, Kind.NOT_RECEIVED),
    )  # fmt: skip


def _parcel(
    looked: Sequence[Looked], values: Mapping[str, str], localizer: Localizer, *, whole: bool
) -> tuple[FieldView, ...]:
    """Which parcel it is about, where there is a choice."""
    if not looked:
        return ()
    if len(looked) == 1:
        return (FieldView("parcel", type="hidden", value=looked[0].parcel.id),)
    chosen = values.get("parcel", "")
    options = [
        Option(
            one.parcel.id,
            f"{localizer.isolate(one.parcel.number)} – {localizer.text(STATES[one.state])}",
            one.parcel.id == chosen,
        )
        for one in looked
    ]
    if whole:
        options.insert(0, Option(_WHOLE, localizer.text(N_("The whole order")), chosen in ("", _WHOLE)))
    label = localizer.text(N_("Which parcel?"))
    return (FieldView("parcel", label, "select", required=True, options=tuple(options)),)


def _id(values: Mapping[str, str]) -> FieldView:
    return FieldView("id", type="hidden", value=values.get("id") or new_id("rep"))


def _values(typed: Typed | None, name: str) -> Mapping[str, str]:
    if typed is None or typed.name != name:
        return {}
    return {key: _cleaned(value, LONGEST_TEXT) for key, value in typed.values.items()}


def _problem(typed: Typed | None, name: str) -> str:
    return typed.problem if typed is not None and typed.name == name else ""


def _cleaned(text: str, longest: int) -> str:
    """Text as any database keeps it: plain line ends, no control characters, not too long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    # Cc and Cs only: format characters (Cf) join emoji and Persian or Indic letters.
    plain = "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))
    return plain.strip()[:longest].rstrip()

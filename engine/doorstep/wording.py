"""What the page says of a shipment: a sentence, what to expect or do now, an icon and a meaning, for each status and reason.

The texts are msgids; `N_` marks them for extraction, the localizer of the page translates them. Each has the name of its place.
"""

from collections.abc import Iterator

from msgspec import Struct, structs

from .context import Tone
from .i18n import N_, Placed
from .models import Shipment, Status


class Words(Struct, frozen=True):
    """`headline` is the largest sentence of the page, `detail` what happens next, `label` the short form in a list."""

    headline: str
    detail: str
    label: str
    icon: str
    tone: Tone = Tone.NEUTRAL


def _named(prefix: str, msgid: str, field: str) -> str:
    """A text with its name; an empty one has none."""
    return Placed(msgid, f"{prefix}.{field}") if msgid else ""


def _in_place(prefix: str, words: Words) -> Words:
    return structs.replace(
        words,
        headline=_named(prefix, words.headline, "title"),
        detail=_named(prefix, words.detail, "detail"),
        label=_named(prefix, words.label, "label"),
    )


STATUS: dict[Status, Words] = {
    Status.PENDING: Words(
        N_("Waiting for the first scan"),
        N_("The carrier knows the number but does not have the parcel yet. The first scan usually comes within a day or two."),
        N_("Announced"), "label",
    ),
    Status.LABEL_CREATED: Words(
        N_("Getting ready to ship"),
        N_("The label is made, but the carrier does not have the parcel yet. The first scan usually comes within a day or two."),
        N_("Label created"), "label",
    ),
    Status.ACCEPTED: Words(
        N_("The carrier has your parcel"), N_("It is being sorted and will be on its way soon."),
        N_("Accepted by the carrier"), "warehouse",
    ),
    Status.IN_TRANSIT: Words(
        N_("On its way"), N_("Your parcel is moving through the carrier’s network. There is nothing you need to do."),
        N_("On its way"), "truck",
    ),
    Status.CUSTOMS: Words(
        N_("With customs"), N_("Customs are checking the parcel. This can take a few days; it then goes on by itself."),
        N_("With customs"), "customs",
    ),
    Status.OUT_FOR_DELIVERY: Words(
        N_("Out for delivery"), N_("Your parcel is with the driver."), N_("Out for delivery"), "truck",
    ),
    Status.AVAILABLE_FOR_PICKUP: Words(
        N_("Ready for pickup"), N_("Your parcel is waiting for you. Bring the pickup code or an ID."),
        N_("Ready for pickup"), "shop", Tone.ATTENTION,
    ),
    Status.DELIVERY_ATTEMPTED: Words(
        N_("The carrier could not deliver"),
        N_("The carrier will try again or bring the parcel to a pickup point."),
        N_("Delivery attempted"), "door", Tone.ATTENTION,
    ),
    Status.DELIVERED: Words(
        N_("Delivered"), N_("Your parcel has arrived."), N_("Delivered"), "check", Tone.GOOD,
    ),
    Status.EXCEPTION: Words(
        N_("There is a problem with the delivery"),
        N_("The carrier is working on it. If nothing changes within two days, the shop can help."),
        N_("Problem"), "alert", Tone.PROBLEM,
    ),
    Status.RETURNING: Words(
        N_("On its way back to the shop"), N_("The parcel could not be delivered and is going back. The shop can tell you what comes next."),
        N_("Going back"), "return", Tone.ATTENTION,
    ),
    Status.RETURNED: Words(
        N_("Returned to the shop"), N_("The parcel is back where it came from. The shop can tell you what comes next."),
        N_("Returned"), "return", Tone.ATTENTION,
    ),
    Status.CANCELLED: Words(
        N_("The shipment was cancelled"), N_("This parcel will not be delivered. The shop can tell you why."),
        N_("Cancelled"), "cross", Tone.ATTENTION,
    ),
    Status.LOST: Words(
        N_("The carrier cannot find your parcel"), N_("Please tell the shop: it can send a new one or pay you back."),
        N_("Lost"), "alert", Tone.PROBLEM,
    ),
    Status.UNKNOWN: Words(
        N_("News from the carrier"), N_("You can read it below in the carrier’s own words."), N_("News from the carrier"), "question",
    ),
}  # fmt: skip
STATUS = {status: _in_place(f"status.{status}", words) for status, words in STATUS.items()}

# (headline or "", detail or "", label) by reason: what a status alone does not say.
REASON: dict[str, tuple[str, str, str]] = {
    "recipient.neighbour": (N_("With your neighbour"), N_("A neighbour took your parcel in for you."), N_("Left with a neighbour")),
    "recipient.not_home": (
        N_("Nobody was at home"), N_("The carrier will try again or bring the parcel to a pickup point."), N_("Nobody was at home"),
    ),
    "recipient.refused": ("", N_("The parcel was not accepted at the door. It usually goes back to the shop."), N_("Not accepted")),
    "recipient.rescheduled": ("", N_("The delivery was moved to another day."), N_("Delivery moved to another day")),
    "recipient.business_closed": (
        N_("The business was closed"), N_("The carrier will try again on the next working day."), N_("The business was closed"),
    ),
    "address.incomplete": (
        N_("The address is incomplete"), N_("Please tell the shop the missing part, so that the parcel can go on."),
        N_("The address is incomplete"),
    ),
    "address.wrong": (
        N_("The carrier cannot find the address"), N_("Please check the address with the shop, so that the parcel can go on."),
        N_("Address not found"),
    ),
    "address.changed": ("", N_("The parcel is now going to a new address."), N_("Address changed")),
    "customs.documents": (
        N_("Customs need documents"), N_("The carrier or the shop will contact you. You can also ask the shop."),
        N_("Customs need documents"),
    ),
    "customs.duties": (
        N_("Customs charges are due"), N_("The parcel goes on once they are paid. The carrier will tell you how."), N_("Customs charges are due"),
    ),
    "customs.clearance": ("", N_("Customs are checking the parcel. This can take a few days; it then goes on by itself."), N_("Customs clearance")),
    "carrier.delay": ("", N_("The carrier is running late. The parcel goes on as soon as possible."), N_("Delayed")),
    "carrier.missorted": ("", N_("The parcel was sent the wrong way. The carrier is redirecting it."), N_("Sent the wrong way, being redirected")),
    "carrier.damaged": (
        N_("The parcel was damaged"), N_("The carrier has noted the damage. If something is broken, the shop will help."), N_("Damaged"),
    ),
    "carrier.lost": ("", "", N_("Lost")),
    "carrier.handover": ("", N_("Another carrier will bring it to you."), N_("Handed over to another carrier")),
    "carrier.held": ("", N_("The carrier is holding the parcel for now."), N_("Held by the carrier")),
    "weather": ("", N_("Bad weather is holding up the carrier. The parcel goes on as soon as possible."), N_("Held up by the weather")),
    "sender.cancelled": ("", "", N_("Cancelled by the sender")),
    "sender.request": ("", N_("The shop asked the carrier for this and can tell you more."), N_("At the sender’s request")),
}  # fmt: skip
REASON = {
    reason: (
        _named(f"reason.{reason}", title, "title"),
        _named(f"reason.{reason}", detail, "detail"),
        _named(f"reason.{reason}", label, "label"),
    )
    for reason, (title, detail, label) in REASON.items()
}

# What the page of an order says where no parcel speaks for it.
ORDER: dict[str, Words] = {
    "preparing": Words(
        N_("We are preparing your order"), N_("As soon as a parcel is on its way, you will see it here. There is nothing you need to do."),
        N_("Being prepared"), "parcel",
    ),
    "sent": Words(
        N_("Your parcel is about to set off"), N_("The carrier has not scanned it yet. The first scan usually comes within a day or two."),
        N_("Not scanned yet"), "label",
    ),
    "cancelled": Words(
        N_("This order was cancelled"), N_("Nothing more will be sent. If you did not expect this, please ask us."),
        N_("Cancelled"), "cross", Tone.ATTENTION,
    ),
    "all_arrived": Words(N_("Everything has arrived"), N_("All parcels of your order were delivered."), N_("Delivered"), "check", Tone.GOOD),
    "part_arrived": Words(N_("Part of your order has arrived"), "", N_("Delivered"), "parcel", Tone.GOOD),
}  # fmt: skip
ORDER = {kind: _in_place(f"order.{kind}", words) for kind, words in ORDER.items()}

# The states by which the parcels of an order are grouped, the most pressing first.
STATES: dict[str, str] = {
    "attention": N_("Needs attention"),
    "pickup": N_("Ready for pickup"),
    "moving": N_("On its way"),
    "preparing": N_("Getting ready"),
    "ended": N_("Not coming"),
    "arrived": N_("Delivered"),
}
STATES = {state: Placed(msgid, f"state.{state}") for state, msgid in STATES.items()}

# What a page says when there is no shipment to speak of: headline, detail, icon, tone.
WITHOUT: dict[str, Words] = {
    "waiting": Words(
        N_("We are asking %(carrier)s"), N_("This usually takes a few seconds."), "", "clock",
    ),
    "not_found": Words(
        N_("We cannot find this number yet"),
        N_("If the parcel was sent today, the carrier may not know it yet: look again in a few hours. Otherwise please compare the number with the one in the shop’s message."),
        "", "search",
    ),
    "unavailable": Words(
        N_("%(carrier)s is not answering"),
        N_("Your parcel is not affected. Please look again in a few minutes, or use the carrier’s own page."),
        "", "clock", Tone.ATTENTION,
    ),
    "link_only": Words(
        N_("Your parcel travels with %(carrier)s"), N_("The carrier shows where it is on its own page."), "", "external",
    ),
    "unrecognised": Words(
        N_("This does not look like a tracking number we know"),
        N_("Please compare it with the number in the shop’s message: letters and digits, without the words around them."),
        "", "search", Tone.ATTENTION,
    ),
    "invalid_number": Words(
        N_("This cannot be a tracking number"),
        N_("A tracking number has 4 to 64 letters and digits. Please copy it from the shop’s message."),
        "", "alert", Tone.ATTENTION,
    ),
    "too_many": Words(
        N_("Too many attempts"), N_("Please wait an hour before you try again, or open the link in the shop’s message: it always works."),
        "", "clock", Tone.ATTENTION,
    ),
    "too_many_numbers": Words(
        N_("Too many numbers"), N_("Please wait a few minutes before you look up more of them."), "", "clock", Tone.ATTENTION,
    ),
    "not_now": Words(
        N_("We cannot show your order just now"), N_("Nothing is lost. Please try again in a minute."), "", "clock", Tone.ATTENTION,
    ),
    "not_a_page": Words(N_("There is no page here"), N_("Please check the address, or look a parcel up by its number."), "", "search"),
    "error": Words(
        N_("Something went wrong on our side"), N_("Your parcel is not affected. Please try again in a few minutes."), "", "alert", Tone.PROBLEM,
    ),
}  # fmt: skip
WITHOUT = {kind: _in_place(f"page.{kind}", words) for kind, words in WITHOUT.items()}

_STEP: dict[str, str] = {
    "announced": N_("Announced"), "ordered": N_("Ordered"), "with_carrier": N_("With the carrier"), "on_its_way": N_("On its way"),
    "out_for_delivery": N_("Out for delivery"), "delivered": N_("Delivered"), "ready_for_pickup": N_("Ready for pickup"),
    "picked_up": N_("Picked up"), "sent": N_("Sent"), "not_delivered": N_("Could not be delivered"),
    "going_back": N_("Going back"), "back": N_("Back at the shop"),
}  # fmt: skip


def _steps(*names: str) -> tuple[str, ...]:
    return tuple(Placed(_STEP[name], f"step.{name}") for name in names)


STEPS = _steps("announced", "with_carrier", "on_its_way", "out_for_delivery", "delivered")
ORDER_STEPS = _steps("ordered", "with_carrier", "on_its_way", "out_for_delivery", "delivered")
PICKUP_STEPS = _steps("announced", "with_carrier", "on_its_way", "ready_for_pickup", "picked_up")
RETURN_STEPS = _steps("sent", "not_delivered", "going_back", "back")

_REACHED: dict[Status, int] = {
    Status.PENDING: 0, Status.LABEL_CREATED: 0, Status.ACCEPTED: 1, Status.IN_TRANSIT: 2, Status.CUSTOMS: 2, Status.EXCEPTION: 2,
    Status.OUT_FOR_DELIVERY: 3, Status.DELIVERY_ATTEMPTED: 3, Status.AVAILABLE_FOR_PICKUP: 3, Status.DELIVERED: 4,
    Status.RETURNING: 2, Status.RETURNED: 3,
}  # fmt: skip

_STATE: dict[Status, str] = {
    Status.PENDING: "preparing", Status.LABEL_CREATED: "preparing", Status.AVAILABLE_FOR_PICKUP: "pickup",
    Status.DELIVERY_ATTEMPTED: "attention", Status.EXCEPTION: "attention", Status.LOST: "attention",
    Status.RETURNING: "ended", Status.RETURNED: "ended", Status.CANCELLED: "ended", Status.DELIVERED: "arrived",
}  # fmt: skip

# What a reason still adds once a parcel has arrived or turned back: no "will try again", no "goes on".
_SETTLED: dict[Status, frozenset[str]] = {
    Status.DELIVERED: frozenset({"recipient.neighbour", "carrier.damaged"}),
    Status.RETURNING: frozenset({"sender.request"}),
    Status.RETURNED: frozenset({"sender.request"}),
}


def placed() -> Iterator[Placed]:
    """Every text that has a place of its own."""
    every = [*STATUS.values(), *ORDER.values(), *WITHOUT.values()]
    listed = [text for one in every for text in (one.headline, one.detail, one.label)]
    listed += [text for texts in REASON.values() for text in texts]
    listed += [*STATES.values(), *STEPS, *ORDER_STEPS, *PICKUP_STEPS, *RETURN_STEPS]
    yield from {one.name: one for one in listed if isinstance(one, Placed)}.values()


def words(shipment: Shipment) -> Words:
    """The words for a shipment: its status's, made exact by its reason where that does not promise what is past."""
    base = STATUS[shipment.status]
    headline, detail, _ = REASON.get(shipment.reason, ("", "", ""))
    if shipment.status in _SETTLED and shipment.reason not in _SETTLED[shipment.status]:
        headline = detail = ""
    return Words(headline or base.headline, detail or base.detail, base.label, base.icon, _tone(shipment, base))


def state(shipment: Shipment | None) -> str:
    """The state under which an order's page shows a parcel, a key of `STATES`."""
    if shipment is None:
        return "preparing"
    found = _STATE.get(shipment.status, "moving")
    asked = shipment.action_required and found in ("moving", "preparing")
    return "attention" if asked else found


def reason_label(reason: str) -> str:
    """The msgid of a reason in a few words, or ""."""
    return REASON[reason][2] if reason in REASON else ""


def label(status: Status | None, reason: str) -> str:
    """The msgid of one line of the timeline, or "" when only the carrier's own words tell."""
    if reason in REASON:
        return REASON[reason][2]
    if status is None or status is Status.UNKNOWN:
        return ""
    return STATUS[status].label


def steps(shipment: Shipment) -> tuple[tuple[str, ...], int] | None:
    """The steps of the progress and the index of the current one; None where progress means nothing."""
    if shipment.status in (Status.RETURNING, Status.RETURNED):
        return RETURN_STEPS, _REACHED[shipment.status]
    if shipment.status not in _REACHED:
        return None
    picked_up = Status.AVAILABLE_FOR_PICKUP in [event.status for event in shipment.events]
    return (PICKUP_STEPS if picked_up else STEPS), _REACHED[shipment.status]


def _tone(shipment: Shipment, base: Words) -> Tone:
    if shipment.action_required and base.tone is Tone.NEUTRAL:
        return Tone.ATTENTION
    return base.tone

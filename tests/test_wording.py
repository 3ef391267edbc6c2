"""Words: every status and every reason that a bundled carrier can report has some, and they never say too much."""

import itertools

import pytest

from doorstep import Event, Moment, Shipment, Status
from doorstep.context import Tone
from doorstep.packages import installed
from doorstep.wording import PICKUP_STEPS, REASON, RETURN_STEPS, STATUS, STEPS, WITHOUT, label, steps, words

REASONS = {
    f"{package.module}: {reason}": reason
    for package in installed()
    if package.has_carrier
    for meaning in package.codes().items().values()
    if (reason := meaning.reason)
}
TEXTS = [
    text
    for group in (STATUS.values(), WITHOUT.values())
    for one in group
    for text in (one.headline, one.detail, one.label)
] + [*itertools.chain(*REASON.values()), *STEPS, *PICKUP_STEPS, *RETURN_STEPS]


def scan(status: Status | None, reason: str = "") -> Event:
    return Event(Moment(""), status, reason)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_headline_a_detail_a_label_and_an_icon(status: Status) -> None:
    said = STATUS[status]
    assert all((said.headline, said.detail, said.label, said.icon))


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_every_reason_of_a_bundled_code_table_has_words(reason: str) -> None:
    assert REASON[reason][2], "a timeline needs the short form"


def test_there_are_reasons_to_check() -> None:
    assert len(REASONS) > 20


@pytest.mark.parametrize("text", sorted(filter(None, set(TEXTS))))
def test_texts_are_clean_msgids(text: str) -> None:
    assert text == text.strip()
    assert "  " not in text
    assert "'" not in text, "an apostrophe is ’"
    assert "%" not in text.replace("%(carrier)s", ""), "a placeholder that nobody fills"


@pytest.mark.parametrize("one", [*STATUS.values(), *WITHOUT.values()], ids=lambda one: one.headline)
def test_a_headline_is_short_and_a_detail_a_sentence(one: object) -> None:
    headline, detail = one.headline, one.detail  # type: ignore[attr-defined]
    assert len(headline) <= 55
    assert not headline.endswith(".")
    assert detail.endswith(".")


def test_a_reason_makes_the_words_exact() -> None:
    plain = words(Shipment("1", status=Status.DELIVERED))
    neighbour = words(Shipment("1", status=Status.DELIVERED, reason="recipient.neighbour"))
    assert plain.headline == "Delivered"
    assert neighbour.headline == "With your neighbour"
    assert (neighbour.label, neighbour.icon, neighbour.tone) == (plain.label, plain.icon, Tone.GOOD)


def test_a_reason_with_a_detail_alone_keeps_the_headline_of_its_status() -> None:
    held = words(Shipment("1", status=Status.EXCEPTION, reason="carrier.held"))
    assert held.headline == STATUS[Status.EXCEPTION].headline
    assert held.detail == "The carrier is holding the parcel for now."


def test_an_unknown_reason_says_what_the_status_says() -> None:
    assert words(Shipment("1", status=Status.CUSTOMS, reason="no.such")) == words(Shipment("1", status=Status.CUSTOMS))


def test_what_has_to_be_done_asks_for_attention_but_never_softens_a_problem() -> None:
    assert words(Shipment("1", status=Status.CUSTOMS, action_required=True)).tone is Tone.ATTENTION
    assert words(Shipment("1", status=Status.EXCEPTION, action_required=True)).tone is Tone.PROBLEM
    assert words(Shipment("1", status=Status.CUSTOMS)).tone is Tone.NEUTRAL


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (scan(Status.DELIVERED), "Delivered"),
        (scan(Status.DELIVERY_ATTEMPTED, "recipient.not_home"), "Nobody was at home"),
        (scan(None, "weather"), "Held up by the weather"),
        (scan(None), ""),
        (scan(Status.UNKNOWN), ""),
        (scan(Status.IN_TRANSIT, "no.such"), "On its way"),
    ],
)
def test_a_line_of_the_timeline_says_its_reason_or_its_status_or_leaves_it_to_the_carrier(
    event: Event, said: str
) -> None:
    assert label(event.status, event.reason) == said


@pytest.mark.parametrize("status", Status)
def test_the_current_step_is_one_of_the_steps(status: Status) -> None:
    found = steps(Shipment("1", status=status))
    if found is not None:
        names, current = found
        assert 0 <= current < len(names)


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (Status.PENDING, "Announced"),
        (Status.ACCEPTED, "With the carrier"),
        (Status.CUSTOMS, "On its way"),
        (Status.OUT_FOR_DELIVERY, "Out for delivery"),
        (Status.DELIVERED, "Delivered"),
        (Status.RETURNING, "Going back"),
        (Status.RETURNED, "Back at the shop"),
    ],
)
def test_a_step_stands_for_its_status(status: Status, step: str) -> None:
    found = steps(Shipment("1", status=status))
    assert found is not None
    assert found[0][found[1]] == step


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.LOST, Status.UNKNOWN])
def test_where_progress_means_nothing_there_is_none(status: Status) -> None:
    assert steps(Shipment("1", status=status)) is None


def test_a_parcel_that_waited_in_a_shop_is_picked_up() -> None:
    waited = Shipment("1", events=(scan(Status.AVAILABLE_FOR_PICKUP),), status=Status.DELIVERED)
    found = steps(waited)
    assert found is not None
    assert found[0][found[1]] == "Picked up"

"""Code tables: full keys, a fallback that is never a guess, and mistakes named with file and row."""

import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.support import NullTranslations
from hypothesis import given
from hypothesis import strategies as st

from doorstep import CodeTable, Event, Flag, Found, Meaning, Moment, Place, Shipment, Status
from doorstep.codes import load_codes
from doorstep.errors import ManifestError
from doorstep.i18n import Localizer
from doorstep.intake import take_in
from doorstep.packages import installed
from doorstep.views import Reader, hero

from .acme import ACME

TABLE = """
key = ["table", "code"]
source = "API guide, appendix B"

[codes.event]
"006" = { status = "out_for_delivery" }
"012" = { status = "customs", reason = "customs.documents", flags = ["action_required"], source = "release notes" }
"096" = { status = "informational", note = "a text message was sent" }

[codes.notice]
"006" = { status = "delivered", flags = ["pickup_point", "delayed"] }
"""


@pytest.fixture(scope="module")
def table() -> CodeTable:
    return load_codes(TABLE, file="acme/codes.toml", revision="r1")


def test_a_row_says_status_reason_flags_and_source(table: CodeTable) -> None:
    assert table.find("event", "012") == Meaning(
        Status.CUSTOMS, "customs.documents", (Flag.ACTION_REQUIRED,), "release notes"
    )


def test_a_row_without_a_source_has_the_tables(table: CodeTable) -> None:
    meaning = table.find("event", "006")
    assert meaning is not None
    assert meaning.source == "API guide, appendix B"


def test_the_full_key_tells_equal_codes_apart(table: CodeTable) -> None:
    assert table.read(("event", "006")).status is Status.OUT_FOR_DELIVERY
    assert table.read(("notice", "006")).status is Status.DELIVERED


def test_an_informational_row_has_no_status_and_is_mapped(table: CodeTable) -> None:
    meaning = table.read(("event", "096"))
    assert (meaning.status, meaning.mapped) == (None, True)


def test_the_first_key_the_table_knows_is_read(table: CodeTable) -> None:
    assert table.read(("event", "999"), ("notice", "006"), ("event", "006")).status is Status.DELIVERED


def test_an_unknown_code_falls_back_to_the_coarse_status_and_says_so(table: CodeTable) -> None:
    assert table.read(("event", "999"), coarse=Status.IN_TRANSIT) == Meaning(Status.IN_TRANSIT, mapped=False)


def test_an_unknown_code_without_a_coarse_status_is_unknown(table: CodeTable) -> None:
    assert table.read(("event", "999")) == Meaning(Status.UNKNOWN, mapped=False)
    assert table.find("event", "999") is None


def test_a_part_of_a_key_finds_nothing(table: CodeTable) -> None:
    assert table.find("event") is None
    assert table.find("006") is None


def test_the_table_tells_its_size_key_and_revision(table: CodeTable) -> None:
    assert (len(table), table.key, table.revision) == (4, ("table", "code"), "r1")
    assert set(table.items()) == {("event", "006"), ("event", "012"), ("event", "096"), ("notice", "006")}


def test_an_event_has_the_rows_meaning_and_the_plugins_words(table: CodeTable) -> None:
    moment, place = Moment("12:00"), Place(city="Bergen")
    event = table.read(("notice", "006")).event(
        moment, code="006", text="In the shop", place=place, piece="1", flags=(Flag.PARTIAL,)
    )
    flags = (Flag.PICKUP_POINT, Flag.DELAYED, Flag.PARTIAL)
    assert event == Event(moment, Status.DELIVERED, "", "006", "In the shop", place, "1", flags, True)


def test_an_event_of_an_unknown_code_is_not_mapped(table: CodeTable) -> None:
    assert not table.read(("event", "999")).event(Moment(""), code="999").mapped


def test_a_key_of_three_names_nests_twice() -> None:
    deep = load_codes('key=["a","b","c"]\nsource="s"\n[codes.x.y]\nz={status="lost"}', file="f")
    assert deep.read(("x", "y", "z")).status is Status.LOST


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key = [", "f: "),
        ("[codes]", "key"),
        ('key = ["code"]', "codes"),
        ('key=["code"]\nsource="s"\nextra=1\n[codes]', "extra"),
        ('key=["code"]\nsource="s"\n[codes]\nA="delivered"', "f: codes.A is not a table"),
        ('key=["t","c"]\nsource="s"\n[codes]\nA=1', "f: codes.A is not a table"),
        ('key=["code"]\nsource="s"\n[codes]\nA={status="deliverd"}', "f: codes.A: 'deliverd'"),
        ('key=["code"]\nsource="s"\n[codes]\nA={reason="weather"}', "f: codes.A: .*status"),
        ('key=["code"]\nsource="s"\n[codes]\nA={status="lost",flags=["late"]}', "f: codes.A: .*late"),
        ('key=["code"]\nsource="s"\n[codes]\nA={status="lost",flag="delayed"}', "f: codes.A: .*`flag`"),
        ('key=["code"]\n[codes]\nA={status="lost"}', "f: codes.A has no source"),
    ],
)
def test_a_mistake_is_named_with_file_row_and_mend(text: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load_codes(text, file="f")
    assert caught.value.message.startswith("f")
    assert re.search(said, caught.value.message)
    assert caught.value.next_step


def test_a_wrong_status_is_answered_with_the_right_ones() -> None:
    with pytest.raises(ManifestError) as caught:
        load_codes('key=["code"]\nsource="s"\n[codes]\nA={status="gone"}', file="f")
    assert all(status in caught.value.next_step for status in (*Status, "informational"))


# Words


WORDS = """
key = ["table", "words"]
source = "plain words"

[codes.said]
"being returned" = { status = "returning", flags = ["return"] }
"refused" = { status = "informational", reason = "recipient.refused" }
"Zoll" = { status = "customs", reason = "customs.clearance", flags = ["return", "delayed"] }
"""


def test_words_are_found_in_a_text_in_the_tables_order() -> None:
    table = load_codes(WORDS, file="f")
    told = table.said("said", "REFUSED; it is being\n  returned")
    assert [row.reason for row in told] == ["", "recipient.refused"]
    assert [row.status for row in table.said("said", "beim zoll")] == [Status.CUSTOMS]
    assert table.said("said", "") == table.said("other", "refused") == []


def test_a_meaning_is_made_finer_by_what_is_said_beside_it() -> None:
    table = load_codes(WORDS, file="f")
    rough = Meaning(Status.EXCEPTION, "carrier.held", (Flag.DELAYED,), mapped=False)
    assert rough.finer([]) == rough.flagged([]) == rough
    finer = rough.finer(table.said("said", "refused, being returned, Zoll"))
    assert (finer.status, finer.reason) == (Status.RETURNING, "recipient.refused")
    assert (finer.flags, finer.mapped) == ((Flag.DELAYED, Flag.RETURN), False)
    flagged = rough.flagged(table.said("said", "refused, being returned"))
    assert (flagged.status, flagged.reason, flagged.flags) == (
        Status.EXCEPTION, "carrier.held", (Flag.DELAYED, Flag.RETURN)
    )  # fmt: skip


# Any code


TABLES = [(package.manifests()[0].slug, package.codes()) for package in installed() if package.has_carrier]
KEYS = sorted({part for _, table in TABLES for key in table.items() for part in key})
SENT = st.sampled_from(KEYS) | st.text(max_size=30) | st.text(st.characters(), max_size=4)
READER = Reader(Localizer("en", NullTranslations()), datetime(2026, 11, 22, 12, tzinfo=UTC), ZoneInfo("UTC"))


def written(table: CodeTable) -> str:
    """A table as a plugin's author writes it."""
    lines = [f"key = {json.dumps(table.key)}", "[codes]"]
    for key, row in table.items().items():
        fields = {
            "status": row.status or "informational",
            "reason": row.reason,
            "flags": row.flags,
            "source": row.source,
        }
        said = ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
        lines.append(f"{'.'.join(json.dumps(part, ensure_ascii=False) for part in key)} = {{ {said} }}")
    return "\n".join(lines)


@pytest.mark.parametrize("table", [pytest.param(table, id=slug) for slug, table in TABLES])
def test_each_row_of_a_bundled_table_is_found_by_its_own_key_also_when_the_table_is_written_anew(
    table: CodeTable,
) -> None:
    again = load_codes(written(table), file="codes.toml")
    assert again.items() == table.items()
    for key, row in table.items().items():
        assert again.read(("no such", "key"), key) == table.find(*key) == row
        assert row.mapped


@given(
    st.sampled_from([table for _, table in TABLES]), st.lists(st.lists(SENT, max_size=3).map(tuple), min_size=1, max_size=3),
    st.none() | st.sampled_from(Status), SENT,
)  # fmt: skip
def test_any_code_a_carrier_may_send_has_a_status_and_words(
    table: CodeTable, keys: list[tuple[str, ...]], coarse: Status | None, text: str
) -> None:
    meaning = table.read(*keys, coarse=coarse)
    assert meaning.mapped is any(key in table.items() for key in keys)
    if not meaning.mapped:
        assert meaning.status is (coarse or Status.UNKNOWN), "what is not known is never guessed"
    finer = meaning.finer(table.said(keys[0][0] if keys[0] else "", text))
    event = finer.event(Moment("noon"), code=" ".join(keys[0]), text=text)
    answer = take_in(Found((Shipment("1", (event,)),)), ACME)
    assert isinstance(answer, Found)
    shown = hero(answer.shipments[0], READER)
    assert shown.headline
    assert shown.detail

"""Whatever is typed into a form, it is taken or comes back with all of it: no form fails, and no word is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from doorstep.tables import consents

from .asking import telling
from .ordering import DELIVERED, EMAIL, POSTCODE, order, packed, page_of
from .shopfront import Front
from .test_surveys import EVERY

HOUR, JOINER = 3600, "\u200d"
# What a keyboard writes: letters, marks, digits, signs and blanks of any script, and joined emoji.
WRITTEN = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)
    | st.sampled_from([" ", f"👩{JOINER}👧", "@", ".example", "+44 20 7946 0000", "</textarea>", "{{7*7}}", '"><b>', "&amp;"]),
    max_size=8,
).map(lambda parts: "".join(parts).strip())  # fmt: skip
# And what programs send: line ends, NUL, halves of characters as UTF-8 does not have them, and far too much.
SENT = (
    WRITTEN
    | st.text(max_size=30)
    | st.sampled_from(["\0", "\r\n\r\n", "\x1b[2J", "\ufdd0", "x" * 5000, "1", "5", "-1", "1e9", "true"])
)


class Form:
    """A form as it stands on a page: where it is sent, and the names of what can be written into it and chosen in it."""

    def __init__(self, element: Element) -> None:
        self.action = element.get("action", "")
        self.written = [*element.iter("textarea")] + [
            one for one in element.iter("input") if one.get("type") in ("text", "email", "tel", "search", None)
        ]
        self.names = [str(one.get("name")) for one in self.written if one.get("name") != "website"]  # which nobody sees
        chosen = [one for one in element.iter() if one.tag in ("input", "select") and one not in self.written]
        self.chosen = [str(one.get("name")) for one in chosen if one.get("name")]

    def values(self) -> dict[str, str]:
        return {str(one.get("name")): one.get("value") or (one.text or "").removeprefix("\n") for one in self.written}


def forms(html: str) -> list[Form]:
    """Those of a page that are sent to be kept."""
    page = html5lib.parse(html, namespaceHTMLElements=False)
    return [Form(one) for one in page.iter("form") if one.get("method", "").lower() == "post"]


@pytest.fixture
def front(tmp_path: Path, plugin: Any) -> Iterator[Front]:
    with telling(tmp_path, plugin, widgets={"survey": EVERY, "notify": {"more": True}}) as front:
        yield front


def test_what_is_typed_into_any_form_is_taken_or_comes_back(front: Front) -> None:
    wanted = order("1001", packed(DELIVERED, shoes=1, socks=3), email=EMAIL, postcode=POSTCODE)
    page = page_of(front, wanted, days=3650)
    found = [form for path in ("/", page) for form in forms(front.get(path).text)]
    assert {form.action.rpartition("/")[2] for form in found} == {
        "", "proof", "problem", "call", "not_received", "survey", "notify",
    }  # fmt: skip

    @settings(max_examples=50)
    @given(st.sampled_from(found), st.booleans(), st.data())
    def kept(form: Form, asked: bool, data: st.DataObject) -> None:
        front.clock.advance(2 * HOUR)  # nobody has written too often
        with front.engine.database.writing() as connection:
            connection.execute(delete(consents))
        if asked:  # in another window, while this form lay open
            front.post(f"{page}widgets/notify", {"order": "1", "by_email": "1"})
        written = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(form.names, WRITTEN)))
        others = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys({*form.chosen, "website", "x"}, SENT)))
        said = front.post(form.action, {**others, **written})
        assert said.status_code in (303, 422)
        if said.status_code == 422:
            (again,) = [one for one in forms(said.text) if one.action == form.action]
            values = again.values()
            assert {name: values[name] for name in written} == written

    kept()


def test_no_form_fails_whatever_a_program_sends(front: Front) -> None:
    page = page_of(front, order("1001", packed(DELIVERED, shoes=1), email=EMAIL, postcode=POSTCODE), days=3650)
    found = [form for path in ("/", page) for form in forms(front.get(path).text)]

    @settings(max_examples=60)
    @given(st.sampled_from(found), st.data())
    def answered(form: Form, data: st.DataObject) -> None:
        fields = st.sampled_from([*form.names, *form.chosen, "website", "push_address", "moment", "id"]) | st.text(
            max_size=9
        )
        sent = data.draw(st.dictionaries(fields, SENT, max_size=6))
        assert front.post(form.action, sent).status_code in (303, 422, 429)

    answered()


def test_what_is_typed_for_a_parcel_comes_back_where_it_is_no_number(front: Front) -> None:
    @settings(max_examples=50)
    @given(typed=WRITTEN.filter(len))
    def kept(typed: str) -> None:
        said = front.client.get("/", params={"number": typed}, follow_redirects=False)
        assert said.status_code in (200, 303, 400)
        if said.status_code == 400:
            page = html5lib.parse(said.text, namespaceHTMLElements=False)
            assert page.find(".//input[@name='number']").get("value") == typed.replace(JOINER, "")  # which nobody sees

    kept()

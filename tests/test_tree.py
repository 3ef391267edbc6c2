"""Answers read by path: JSON and XML alike, tolerant of everything but a document that is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import ProtocolError, Response, Tree, newest_first


def tree(text: str) -> Tree:
    return Response(200, {}, text.encode()).tree()


JSON = tree(
    '{"parcel": {"id": 17, "weight": "1.40", "ok": true, "said": "true", "none": null, "blank": "  x ",'
    ' "scans": [null, {"code": "A", "place": {"city": "Lyon"}}, {"code": "B"}], "one": {"code": "C"}}}'
)
XML = tree(
    '<?xml version="1.0"?><e:r xmlns:e="urn:e" xmlns:i="urn:i"><parcel nr="17"><weight unit="kg">1.40</weight><ok>true</ok>'
    '<blank>  x </blank><none i:nil="true"/><empty/><scan><code>A</code><place><city>Lyon</city></place></scan>'
    "<e:scan><code>B</code></e:scan><one><code>C</code></one></parcel></e:r>"
)


@pytest.mark.parametrize(("answer", "scans"), [(JSON, "parcel.scans"), (XML, "parcel.scan")], ids=["json", "xml"])
def test_json_and_xml_are_read_alike(answer: Tree, scans: str) -> None:
    assert [scan.text("code") for scan in answer.each(scans)] == ["A", "B"]
    assert [scan.text("place.city") for scan in answer.each(scans)] == ["Lyon", ""]
    assert [one.text("code") for one in answer.each("parcel.one")] == ["C"]
    assert answer.text("parcel.blank") == "x"
    assert answer.number("parcel.weight") == 1.4
    assert answer.is_true("parcel.ok")
    assert answer.text("parcel.one.code") == "C"
    assert answer.each("parcel.none") == answer.each("parcel.nothing") == []
    assert answer.at("parcel").expect("one").text("code") == "C"


def test_a_list_stands_for_its_first_item() -> None:
    assert tree('{"a": [{"b": [["x"]]}]}').text("a.b") == ""
    assert tree('{"a": [[{"b": "x"}]]}').text("a.b") == "x"
    assert XML.text("parcel.scan.place.city") == "Lyon"


def test_a_text_around_elements_is_one_text() -> None:
    answer = tree("<r><a>\n one &amp; <b>x</b> <![CDATA[two]]> <c/>\n</a><d>\n <e>y</e>\n</d></r>")
    assert answer.text("a") == "one &  two"
    assert answer.text("a.b") == "x"
    assert [name for name, _ in answer.at("d").items()] == ["e"], "lines between tags are no text"


def test_attributes_have_an_at_sign() -> None:
    assert (XML.text("parcel.@nr"), XML.text("parcel.weight.@unit"), XML.text("parcel.weight")) == ("17", "kg", "1.40")


def test_numbers_are_texts_and_truths_are_not() -> None:
    assert (JSON.text("parcel.id"), JSON.number("parcel.id"), JSON.text("parcel.ok")) == ("17", 17.0, "")
    assert JSON.is_true("parcel.said")
    assert not JSON.is_true("parcel.id")


def test_what_a_plugin_cannot_do_without_is_named() -> None:
    with pytest.raises(ProtocolError, match=r"has no 'parcel\.gone'"):
        JSON.expect("parcel.gone")
    with pytest.raises(ProtocolError, match=r"has no 'parcel\.none'"):
        JSON.expect("parcel.none")


def test_texts_under_a_name_wherever_they_stand() -> None:
    nested = tree('{"id": "1", "x": {"id": [2, {"id": "3"}], "y": [[{"id": "4"}], {"id": null}]}, "z": {"id": "1"}}')
    assert nested.texts("id") == ["1", "2", "3", "4"]
    assert nested.texts("gone") == nested.at("id").texts("id") == []
    assert tree('{"a": ' * 900 + '{"id": "deep"}' + "}" * 900).texts("id") == ["deep"]


def test_names_and_values_of_an_object() -> None:
    assert [(name, value.text()) for name, value in tree('{"a": "1", "b": 2}').items()] == [("a", "1"), ("b", "2")]
    assert tree("[1]").items() == []


def test_a_tree_is_true_when_something_is_in_it() -> None:
    assert [bool(Tree(value)) for value in (None, "", [], {}, 0, False, "x", [0])] == [False] * 4 + [True] * 4


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


@given(values, st.sampled_from(["", "a", "a.b", "b.a.b"]))
def test_no_value_makes_reading_fail(value: Any, path: str) -> None:
    answer = Tree(value)
    assert isinstance(answer.text(path), str)
    assert answer.text(path) == answer.at(path).text()
    assert answer.number(path) is None or isinstance(answer.number(path), float)
    assert answer.is_true(path) in (True, False)
    assert all(isinstance(one, Tree) for one in answer.each(path))
    assert isinstance(answer.items(), list)


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=5)))
def test_texts_arrive_as_they_are(texts: dict[str, str]) -> None:
    answer = Response(200, {}, json.dumps(texts).encode()).tree()
    assert {name: value.value for name, value in answer.items()} == texts


@pytest.mark.parametrize("body", [b"", b"17", b'"a"', b"null", b"{", b"true", b"NaN", b"[" * 5000])
def test_a_single_value_or_broken_json_is_an_error_of_the_protocol(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        Response(200, {}, body).tree()


def test_xml_is_read_in_the_encoding_it_names() -> None:
    body = '<?xml version="1.0" encoding="ISO-8859-1"?><a><b>é</b></a>'.encode("latin-1")
    assert Response(200, body=body).tree().text("b") == "é"


@pytest.mark.parametrize("blank", [b" ", b"\n", b"\r\n\t "])
def test_blanks_in_front_of_the_declaration_do_not_matter(blank: bytes) -> None:
    assert Response(200, body=blank + b'<?xml version="1.0"?><a><b>1</b></a>').tree().text("b") == "1"


@pytest.mark.fault(19)
def test_xml_nested_too_deeply_is_refused() -> None:
    assert tree("<a>" * 100 + "</a>" * 100)
    with pytest.raises(ProtocolError, match="nested too deeply"):
        tree("<a>" * 102 + "</a>" * 102)


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<a>", b"<a></b>", b"<a/><b/>", b"\x00", b"\xff<a/>", b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<?xml version="1.0" encoding="hex"?><a/>',
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "https://carrier.example/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "https://carrier.example/x">%x;]><a/>',
        f'<!DOCTYPE a [<!ENTITY e0 "ha">{ENTITIES}]><a>&e9;</a>'.encode(),
        b"<a>&undefined;</a>",
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)  # fmt: skip
@pytest.mark.fault(19)
def test_hostile_xml_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        Response(200, body=body).tree()


@pytest.mark.parametrize("times", [["1", "2"], ["2", "1"], ["1", "1"], [None, "1", "2", None], [None, None]])
def test_a_list_that_runs_either_way_has_its_newest_first(times: list[str | None]) -> None:
    items = [Tree({"at": time, "nth": nth}) for nth, time in enumerate(times)]
    turned = [item.text("nth") for item in newest_first(items, "at")]
    assert turned == (["0", "1"] if times == ["2", "1"] else [str(nth) for nth in reversed(range(len(times)))])

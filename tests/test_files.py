"""Documents in carriers' answers."""

from base64 import b64encode

import pytest

from doorstep import ProtocolError, file_in
from doorstep.files import KINDS

PDF = b"%PDF-1.4 proof"


@pytest.mark.parametrize(("first", "media_type"), KINDS.items())
def test_the_first_bytes_tell_what_it_is(first: bytes, media_type: str) -> None:
    file = file_in(b64encode(first + b" and more").decode())
    assert (file.media_type, file.body) == (media_type, first + b" and more")


@pytest.mark.parametrize("text", [f"data:image/png;base64,{b64encode(PDF).decode()}", f" {b64encode(PDF).decode()}\n"])
def test_what_the_carrier_calls_it_does_not_matter(text: str) -> None:
    assert file_in(text, name="proof.pdf").media_type == "application/pdf"


def test_a_document_may_come_in_hexadecimal() -> None:
    assert file_in(PDF.hex()).body == file_in(PDF.hex().upper()).body == PDF


@pytest.mark.parametrize("text", ["<svg/>", '<?xml version="1.0"?>\n<svg xmlns="urn:x"/>'])
def test_an_svg_comes_as_text(text: str) -> None:
    assert (file_in(text).media_type, file_in(text).body) == ("image/svg+xml", text.encode())


@pytest.mark.parametrize(
    "text", ["", "AAAA", "no base64!", "4d5a", "%PDF-1.4 proof", "<html><svg/></html>", "é", b64encode(b"MZ").decode()]
)
def test_what_is_no_document_is_an_error_of_the_protocol(text: str) -> None:
    with pytest.raises(ProtocolError, match="no document"):
        file_in(text)

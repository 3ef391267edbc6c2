"""What reads the words of strangers, and what each promises whatever they are: fed by the fuzzer, and by its corpus in tests.

A target takes bytes. It raises where a promise is not kept: any exception that is not the parser's own, or an assertion.
"""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree
from zlib import compressobj
from zoneinfo import ZoneInfo

import msgspec
from itsdangerous import URLSafeSerializer
from starlette.exceptions import HTTPException
from starlette.requests import Request

from doorstep import atom, compact, ics, links, moments, visits
from doorstep.addresses import is_web_address, mail_address, phone_number
from doorstep.codes import load_codes
from doorstep.config import parse
from doorstep.drafts import JsonLines, OrderFile
from doorstep.errors import (
    CarrierError,
    CatalogError,
    ConfigError,
    ManifestError,
    NumberError,
    ProtocolError,
)
from doorstep.exchange import Response
from doorstep.incoming import Incoming
from doorstep.languages import NAMES, negotiate
from doorstep.mail import mailbox
from doorstep.manifest import load_manifests
from doorstep.packages import installed
from doorstep.payload import parsed
from doorstep.po_files import read_po_file
from doorstep.recognition import Recognizer, normalise
from doorstep.refusals import Refusal
from doorstep.returned_mail import reports_in
from doorstep.scrubbing import scrub
from doorstep.secret import Secret
from doorstep.sheet import Sheet
from doorstep.signing import Signer, new_secret
from doorstep.soap import answer
from doorstep.tree import Tree, from_xml
from doorstep.xml_items import xml_items

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}
_NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
_KEY = Secret("the secret of whoever fuzzes")
_SIGNER = Signer([Secret(new_secret())], setting="webhooks")
_RECOGNIZER = Recognizer([manifest for package in installed() for manifest in package.manifests()])
_COUNTRIES = ("", "DE", "US", "NZ", "EG", "??")


def _target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@_target
def numbers(data: bytes) -> None:
    """What is typed comes out plain and the same again, or not at all; and its candidates are ranked."""
    with suppress(NumberError):
        number = normalise(_text(data))
        assert number.isascii()
        assert number.isalnum()
        assert number == number.upper()
        assert normalise(number) == number
        found = _RECOGNIZER.candidates(number)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert len({one.carrier for one in found}) == len(found)


@_target
def answers(data: bytes) -> None:
    """A carrier's answer, JSON or XML, is read by path, or is an error of the protocol."""
    response = Response(200, {"content-type": "a/b; charset=" + _text(data[:12])}, data)
    response.text()
    for read in (response.tree, lambda: answer(response), lambda: Incoming({}, data).json()):
        with suppress(CarrierError):
            _walk(read())


def _walk(tree: Tree) -> None:
    for path in ("", "a", "a.b", "#text"):
        assert tree.text(path) == tree.text(path).strip()
        tree.number(path)
        tree.is_true(path)
        assert all(isinstance(one, Tree) for one in tree.each(path))
    assert all(tree.texts("a"))
    for _, one in tree.items():
        one.text()


@_target
def xml(data: bytes) -> None:
    """Two readers of XML: neither fails otherwise than it says, and both refuse document types."""
    with suppress(ProtocolError):
        _walk(from_xml(data))
        assert b"<!DOCTYPE" not in data.split(b"<!--")[0].split(b"<![CDATA[")[0].split(b"<?")[0]
    with suppress(ValueError):
        for line, item in xml_items(data, {"a", "item"}):
            assert line > 0
            _walk(item)


@_target
def times(data: bytes) -> None:
    """A carrier's time keeps its text; an offset, an instant and a wall clock that are known agree."""
    text, country = _text(data[1:]), _COUNTRIES[data[0] % len(_COUNTRIES)] if data else ""
    read = [
        moments.iso(text, country=country),
        moments.estimate(text, country=country),
        moments.day_first(text, country=country),
        moments.at_place(text, country=country),
        moments.doubtful(text, country=country),
    ]
    start, _, end = text.partition("/")
    moments.window(start, end, country=country)
    for moment in read:
        assert moment.raw == text
        if moment.instant and moment.local and moment.offset:
            shown = datetime.fromisoformat(f"{moment.local.isoformat()}{moment.offset}")
            assert abs(shown - moment.instant) <= timedelta(minutes=1)  # a clock may have been cut to the minute
        if moment.instant:
            moments.elsewhere(moment, country)


@_target
def catalogs(data: bytes) -> None:
    """A catalog is read, or an error of catalogs."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        with suppress(CatalogError):
            assert all(entry.msgid for entry in read_po_file(Path(file.name), shown="de.po").entries)


@_target
def addresses(data: bytes) -> None:
    """An address that is taken is one, whole, and the same when it is read again."""
    text = _text(data)
    if written := mail_address(text):
        assert mail_address(written) == written
        assert not set(written) & set(' \t\r\n<>,;"\\')
    if number := phone_number(text):
        assert phone_number(number) == number
        assert number[1:].isascii()
        assert number[1:].isdigit()
    if is_web_address(text):
        assert text.lower().startswith(("http://", "https://"))
        assert not set(text) & set(' \t\r\n\\"<>')
    with suppress(ValueError):
        box = mailbox(text)
        assert box.domain.isascii()
        assert not any(char in str(box.header()) for char in "\r\n\0")
        assert mailbox(box.address).address == box.address


def _drafted(file: OrderFile) -> None:
    with suppress(ConfigError):
        file.heading() if isinstance(file, JsonLines) else None
        for draft in islice(file.drafts(), 50):
            assert (draft.change is None) == bool(draft.problems)
            file.give_back(draft)


@_target
def sheets(data: bytes) -> None:
    """Each row of a CSV file becomes a draft, or is given back with its problem."""
    _drafted(Sheet(BytesIO(data), "orders.csv", ZoneInfo("Europe/Berlin")))


@_target
def order_lines(data: bytes) -> None:
    """So does each line of JSON."""
    _drafted(JsonLines(BytesIO(data)))


@_target
def tokens(data: bytes) -> None:
    """What nobody signed is no link. What we signed, as another version might, is a ticket or none."""
    reader = links.Links([_KEY])
    assert reader.read(_text(data)) is None
    signer = URLSafeSerializer(_KEY.reveal(), salt="doorstep order link")
    with suppress(ValueError, RecursionError):
        value = msgspec.json.decode(data)
        ticket = reader.read(str(signer.dumps(value)))
        if ticket is not None:
            assert ticket.expires_at.tzinfo is UTC
            assert ticket.level in (1, 2)


@_target
def webhooks(data: bytes) -> None:
    """What nobody signed is not believed."""
    id, timestamp, signature, *_ = [*_text(data).split("\n"), "", "", ""]
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    assert not _SIGNER.signed(Incoming(headers, data), _NOW)


@_target
def kept_answers(data: bytes) -> None:
    """What the cache gives is an answer, which is kept the same again, or none."""
    packer = compressobj(zdict=vars(compact)["_DICTIONARY"])
    for packed in (data, data[: compact.STAMP] + packer.compress(data[compact.STAMP :]) + packer.flush()):
        with suppress(ValueError):
            entry = compact.unpack(packed)
            assert compact.unpack(compact.pack(entry)) == entry


@_target
def settings(data: bytes) -> None:
    """Settings, manifests and tables of codes are read, or the error names the file."""
    text = _text(data)
    with suppress(ConfigError):
        parse(text, file="doorstep.toml", environ={"DOORSTEP_SERVER__PORT": text[:40]})
    with suppress(ManifestError):
        load_manifests(text, file="carrier.toml")
    with suppress(ManifestError):
        load_codes(text, file="codes.toml")


@_target
def accepted_languages(data: bytes) -> None:
    """Whatever a browser asks for, the page is in a language there is."""
    asked, _, accepted = _text(data).partition("\n")
    assert negotiate(asked, accepted, tuple(NAMES), "en") in NAMES


@_target
def forms(data: bytes) -> None:
    """A form is read, bounded, or refused: its first line is its type."""
    kind, _, body = data.partition(b"\n")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    request = Request({"type": "http", "method": "POST", "headers": headers, "app": None}, receive)
    with suppress(HTTPException):
        form = asyncio.run(visits.form_of(request))
        assert all(isinstance(value, str) for value in form.values())
        assert len(form) <= 50


@_target
def bodies(data: bytes) -> None:
    """The body of a call to the API is a JSON value, or refused."""
    with suppress(Refusal):
        parsed(data)


@_target
def calendars(data: bytes) -> None:
    """A calendar file has the lines we wrote, none longer than allowed, and says the text again when it is unfolded."""
    text = _text(data)
    day = date(2026, 11, 20)
    made = ics.calendar([ics.Appointment("id", _NOW, 1, day, day, text, text, f"https://shop.example/{text}")])
    lines = made.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 75
    names = [line.split(b":")[0].split(b";")[0] for line in made.replace(b"\r\n ", b"").split(b"\r\n")[:-1]]
    assert names.count(b"BEGIN") == names.count(b"END") == 2
    assert len(names) == 18
    for line in lines:
        line.decode()


@_target
def feeds(data: bytes) -> None:
    """A feed is well-formed XML, whatever its texts are."""
    text = _text(data)
    entry = atom.Entry(text, text, text, _NOW)
    made = atom.document(atom.Feed(text, text, text, text, text, text, (entry,)))
    root = ElementTree.fromstring(made)
    assert len(root) == 7


@_target
def returned_mails(data: bytes) -> None:
    """A mail that came back tells of one message of ours, or of none."""
    assert len(reports_in(data)) <= 1


@_target
def recordings(data: bytes) -> None:
    """What is recorded is scrubbed: a secret in it is gone."""
    assert b"hush-hush" not in scrub(data, {"123456": "654321"}, ["hush-hush"]).body

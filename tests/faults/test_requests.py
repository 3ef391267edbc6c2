"""What strangers write into addresses and headers, byte by byte over real sockets: refused or cut, and nobody is asked."""

import re
import socket
import time
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from doorstep.errors import NumberError
from doorstep.outgoing import Outgoing
from doorstep.recognition import normalise
from doorstep.secret import Secret

from ..servers import redis_server
from ..shopfront import DELIVERED, carriers, shop
from ..test_outgoing import HOSTILE, MUG

SPLIT = b"Set-Cookie: a=b"


class Wire:
    """A shop on a socket, and the Redis that it keeps answers in."""

    def __init__(self, front, redis):
        self.front = front
        self._redis = redis

    def answer(self, target, *headers):
        """All that comes back for a request; nothing where the server hung up."""
        lines = [b"GET " + target + b" HTTP/1.1", b"Host: shop.example", b"Connection: close", *headers, b"", b""]
        return _exchange(self.front.client.port, b"\r\n".join(lines))

    def asked_and_kept(self):
        """How many questions the carriers were asked, and how many keys there are; once what is under way is done: a page
        that waited long enough goes out while its number is still asked for."""
        questions = self.front.engine.tracker.questions
        while questions._flights or questions._behind:
            time.sleep(0.01)
        kept = int(_exchange(self._redis.port, b"DBSIZE\r\nQUIT\r\n").split()[0].removeprefix(b":"))
        return self.front.asked(), kept


def _exchange(port, request):
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 30) as connection, suppress(ConnectionError):
        connection.sendall(request)
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wire")
    with (
        redis_server(folder) as redis,
        carriers() as (sandbox, served),
        shop(folder, sandbox, served.url, redis=Secret(redis.url), listening=True) as front,
    ):
        assert front.get(f"/track/{DELIVERED}").status_code == 200
        yield Wire(front, redis)


def status(answer):
    return int(answer.split(b" ", 2)[1])


def head(answer):
    return answer.partition(b"\r\n\r\n")[0]


def location(answer):
    found = re.search(rb"^location: *(.*?)\r?$", head(answer), re.MULTILINE | re.IGNORECASE)
    return found[1] if found else None


INJECTED = {
    "the number": (b"/track/1Z%0d%0a" + SPLIT.replace(b" ", b"%20"), ()),
    "the number of the form": (b"/?number=1Z%0d%0a" + SPLIT.replace(b" ", b"%20"), ()),
    "the language": (b"/?number=1ZD0R5TP0373116441&lang=de%0d%0a" + SPLIT.replace(b" ", b"%20"), ()),
    "another parameter": (b"/track/1ZD0R5TP0373116441?carrier=ups%0d%0a%0d%0a<script>", ()),
    "a link out": (b"/out/survey?to=/%0d%0a" + SPLIT.replace(b" ", b"%20"), ()),
    "a bare carriage return": (b"/", (b"Accept-Language: de\r" + SPLIT,)),
    "a bare line feed": (b"/", (b"Accept-Language: de\n" + SPLIT,)),
    "a folded header": (b"/", (b"Accept-Language: de\r\n " + SPLIT,)),
    "a cookie": (b"/", (b"Cookie: lang=de%0d%0a" + SPLIT,)),
    "an id of the request": (b"/", (b"X-Request-Id: a%0d%0a" + SPLIT,)),
}


@pytest.mark.fault(34)
@pytest.mark.parametrize(("target", "headers"), INJECTED.values(), ids=INJECTED)
def test_no_line_end_of_a_request_becomes_one_of_an_answer_or_a_log(wire, target, headers):
    with capture_logs() as logs:
        answer = wire.answer(target, *headers)
    assert answer.startswith(b"HTTP/1.1 ")
    assert status(answer) < 500
    assert re.findall(rb"(?im)^(?:set-cookie|<script>)", head(answer)) == []
    assert b"\r\n\r\n<script>" not in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "a=b" not in str(logs)


NUMBERS = [
    "", " ", "\x00", "\x00" + DELIVERED, "\u202e" + DELIVERED, DELIVERED + "\u2069", "../..", "..%2f..", "%2e%2e", "%00",
    "{{7*7}}", "{% raw %}", "${7*7}", "<script>", "' OR 1=1 --", "a:b:c", "{a}", "{a}:" + DELIVERED, "*", "?", "#",
    "📦" * 20, "١٢٣٤٥٦٧٨٩", "１Ｚ９９９", DELIVERED.replace("0", "О"), DELIVERED[:-1] + "І", "A" * 65, "1" * 1000,
    "\ud7ff", "\ufeff", "é" * 12, "a\r\nb", "con", "-1", "1e400", "0x7f000001", "\t" * 30, "ſ" * 12, "ß" * 12,
]  # fmt: skip


def no_number_yet(typed):
    """Whether it is none, or not written plainly: whoever collects others' parcels is asked for anything of that form."""
    try:
        return normalise(typed) != typed
    except NumberError:
        return True


@pytest.mark.fault(35)
@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_no_number_is_refused_before_anybody_is_asked_or_anything_kept(wire, number):
    before = wire.asked_and_kept()
    answer = wire.answer(f"/track/{quote(number, safe='')}".encode())
    if status(answer) == 308:  # what a person may mean leads to one plain address
        assert re.fullmatch(rb"/track/[0-9A-Z]{5,64}", location(answer))
    else:
        assert status(answer) in (400, 404)
    assert wire.asked_and_kept() == before


@pytest.mark.fault(35)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.text(max_size=80).filter(no_number_yet))
@example(number="\x00")
@example(number="..")
@example(number="lpt1")
def test_whatever_is_typed_nobody_is_asked_and_nothing_fails(wire, number):
    before = wire.asked_and_kept()
    answer = wire.answer(f"/track/{quote(number.encode('utf-8', 'surrogatepass'), safe='')}".encode())
    assert status(answer) in (303, 308, 400, 404)
    assert wire.asked_and_kept() == before


@pytest.mark.fault(35)
def test_a_megabyte_is_not_taken_for_a_number(wire):
    before = wire.asked_and_kept()
    for target in (b"/track/" + b"1" * 1_000_000, b"/?number=" + b"1" * 1_000_000, b"/track/" + b"%31" * 20_000):
        answer = wire.answer(target)
        assert not answer or 400 <= status(answer) < 500
    assert wire.asked_and_kept() == before
    assert status(wire.answer(f"/track/{DELIVERED}".encode())) == 200


LANGUAGES = [
    "../../etc/passwd", "..\\..\\x", "en\x00", "/etc/passwd", "%2e%2e%2f", "de/../en", "xx_" + "A" * 500, "en_XA.UTF-8@x",
    "C", "POSIX", "root", "-", "_", "*", "{{7*7}}", "\u202e", "i-klingon", "x-" + "a" * 9, "de\r\nX: y", "zz", "٤",
]  # fmt: skip


def language(answer):
    found = re.search(rb'<html lang="([^"]+)"', answer)
    return found[1].decode() if found else None


@pytest.mark.fault(36)
@pytest.mark.parametrize("asked", LANGUAGES)
def test_what_is_no_language_of_the_shop_is_its_own(wire, asked):
    answer = wire.answer(f"/?lang={quote(asked, safe='')}".encode())
    assert (status(answer), language(answer)) == (200, "en")


HEADERS = {
    "not a number as its weight": b"ar;q=NaN, de;q=inf, fr;q=-1",
    "a weight without end": b"de;q=0." + b"1" * 5000,
    "a path": b"../../etc/passwd",
    "no text": b"\xff\xfe\x00de"[:2],
    "nothing but commas": b"," * 5000,
    "ten thousand items": b",".join(b"x%d" % n for n in range(5_000)) + b",de",
}


@pytest.mark.fault(36)
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_of_languages_that_is_none_is_passed_over(wire, header):
    answer = wire.answer(b"/", b"Accept-Language: " + header)
    assert (status(answer), language(answer)) == (200, "en")
    assert language(wire.answer(b"/", b"Accept-Language: de-AT, en;q=0.5")) == "de"


@pytest.mark.fault(36)
def test_a_hundred_kilobytes_of_languages_are_refused_or_cut(wire):
    answer = wire.answer(b"/", b"Accept-Language: " + b"x-y," * 25_000 + b"de")
    assert not answer or 400 <= status(answer) < 500 or language(answer) == "en"
    assert status(wire.answer(b"/")) == 200


@pytest.mark.fault(37)
@pytest.mark.parametrize("to", HOSTILE)
def test_no_link_leads_where_the_shop_did_not_say(wire, to):
    signed = Outgoing(wire.front.engine.config.secret_key).link("", "main", "survey", MUG)
    assert location(wire.answer(signed.encode())) == MUG.encode()
    signature = signed.partition("&s=")[2]
    for target in (f"/out/survey?to={quote(to, safe='')}&s={signature}", f"/out/survey?to={quote(to, safe='')}"):
        answer = wire.answer(target.encode())
        assert not answer or (status(answer), location(answer)) in {(400, None), (404, None)}
        assert b"evil.example" not in answer


ASTRAY = [
    "//evil.example", "//evil.example/", "//evil.example/track/x/", "/\\evil.example/", "/%5cevil.example/",
    "/%2fevil.example/",
    "/track//evil.example/", "/track/%2f%2fevil.example/", "/?number=//evil.example", "/?number=https://evil.example/",
    "http://evil.example/", "http://evil.example/track/x/", "/track/x/?next=//evil.example", "/?lang=//evil.example",
    "/track/.evil.example/", "/track/@evil.example/", "/;@evil.example/",
]  # fmt: skip


@pytest.mark.fault(37)
@pytest.mark.parametrize("target", ASTRAY)
def test_no_address_of_the_shop_leads_to_another_host(wire, target):
    to = location(wire.answer(target.encode()))
    assert to is None or re.match(rb"/(?![/\\])|\?", to), to

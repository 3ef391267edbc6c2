"""The wire log of one question: what was asked and answered, with every secret replaced. For `doorstep track -v`."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

from .secret import Secret

_SENSITIVE = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_SHOWN = 2000
_TOKEN = re.compile(
    r'("\w*(?:token|secret|password)"\s*:\s*"|<(?:\w+:)?\w*(?:token|secret|password)>)[^"<]+', re.ASCII | re.IGNORECASE
)


class Entry(Struct):
    """One request, and what came of it; `status` is 0 as long as nothing did. Not cleaned: `Wire.lines()` is."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    response: str = ""
    answer: bytes = b""


class Wire:
    """Collects exchanges; `lines()` gives them as text. What was ever named a secret never shows, not even in a body."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._secrets: set[str] = set()

    def hide(self, secrets: Iterable[Secret]) -> None:
        """These texts, and the parts of them behind a scheme such as "Bearer", are secrets from now on."""
        for secret in secrets:
            text = secret.reveal()
            for part in (text, text.rpartition(" ")[2]):
                if len(part) > 3:
                    self._secrets.update(_spellings(part))

    def asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.entries.append(Entry(method, url, dict(headers), body))

    def answered(self, status: int, seconds: float, body: bytes) -> None:
        entry = self.entries[-1]
        entry.status, entry.answer = status, body
        entry.response = f"HTTP {status} after {seconds * 1000:.0f} ms, {len(body)} bytes"

    def failed(self, reason: str) -> None:
        if self.entries and not self.entries[-1].response:
            self.entries[-1].response = reason

    def lines(self) -> list[str]:
        result: list[str] = []
        for entry in self.entries:
            result.append(f"> {entry.method} {entry.url}")
            result += [f">   {name}: {self._header(name, value)}" for name, value in entry.headers.items()]
            result += [f">   {line}" for line in self._shown(entry.body)]
            result.append(f"< {entry.response}")
            result += [f"<   {line}" for line in self._shown(entry.answer)]
        return [self._clean(line) for line in result]

    def _header(self, name: str, value: str) -> str:
        return "***" if name.lower() in _SENSITIVE else value

    def _shown(self, body: bytes) -> list[str]:
        text = self._clean(body.decode("utf-8", "replace"))  # before it is cut: half a secret is not found
        more = len(text) - _SHOWN
        return (text[:_SHOWN] + (f"… ({more} characters more)" if more > 0 else "")).splitlines()

    def _clean(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return _TOKEN.sub(r"\1***", text)


def secrets_of(settings: Struct) -> list[Secret]:
    """The secrets among a plugin's settings, also where several stand in one."""
    values = msgspec.structs.astuple(settings)
    listed = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return [one for one in listed if isinstance(one, Secret)]


def _spellings(text: str) -> Iterator[str]:
    """A text as it stands in headers, URLs, forms, JSON and XML, and those in URLs."""
    in_json = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
    in_xml = escape(text), escape(text, {'"': "&quot;"})
    for written in {text, *in_json, *in_xml}:  # each of them may stand in an address again
        yield from (written, quote(written), quote(written, safe=""), quote_plus(written))

"""The wire log of one question: what was asked and answered, with every secret replaced. For `doorstep track -v`."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from .secret import Secret

_SENSITIVE = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_SHOWN = 2000


class _Entry(Struct):
    request: str
    headers: dict[str, str]
    body: str
    response: str = ""
    answer: str = ""


class Wire:
    """Collects exchanges; `lines()` gives them as text. What was ever named a secret never shows, not even in a body."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._secrets: set[str] = set()

    def hide(self, secrets: Iterable[Secret]) -> None:
        """These texts, and the parts of them behind a scheme such as "Bearer", are secrets from now on."""
        for secret in secrets:
            self._secrets |= {part for part in (secret.reveal(), secret.reveal().rpartition(" ")[2]) if len(part) > 3}

    def asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self._entries.append(_Entry(f"{method} {url}", dict(headers), _text(body)))

    def answered(self, status: int, seconds: float, body: bytes) -> None:
        self._entries[-1].response = f"HTTP {status} after {seconds * 1000:.0f} ms, {len(body)} bytes"
        self._entries[-1].answer = _text(body)

    def failed(self, reason: str) -> None:
        if self._entries and not self._entries[-1].response:
            self._entries[-1].response = reason

    def lines(self) -> list[str]:
        result: list[str] = []
        for entry in self._entries:
            result.append(f"> {entry.request}")
            result += [f">   {name}: {self._header(name, value)}" for name, value in entry.headers.items()]
            result += [f">   {line}" for line in entry.body.splitlines()]
            result.append(f"< {entry.response}")
            result += [f"<   {line}" for line in entry.answer.splitlines()]
        return [self._clean(line) for line in result]

    def _header(self, name: str, value: str) -> str:
        return "***" if name.lower() in _SENSITIVE else value

    def _clean(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def secrets_of(settings: Struct) -> list[Secret]:
    """The secrets among a plugin's settings."""
    return [value for value in msgspec.structs.astuple(settings) if isinstance(value, Secret)]


def _text(body: bytes) -> str:
    text = body[:_SHOWN].decode("utf-8", "replace")
    return text + (f"… ({len(body) - _SHOWN} bytes more)" if len(body) > _SHOWN else "")

"""`doorstep record`: a real exchange as a sample, for those who have credentials. Scrubbed before it touches the disk."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from .clock import SystemClock
from .config import Config
from .errors import CarrierError, ConfigError
from .exchange import Query, Request, Response
from .fetch import Fetcher
from .metrics import Metrics
from .packages import Package
from .plugins import Account, load_plugins
from .recognition import Recognizer
from .scrubbing import scrub, stand_in
from .wire import Entry, Wire, secrets_of

_TRIES = 5000
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class Recorded(Struct):
    """What was written, for the reader's eyes: files, replaced fields, texts to read before anybody else does."""

    number: str
    files: list[Path]
    replaced: list[str]
    texts: list[str]


def record(
    config: Config, packages: list[Package], name: str, number: str, case: str, language: str = "en"
) -> Recorded:
    """Asks the account `name` about a number, and writes what came back as a sample of its plugin. Raises ConfigError when
    there is no such account, CarrierError when nothing came back."""
    if not _NAME.fullmatch(case):
        raise ConfigError(f"{case!r} is no name for a sample", next_step="small letters, digits and _")
    account, package = _account(config, packages, name)
    query = Query(number, language)
    wire = Wire()
    try:
        asyncio.run(_asked(account, query, wire))
    except CarrierError:
        if not any(entry.status for entry in wire.entries):
            raise
    other = _invented(account, number)
    recorded = Recorded(other, [], [], [])
    secrets = [secret.reveal() for secret in secrets_of(account.carrier.settings)]
    steps = list(_steps(account, query, wire.entries))
    for step, (request, entry) in enumerate(steps):
        folder = package.folder / "samples" / (case if len(steps) == 1 else f"{case}_{step + 1}")
        clean = scrub(entry.answer, {number: other}, secrets)
        suffix = "json" if clean.body.lstrip()[:1] in (b"{", b"[") else "xml" if b"<" in clean.body else "txt"
        _write(folder, f"response.{suffix}", clean.body, _case(request, entry, number, other, f"response.{suffix}"))
        recorded.files += [folder / "case.toml", folder / f"response.{suffix}"]
        recorded.replaced += clean.replaced
        recorded.texts += clean.texts
    return recorded


def _account(config: Config, packages: list[Package], name: str) -> tuple[Account, Package]:
    plugins = load_plugins(config, packages)
    account = plugins.accounts.get(name)
    if account is None:
        raise ConfigError(
            f"there is no active account {name!r}",
            next_step=f"add [carriers.{name}] to {config.file}, see doorstep check",
        )
    slug = account.carrier.manifest.slug
    return account, next(one for one in packages if any(manifest.slug == slug for manifest in one.manifests()))


async def _asked(account: Account, query: Query, wire: Wire) -> None:
    fetcher = Fetcher(clock=SystemClock(), metrics=Metrics())
    try:
        await fetcher.track(account, query, stranger=False, wire=wire)
    finally:
        await fetcher.aclose()


def _steps(account: Account, query: Query, entries: list[Entry]) -> Iterator[tuple[Request, Entry]]:
    """The requests of the exchange itself with what they were answered; a login's are none of them."""
    exchange = account.carrier.track(query)
    try:
        request = next(exchange)
        for entry in entries:
            path = urlsplit(entry.url).path
            if entry.status and entry.method == request.method and path.endswith(urlsplit(request.path).path):
                yield request, entry
                request = exchange.send(Response(entry.status, {}, entry.answer))
    except (StopIteration, CarrierError):
        return
    finally:
        exchange.close()


def _invented(account: Account, number: str) -> str:
    """A number of the same form that is nobody's parcel as far as one can tell: recognised, check digit right."""
    recognizer = Recognizer([account.carrier.manifest])
    form = {candidate.format for candidate in recognizer.candidates(number)}
    others = (stand_in(number, str(seed)) for seed in range(_TRIES))
    fitting = (one for one in others if {candidate.format for candidate in recognizer.candidates(one)} == form)
    return next((one for one in fitting if one != number), stand_in(number))


def _case(request: Request, entry: Entry, number: str, other: str, body: str) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace(number, other).replace("\\", "\\\\").replace('"', '\\"') + '"'

    params = ", ".join(f"{key} = {quoted(value)}" for key, value in request.params.items() if number in value)
    lines = [
        'title = "To be written: what it shows, in a few words"',
        f"number = {quoted(number)}",
        "",
        "[request]",
        f"method = {quoted(request.method)}",
        f"path = {quoted(request.path)}",
        *([f"params = {{ {params} }}"] if params else []),
        *([f"contains = [{quoted(number)}]"] if number.encode() in entry.body else []),
        "",
        "[response]",
        f"status = {entry.status}",
        f'headers = {{ content-type = "{"application/json" if body.endswith("json") else "text/xml"}" }}',
        f"body = {quoted(body)}",
    ]
    return "\n".join(lines) + "\n"


def _write(folder: Path, name: str, body: bytes, case: str) -> None:
    if folder.exists():
        raise ConfigError(f"{folder} is there already", next_step="choose another name for the sample")
    folder.mkdir(parents=True)
    (folder / name).write_bytes(body)
    (folder / "case.toml").write_text(case, "utf-8")

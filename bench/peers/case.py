"""Doorstep and its peers side by side: the same page from the same parcels in the same Redis, made anew and kept."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any

from msgspec import Struct

from doorstep import Event, Found

from ..figures import Row, against_limit
from ..pages import DIFFERENT, FEW
from ..parcels import number
from ..seeds import Seeds, seeded
from ..servers import PLAIN, ROOT, Asking, limit_server, page_server, process, side_by_side
from ..site import Settings

HERE = Path(__file__).parent
INSTALLED = ROOT / ".peers"
_PYTHON = INSTALLED / "python" / "bin" / "python"
_NODE = INSTALLED / "node"
_GUNICORN = ("-m", "gunicorn", "--bind", "fd://{socket}", "--workers", "1", "--worker-class", "gthread")
_THREADS = ("--threads", "4", "--keep-alive", "75", "--log-level", "error", "--chdir", str(HERE))


class _Text(HTMLParser):
    """What is read of a page: its text without what lays it out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


class Absent(Exception):
    """A peer that cannot be asked, and why."""


class Peer(Struct, frozen=True):
    """A server with three paths: /rendered/ keeps nothing, /first/ makes a page and keeps it until it is asked for again,
    /cached/ has it. `kept` is how it keeps a finished page."""

    name: str
    kept: str
    folder: Path  # where it is installed
    install: Sequence[Sequence[str]]
    needs: Path  # what is installed, to the version
    command: Sequence[str]
    environment: Mapping[str, str] = {}


PYTHON = (
    ("uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(INSTALLED / "python")),
    ("uv", "pip", "install", "--quiet", "--python", str(_PYTHON), "--require-hashes", "-r", "{needs}"),
)
NODE = (("npm", "install", "--prefix", str(_NODE), "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"),)
PEERS = (
    Peer(
        "Flask, Babel", "Flask-Caching in Redis", INSTALLED / "python", PYTHON, HERE / "requirements.txt",
        [str(_PYTHON), *_GUNICORN, *_THREADS, "flask_page:app"],
    ),
    Peer(
        "Django", "cache_page in Redis", INSTALLED / "python", PYTHON, HERE / "requirements.txt",
        [str(_PYTHON), *_GUNICORN, *_THREADS, "django_page:app"],
    ),
    Peer(
        "Express, nunjucks, Intl", "finished buffers", _NODE, NODE, HERE / "package.json",
        ["node", str(HERE / "express_page.js"), "{socket}"],
        {"NODE_ENV": "production", "NODE_PATH": str(_NODE / "node_modules")},
    ),
)  # fmt: skip


def peers(*, named: bool) -> list[Row]:
    """the same page of 12 scans by what a user would pick instead, made for each request and kept; nobody compresses; the
    limit is a bare callable with Doorstep's page. Installed when the case is named"""
    with ExitStack() as stack:
        settings, seeds = stack.enter_context(seeded(range(DIFFERENT)))
        _lay(seeds)
        numbers = [number(n) for n in range(DIFFERENT)]
        askings, absent = _doorstep(stack, settings, numbers), []
        words = _words(askings["peers, Doorstep: made"])
        for peer in PEERS:
            try:
                theirs = _peer(stack, peer, settings, numbers, install=named)
                for name, asking in theirs.items():
                    _same_page(name, words, _words(asking))
                askings |= theirs
            except Absent as reason:
                absent.append({"name": f"peers, {peer.name}", "absent": str(reason)})
        figures = dict(zip(askings, side_by_side(list(askings.values())), strict=True))
        sizes = {name: len(asking.server.get(asking.path).body) for name, asking in askings.items()}
    limit_us = figures.pop("limit")
    return [*(_row(name, figures, limit_us, sizes[name]) for name in figures), *absent]


def _words(asking: Asking) -> list[str]:
    text = _Text()
    text.feed(asking.server.get(asking.path).body.decode())
    return text.words


def _same_page(name: str, ours: Sequence[str], theirs: Sequence[str]) -> None:
    """A peer that serves less than Doorstep is no peer: what is read on its page must be what is read on Doorstep's."""
    for at, (our, their) in enumerate(zip_longest(ours, theirs)):
        if our != their:
            raise SystemExit(f"{name}: another page, from word {at + 1}: {their!r} where Doorstep has {our!r}")


def _row(name: str, figures: Mapping[str, float], limit_us: float, size: int) -> Row:
    """`times_doorstep`: a page that is made beside one that is made, a kept one beside a kept one."""
    made = ": made" in name
    own = figures["peers, Doorstep: made" if made else "peers, Doorstep: kept near"]
    return against_limit(name, figures[name], limit_us, times_doorstep=round(figures[name] / own, 2), html_bytes=size)


def _doorstep(stack: ExitStack, settings: Settings, numbers: Sequence[str]) -> dict[str, Asking]:
    made = stack.enter_context(page_server(Settings(settings.folder, settings.redis, near_megabytes=FEW)))
    near = stack.enter_context(page_server(settings))
    paths = [f"/track/{number}" for number in numbers]
    limit = stack.enter_context(limit_server(near.get(paths[0])))
    return {
        "limit": Asking(limit, paths, PLAIN),
        "peers, Doorstep: made": Asking(made, paths, PLAIN),
        "peers, Doorstep: kept near": Asking(near, paths[:1], PLAIN),
    }


def _peer(
    stack: ExitStack, peer: Peer, settings: Settings, numbers: Sequence[str], *, install: bool
) -> dict[str, Asking]:
    _ensure(peer, install=install)
    try:
        server = stack.enter_context(
            process(peer.command, environment={**peer.environment, "BENCH_REDIS": settings.redis})
        )
    except SystemExit as error:
        raise Absent(str(error)) from None
    return {
        f"peers, {peer.name}: made": Asking(server, [f"/rendered/{number}" for number in numbers], PLAIN),
        f"peers, {peer.name}: made, and kept": Asking(server, [f"/first/{number}" for number in numbers], PLAIN),
        f"peers, {peer.name}: {peer.kept}": Asking(server, [f"/cached/{numbers[0]}"], PLAIN),
    }


def _ensure(peer: Peer, *, install: bool) -> None:
    """Installs what the peer needs, unless it is there; raises Absent."""
    stamp, wanted = peer.folder / "installed", peer.needs.read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    if not install:
        raise Absent("not installed; ./dev bench peers does it")
    peer.folder.mkdir(parents=True, exist_ok=True)
    for step in peer.install:
        program, *words = step
        done = _run([_program(program), *(word.replace("{needs}", str(peer.needs)) for word in words)], peer)
        if done.returncode:
            raise Absent(f"{program} failed: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
    stamp.write_text(wanted, "utf-8")


def _run(command: Sequence[str], peer: Peer) -> subprocess.CompletedProcess[str]:
    if peer.needs.name == "package.json":
        shutil.copy(peer.needs, peer.folder)
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def _program(name: str) -> str:
    own = ROOT / ".tools" / "bin" / name  # where ./dev keeps uv
    found = str(own) if own.is_file() else shutil.which(name)
    if found is None:
        raise Absent(f"{name} is not on the path")
    return found


def _lay(seeds: Seeds) -> None:
    """The parcels once more, as a peer would keep them: the same facts as JSON, what a carrier calls things already known."""
    pipeline = seeds.redis.pipeline(transaction=False)
    for n in range(DIFFERENT):
        pipeline.set(f"parcel:{number(n)}", json.dumps(_facts(seeds.found(n), seeds.fetched_at)))
    pipeline.execute()


def _facts(found: Found, fetched_at: datetime) -> dict[str, Any]:
    shipment = found.shipments[0]
    return {
        "number": shipment.number,
        "carrier": "UPS",
        "service": shipment.service,
        "origin": shipment.origin.country,
        "destination": shipment.destination.country,
        "fetched_at": fetched_at.isoformat(timespec="seconds"),
        "scans": [_scan(event) for event in shipment.events],
    }


def _scan(event: Event) -> dict[str, str]:
    place = event.place
    assert place is not None
    assert event.moment is not None
    assert event.status is not None
    return {
        "at": event.moment.raw,
        "status": event.status.value,
        "city": place.city,
        "country": place.country,
        "text": event.text,
    }

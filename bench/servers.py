"""Server processes of a case, each on a socket of its own, and what they take: CPU time and memory, by the kernel's count."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import geometric_mean
from tempfile import TemporaryFile
from typing import IO

import msgspec

from .figures import median
from .limit import Answer
from .load import CONNECTIONS, Asked, for_a_while, request
from .site import Settings

ROOT = Path(__file__).parents[1]
PLAIN = {"Accept-Language": "en", "User-Agent": "Mozilla/5.0"}
PACKED = {**PLAIN, "Accept-Encoding": "gzip"}
ROUNDS = 40
_ROUND = 0.07  # seconds: a machine that changes its speed does so a few times in a second
_WARM = 0.5  # seconds at a time, until a server
_FIRST_ANSWERS = 500  # has given these: by then it has made what it makes once, on a busy machine too
_TRIES = 5


class Server:
    """A process, its children too, that answers on a port of loopback."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def get(self, path: str, headers: Mapping[str, str] = PLAIN) -> Answer:
        """A page. A busy machine may lose its Redis for a moment: what is refused is asked for again."""
        for _ in range(_TRIES):
            status, answer = self._get(path, headers)
            if status == 200:
                return answer
            time.sleep(1)
        raise SystemExit(f"{path}: {status}")

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[int, Answer]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            own = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in ("date", "server")}
            return answer.status, Answer(own, answer.read())
        finally:
            connection.close()

    def spent(self) -> int:
        """Nanoseconds on a CPU so far, in all threads, also those that have ended."""
        return sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in _family(self.pid))  # Linux' CPU clock of a process

    def megabytes(self) -> float:
        """Resident, as `ps` says it."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in _family(self.pid))
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


class Asking:
    """A server and what it is asked; a round is as many requests as fit into a fourteenth of a second."""

    def __init__(self, server: Server, paths: Sequence[str], headers: Mapping[str, str], expected: int = 200) -> None:
        self.server = server
        self.path = paths[0]
        self._requests = [request(path, dict(headers)) for path in paths]
        self._expected = expected

    def warm(self) -> None:
        answered = 0
        while answered < max(_FIRST_ANSWERS, len(self._requests)):
            answered += len(self._ask(_WARM).seconds)

    def round(self) -> float | None:
        """Microseconds of CPU for a request; None when an answer was not what is expected, so that no error page counts."""
        before = self.server.spent()
        asked = self._ask(_ROUND)
        return None if asked.failures else (self.server.spent() - before) / len(asked.seconds) / 1000

    def _ask(self, seconds: float) -> Asked:
        """Goes on where it stopped, so that all are asked in turn."""
        asked = for_a_while(self.server.port, self._requests, seconds, expected=self._expected)
        turned = -(-len(asked.seconds) // CONNECTIONS) % len(self._requests)
        self._requests = [*self._requests[turned:], *self._requests[:turned]]
        return asked


def side_by_side(askings: Sequence[Asking], *, rounds: int = ROUNDS) -> list[float]:
    """Microseconds of CPU a request for each, by many short rounds that take turns, there and back."""
    for asking in askings:
        asking.warm()
    measured: list[list[float]] = []
    failed: Counter[str] = Counter()
    for at in range(rounds):
        taken = {asking: asking.round() for asking in (askings if at % 2 else reversed(askings))}
        figures = [cpu_us for asking in askings if (cpu_us := taken[asking]) is not None]
        if len(figures) == len(askings):
            measured.append(figures)
        failed.update(asking.path for asking in askings if taken[asking] is None)
    if len(measured) * 2 < rounds:
        [(path, errors)] = failed.most_common(1)
        raise SystemExit(f"{path} gave errors in {errors} of {rounds} rounds")
    return evened(measured)


def evened(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The median of each column; but where the machine was faster or slower in a round, it was so for all who took part, and
    that is taken out first. Their ratios are those of figures of one moment."""
    paces = [geometric_mean(figures) for figures in rounds]
    usual = median(paces)
    return [
        median(figure / pace for figure, pace in zip(column, paces, strict=True)) * usual
        for column in zip(*rounds, strict=True)
    ]


@contextmanager
def process(
    command: Sequence[str], given: bytes = b"", environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Starts `command`, in which {socket} stands for the descriptor of a listening socket, with `given` to read; it is up when
    the block begins. What it complains of is told when it does not come up."""
    with TemporaryFile() as log:
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
            handle, port = listening.fileno(), listening.getsockname()[1]
            words = [word.replace("{socket}", str(handle)) for word in command]
            environ = {**os.environ, **(environment or {})}
            started = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=[handle], cwd=ROOT, env=environ
            )
        try:
            assert started.stdin is not None
            started.stdin.write(given)
            started.stdin.close()
            _wait_for(port, log)
            yield Server(started.pid, port)
        finally:
            started.terminate()
            try:
                started.wait(15)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def page_server(settings: Settings) -> AbstractContextManager[Server]:
    return _site("page", settings)


def carrier_server(seconds: float) -> AbstractContextManager[Server]:
    return _site("carrier", seconds)


def limit_server(answer: Answer) -> AbstractContextManager[Server]:
    return process([sys.executable, "-m", "bench.limit", "{socket}"], msgspec.json.encode(answer))


def _site(kind: str, given: Settings | float) -> AbstractContextManager[Server]:
    return process([sys.executable, "-m", "bench.site", kind, "{socket}"], msgspec.json.encode(given))


def _wait_for(port: int, log: IO[bytes]) -> None:
    """Whoever listens answers anything at all. When the process ends, its socket is gone and this fails."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        log.seek(0)
        raise SystemExit(f"a server did not come up: {log.read().decode(errors='replace')[-2000:]}") from None
    finally:
        connection.close()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))

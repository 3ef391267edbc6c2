"""A process of `doorstep serve`, as an operator runs it: started, told to end, or bounded in its memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from ..servers import free_port


def _command(folder: Path, port: int) -> list[str]:
    settings = str(folder / "doorstep.toml")
    return [sys.executable, "-m", "doorstep", "serve", "--config", settings, "--port", str(port)]


def run_serve(folder: Path) -> subprocess.CompletedProcess[str]:
    """For settings with which nothing can be served: how it ends."""
    return subprocess.run(_command(folder, 0), cwd=folder, capture_output=True, text=True, timeout=120)


class Process:
    """It serves the shop of a folder, and `client` asks it. What it logs is in `log`."""

    def __init__(self, folder: Path, limits: Callable[[], None] | None) -> None:
        port = free_port()
        self.port = port
        self.log = folder / "serve.log"
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(_command(folder, port), cwd=folder, stdout=log, stderr=log, preexec_fn=limits)

    def answers(self) -> bool:
        assert self.child.poll() is None, self.log.read_text()
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx2.TransportError:
            return False

    def most_memory(self) -> int:
        """Bytes, the most it ever had."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def told_to_end(self) -> None:
        os.kill(self.child.pid, signal.SIGTERM)


@contextmanager
def serving(folder: Path, *, limits: Callable[[], None] | None = None) -> Iterator[Process]:
    """The process, as soon as it answers; `limits` are set in it before it begins."""
    process = Process(folder, limits)
    try:
        ends = time.monotonic() + 120  # it starts slowly on a busy machine
        while not process.answers():
            assert time.monotonic() < ends, process.log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.child.kill()
        process.child.wait()
        process.client.close()

"""`doorstep worker` as a process of its own: it is at work until it is told to stop, and tells how it is."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx2

SETTINGS = 'secret_key = "0123456789abcdef0123456789abcdef"\n[stores.main]\nname = "Harbour & Pine"\n'


def test_a_worker_alone_tells_how_it_is_on_loopback_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    settings = tmp_path / "doorstep.toml"
    settings.write_text(SETTINGS, "utf-8")
    command = [sys.executable, "-m", "doorstep", "worker", "--config", str(settings), "--metrics-port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        try:
            url = worker.stderr.readline().split()[-1]
            assert url.startswith("http://127.0.0.1:")
            assert "is at work" in worker.stderr.readline()
            patient = httpx2.HTTPTransport(retries=6)  # first it opens its database
            with httpx2.Client(base_url=url.removesuffix("/metrics"), transport=patient, timeout=30) as client:
                assert client.get("/healthz").json() == {"status": "ok"}
                assert client.get("/readyz").json()["status"] == "ready"
                assert "doorstep_worker_due " in client.get("/metrics").text
                assert client.get("/").status_code == 404
        finally:
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0

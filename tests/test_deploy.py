"""The files of docs/examples/deploy: what they name is there, and what the page about them says they do they do.

Where a machine has nginx, Caddy, Prometheus or systemd, `./dev prove release` has them read by those as well.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.cli import main
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.lookup import Outcome
from doorstep.secret import Secret

from .test_docs import DOCS, ROOT, generate

DEPLOY = DOCS / "examples" / "deploy"
UNITS = ["doorstep-web@.service", "doorstep-worker.service"]
INSIDE = ("/metrics", "/readyz", "/healthz")


def read(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(read("doorstep.rules.yml"))["groups"] for rule in group["rules"]]


def test_every_file_is_named_on_the_page() -> None:
    text = (DOCS / "running.md").read_text("utf-8")
    assert [file.name for file in DEPLOY.iterdir() if f"(examples/deploy/{file.name})" not in text] == []


def test_the_settings_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "doorstep").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "doorstep.toml").write_text(read("doorstep.toml"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["check"])
    assert (done.exit_code, done.output) == (0, "doorstep.toml: fine\n")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    rows = [line.split(" | ") for line in generate.metric_list().splitlines()[2:]]
    known = {row[0].strip("|` "): set(re.findall(r"`(\w+)`", row[-1])) for row in rows}
    named = re.findall(r"\b(doorstep_\w+)(?:\{([^}]*)\})?", rule["expr"])
    assert [name for name, _ in named if name not in known] == []
    labels = set().union(*(known[name] for name, _ in named), {"job", "instance"})
    by = [label for part in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in re.split(r", *", part)]
    filters = re.findall(r"(\w+)[=!~]+\"", " ".join(braces for _, braces in named))
    told = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
    assert {*by, *filters, *told} <= labels
    if by:
        assert set(told) <= set(by), "what is not grouped by is not there to be told"


def test_an_alert_that_waits_for_an_outcome_waits_for_one_that_there_is() -> None:
    asked = {value for rule in rules() for value in re.findall(r'outcome="(\w+)"', rule["expr"])}
    assert asked
    assert asked <= {outcome.value for outcome in Outcome}


def test_every_process_is_asked_and_its_port_is_that_of_its_unit() -> None:
    targets = {
        job["job_name"]: [target for static in job["static_configs"] for target in static["targets"]]
        for job in yaml.safe_load(read("prometheus.yml"))["scrape_configs"]
    }
    ahead = re.findall(r"127\.0\.0\.1:\d+", read("nginx.conf"))
    assert targets["doorstep-web"] == ahead == re.findall(r"127\.0\.0\.1:\d+", read("Caddyfile"))
    (port,) = re.findall(r"--metrics-port (\d+)", read("doorstep-worker.service"))
    assert targets["doorstep-worker"] == [f"127.0.0.1:{port}"]
    enabled = re.findall(r"doorstep-web@(\d+)", read("doorstep-web@.service"))
    assert [f"127.0.0.1:{port}" for port in enabled] == ahead


@pytest.mark.parametrize("name", [*UNITS, "Containerfile"])
def test_commands_that_are_started_exist_with_their_options(name: str) -> None:
    text = read(name)
    found = re.findall(r"^ExecStart=\S+/doorstep (.*)$", text, re.MULTILINE)
    found += [" ".join(re.findall(r'"([^"]*)"', line)) for line in re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)]
    assert found
    for line in found:
        command, *arguments = line.split()
        known = {one for parameter in main.commands[command].params for one in parameter.opts}
        assert {one for one in arguments if one.startswith("--")} <= known


def test_extras_that_are_installed_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for text in (read("Containerfile"), (DOCS / "running.md").read_text("utf-8")):
        asked = re.findall(r"\[([a-z,]+)\]\"", text)
        assert asked
        assert {one for part in asked for one in part.split(",")} <= set(extras)


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_proxies_keep_inside_what_is_not_for_everybody(name: str, tmp_path: Path) -> None:
    assert all(path.removeprefix("/") in read(name) for path in INSIDE)
    config = Config(
        stores={"main": Store(name="Shop", hosts=("track.shop.example",))},
        secret_key=(Secret("k" * 32),),
        database=f"sqlite:///{tmp_path / 'shop.db'}",
    )
    with TestClient(assemble(create_engine(config)), base_url="http://127.0.0.1:8001") as client:
        assert [client.get(path).status_code for path in INSIDE] == [200, 200, 200]  # as Prometheus asks


def test_nginx_hands_on_what_the_engine_reads() -> None:
    text = read("nginx.conf")
    assert "proxy_set_header Host $host;" in text
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in text
    (log,) = re.findall(r"log_format doorstep '([^']*)'", text)
    assert not {"$request", "$request_uri", "$uri", "$args", "$http_referer"} & set(log.split())

"""What operators are told: that it answers, what is amiss and since when, and what was counted."""

import time
from typing import Any

import pytest

from doorstep import CarrierUnavailable
from doorstep.invalidation import TRUST
from doorstep.sandbox import sandbox_accounts
from doorstep.secret import Secret

from .servers import redis_server
from .shopfront import DELIVERED, TWO_CARRIERS, carriers, shop, store

PAGE = f"/track/{DELIVERED}"
NOON = "2026-11-22T12:00:00Z"


@pytest.fixture(scope="module")
def bundled():
    with carriers() as (sandbox, served):
        yield sandbox, served.url


@pytest.fixture
def front(tmp_path, bundled):
    with shop(tmp_path, *bundled) as front:
        yield front


def fail(front: Any, account: str, times: int = 5) -> None:
    """The carrier of this account fails so often."""
    for _ in range(times):
        front.engine.fetcher._lines[account].breaker.failed()


def test_healthz_answers_whatever_is_amiss(front):
    assert front.get("/healthz").json() == {"status": "ok"}


def test_readyz_is_ready_when_nothing_is_amiss(front):
    response = front.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "amiss": []})


def test_readyz_is_503_when_forms_could_not_be_kept_and_says_since_when(front, monkeypatch):
    async def gone():
        return False

    with monkeypatch.context() as patch:
        patch.setattr(front.engine.database, "healthy", gone)
        assert front.get("/readyz").status_code == 503
        front.clock.advance(90)
        response = front.get("/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/json"
    reason = "not answering; forms cannot be kept"
    assert response.json() == {
        "status": "broken", "amiss": [f"database: {reason}"],
        "parts": [{"kind": "database", "reason": reason, "since": NOON}],
    }  # fmt: skip
    assert front.get("/readyz").json()["status"] == "ready"


def test_a_carrier_that_keeps_failing_is_told_with_how_old_what_is_shown_is(front, monkeypatch):
    async def fails(*_: Any, **__: Any) -> Any:
        raise CarrierUnavailable("down")

    front.get(PAGE)
    front.clock.advance(2 * 86_400)
    fail(front, "ups")
    monkeypatch.setattr(front.engine.fetcher, "track", fails)
    for _ in range(2):
        front.get(PAGE)
    front.clock.advance(60)
    ready = front.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    reason = "its carrier keeps failing; what is known is shown with its age"
    assert ready.json()["amiss"] == [f"account ups: {reason}"]
    (part,) = ready.json()["parts"]
    assert part == {"kind": "account", "name": "ups", "reason": reason, "since": "2026-11-24T12:00:00Z"}
    assert ready.json()["oldest_shown_seconds"] == 2 * 86_400
    front.engine.fetcher._lines["ups"].breaker.succeeded()
    front.clock.advance(600)
    assert front.get("/readyz").json() == {"status": "ready", "amiss": []}


def test_a_connector_that_cannot_be_had_is_told(tmp_path, bundled):
    stores = {"main": store(connectors={"nobody": {}})}
    with shop(tmp_path, *bundled, stores=stores) as front:
        ready = front.get("/readyz").json()
    (part,) = ready["parts"]
    assert (ready["status"], part["kind"], part["name"], part["since"]) == ("degraded", "connector", "nobody", NOON)
    assert "no plugin offers this connector" in part["reason"]


def test_a_channel_that_stays_lost_is_told_since_when(tmp_path, bundled):
    def parts(kind: str) -> list[dict[str, str]]:
        return [part for part in front.get("/readyz").json().get("parts", ()) if part["kind"] == kind]

    def wait_for(kind: str) -> None:
        ends = time.monotonic() + 30
        while not parts(kind):
            assert time.monotonic() < ends, f"{kind} was never told"
            time.sleep(0.05)

    with redis_server(tmp_path) as server, shop(tmp_path, *bundled, redis=Secret(server.url)) as front:
        channel = front.engine.invalidation
        ends = time.monotonic() + 30
        while not channel.trusted:
            assert time.monotonic() < ends, "the channel was never joined"
            time.sleep(0.05)
        assert front.get("/readyz").json()["status"] == "ready"
        server.kill()
        front.clock.advance(TRUST)
        assert not parts("channel")
        front.clock.advance(TRUST + 1)
        wait_for("channel")
        (part,) = parts("channel")
    assert part["reason"] == "other processes are not heard; no finished page is kept near"
    assert NOON <= part["since"] <= "2026-11-22T12:00:05Z"


def test_how_accounts_stand_is_measured_when_it_is_asked_for(tmp_path, bundled):
    dhl = {**sandbox_accounts(*bundled)["dhl"], "strangers": 0.5, "limits": [{"calls": 250, "seconds": 86_400}]}
    with shop(tmp_path, *bundled, accounts={"dhl": dhl}) as front:
        front.get(f"/track/{TWO_CARRIERS}")
        fail(front, "ups")
        assert front.engine.fetcher._lines["ups"].retries.take()
        text = front.get("/metrics").text
    for line in (
        'doorstep_carrier_retries_left{account="ups"} 4.0', 'doorstep_carrier_retries_left{account="dhl"} 5.0',
        'doorstep_carrier_breaker_open{account="ups"} 1.0', 'doorstep_carrier_breaker_open{account="dhl"} 0.0',
        'doorstep_carrier_budget_requests{account="dhl",limit="250/86400s",share="orders"} 249.0',
        'doorstep_carrier_budget_requests{account="dhl",limit="250/86400s",share="strangers"} 124.0',  # half is kept
    ):  # fmt: skip
        assert line in text

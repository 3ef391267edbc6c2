"""A shop under load answers everybody while it is started anew, Redis fails over and the carrier is gone.

`./dev prove load` does the same for minutes, and says how long each took."""

from pathlib import Path

import pytest

from .prove.loading import load

pytestmark = pytest.mark.anyio
RATES = {"hot": 3, "miss": 2, "cold": 1, "order's page": 1, "form": 0.5, "order": 0.5, "push": 1}  # a second


@pytest.mark.exhaustive
@pytest.mark.parametrize("rig", ["sentinel", "cluster"])
async def test_every_visit_is_answered_and_nothing_accepted_is_lost(tmp_path: Path, rig: str) -> None:
    proof = await load(tmp_path, rig, 1.5, seed=11, rates=RATES, known=40, orders=4)
    assert proof.problems == []
    # Else nothing was proved.
    assert proof.restarts == 2
    assert {one.name for one in proof.phases} >= {"rolling restart", "Redis loses its master", "carrier down"}
    assert proof.orders > 4
    assert proof.calls > 40

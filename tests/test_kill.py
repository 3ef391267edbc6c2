"""Nothing that was accepted is lost when processes are killed; `./dev prove kills` does the same a hundred times."""

from pathlib import Path

import pytest

from .prove.killing import prove

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.exhaustive
@pytest.mark.fault(42)
async def test_nothing_accepted_is_lost_by_kill_9(database_url: str, tmp_path: Path, workers: int) -> None:
    proof = await prove(tmp_path, database_url, workers=workers, kills=4, seed=20 + workers)
    assert proof.problems == []
    # Else nothing was proved: it was killed while it was at work.
    assert proof.orders >= 5
    assert proof.answers >= 2
    assert proof.friends >= 2
    assert proof.versions >= 5
    assert proof.events >= 10

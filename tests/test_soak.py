"""Under random faults a shop keeps its promises; `./dev prove soak` looks for ten minutes. And the judge sees what is wrong."""

from pathlib import Path

import pytest

from .prove import witness
from .prove.soaking import Terms, soak
from .prove.weather import Call
from .prove.witness import Seen

pytestmark = pytest.mark.anyio
# Everything in a few seconds: a parcel is delivered in five, Valkey and the carrier change all the time.
# How quick the machine is, is not asked here.
BRIEF = Terms(12, speed=600, calm=(1, 2), rough=(0.5, 1.5), well=(1, 3), ill=(0.5, 2), margin=60)


def page(at: float, status: int = 200, stage: int = 0, *, worker: int = 0, took: float = 0.1) -> Seen:
    return Seen(worker, "AC1", at, at + took, status, stage)


def call(at: float, stage: int = -1, *, worker: int = 0) -> Call:
    return Call(worker, "AC1", at, at + 0.1, stage)


def well(since: float, until: float) -> bool:
    return True


def lost(since: float, until: float) -> bool:
    return False


@pytest.mark.exhaustive
async def test_a_few_seconds_of_random_faults_break_no_promise(tmp_path: Path) -> None:
    proof = await soak(tmp_path, BRIEF, seed=7)
    assert proof.problems == []
    # Else nothing was proved.
    assert proof.pages > 10
    assert proof.faults > 2
    assert proof.answered > 0


def test_a_page_is_late_after_its_deadline_less_what_the_machine_lagged() -> None:
    assert len(witness.late([page(0, took=3.1)], 3.0)) == 1
    assert witness.late([Seen(0, "AC1", 0, 3.1, 200, 0, lag=0.2), page(0, took=2.9)], 3.0) == []


def test_what_a_process_has_shown_once_it_shows_again() -> None:
    assert len(witness.forgotten([page(0), page(1, 503, -1)])) == 1
    assert witness.forgotten([page(0, 503, -1), page(1), page(2, 503, -1, worker=1)]) == []


def test_a_status_goes_back_only_when_the_newer_one_had_been_shown_before() -> None:
    assert len(witness.backwards([page(0, stage=2), page(1, stage=1)])) == 1
    # Asked for before the other came: either may be the newer one.
    assert witness.backwards([page(0, stage=2, took=1), page(0.5, stage=1), page(3, stage=2)]) == []


def test_a_page_is_behind_when_the_carrier_said_more_long_ago() -> None:
    assert witness.behind([page(20, stage=1, worker=1)], [call(0, 2)], well)[0] == 1
    assert len(witness.behind([page(20, stage=1, worker=1)], [call(0, 2)], well)[1]) == 1
    assert len(witness.behind([page(20, 503, -1, worker=1)], [call(0, 2)], well)[1]) == 1
    assert witness.behind([page(3, stage=1)], [call(0, 2)], well) == (0, [])
    assert witness.behind([page(20, stage=1)], [call(0, 2)], lost) == (0, [])


def test_a_carrier_is_asked_too_often_while_there_is_an_answer_or_after_two_failures() -> None:
    # In transit is fresh for 15 minutes at least: 900 s.
    assert len(witness.asked_too_often([call(0, 2), call(890, 2)], 1, lost)) == 1
    assert witness.asked_too_often([call(0, 2), call(901, 2), call(902, 4, worker=1)], 1, lost) == []
    assert len(witness.asked_too_often([call(0, 2), call(890, 2, worker=1)], 1, well)) == 1
    assert witness.asked_too_often([call(0), call(0.5), call(30)], 1, well) == []
    assert len(witness.asked_too_often([call(0), call(0.5), call(1)], 1, lost)) == 1


def test_what_another_process_was_told_while_valkey_was_lost_may_be_what_is_kept() -> None:
    calls = [call(300, 2, worker=1), call(600, 2), call(1201, 2)]
    assert witness.asked_too_often(calls, 1, lost) == []
    assert len(witness.asked_too_often(calls[1:], 1, lost)) == 1
    # Of out for delivery, which another was told right after, the age counts that is allowed there: five minutes.
    sooner = [call(600, 2), call(601, 3, worker=1), call(905, 4)]
    assert witness.asked_too_often(sooner, 1, lost) == []
    assert len(witness.asked_too_often(sooner, 1, well)) > 0
    assert len(witness.asked_too_often(calls, 1, well)) == 3  # of one process, and twice of all


def test_growth_is_in_bytes_a_minute() -> None:
    assert witness.growth([(0.0, 100), (30.0, 150), (60.0, 200)]) == pytest.approx(100)

"""`doorstep track`: what it can do beside looking a number up, against the carriers' sandbox over real HTTP."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from doorstep.cli import main
from doorstep.packages import installed
from doorstep.samples import Case, Role
from doorstep.sandbox import sandbox_of

SAMPLES = sandbox_of(installed()).samples


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without settings: the sandbox is asked."""
    monkeypatch.chdir(tmp_path)


def track(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["track", *arguments])
    return result.exit_code, result.output


def case(slug: str, role: Role) -> Case:
    return SAMPLES[slug].of(role)[0]


def test_a_proof_of_delivery_is_saved() -> None:
    wanted = case("royal_mail", Role.DOCUMENT)
    code, output = track(wanted.number, "--documents", "proofs")
    assert code == 0, output
    (file,) = Path("proofs").iterdir()
    assert file.name in output
    assert wanted.expected is not None
    assert file.stat().st_size == wanted.expected["size"]


def test_a_carrier_without_documents_saves_none() -> None:
    code, _ = track("2L07713964205", "--documents", "proofs")
    assert code == 0
    assert list(Path("proofs").iterdir()) == []


def test_an_aggregator_is_told_to_watch_a_number_first() -> None:
    wanted = next(one for one in SAMPLES["seventeentrack"].of(Role.REGISTRATION) if one.name == "registration_of_one")
    code, output = track(wanted.numbers[0], "--carrier", "seventeentrack", "--register", "-v")
    assert code == 0, output
    assert output.index("/track/v2.4/register") < output.index("/track/v2.4/gettrackinfo")


def test_a_number_that_the_aggregator_does_not_take_is_an_error() -> None:
    code, output = track("RA274159381BE", "--carrier", "seventeentrack", "--register")
    assert code == 1
    assert "doorstep: " in output


def test_only_a_carrier_that_watches_can_be_told_to() -> None:
    code, output = track("2L07713964205", "--register")
    assert code == 1
    assert "--carrier: there is " in output


def test_a_number_that_an_aggregator_knows_is_found_under_its_carrier_s_name() -> None:
    known = next(one for one in SAMPLES["seventeentrack"].of(Role.PARCEL) if one.name == "out_for_delivery")
    assert known.expected is not None
    code, output = track(known.number, "--carrier", "seventeentrack")
    assert code == 0
    assert known.expected["shipments"][0]["carrier_name"] in output

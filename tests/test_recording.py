"""`doorstep record`: a real exchange becomes a sample, over real HTTP, without anybody's data."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from doorstep.cli import main
from doorstep.packages import in_folder
from doorstep.recognition import Recognizer
from doorstep.samples import Role, load_samples
from doorstep.scaffold import new_carrier
from doorstep.testing import serve

NUMBER = "BL482107352"
ANSWER = {
    "number": NUMBER,
    "receiver_name": "Mila Ortega",
    "scans": [{"code": "NBR", "at": "2026-11-20T13:05:00+01:00", "town": "Utrecht", "words": "Given to M. Ortega"}],
}


async def _production(request: Request) -> Response:
    """The carrier itself: it knows one parcel, and wants the merchant's key."""
    if request.headers.get("x-key") != "the merchant's own key":
        return JSONResponse({"error": "who are you?"}, 401)
    known = request.path_params["number"] == NUMBER
    return JSONResponse(ANSWER) if known else JSONResponse({"error": "unknown"}, 404)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A shop's folder with a new carrier, and an account of it at the carrier's production."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # what is found in plugins/ leaves the import path again
    new_carrier("Blue Line", tmp_path, shop=True)
    with serve(Starlette(routes=[Route("/parcels/{number}", _production)])) as carrier:
        settings = (
            'secret_key = "thirty-two characters or more, please"\n[stores.main]\nname = "Shop"\n[carriers.blue_line]\n'
        )
        (tmp_path / "doorstep.toml").write_text(
            f'{settings}endpoint = "{carrier.url}"\nkey = "the merchant\'s own key"\n'
        )
        yield tmp_path
    sys.modules.pop("doorstep_blue_line", None)


def record(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["record", *arguments])
    return result.exit_code, result.output


def test_the_answer_is_kept_without_anybody_in_it(shop: Path) -> None:
    code, said = record("blue_line", NUMBER, "neighbour")
    assert code == 0, said
    samples = shop / "plugins/doorstep_blue_line/samples"
    written = "".join(file.read_text() for file in (samples / "neighbour").iterdir())
    assert "Mila" not in written
    assert NUMBER not in written
    assert "merchant" not in written
    assert json.loads((samples / "neighbour/response.json").read_text())["scans"][0]["town"] == "Utrecht"
    assert "Given to M. Ortega" in said, "the text that only a reader can judge"
    assert "receiver_name" in said
    assert "expected.json, worked out by hand" in said


def test_the_sample_is_answered_by_the_sandbox_from_then_on(shop: Path) -> None:
    record("blue_line", NUMBER, "neighbour")
    samples = load_samples(shop / "plugins/doorstep_blue_line/samples", "blue_line")
    case = next(case for case in samples.cases if case.name == "neighbour")
    assert (case.role, case.response.status) == (Role.PARCEL, 200)
    assert case.request.path == f"/parcels/{case.number}"
    assert case.number != NUMBER
    assert [one.carrier for one in Recognizer(_manifests(shop)).candidates(case.number)] == ["blue_line"]
    asked = CliRunner().invoke(
        main, ["parse", "blue_line", str(shop / "plugins/doorstep_blue_line/samples/neighbour/response.json")]
    )
    assert asked.output.startswith(f"{case.number}  blue_line: delivered, final")


def _manifests(shop: Path) -> list:
    return [manifest for package in in_folder(shop / "plugins") for manifest in package.manifests()]


def test_an_answer_that_is_no_parcel_is_recorded_as_well(shop: Path) -> None:
    code, _ = record("blue_line", "BL100000007", "unknown_number")
    assert code == 0
    case = (shop / "plugins/doorstep_blue_line/samples/unknown_number/case.toml").read_text()
    assert "status = 404" in case
    assert "BL100000007" not in case


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("red_line", NUMBER, "x"), "there is no active account 'red_line'"),
        (("blue_line", NUMBER, "../x"), "'../x' is no name for a sample"),
        (("blue_line", NUMBER, "delivered"), "is there already"),
    ],
)
def test_what_cannot_be_recorded_is_said(shop: Path, arguments: tuple[str, ...], said: str) -> None:
    code, output = record(*arguments)
    assert code == 1
    assert said in output


def test_without_an_answer_nothing_is_written(shop: Path) -> None:
    text = (shop / "doorstep.toml").read_text()
    (shop / "doorstep.toml").write_text(text.replace("http://127.0.0.1", "http://127.0.0.2:9#"))
    code, output = record("blue_line", NUMBER, "neighbour")
    assert code == 1
    assert "no connection" in output
    assert not (shop / "plugins/doorstep_blue_line/samples/neighbour").exists()

"""Samples: cases read from folders, and their dates moved so that a demonstration is always of today."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.errors import ManifestError
from doorstep.samples import Role, load_samples, shifted

ISO = ("%Y-%m-%d",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cases of a carrier: a parcel with everything, an error with the least."""
    parcel, error = tmp_path / "delivered", tmp_path / "down"
    parcel.mkdir()
    error.mkdir()
    (tmp_path / "sandbox.toml").write_text(
        'anchor = "2026-03-01"\ndates = ["%d.%m.%Y"]\n[settings]\nkey = "k"\n[guard]\nX-Key = "k"\n'
    )
    (parcel / "case.toml").write_text(
        'title = "At the door"\nnumber = "12345678"\ndemo = true\n'
        '[request]\npath = "/track/12345678"\nparams = { lang = "en" }\n[response]\nbody = "response.json"\n'
    )
    (parcel / "response.json").write_bytes(b'{"when": "01.03.2026"}')
    (parcel / "expected.json").write_text('{"shipments": []}')
    (error / "case.toml").write_text('title = "Down"\nrole = "server_error"\n[response]\nstatus = 503\n')
    return tmp_path


def test_a_case_is_what_is_asked_answered_and_expected(folder: Path) -> None:
    case = load_samples(folder, "acme").cases[0]
    assert (case.name, case.title, case.role, case.number, case.demo) == (
        "delivered", "At the door", Role.PARCEL, "12345678", True,
    )  # fmt: skip
    assert (case.request.method, case.request.path, case.request.params) == ("GET", "/track/12345678", {"lang": "en"})
    assert (case.body, case.expected) == (b'{"when": "01.03.2026"}', {"shipments": []})
    assert (case.response.status, case.response.headers) == (200, {"content-type": "application/json"})


def test_a_case_without_a_body_answers_nothing(folder: Path) -> None:
    (case,) = load_samples(folder, "acme").of(Role.SERVER_ERROR)
    assert (case.response.status, case.body, case.expected, case.request.headers) == (503, b"", None, None)


def test_what_all_cases_share_is_read(folder: Path) -> None:
    samples = load_samples(folder, "acme")
    assert (samples.slug, samples.anchor, samples.dates) == ("acme", date(2026, 3, 1), ("%d.%m.%Y",))
    assert (samples.settings, samples.guard) == ({"key": "k"}, {"x-key": "k"})


@pytest.mark.parametrize("guard", ["[guard]\nX-Key = 'k'", "[guard_params]\nkey = 'k'", "guard_body = ['k']", ""])
def test_a_guard_stands_in_the_header_the_address_or_the_body(folder: Path, guard: str) -> None:
    (folder / "sandbox.toml").write_text(f'anchor = "2026-03-01"\n{guard}\n')
    assert load_samples(folder, "acme").guarded is bool(guard)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("delivered/case.toml", "titel = 'x'", "delivered/case.toml: .*titel"),
        ("delivered/case.toml", "title = 'x'\nrole = 'parcels'", r"delivered/case.toml: .*parcels.*\$\.role"),
        ("delivered/case.toml", "title = 'x'\n[response]\nbody = 'gone.json'", "samples/delivered: .*gone.json"),
        ("delivered/case.toml", "title = ", "delivered/case.toml: "),
        ("delivered/expected.json", "{", "samples/delivered: "),
        ("sandbox.toml", "", "sandbox.toml: .*anchor"),
        ("sandbox.toml", "anchor = '2026-03-01'\nfolder = 1", "sandbox.toml: .*folder"),
        ("sandbox.toml", "anchor = 'yesterday'", r"sandbox.toml: .*\$\.anchor"),
    ],
)
def test_a_mistake_is_named_with_its_file(folder: Path, file: str, text: str, said: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(ManifestError, match=said):
        load_samples(folder, "acme")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"sandbox\.toml"):
        load_samples(tmp_path / "gone", "acme")


@pytest.mark.parametrize(
    ("pattern", "before", "after"),
    [
        ("%Y-%m-%d", "2026-02-27", "2026-03-02"),
        ("%Y-%m-%d", "2024-02-27T10:30:00+01:00", "2024-03-01T10:30:00+01:00"),  # a leap year
        ("%Y%m%d", "20261230", "20270102"),
        ("%d.%m.%Y", "30.12.2026", "02.01.2027"),
        ("%d/%m/%y", "30/12/26", "02/01/27"),
        ("%d-%b-%Y", "30-Dec-2026", "02-Jan-2027"),
        ("%b %d, %Y", "Dec 30, 2026", "Jan 02, 2027"),
        ("%B %d, %Y", "November 28, 2026", "December 01, 2026"),
        ("%-m/%-d/%Y", "9/29/2026 7:11:26 PM", "10/2/2026 7:11:26 PM"),
        ("%-m/%-d/%Y", "12/30/2026", "1/2/2027"),
        ("/Date(%s", "/Date(1795132800000+0400)/", "/Date(1795392000000+0400)/"),  # three days of 86,400,000 ms
    ],
)
def test_a_date_of_its_format_moves_by_whole_days(pattern: str, before: str, after: str) -> None:
    assert shifted(f'"{before}"'.encode(), (pattern,), 3).decode() == f'"{after}"'


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "12026-01-01", "2026-01-011", "x2026-01-01", "1999-12-31", "2026/01/01", ""]
)
def test_what_is_no_date_stays_as_it_is(text: str) -> None:
    assert shifted(text.encode(), ISO, 3) == text.encode()


def test_bytes_that_are_no_text_are_kept() -> None:
    assert shifted(b"\xff\xfe 2026-01-01 \x00", ISO, 1) == b"\xff\xfe 2026-01-02 \x00"


def test_several_formats_move_side_by_side() -> None:
    assert shifted(b"2026-01-01 20260101", ("%Y-%m-%d", "%Y%m%d"), 1) == b"2026-01-02 20260102"


def test_no_days_are_no_change() -> None:
    body = b"2026-01-01"
    assert shifted(body, ISO, 0) is body


@given(st.dates(date(2005, 1, 1), date(2094, 1, 1)), st.integers(-1500, 1500))
def test_a_shift_and_its_opposite_cancel(day: date, days: int) -> None:
    body = json.dumps({"at": day.isoformat(), "local": f"{day.isoformat()}T23:59:59"}).encode()
    assert shifted(shifted(body, ISO, days), ISO, -days) == body

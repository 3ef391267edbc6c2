"""The bench: its statistics, its tables, its page in the docs; that it counts what a server takes; and its parcels."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from bench import __main__ as command
from bench import answers, figures, load, parcels, report, servers
from bench.cases import CASES, meaning
from bench.limit import Answer
from bench.load import CONNECTIONS, Asked
from bench.peers import case as peers
from msgspec import structs

from doorstep import Status
from doorstep.packages import installed
from doorstep.recognition import Recognizer

MANIFESTS = {one.slug: one for package in installed() for one in package.manifests()}
PAGE = Answer({"content-type": "text/plain", "content-length": "5"}, b"hello")


def test_quantile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    hundred = list(range(100, 0, -1))
    assert [figures.quantile(hundred, share) for share in (0.01, 0.5, 0.95, 0.99, 1.0)] == [1, 50, 95, 99, 100]
    assert figures.quantile([7.0], 0.99) == 7.0


def test_a_request_is_a_share_of_the_limit_and_so_many_times_it() -> None:
    assert figures.against_limit("miss", 400.0, 40.0, bytes=7) == {
        "name": "miss", "cpu_us": 400.0, "limit_cpu_us": 40.0, "share_of_limit": 0.1, "times_limit": 10.0, "bytes": 7,
    }  # fmt: skip


def test_table_puts_figures_of_the_same_name_under_each_other() -> None:
    rows = [{"name": "a", "cpu_us": 1234.5}, {"name": "long name", "cpu_us": 2.0, "bytes": 10_000}]
    assert figures.table(rows).splitlines() == [
        "name        cpu_us   bytes",
        "a          1,234.5",
        "long name        2  10,000",
    ]
    assert figures.markdown(rows).splitlines() == [
        "| name | cpu us | bytes |",
        "| --- | ---: | ---: |",
        "| a | 1,234.5 |  |",
        "| long name | 2 | 10,000 |",
    ]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    return command.main()


def test_json_has_the_rows_of_the_cases_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[bool] = []

    def case(*, named: bool) -> list[dict[str, Any]]:
        told.append(named)
        return [figures.against_limit("hot", 50.0, 40.0)]

    monkeypatch.setattr(command, "CASES", {"hot": case, "other": case})
    monkeypatch.setattr(command, "meaning", lambda name: name)
    assert run(monkeypatch, "hot", "--json") == 0
    row = {"name": "hot", "cpu_us": 50.0, "limit_cpu_us": 40.0, "share_of_limit": 0.8, "times_limit": 1.25}
    assert json.loads(capsys.readouterr().out) == {"cases": [row]}
    assert run(monkeypatch, "--json") == 0
    assert told == [True, False, False]  # only who names a case may wait longer for it


def test_unknown_case_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "hto")
    assert ended.value.code == 2
    assert "there is no case hto" in capsys.readouterr().err


def test_page_in_the_docs_has_every_case_once_and_says_what_each_is() -> None:
    page = report.PAGE.read_text("utf-8")
    parts = [name for found in report.PART.finditer(page) for name in found["names"].split()]
    assert sorted(parts) == sorted([*CASES, "cases", "machine"])
    assert all(meaning(name) for name in CASES)
    assert report.cases() in page


def test_every_part_of_the_page_in_the_docs_has_its_rows_or_says_that_there_are_none() -> None:
    for found in report.PART.finditer(report.PAGE.read_text("utf-8")):
        names = found["names"].split()
        rows = re.findall(r"^\| (?!name|---)([^|]+) \|", found[0], re.MULTILINE)
        assert names == ["machine"] or len(rows) >= len(names) or report.UNMEASURED in found[0], names


def test_only_parts_that_were_measured_are_written_anew() -> None:
    page = "<!-- measured: a b -->\n\nold\n\n<!-- end -->\n<!-- measured: c -->\n<!-- end -->\n"
    rows = [{"name": "x", "cpu_us": 3.0}]
    assert report.renewed(page, {"a": rows, "c": rows}) == (
        "<!-- measured: a b -->\n\nold\n\n<!-- end -->\n"
        "<!-- measured: c -->\n\n| name | cpu us |\n| --- | ---: |\n| x | 3 |\n\n<!-- end -->\n"
    )
    assert report.renewed("<!-- measured: d -->\n<!-- end -->", {}) == (
        "<!-- measured: d -->\n\nNot measured yet: `./dev bench d --write-docs`.\n\n<!-- end -->"
    )


def test_parcels_are_the_carriers_by_their_number_and_no_two_are_alike() -> None:
    recognizer = Recognizer(MANIFESTS.values())
    texts = set()
    for n in (0, 1, 999_999_999):
        found = parcels.parcel(n, MANIFESTS[parcels.CARRIER]).shipments[0]
        assert recognizer.candidates(parcels.number(n))[0].carrier == parcels.CARRIER
        assert (found.number, found.status, len(found.events)) == (parcels.number(n), Status.DELIVERED, 12)
        texts.add(tuple(event.text for event in found.events))
    assert len(texts) == 3


def test_cpu_of_a_server_process_is_counted_by_the_request() -> None:
    with servers.limit_server(PAGE) as server:
        assert server.get("/any").body == b"hello"
        asking = servers.Asking(server, ["/a", "/b"], {})
        before = server.spent()
        cpu_us = asking.round()
        spent_us = (server.spent() - before) / 1000
        assert cpu_us is not None
        assert 0 < cpu_us < spent_us  # of more than one request
        assert server.megabytes() > 10


def test_each_round_goes_on_where_the_last_one_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[bytes] = []

    def two_by_each_connection(port: int, requests: list[bytes], seconds: float, *, expected: int) -> Asked:
        first.append(requests[0].split()[1])
        return Asked([0.01] * 2 * CONNECTIONS)

    monkeypatch.setattr(servers, "for_a_while", two_by_each_connection)
    asking = servers.Asking(servers.Server(os.getpid(), 0), [f"/{n}" for n in range(5)], {})
    for _ in range(4):
        asking.round()
    assert first == [b"/0", b"/2", b"/4", b"/1"]


def test_round_with_a_wrong_answer_is_none() -> None:
    with servers.limit_server(PAGE) as server:
        asking = servers.Asking(server, ["/"], {}, expected=304)
        assert asking.round() is None
        with pytest.raises(SystemExit, match="errors in 2 of 2 rounds"):
            servers.side_by_side([asking], rounds=2)


def test_what_a_machine_does_to_a_round_is_taken_out_of_its_figures() -> None:
    fast, slow, slower_midway = [10.0, 200.0], [20.0, 400.0], [10.0, 400.0]
    cheap, dear = servers.evened([fast, slower_midway, slow, slow, fast])
    assert dear / cheap == pytest.approx(20.0)  # of their medians, which are of two moments, it would be 40
    assert servers.evened([fast]) == pytest.approx(fast)


def test_readers_who_ask_at_the_same_moment_are_all_answered() -> None:
    with servers.limit_server(PAGE) as server:
        asked = load.at_once([(server.port, load.request(f"/{n}", {})) for n in range(40)])
    assert (len(asked.seconds), asked.failures) == (40, 0)


def test_server_that_does_not_come_up_is_named_with_its_reason() -> None:
    with (
        pytest.raises(SystemExit, match=r"did not come up: .*no such thing"),
        servers.process([sys.executable, "-c", "raise SystemExit('no such thing')"]),
    ):
        pass


@pytest.mark.parametrize("peer", peers.PEERS, ids=lambda peer: peer.name)
def test_peer_that_is_not_installed_is_absent_with_the_next_step(
    peer: peers.Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = structs.replace(peer, folder=tmp_path / "nothing")
    with pytest.raises(peers.Absent, match=r"not installed; \./dev bench peers does it"):
        peers._ensure(elsewhere, install=False)
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(peers.Absent, match="is not on the path"):
        peers._ensure(elsewhere, install=True)


def test_peers_are_compared_with_doorstep_doing_the_same() -> None:
    measured = {"peers, Doorstep: made": 500.0, "peers, Doorstep: kept near": 50.0, "peers, X: made": 2000.0}
    assert peers._row("peers, X: made", measured, 40.0, 9)["times_doorstep"] == 4.0
    first = {**measured, "peers, X: made, and kept": 3000.0}
    assert peers._row("peers, X: made, and kept", first, 40.0, 9)["times_doorstep"] == 6.0
    assert peers._row("peers, X: cache", {**measured, "peers, X: cache": 1500.0}, 40.0, 9)["times_doorstep"] == 30.0


DAYS = ("%Y-%m-%d",)


def days(body: bytes) -> list[str]:
    return re.findall("2026-11-[0-9]{2}", body.decode())


def scans(body: bytes) -> int:
    return len(days(body))


def test_answer_is_lengthened_by_scans_like_its_own_some_days_before() -> None:
    body = b'{"notes": [{"text": "x"}], "at": [{"scans": [{"day": "2026-11-20"}, {"day": "2026-11-19"}]}]}'
    longer = answers.of_length(5, body, DAYS, scans)
    assert days(longer) == ["2026-11-20", "2026-11-19", "2026-11-19", "2026-11-18", "2026-11-18"]
    assert json.loads(longer)["notes"] == [{"text": "x"}]


def test_answer_with_more_scans_than_wanted_keeps_its_first() -> None:
    body = b'[{"day": "2026-11-20"}, {"day": "2026-11-19"}, {"day": "2026-11-17"}]'
    assert days(answers.of_length(2, body, DAYS, scans)) == ["2026-11-20", "2026-11-19"]


def test_answer_in_xml_is_lengthened_too() -> None:
    body = b"<a><b><name>x</name><scan><day>2026-11-20</day></scan><scan><day>2026-11-19</day></scan></b></a>"
    longer = answers.of_length(3, body, DAYS, scans)
    assert days(longer) == ["2026-11-20", "2026-11-19", "2026-11-19"]
    assert b"<name>x</name>" in longer


def test_answer_whose_scans_stand_in_no_list_is_not_measured() -> None:
    with pytest.raises(LookupError, match="none of 1 lists"):
        answers.of_length(2, b'{"a": [{"b": 1}], "day": "2026-11-20"}', DAYS, scans)

"""The parts of `./dev prove`: what each proves, and how it is run and told."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

import msgspec
from msgspec import Struct

from ..databases import postgresql_server
from . import loading, soaking, upgrading, web
from .covering import cover
from .fuzzing import fuzz
from .killing import prove
from .looks import Seen, fit_all, watch_all
from .mutants import survive
from .releasing import release
from .timing import timed


class Part(Struct, frozen=True):
    """What is proved, by what, how much of what it usually is, and about how many minutes that takes on two processors.

    `run` is given how much and the seed, and says whether everything was kept.
    """

    proves: str
    run: Callable[[str, int], bool]
    usual: str
    of: str
    minutes: int


def exhaustive(processes: str, seed: int) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "--gate", "rest", f"--randomly-seed={seed}"]
    command += [f"--hypothesis-seed={seed}", "--numprocesses", processes, "--dist", "worksteal"]
    return subprocess.run(command, check=False).returncode == 0


def kills(times: str, seed: int) -> bool:
    lost: list[str] = []
    for kind, workers in (("sqlite", 1), ("sqlite", 2), ("postgresql", 1), ("postgresql", 2)):
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="doorstep-prove-") as name:
            server = postgresql_server() if kind == "postgresql" else nullcontext(f"sqlite:///{name}/doorstep.db")
            with server as url:
                proof = asyncio.run(prove(Path(name), url, workers=workers, kills=int(times), seed=seed))
        told = ", ".join(
            f"{count} {field}" for field, count in msgspec.structs.asdict(proof).items() if field != "problems"
        )
        print(f"{kind}, {workers} worker{'s' * (workers > 1)}: {told}; {time.monotonic() - started:.0f} s", flush=True)
        lost += proof.problems
    return _none(lost)


def soak(minutes: str, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="doorstep-soak-") as name:
        proof = asyncio.run(soaking.soak(Path(name), soaking.Terms(int(minutes) * 60), seed))
    half, most, slowest = proof.waited
    growth = ", ".join(f"{rate / 1024:+.0f}" for rate in proof.memory)
    print(
        f"{proof.parcels} parcels, {proof.faults} faults of Valkey, {proof.calls} calls to the carrier, of which "
        f"{proof.answered} answered\n"
        f"{proof.pages} pages, {proof.stale} of them with their age while the carrier did not answer; half took up to "
        f"{half:.3f} s, 99 % up to {most:.3f} s, the slowest {slowest:.3f} s\n"
        f"{proof.compared} compared with what the carrier had said a while ago; {proof.forms} forms accepted\n"
        f"memory, KiB a minute and process: {growth}"
    )
    return _none(proof.problems)


def load(seconds: str, seed: int) -> bool:
    wrong: list[str] = []
    for rig in ("sentinel", "cluster"):
        with tempfile.TemporaryDirectory(prefix="doorstep-load-") as name:
            proof = asyncio.run(loading.load(Path(name), rig, int(seconds), seed))
        print(
            f"{rig}: {proof.orders} orders and {proof.forms} forms accepted, {proof.calls} calls to the carrier, "
            f"{proof.restarts} restarts\n"
            f"{'':24}{'':14}{'visits':>7}{'wrong':>7}{'half':>8}{'90 %':>8}{'99 %':>8}{'most':>8}  seconds"
        )
        for one in proof.phases:
            waited = "".join(f"{took:8.3f}" for took in one.waited)
            print(f"{one.name:24}{one.kind:14}{one.visits:7}{one.wrong:7}{waited}", flush=True)
        wrong += proof.problems
    return _none(wrong)


def looks(views: str, seed: int) -> bool:
    return _seen(watch_all(int(views), seed))


def fits(views: str, seed: int) -> bool:
    return _seen(fit_all(int(views), seed))


def _seen(seen: Seen) -> bool:
    print(f"{seen.looked} of {seen.all} views", flush=True)
    return _none(seen.problems)


def checkers(pages: str, seed: int) -> bool:
    checked, found = web.problems(int(pages))
    print(f"{checked} pages by the Nu Html Checker, {pages} by Lighthouse", flush=True)
    return _none(found)


def upgrade(commit: str, seed: int) -> bool:
    lost: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="doorstep-earlier-") as unpacked_to,
        upgrading.unpacked(commit, Path(unpacked_to)) as earlier,
    ):
        for kind in ("sqlite", "postgresql"):
            with tempfile.TemporaryDirectory(prefix="doorstep-upgrade-") as name:
                server = postgresql_server() if kind == "postgresql" else nullcontext("sqlite:///doorstep.db")
                with server as url:
                    proof = asyncio.run(upgrading.prove(Path(name), url, earlier, seed))
            print(
                f"{kind}: tables {proof.tables}; {proof.orders} orders, {proof.webhooks} webhooks; of one version's answers "
                f"the other read {proof.read_by_the_other} and asked for {proof.asked_again} again; {proof.rows} rows back "
                "and forth", flush=True,
            )  # fmt: skip
            lost += proof.problems
    return _none(lost)


def fuzzed(minutes: str, seed: int) -> bool:
    return _none(fuzz(int(minutes), seed))


def mutated(minutes: str, seed: int) -> bool:
    return not survive(int(minutes), seed)


def times(tries: str, seed: int) -> bool:
    return _none(timed(int(tries), seed))


def covered(percent: str, seed: int) -> bool:
    return cover([f"--hypothesis-seed={seed}"], int(percent))


def _none(problems: Iterable[str]) -> bool:
    """Tells what was not kept; whether there is nothing of it."""
    found = list(problems)
    print("".join(f"  NOT KEPT  {problem}\n" for problem in found[:50]), end="", flush=True)
    return not found


PARTS = {
    "tests": Part(
        "every sample parcel, damaged answer, look and language that `./dev test` has a few of",
        exhaustive, "3", "processes", 9,
    ),
    "coverage": Part(
        "`./dev test` runs so much of the engine, branches counted, and tells what it leaves out", covered, "95", "%", 10,
    ),
    "kills": Part(
        "nothing accepted is lost by kill -9, on each database with one worker and with two", kills, "15", "kills", 2,
    ),
    "soak": Part("under random faults two processes keep their promises", soak, "10", "minutes", 10),
    "load": Part(
        "every visit is answered while processes are started anew, Redis fails over and the carrier is gone",
        load, "12", "seconds of each phase", 4,
    ),
    "looks": Part(
        "pages in themes, languages and colour schemes as they come, with a script and without", looks, "50", "views", 2,
    ),
    "fit": Part(
        "every page in every theme and language fits a screen of 320 px", fits, "10000", "views at most", 9,
    ),
    "web": Part(
        "pages have no fault by the Nu Html Checker, and keep to Lighthouse's budget", checkers, str(len(web.LOOKED_AT)),
        "pages", 2,
    ),
    "upgrade": Part(
        "an earlier version and this one in one shop, on each database", upgrade, upgrading.EARLIER, "(commit or tag)", 2,
    ),
    "release": Part("what would go out is built, and works on every Python that is here", release, "all", "Pythons", 3),
    "fuzz": Part("no input that nobody thought of breaks a parser", fuzzed, "2", "minutes", 2),
    "timing": Part(
        "how long an answer takes tells no stranger whether a guess was near", times, "200", "tries of each kind", 1,
    ),
    "mutants": Part("tests notice small faults put into the code", mutated, "2", "minutes", 2),
}  # fmt: skip

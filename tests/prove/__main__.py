"""`./dev prove`: what takes long. Exit code 1: something promised was not kept.

./dev prove                         all of it
./dev prove kills [KILLS [SEED]]    kills a hundred times, on each database with one worker and with two
./dev prove soak [MINUTES [SEED]]   ten minutes of random faults, with two processes
./dev prove looks [VIEWS [SEED]]    every page in every theme, language and colour scheme, or so many of them
./dev prove upgrade [COMMIT [SEED]] two versions in one shop, on each database: that of a commit or tag, and this one
./dev prove release [PYTHON]        what would go out, on all Pythons of the machine, or on one
"""

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec

from ..databases import postgresql_server
from .killing import prove
from .looks import watch_all
from .releasing import release
from .soaking import Proof, Terms, soak
from .upgrading import EARLIER, unpacked
from .upgrading import prove as prove_upgrade


def kills(times: int, seed: int) -> bool:
    lost = False
    print(f"seed {seed}: ./dev prove kills {times} {seed}", flush=True)
    for kind, workers in (("sqlite", 1), ("sqlite", 2), ("postgresql", 1), ("postgresql", 2)):
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="doorstep-prove-") as name:
            server = postgresql_server() if kind == "postgresql" else nullcontext(f"sqlite:///{name}/doorstep.db")
            with server as url:
                proof = asyncio.run(prove(Path(name), url, workers=workers, kills=times, seed=seed))
        told = ", ".join(
            f"{count} {field}" for field, count in msgspec.structs.asdict(proof).items() if field != "problems"
        )
        print(f"{kind}, {workers} worker{'s' * (workers > 1)}: {told}; {time.monotonic() - started:.0f} s", flush=True)
        print("".join(f"  LOST  {problem}\n" for problem in proof.problems[:20]), end="", flush=True)
        lost |= bool(proof.problems)
    return lost


def soaked(minutes: int, seed: int) -> bool:
    print(f"seed {seed}: ./dev prove soak {minutes} {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="doorstep-soak-") as name:
        proof = asyncio.run(soak(Path(name), Terms(minutes * 60), seed))
    print("\n".join(_lines(proof)), flush=True)
    print("".join(f"  BROKEN  {problem}\n" for problem in proof.problems[:20]), end="", flush=True)
    return bool(proof.problems)


def looks(views: int, seed: int) -> bool:
    print(f"seed {seed}: ./dev prove looks {views} {seed}", flush=True)
    seen = watch_all(views, seed)
    print(f"{seen.looked} of {seen.all} views; {len(seen.problems)} faults", flush=True)
    print("".join(f"  WRONG  {problem}\n" for problem in seen.problems[:50]), end="", flush=True)
    return bool(seen.problems)


def upgrade(commit: str, seed: int) -> bool:
    print(f"seed {seed}: ./dev prove upgrade {commit} {seed}", flush=True)
    lost = False
    with (
        tempfile.TemporaryDirectory(prefix="doorstep-earlier-") as unpacked_to,
        unpacked(commit, Path(unpacked_to)) as earlier,
    ):
        for kind in ("sqlite", "postgresql"):
            with tempfile.TemporaryDirectory(prefix="doorstep-upgrade-") as name:
                server = postgresql_server() if kind == "postgresql" else nullcontext("sqlite:///doorstep.db")
                with server as url:
                    proof = asyncio.run(prove_upgrade(Path(name), url, earlier, seed))
            print(f"{kind}: tables {proof.tables}; {proof.orders} orders, {proof.webhooks} webhooks; of one version's answers "
                  f"the other read {proof.read_by_the_other} and asked for {proof.asked_again} again; {proof.rows} rows back "
                  "and forth", flush=True)  # fmt: skip
            print("".join(f"  LOST  {problem}\n" for problem in proof.problems[:20]), end="", flush=True)
            lost |= bool(proof.problems)
    return lost


def _lines(proof: Proof) -> list[str]:
    half, most, slowest = proof.waited
    growth = ", ".join(f"{rate / 1024:+.0f}" for rate in proof.memory)
    return [
        f"{proof.parcels} parcels, {proof.faults} faults of Valkey, {proof.calls} calls to the carrier, of which "
        f"{proof.answered} answered",
        f"{proof.pages} pages, {proof.stale} of them with their age while the carrier did not answer; half took up to "
        f"{half:.3f} s, 99 % up to {most:.3f} s, the slowest {slowest:.3f} s",
        f"{proof.compared} compared with what the carrier had said a while ago; {proof.forms} forms accepted",
        f"memory, KiB a minute and process: {growth}; {len(proof.problems)} promises not kept",
    ]


_PROOFS: dict[str, tuple[Callable[[Any, int], bool], int | str]] = {
    "kills": (kills, 100), "soak": (soaked, 10), "looks": (looks, 10_000), "upgrade": (upgrade, EARLIER),
    "release": (lambda wanted, seed: not release(wanted, seed), "all"),
}  # fmt: skip


def main(asked: list[str]) -> int:
    name, arguments = (asked[0], asked[1:]) if asked else ("", [])
    numbers = arguments[1:] if name in ("upgrade", "release") else arguments
    if name not in {"", *_PROOFS} or len(arguments) > 2 or not all(one.isdigit() for one in numbers):
        print(
            "usage: ./dev prove [kills [KILLS [SEED]] | soak [MINUTES [SEED]] | looks [VIEWS [SEED]] | "
            "upgrade [COMMIT [SEED]] | release [PYTHON]]",
            file=sys.stderr,
        )
        return 2
    seed = int(arguments[1]) if arguments[1:] else secrets.randbelow(10**6)
    wanted = [_PROOFS[name]] if name else list(_PROOFS.values())
    broken = [run(type(usual)(arguments[0]) if arguments else usual, seed) for run, usual in wanted]
    return int(any(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`./dev prove [PART [HOW MUCH [SEED]]]`: what takes too long for `./dev test`, all of it or one part. Exit code 1: something
promised was not kept."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec
from msgspec import Struct

from ..databases import postgresql_server
from .killing import prove
from .looks import watch_all
from .soaking import Proof, Terms, soak


class Part(Struct, frozen=True):
    """What is proved, by what, how much of it usually, and about how many minutes that takes on two processors.

    `run` is given how much and the seed, and says whether something was not kept.
    """

    proves: str
    run: Callable[[int, int], bool]
    usual: int
    of: str
    minutes: int


def exhaustive(processes: int, seed: int) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "--gate", "rest", f"--randomly-seed={seed}"]
    command += ["--numprocesses", str(processes), "--dist", "worksteal"]
    return bool(subprocess.run(command, check=False).returncode)


def kills(times: int, seed: int) -> bool:
    lost = False
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
    with tempfile.TemporaryDirectory(prefix="doorstep-soak-") as name:
        proof = asyncio.run(soak(Path(name), Terms(minutes * 60), seed))
    print("\n".join(_lines(proof)), flush=True)
    print("".join(f"  BROKEN  {problem}\n" for problem in proof.problems[:20]), end="", flush=True)
    return bool(proof.problems)


def looks(views: int, seed: int) -> bool:
    seen = watch_all(views, seed)
    print(f"{seen.looked} of {seen.all} views; {len(seen.problems)} faults", flush=True)
    print("".join(f"  WRONG  {problem}\n" for problem in seen.problems[:50]), end="", flush=True)
    return bool(seen.problems)


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


PARTS = {
    "tests": Part(
        "every sample parcel, damaged answer, look and language that `./dev test` has a few of",
        exhaustive, os.cpu_count() or 1, "processes", 15,
    ),
    "kills": Part(
        "nothing accepted is lost by kill -9, on each database with one worker and with two", kills, 100, "kills", 12,
    ),
    "soak": Part("under random faults two processes keep their promises", soaked, 10, "minutes", 10),
    "looks": Part(
        "pages in themes, languages and colour schemes as they come, with a script and without", looks, 300, "views", 12,
    ),
}  # fmt: skip


def main(asked: list[str]) -> int:
    name, numbers = (asked[0], asked[1:]) if asked else ("", [])
    if name not in {"", *PARTS} or len(numbers) > 2 or not all(one.isdigit() for one in numbers):
        told = [f"  {name:8}{part.proves}; {part.usual} {part.of}" for name, part in PARTS.items()]
        print("\n".join(["usage: ./dev prove [PART [HOW MUCH [SEED]]]", *told]), file=sys.stderr)
        return 2
    seed = int(numbers[1]) if numbers[1:] else secrets.randbelow(10**6)
    broken = []
    for part in [name] if name else PARTS:
        much = int(numbers[0]) if numbers else PARTS[part].usual
        print(f"· {PARTS[part].proves}: ./dev prove {part} {much} {seed}", flush=True)
        if PARTS[part].run(much, seed):
            broken.append(part)
    print(f"not kept: {', '.join(broken)}" if broken else "all is kept")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

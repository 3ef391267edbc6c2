"""`./dev prove`: what takes long. Exit code 1: something promised was not kept.

./dev prove                         kills, then soak, then looks, then web
./dev prove kills [KILLS [SEED]]    kills a hundred times, on each database with one worker and with two
./dev prove soak [MINUTES [SEED]]   ten minutes of random faults, with two processes
./dev prove looks [VIEWS [SEED]]    every page in every theme, language and colour scheme, or so many of them
./dev prove web [PAGES]             every page by the Nu Html Checker, three pages by Lighthouse; needs npm, Java and Chromium
"""

import asyncio
import secrets
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import msgspec

from ..databases import postgresql_server
from . import web
from .killing import prove
from .looks import watch_all
from .soaking import Proof, Terms, soak


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


def outside(pages: int, seed: int) -> bool:
    checked, found = web.problems(pages)
    print(f"{checked} pages by the Nu Html Checker, {pages} by Lighthouse; {len(found)} faults", flush=True)
    print("".join(f"  WRONG  {problem}\n" for problem in found[:50]), end="", flush=True)
    return bool(found)


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


_PROOFS = {"kills": (kills, 100), "soak": (soaked, 10), "looks": (looks, 10_000), "web": (outside, len(web.LOOKED_AT))}


def main(asked: list[str]) -> int:
    name, numbers = (asked[0], asked[1:]) if asked else ("", [])
    if name not in {"", *_PROOFS} or len(numbers) > 2 or not all(one.isdigit() for one in numbers):
        print(
            "usage: ./dev prove [kills [KILLS [SEED]] | soak [MINUTES [SEED]] | looks [VIEWS [SEED]] | web [PAGES]]",
            file=sys.stderr,
        )
        return 2
    seed = int(numbers[1]) if numbers[1:] else secrets.randbelow(10**6)
    wanted = [_PROOFS[name]] if name else list(_PROOFS.values())
    broken = [run(int(numbers[0]) if numbers else usual, seed) for run, usual in wanted]
    return int(any(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

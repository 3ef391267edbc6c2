"""`./dev prove [N]`: kills N times (a hundred), on each database with one worker and with two. Exit code 1: something is
lost."""

import asyncio
import secrets
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import msgspec

from ..databases import postgresql_server
from .killing import prove


def main(kills: int, seed: int) -> int:
    lost = False
    print(f"seed {seed}: ./dev prove {kills} {seed}", flush=True)
    for kind, workers in (("sqlite", 1), ("sqlite", 2), ("postgresql", 1), ("postgresql", 2)):
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="doorstep-prove-") as name:
            server = postgresql_server() if kind == "postgresql" else nullcontext(f"sqlite:///{name}/doorstep.db")
            with server as url:
                proof = asyncio.run(prove(Path(name), url, workers=workers, kills=kills, seed=seed))
        told = ", ".join(
            f"{count} {field}" for field, count in msgspec.structs.asdict(proof).items() if field != "problems"
        )
        print(f"{kind}, {workers} worker{'s' * (workers > 1)}: {told}; {time.monotonic() - started:.0f} s", flush=True)
        print("".join(f"  LOST  {problem}\n" for problem in proof.problems[:20]), end="", flush=True)
        lost |= bool(proof.problems)
    return int(lost)


if __name__ == "__main__":
    asked = sys.argv[1:]
    if len(asked) > 2 or not all(one.isdigit() for one in asked):
        sys.exit("usage: ./dev prove [KILLS [SEED]]")
    sys.exit(main(int(asked[0]) if asked else 100, int(asked[1]) if asked[1:] else secrets.randbelow(10**6)))

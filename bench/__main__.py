"""`./dev bench [CASE…] [--json] [--write-docs]`: figures that can be repeated, bounded, on this machine alone.

Machines are noisy: compare ratios within one run, not microseconds between two. What a request costs is given as a share of the
limit measured in the same run: what a bare ASGI callable costs that returns the same bytes from the same server. A case that is
named may take longer (growth: a million shipments) and install what it needs (peers).
"""

import argparse
import signal
import sys

from . import report
from .cases import CASES, meaning
from .figures import as_json, table


def main() -> int:
    cases = "\n".join(f"  {name:12} {meaning(name)}" for name in CASES)
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=f"{__doc__}\n\ncases:\n{cases}", formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all, when none is named")
    parser.add_argument("--json", action="store_true", help='{"cases": [{"name": …, …}, …]} instead of tables')
    parser.add_argument(
        "--write-docs", action="store_true", help="put the tables into docs/performance.md, as if all were named"
    )
    asked = parser.parse_args()
    if unknown := set(asked.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # also then no server is left behind
    named = bool(asked.cases) or asked.write_docs
    measured = {}
    for name in asked.cases or CASES:
        measured[name] = CASES[name](named=named)
        if not asked.json:
            print(f"\n{name}: {meaning(name)}\n\n{table(measured[name])}", flush=True)
    if asked.json:
        print(as_json([row for rows in measured.values() for row in rows]))
    if asked.write_docs:
        report.write(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())

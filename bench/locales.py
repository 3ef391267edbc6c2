"""What languages cost a process: to offer them, which reads none, and to speak them."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .figures import Row
from .servers import ROOT

_RUNS = 3


def locales(*, named: bool) -> list[Row]:
    """a process whose store offers 1, 10 and all languages: milliseconds of CPU to make its engine and its memory then, which
    they must not change, and what each language adds when a page is made in it for the first time"""
    every = len(_languages())
    return [_row(count) for count in sorted({1, min(10, every), every})]


def _row(count: int) -> Row:
    runs = [_run(count) for _ in range(_RUNS)]
    return min(runs, key=lambda run: float(run["engine_cpu_ms"]))


def _run(count: int) -> Row:
    command = [sys.executable, "-m", "bench.locales", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def _languages() -> list[str]:
    from doorstep.i18n import Catalogs
    from doorstep.paths import shipped

    return [*sorted(Catalogs([shipped("locales")]).languages - {"en"}), "en"]


def _measured(count: int) -> Row:
    from doorstep.config import Config, Store
    from doorstep.contexts import Contexts, Visit
    from doorstep.engine import create_engine
    from doorstep.preview.cases import CASES
    from doorstep.preview.parcels import CARRIER
    from doorstep.secret import Secret

    offered = tuple(_languages()[-count:])
    with tempfile.TemporaryDirectory(prefix="doorstep-locales-") as folder:
        store = Store(name="Bench", languages=offered)
        began = time.process_time()
        engine = create_engine(Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=Path(folder)))
        made = time.process_time() - began
        shop = engine.shops.all[0]
        assert shop.catalogs.loaded == frozenset(), "no language is read before somebody asks for it"
        contexts = Contexts({**engine.plugins.manifests, CARRIER.slug: CARRIER})
        before, began = _memory(), time.process_time()
        for language in offered:
            reader = shop.reader(language, "")
            shown = CASES["delivered"].made(contexts, Visit(shop, reader, "/track/x"), reader.now)
            shop.look.render(shown.template, shown.context, reader.localizer)
        spoke, after = time.process_time() - began, _memory()
    return {
        "name": f"locales, {count}", "engine_cpu_ms": round(1000 * made, 1), "engine_mb": round(before, 1),
        "each_cpu_ms": round(1000 * spoke / count, 1), "each_mb": round((after - before) / count, 2),
        "all_spoken_mb": round(after, 1),
    }  # fmt: skip


def _memory() -> float:
    """Megabytes that are in memory now."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]))))

"""Orders from a file into the database."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .figures import Row


def importing(*, named: bool) -> list[Row]:
    """orders a second from a CSV file into SQLite, new and once more, and the most memory of the process: with a fifth of the
    orders too, because it must not grow with them"""
    return [row for count in (2_000, 10_000) for row in _imported(count)]


def _imported(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="doorstep-import-") as name:
        folder = Path(name)
        (folder / "doorstep.toml").write_text(f'secret_key = "{"k" * 32}"\n[stores.main]\nname = "Bench"\n')
        with (folder / "orders.csv").open("w") as file:
            file.write("number,placed_at,email,postcode,country,item_sku,item_name,item_quantity,shipment_number\n")
            file.writelines(
                f"B{n},2026-11-{n % 20 + 1:02},shopper{n}@mail.example,{n % 90_000 + 10_000},DE,S-{k},Item {k},1,JD{n:010}\n"
                for n in range(count)
                for k in range(2)
            )
        runs = [_import_run(folder) for _ in range(2)]
    return [
        {"name": f"import, {name}", "orders": count, **run} for name, run in zip(("new", "again"), runs, strict=True)
    ]


def _import_run(folder: Path) -> Row:
    command = [sys.executable, "-m", "doorstep", "orders", "import", "orders.csv", "--json"]
    with (folder / "told.json").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = json.loads((folder / "told.json").read_text())["seconds"]
    rows = sum(1 for _ in (folder / "orders.csv").open()) - 1
    return {
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }

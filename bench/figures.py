"""What is measured, as rows: their statistics, the table that is printed, the JSON."""

import json
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]  # `name`, and figures by name


def median(values: Iterable[float]) -> float:
    return float(statistics.median(values))


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def against_limit(name: str, cpu_us: float, limit_cpu_us: float, **others: Any) -> Row:
    """What a request costs, beside what the bare callable costs."""
    return {
        "name": name,
        "cpu_us": round(cpu_us, 1),
        "limit_cpu_us": round(limit_cpu_us, 1),
        "share_of_limit": round(limit_cpu_us / cpu_us, 4),
        "times_limit": round(cpu_us / limit_cpu_us, 2),
        **others,
    }


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps({"cases": list(rows)}, indent=1)


def table(rows: Sequence[Row]) -> str:
    """Rows under each other, the names on the left; a column stands where any row has it."""
    heads = _heads(rows)
    cells = [list(heads), *([shown(row.get(head)) for head in heads] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(line, widths) for line in cells)


def markdown(rows: Sequence[Row]) -> str:
    heads = _heads(rows)
    lines = [[head.replace("_", " ") for head in heads], ["---", *("---:" for _ in heads[1:])]]
    lines += [[shown(row.get(head)) for head in heads] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10 else f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else str(value)


def _heads(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(head for row in rows for head in row))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = cells
    right = [cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True)]
    return "  ".join([name.ljust(widths[0]), *right]).rstrip()

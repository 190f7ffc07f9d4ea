"""The figures of each part as tables: Markdown, readable in a terminal as well."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.history import latest, machine_line

Result = Mapping[str, Any]
_REASON = 200
#: Before a stage's name among the figures of a way.
STAGE = "stage "
OTTER = "otter grade (container)"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table with its columns in line."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return [line(cells[0]), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, cells[1:])]


def spread(found: Mapping[str, float] | None) -> str:
    """p50 and p99."""
    return "" if not found else f"{found['p50']:,.0f} / {found['p99']:,.0f}"


def latency(result: Result) -> list[str]:
    """A table per lab."""
    lines = []
    for lab, ways in result["labs"].items():
        lines += [f"**{lab}**", "", *_ways(ways), *_stages(ways), ""]
    return [*lines, *_skipped(result)]


def _ways(ways: Mapping[str, Mapping[str, Any]]) -> list[str]:
    pooled = not any("ms" in row for row in ways.values())
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "ms p50 / p99": lambda row: spread(row.get("ms")),
        "× pytest at home": lambda row: f"{row['ratio']:.2f}" if "ratio" in row else "",
        "over the floor ms": lambda row: spread(row.get("over_floor_ms")),
        "CPU ms": lambda row: f"{row['cpu_ms']:,}" if "cpu_ms" in row else "",
        "queued ms": lambda row: spread(row.get("queued_ms")),
        "claim → score ms": lambda row: spread(row.get("ran_ms")),
        "score → last line ms": lambda row: spread(row.get("after score_ms")),
        "n": lambda row: f"{row['n']}" + (f", {row['failed']} failed" if "failed" in row else ""),
    }
    if pooled:
        columns = {name: cell for name, cell in columns.items() if name not in ("claim → score ms", "CPU ms")}
    rows = [[name, *(cell(row) for cell in columns.values())] for name, row in ways.items()]
    kept = [0, *(at for at in range(1, len(columns) + 1) if any(row[at] for row in rows))]
    head = ["way", *columns]
    return table([head[at] for at in kept], [[row[at] for at in kept] for row in rows])


def _stages(ways: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where the time of each service went, median milliseconds, where it says so."""
    lines = []
    for way, row in ways.items():
        stages = [(name[len(STAGE) : -len("_ms")], found) for name, found in row.items() if name.startswith(STAGE)]
        if stages:
            lines.append(f"- {way}: " + ", ".join(f"{name} {found['p50']:,.0f}" for name, found in stages) + " ms")
    return ["", "Stages:", "", *lines] if lines else []


def _skipped(result: Result) -> list[str]:
    return [f"- skipped: {name}: {reason[:_REASON]}" for name, reason in result.get("skipped", {}).items()]


def throughput(result: Result) -> list[str]:
    """Rates and costs."""
    cores = result["cores"]
    head = ["way", "a minute", "a minute and core", "CPU ms each", "idle sandboxes", "MiB each", "MiB busy, all", "n"]

    def row(name: str, found: Mapping[str, Any]) -> list[str]:
        each = f"{found['idle_mib'] / found['idle']:.0f}" if found.get("idle") else ""
        told = [f"{found['per_minute']:.0f}", f"{found['per_minute'] / cores:.0f}", _number(found.get("cpu_ms"))]
        return [name, *told, _number(found.get("idle")), each, _number(found.get("busy_mib")), str(found["n"])]

    lines = table(head, (row(name, found) for name, found in result["rows"].items()))
    return [*lines, "", *_against(result["rows"]), *_skipped(result)]


def _against(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    otter = rows.get(OTTER)
    if otter is None:
        return []
    ours = {name: row["per_minute"] / otter["per_minute"] for name, row in rows.items() if name != OTTER}
    return ["Against Otter's container path: " + ", ".join(f"{name} {by:.1f} ×" for name, by in ours.items()) + ".", ""]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def burst(result: Result) -> list[str]:
    """Waits in seconds."""
    head = [
        "a run",
        "workers",
        "first come p50 / p99 s",
        "grader p50 / p99 s",
        "of ≤ 3 pushes",
        "drained after s",
        "runs",
    ]
    rows = [
        [
            f"{row['run_s']:.2f} s ({row['of']})",
            row["slots"],
            _waits(row["fifo"], ""),
            _waits(row["fair"], ""),
            f"{_waits(row['fifo'], 'few_')} → {_waits(row['fair'], 'few_')}",
            f"{row['fifo']['drained']:.0f} → {row['fair']['drained']:.0f}",
            f"{row['fifo']['runs']:,} → {row['fair']['runs']:,}",
        ]
        for row in result["rows"]
    ]
    told = f"{result['pushes']:,} pushes of {result['students']:,} students in ten minutes"
    return [f"{told}, means of {result['seeds']} seeds", "", *table(head, rows)]


def _waits(found: Mapping[str, float], which: str) -> str:
    return f"{found[f'{which}p50']:.1f} / {found[f'{which}p99']:.0f}"


TABLES: dict[str, Callable[[Result], list[str]]] = {
    "latency": latency,
    "peers": latency,
    "throughput": throughput,
    "burst": burst,
}


def figures(part: str, result: Result) -> list[str]:
    """The tables of one part."""
    return TABLES[part](result)


def markdown() -> str:
    """The newest figures of every part that was ever kept."""
    lines = []
    for part in TABLES:
        line = latest(part)
        if line is not None:
            lines += [
                f"### {part}",
                "",
                f"{line['at'][:10]}, {machine_line(line['machine'])}",
                "",
                *figures(part, line),
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"

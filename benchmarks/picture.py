"""The comparison as a picture for the README: how long each grader takes, on a scale whose steps are factors."""

from collections.abc import Mapping
from html import escape
from math import log10
from pathlib import Path
from typing import Any

from benchmarks.rounds import FLOOR

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "grading-speed.svg"
_WIDTH, _ROW, _TOP, _LEFT, _RIGHT = 760, 30, 46, 210, 130
#: Follows the reader's colour scheme; the classes are what bars and words are.
_STYLE = """
text{font:14px system-ui,sans-serif;fill:#1f2328}
.small{font-size:12px;fill:#59636e;stroke:#fff;stroke-width:3px;paint-order:stroke}
.ours{fill:#0a7d4f}
.other{fill:#8c959f}.limit{fill:#d0d7de}.home{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:4 3}
.grid{stroke:#d0d7de}.back{fill:#ffffff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1;stroke:#0d1117}.ours{fill:#3fb27f}.other{fill:#656c76}
.limit{fill:#3d444d}.home{stroke:#ff7b72}.grid{stroke:#3d444d}.back{fill:#0d1117}}
"""


def draw(line: Mapping[str, Any] | None) -> str:
    """Draw the newest line of the part `peers`; where it was written, "" where there is no line."""
    if line is None:
        return ""
    [ways] = line["labs"].values()
    rows = sorted(((name, row) for name, row in ways.items() if "ratio" in row), key=lambda one: one[1]["ratio"])
    PICTURE.write_text(_svg([(name, row["ratio"], row["ms"]["p50"]) for name, row in rows], line), encoding="utf-8")
    return str(PICTURE)


def _svg(rows: list[tuple[str, float, float]], line: Mapping[str, Any]) -> str:
    lowest, highest = min(0.1, *(ratio for _, ratio, _ in rows)), max(10.0, *(ratio for _, ratio, _ in rows))

    def x(ratio: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * log10(ratio / lowest) / log10(highest / lowest)

    bottom = _TOP + _ROW * len(rows)
    parts = [f'<rect class="back" width="{_WIDTH}" height="{bottom + 46}"/>']
    parts.append(
        '<text x="10" y="22">From handing in to the final score, as a multiple of pytest at home (logarithmic)</text>'
    )
    for mark in (0.1, 0.2, 0.5, 1, 2, 5, 10):
        if lowest <= mark <= highest:
            kind = "home" if mark == 1 else "grid"
            parts.append(f'<line class="{kind}" x1="{x(mark):.1f}" y1="{_TOP - 8}" x2="{x(mark):.1f}" y2="{bottom}"/>')
            parts.append(
                f'<text class="small" x="{x(mark):.1f}" y="{bottom + 16}" text-anchor="middle">{mark} ×</text>'
            )
    for at, (name, ratio, took) in enumerate(rows):
        y = _TOP + _ROW * at
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 19}" text-anchor="end">{escape(_label(name))}</text>')
        width = max(2.0, x(ratio) - _LEFT)
        parts.append(f'<rect class="{_kind(name)}" x="{_LEFT}" y="{y + 5}" width="{width:.1f}" height="{_ROW - 10}"/>')
        told = f"{ratio:.2f} × · {took:,.0f} ms"
        parts.append(f'<text class="small" x="{_LEFT + width + 6:.1f}" y="{y + 19}">{told}</text>')
    about = line["machine"]
    medians = f"Medians of {line['rounds']} interleaved rounds, the toy lab's 12 tests"
    told = f"{medians}; {about['cores']} cores of {about['processor']}, {line['at'][:10]}"
    parts.append(f'<text class="small" x="10" y="{bottom + 38}">{escape(told)}</text>')
    words = "; ".join(f"{_label(name)} {ratio:.2f} times" for name, ratio, _ in rows)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 46}" role="img" '
        f'aria-label="Time against pytest at home: {escape(words)}"><style>{_STYLE}</style>'
    )
    return head + "\n".join(parts) + "</svg>\n"


def _kind(name: str) -> str:
    if name == FLOOR:
        return "limit"
    return "ours" if name.startswith(("bubblewrap", "docker+", "git push")) or name == "docker" else "other"


def _label(name: str) -> str:
    if name == FLOOR:
        return "the tests alone"
    return f"grader, {name}" if _kind(name) == "ours" else name

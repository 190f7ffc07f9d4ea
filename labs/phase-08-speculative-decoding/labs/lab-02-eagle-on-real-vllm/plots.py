"""The pictures of lab 02, drawn from an implementation: `python -m labkit plot lab-02`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from labkit.contract import Implementation

INK, GREY = "#22303c", "#8a97a3"
BLUE, GREEN, ORANGE = "#2f6fb0", "#4c9f8a", "#d9793d"
STYLE = {
    "figure.facecolor": "white", "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK, "font.size": 11,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 13, "axes.titlelocation": "left", "axes.titlepad": 12, "legend.frameon": False,
    "savefig.dpi": 150, "savefig.bbox": "tight", "savefig.pad_inches": 0.2,
}  # fmt: skip
#: vLLM issue 20780: k -> tokens per cycle, ms per token; plain decoding 7.07 ms.
VANILLA_MS = 7.07
PUBLISHED = {2: (2.10, 4.37), 3: (2.29, 4.29), 4: (2.39, 4.48), 5: (2.43, 4.71), 6: (2.45, 4.94), 7: (2.47, 5.20)}


def draw(impl: Implementation, out: Path) -> list[Path]:
    """Draw every picture into `out`; returns the files."""
    pictures = {"waterfall": waterfall, "cost-line": cost_line, "depth": depth, "timeline": timeline}
    files = []
    with plt.rc_context(STYLE):
        for name, picture in pictures.items():
            figure = picture(impl)
            files.append(out / f"lab-02-{name}.png")
            figure.savefig(files[-1])
            plt.close(figure)
    return files


def waterfall(impl: Implementation) -> plt.Figure:
    """From 18.2 to 9.6 ms: shared among 2.8 tokens, times what a cycle costs."""
    cost = impl.cycle_cost(18.2, 9.6, 2.8)
    shared = 18.2 / 2.8
    labels = ["plain step", "÷ 2.8 tokens", f"× {cost:.3f} for the cycle"]
    figure, axes = plt.subplots(figsize=(8, 3.4))
    for row, (value, colour) in enumerate([(18.2, GREY), (shared, GREEN), (shared * cost, BLUE)]):
        axes.barh(row, value, color=colour, height=0.6)
        axes.annotate(f"{value:.1f} ms", (value, row), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set(xlabel="time per token, ms", title="18.2 → 9.6 ms: more tokens a cycle, and a dearer cycle", xlim=(0, 21))
    return figure


def cost_line(impl: Implementation) -> plt.Figure:
    """Cycle cost over k: the slope is c, the height at 0 is v."""
    ks = list(PUBLISHED)
    lengths, tpots = ([PUBLISHED[k][i] for k in ks] for i in (0, 1))
    c, v = impl.fit_cost_line(ks, tpots, lengths, VANILLA_MS)
    costs = [impl.cycle_cost(VANILLA_MS, t, n) for t, n in zip(tpots, lengths, strict=True)]
    figure, axes = plt.subplots(figsize=(8, 4.4))
    axes.plot([0, 8], [v, v + 8 * c], color=BLUE, lw=2)
    axes.plot(ks, costs, "o", color=ORANGE, ms=9)
    axes.plot([0, 8], [1, 1], color=GREY, lw=1, ls=":")
    axes.annotate(f"v = {v:.3f}", (0, v), (8, -16), textcoords="offset points", color=BLUE)
    slope = f"slope c = {c:.4f}\nthe weights say .1035"
    axes.annotate(slope, (5.2, v + 5.2 * c), (10, -34), textcoords="offset points")
    title = "six published runs lie on one line"
    axes.set(xlabel="k, drafts per cycle", ylabel="cost of a cycle, plain steps", title=title, ylim=(0.95, 2.0))
    return figure


def depth(impl: Implementation) -> plt.Figure:
    """Tokens a cycle over k: measured, with one flat rate, with rates that fall on."""
    ks = np.arange(1, 9)
    figure, axes = plt.subplots(figsize=(8, 4.4))
    flat = [impl.predict(VANILLA_MS, int(k), [0.662] * 8, 0.1035, 1.09, 0.0)["tau"] for k in ks]
    falling = [0.70 * 0.86**i for i in range(8)]
    falls = [impl.predict(VANILLA_MS, int(k), falling, 0.1035, 1.09, 0.0)["tau"] for k in ks]
    axes.plot(ks, flat, color=GREY, lw=2, label="one flat rate, .662")
    axes.plot(ks, falls, color=BLUE, lw=2, label="from .70, falling by .86 a position")
    axes.plot(list(PUBLISHED), [n for n, _ in PUBLISHED.values()], "o", color=ORANGE, ms=9, label="published")
    axes.legend()
    axes.set(xlabel="k, drafts per cycle", ylabel="tokens a cycle", title="acceptance falls with depth")
    return figure


def timeline(impl: Implementation) -> plt.Figure:
    """Chunks and tokens of both runs on one clock: why ITL goes up."""
    figure, axes = plt.subplots(figsize=(8, 2.8))
    cycle = impl.step_time_ms(9.6, 2.8)
    plain = np.arange(1, 12) * 18.2
    axes.plot(plain, np.full(len(plain), 1.0), "|", color=GREY, ms=22, mew=2)
    for number, start in enumerate(np.arange(1, 8) * cycle):
        held = 3 if number % 5 else 2
        axes.plot(start + np.arange(held) * 1.8, np.full(held, 0.0), "|", color=BLUE, ms=22, mew=2)
    axes.set_yticks([1, 0], ["plain: a token a chunk", "EAGLE: 2 or 3 a chunk"])
    title = f"gaps grow from 18.2 to {cycle:.1f} ms while tokens come almost twice as fast"
    axes.set(xlabel="ms", xlim=(0, 205), ylim=(-0.6, 1.6), title=title)
    return figure

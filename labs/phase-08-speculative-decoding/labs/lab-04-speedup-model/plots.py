"""The pictures of lab 04, drawn from an implementation: `python -m labkit plot lab-04`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from labkit.contract import Implementation

INK, GREY = "#22303c", "#8a97a3"
SERIES = ("#2f6fb0", "#4c9f8a", "#d9793d", "#a4508b")
STYLE = {
    "figure.facecolor": "white", "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK, "font.size": 11,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 13, "axes.titlelocation": "left", "axes.titlepad": 12, "legend.frameon": False,
    "savefig.dpi": 150, "savefig.bbox": "tight", "savefig.pad_inches": 0.2,
}  # fmt: skip
#: vLLM issue 20780, EAGLE-1 on Llama-3.1-8B, batch 1: k and speed-up over vanilla (7.07 ms per token), as far as given.
EAGLE_RUNS = {2: 7.07 / 4.37, 3: 1.65, 5: 7.07 / 4.71, 6: 1.431, 7: 7.07 / 5.20}
TOKENS_AT_2 = 2.10


def draw(impl: Implementation, out: Path) -> list[Path]:
    """Draw every picture into `out`; returns the files."""
    pictures = {"speedup-over-k": over_k, "map": alpha_and_cost, "saturation": saturation, "eagle": eagle}
    files = []
    with plt.rc_context(STYLE):
        for name, picture in pictures.items():
            figure = picture(impl)
            files.append(out / f"lab-04-{name}.png")
            figure.savefig(files[-1])
            plt.close(figure)
    return files


def over_k(impl: Implementation) -> plt.Figure:
    """Speed-up rises, then falls; the dot is optimal_k."""
    figure, axes = plt.subplots(figsize=(8, 4.4))
    ks = np.arange(17)
    for colour, c in zip(SERIES, (0.01, 0.05, 0.1, 0.4), strict=True):
        values = impl.batch("speedup", [(0.8, int(k), c) for k in ks])
        best = impl.optimal_k(0.8, c, 16)
        axes.plot(ks, values, color=colour, lw=2)
        axes.plot(best, values[best], "o", color=colour, ms=9)
        axes.annotate(f"c = {c:g}", (ks[-1], values[-1]), (6, 0), textcoords="offset points", color=colour, va="center")
    axes.axhline(1, color=GREY, lw=1, ls=":")
    title = "alpha = 0.8: each draft earns less than the one before"
    axes.set(xlabel="k, drafts per cycle", ylabel="speed-up", title=title)
    return figure


def alpha_and_cost(impl: Implementation) -> plt.Figure:
    """The best speed-up over (alpha, c), with the frontier alpha = c and the best k."""
    alphas, costs = np.linspace(0.02, 0.98, 49), np.linspace(0.0, 0.96, 49)
    grid = [(float(a), float(c), 16) for c in costs for a in alphas]
    best = np.array(impl.batch("optimal_k", grid)).reshape(len(costs), len(alphas))
    gains = impl.batch("speedup", [(a, int(k), c) for (a, c, _), k in zip(grid, best.ravel(), strict=True)])
    figure, axes = plt.subplots(figsize=(7.4, 5.6))
    levels = [1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4, 6]
    height = np.array(gains).reshape(best.shape)
    shade = axes.contourf(alphas, costs, height, levels=levels, cmap="YlGnBu", extend="max")
    lines = axes.contour(alphas, costs, best, levels=[0.5, 1.5, 2.5, 4.5, 8.5], colors=INK, linewidths=0.9)
    axes.clabel(lines, fmt={0.5: "k = 1", 1.5: "2", 2.5: "3", 4.5: "5", 8.5: "9"}, fontsize=9)
    axes.text(0.2, 0.7, "do not speculate\nalpha ≤ c, k = 0", ha="center", color=GREY)
    figure.colorbar(shade, ax=axes, label="best speed-up")
    axes.set(xlabel="alpha, chance that a draft is accepted", ylabel="c, cost of one draft",
             title="Where speculation pays, and how far to draft")  # fmt: skip
    return figure


def saturation(impl: Implementation) -> plt.Figure:
    """The same drafter as the GPU fills up."""
    figure, axes = plt.subplots(figsize=(8, 4.4))
    loads = np.linspace(0, 1, 41)
    for colour, k in zip(SERIES, (1, 2, 4, 8), strict=True):
        values = impl.batch("saturated_speedup", [(0.8, k, 0.05, float(s)) for s in loads])
        axes.plot(loads, values, color=colour, lw=2, label=f"k = {k}")
    axes.axhline(1, color=GREY, lw=1, ls=":")
    axes.legend()
    axes.set(xlabel="s, cost of verifying one more token (0 idle, 1 saturated)", ylabel="speed-up",
             title="alpha = 0.8, c = 0.05: a full GPU has nothing left to spend")  # fmt: skip
    return figure


def eagle(impl: Implementation) -> plt.Figure:
    """Six published runs: the model with one alpha from k = 2, against what was measured."""
    figure, axes = plt.subplots(figsize=(8, 4.4))
    ks = range(2, 8)
    alpha = impl.implied_alpha(TOKENS_AT_2, 2)
    cost = impl.implied_cost(TOKENS_AT_2, 2, EAGLE_RUNS[2])
    predicted = impl.batch("speedup", [(alpha, k, cost) for k in ks])
    label = f"model from the run at k = 2: alpha = {alpha:.2f}, c = {cost:.2f}"
    axes.plot(ks, predicted, color=SERIES[0], lw=2, label=label)
    axes.plot(EAGLE_RUNS.keys(), EAGLE_RUNS.values(), "o", color=SERIES[2], ms=9, label="measured")
    axes.legend()
    axes.set(xlabel="k, drafts per cycle", ylabel="speed-up", xticks=ks,
             title="EAGLE on Llama-3.1-8B: late drafts are accepted less often")  # fmt: skip
    return figure

"""The pictures of lab 03, drawn from an implementation: `python -m labkit plot lab-03`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from labkit.contract import Implementation
from matplotlib.patches import Patch

INK, GREY, LIGHT = "#22303c", "#8a97a3", "#e6eaee"
KEPT, OWED, OVER = "#4c9f8a", "#2f6fb0", "#d9793d"
STYLE = {
    "figure.facecolor": "white", "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK, "font.size": 11,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 13, "axes.titlelocation": "left", "axes.titlepad": 12, "legend.frameon": False,
    "savefig.dpi": 150, "savefig.bbox": "tight", "savefig.pad_inches": 0.2,
}  # fmt: skip

P = np.array([0.45, 0.25, 0.15, 0.10, 0.05])
Q = np.array([0.10, 0.20, 0.15, 0.25, 0.30])
UNIFORM = np.full(5, 0.2)
TOKENS = np.arange(5)
DRAWS = 2**16


def draw(impl: Implementation, out: Path) -> list[Path]:
    """Draw every picture into `out`; returns the files."""
    pictures = {"overlap": overlap, "draft-and-token": draft_and_token, "tv-vs-draws": tv_vs_draws,
                "alpha-vs-temperature": alpha_vs_temperature}  # fmt: skip
    files = []
    with plt.rc_context(STYLE):
        for name, picture in pictures.items():
            figure = picture(impl)
            files.append(out / f"lab-03-{name}.png")
            figure.savefig(files[-1])
            plt.close(figure)
    return files


def overlap(impl: Implementation) -> plt.Figure:
    """What is kept, overdrawn and owed, token by token; then the two piles."""
    alpha, correction = impl.acceptance_rate(P, Q), impl.residual(P, Q)
    kept = Q * [min(1.0, impl.accept_prob(P, Q, x)) for x in range(5)]
    figure, (bars, piles) = plt.subplots(1, 2, figsize=(11, 4.4), width_ratios=[2.1, 1], gridspec_kw={"wspace": 0.22})
    bars.bar(TOKENS, kept, color=KEPT, width=0.66)
    bars.bar(TOKENS, Q - kept, bottom=kept, color=OVER, width=0.66, alpha=0.85, hatch="///", edgecolor="white")
    bars.bar(TOKENS, (1 - alpha) * correction, bottom=kept, color=OWED, width=0.66, alpha=0.85)
    for x in TOKENS:
        bars.hlines([P[x]], x - 0.4, x + 0.4, color=INK, lw=2)
        bars.hlines([Q[x]], x - 0.4, x + 0.4, color=INK, lw=2, ls=(0, (1, 1)))
    bars.set(
        xticks=TOKENS, xlabel="token", ylabel="probability", title="Keep the overlap, refuse the rest, pay what is owed"
    )
    handles = [
        Patch(color=KEPT, label=f"kept drafts: alpha = {alpha:.2f}"),
        Patch(facecolor=OVER, hatch="///", edgecolor="white", label="said too often by q: refused"),
        Patch(color=OWED, label="said too rarely: corrections"),
        plt.Line2D([], [], color=INK, lw=2, label="target p"),
        plt.Line2D([], [], color=INK, lw=2, ls=(0, (1, 1)), label="drafter q"),
    ]
    bars.legend(handles=handles, loc="upper right")
    _pile(piles, 0, Q - kept, OVER, "///")
    _pile(piles, 1, (1 - alpha) * correction, OWED, "")
    piles.set(xticks=[0, 1], xticklabels=["refused", "paid out"], yticks=[], xlim=(-0.6, 1.6), title="Two equal piles")
    piles.spines["left"].set_visible(False)
    return figure


def _pile(axes: plt.Axes, x: int, parts: np.ndarray, color: str, hatch: str) -> None:
    bottom = 0.0
    for token, part in enumerate(parts):
        if part < 1e-9:
            continue
        axes.bar(
            x, part, bottom=bottom, color=color, alpha=0.85, hatch=hatch, edgecolor="white", width=0.9, linewidth=1.5
        )
        label = {"ha": "center", "va": "center", "fontsize": 9, "color": INK}
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        axes.text(x, bottom + part / 2, f"token {token}: {part:.2f}", bbox=box, **label)
        bottom += part


def draft_and_token(impl: Implementation) -> plt.Figure:
    """How often each draft ends as each token: the cells that must stay empty give most mistakes away."""
    rng = np.random.default_rng(1)
    n = 2000
    calls = [(P, Q, int(x), rng) for x in TOKENS for _ in range(n)]
    tokens = np.array([t for t, _ in impl.batch("speculative_step", calls)]).reshape(5, n)
    table = np.array([np.bincount(row, minlength=5) / n for row in tokens])
    figure, axes = plt.subplots(figsize=(6.4, 5.2))
    image = axes.imshow(table, cmap="GnBu", vmin=0, vmax=1)
    never = (TOKENS[:, None] != TOKENS[None, :]) & ((P <= Q)[None, :] | (P >= Q)[:, None])
    for x in TOKENS:
        for t in TOKENS:
            value = table[x, t]
            label = "never" if never[x, t] and value == 0 else f"{value:.2f}"
            color = GREY if label == "never" else "white" if value > 0.6 else INK
            wrong = never[x, t] and value > 0
            axes.text(t, x, label, ha="center", va="center", color="#c0392b" if wrong else color, fontsize=10)
    axes.set(xticks=TOKENS, yticks=TOKENS, xlabel="token returned", ylabel="draft given",
             title=f"Your step, {n:,} calls for each draft")  # fmt: skip
    axes.set_yticks(TOKENS, [f"{x}   (p/q = {P[x] / Q[x]:.2f})" for x in TOKENS])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the calls")
    return figure


def tv_vs_draws(impl: Implementation) -> plt.Figure:
    """Distance to the target over the number of draws: noise falls for ever, a bias stays."""
    rng = np.random.default_rng(2)
    drafts = rng.choice(5, size=DRAWS, p=UNIFORM)
    tokens = [t for t, _ in impl.batch("speculative_step", [(P, UNIFORM, int(x), rng) for x in drafts])]
    sizes = np.unique(np.geomspace(32, DRAWS, 120).astype(int))
    figure, axes = plt.subplots(figsize=(8.6, 5.4))
    noise = np.sqrt(2 / np.pi) * np.sqrt(P * (1 - P)).sum() / 2
    axes.fill_between(sizes, 0.35 * noise / np.sqrt(sizes), 2.0 * noise / np.sqrt(sizes), color=LIGHT, zorder=0)
    axes.plot(sizes, noise / np.sqrt(sizes), color=GREY, lw=1, ls="--", zorder=1)
    axes.text(
        900, 0.3 * noise / 30, "pure noise: slope -1/2", color=GREY, rotation=-24, fontsize=10, ha="left", va="top"
    )
    for name, law, color in _biased_laws():
        biased = rng.choice(5, size=DRAWS, p=law)
        axes.plot(sizes, _distances(biased, sizes), color=color, lw=1.6)
        axes.text(DRAWS * 1.12, abs(law - P).sum() / 2, name, color=color, va="center", fontsize=10)
    axes.plot(sizes, _distances(np.array(tokens), sizes), color=KEPT, lw=2.6)
    axes.text(
        DRAWS * 1.12, _distances(np.array(tokens), sizes)[-1], "your step", color=KEPT, va="center", weight="bold"
    )
    axes.set(xscale="log", yscale="log", xlabel="draws", ylabel="total variation distance to p", xlim=(32, DRAWS),
             title="Noise falls with the square root of the draws, a bias does not fall at all")  # fmt: skip
    axes.grid(which="major", color=LIGHT, lw=0.8)
    axes.set_axisbelow(True)
    return figure


def _distances(tokens: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """float[len(sizes)]: total variation between the first n tokens' histogram and P."""
    counts = np.cumsum(np.eye(5)[tokens], axis=0)[sizes - 1]
    return np.asarray(abs(counts / sizes[:, None] - P).sum(axis=1) / 2)


def _biased_laws() -> list[tuple[str, np.ndarray, str]]:
    """Name, exact output law and colour of some wrong steps with the uniform drafter."""
    accept = np.minimum(1.0, P / UNIFORM)
    smoothed = np.minimum(1.0, P / (UNIFORM + 0.02))
    owed = np.maximum(P - UNIFORM, 0.0)
    owed /= owed.sum()
    upper = np.cumsum(owed)
    late = np.maximum(upper, accept[:, None]) - np.maximum(upper - owed, accept[:, None])
    return [
        ("accepts always", UNIFORM, "#b0413e"),
        ("resamples from p", UNIFORM * accept + (1 - UNIFORM @ accept) * P, OVER),
        ("one coin for both", UNIFORM * accept + UNIFORM @ late, "#8a6fb3"),
        ("ratio p / (q + 0.02)", UNIFORM * smoothed + (1 - UNIFORM @ smoothed) * owed, OWED),
    ]


def alpha_vs_temperature(impl: Implementation) -> plt.Figure:
    """The overlap of three drafters with a made-up target that is sure of itself in some contexts and not in others."""
    rng = np.random.default_rng(5)
    temperatures = np.geomspace(0.05, 4, 48)
    contexts, size = 60, 40
    target = rng.normal(size=(contexts, size))
    target[:, 0] += rng.exponential(5.0, size=contexts)
    figure, axes = plt.subplots(figsize=(8.6, 5))
    for noise, color, name in (
        (0.3, KEPT, "a close drafter"),
        (0.9, OWED, "a fair drafter"),
        (2.2, OVER, "a poor drafter"),
    ):
        drafter = target + rng.normal(size=target.shape) * noise
        rates = [
            np.mean(
                [impl.acceptance_rate(_softmax(a, t), _softmax(b, t)) for a, b in zip(target, drafter, strict=True)]
            )
            for t in temperatures
        ]
        axes.plot(temperatures, rates, color=color, lw=2.4)
        axes.text(temperatures[-1] * 1.05, rates[-1], name, color=color, va="center")
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="temperature of both (made-up logits)")
    axes.set(ylabel="acceptance rate alpha", title="The same drafter is another drafter at another temperature")
    axes.set_xticks([0.05, 0.1, 0.2, 0.5, 1, 2, 4], ["0.05", "0.1", "0.2", "0.5", "1", "2", "4"])
    axes.minorticks_off()
    axes.axvline(1, color=LIGHT, lw=1.5, zorder=0)
    axes.grid(axis="y", color=LIGHT, lw=0.8)
    axes.set_xlim(0.05, 4)
    return figure


def _softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    weights = np.exp((logits - logits.max()) / temperature)
    return np.asarray(weights / weights.sum())

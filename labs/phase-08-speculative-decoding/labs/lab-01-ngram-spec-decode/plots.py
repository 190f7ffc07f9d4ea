"""The pictures of lab 01, drawn from an implementation: `python -m labkit plot lab-01`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from labkit.contract import Implementation
from matplotlib.patches import Rectangle

INK, GREY = "#22303c", "#8a97a3"
RUNS = ("#2f6fb0", "#4c9f8a", "#d9793d", "#a4508b")
STYLE = {
    "figure.facecolor": "white", "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK, "font.size": 11,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 13, "axes.titlelocation": "left", "axes.titlepad": 12, "legend.frameon": False,
    "savefig.dpi": 150, "savefig.bbox": "tight", "savefig.pad_inches": 0.2,
}  # fmt: skip
K, MAX_N, PROMPT, LENGTH = 5, 3, 64, 120
PER_ROW = 20


def draw(impl: Implementation, out: Path) -> list[Path]:
    """Draw every picture into `out`; returns the files."""
    files = []
    with plt.rc_context(STYLE):
        for name, picture in {"token-strip": token_strip, "tokens-per-run": by_text}.items():
            figure = picture(impl)
            files.append(out / f"lab-01-{name}.png")
            figure.savefig(files[-1])
            plt.close(figure)
    return files


def texts() -> dict[str, list[int]]:
    """One text of each kind, long enough to prompt with and to continue."""
    rng = np.random.default_rng(4)
    n = PROMPT + LENGTH + K + 1
    lines = [rng.integers(0, 50, size=6).tolist() for _ in range(3)]
    code: list[int] = []
    while len(code) < n:
        line = list(lines[int(rng.integers(3))])
        line[int(rng.integers(6))] = int(rng.integers(50, 90))
        code += line
    successors = rng.integers(0, 40, size=(40, 3))
    prose = [0]
    while len(prose) < n:
        prose.append(int(successors[prose[-1], rng.choice(3, p=[0.7, 0.2, 0.1])]))
    return {
        "periodic (16)": [i % 16 for i in range(n)],
        "code-like": code[:n],
        "prose-like": prose[:n],
        "random, 1,000 tokens": rng.integers(0, 1000, size=n).tolist(),
        "all distinct": list(range(n)),
    }


def decode(impl: Implementation, text: list[int]) -> tuple[list[int], list[int]]:
    """Continue `text` by a target that knows it."""
    return impl.generate(
        lambda context, draft: [text[len(context) + j] for j in range(len(draft) + 1)], text[:PROMPT], LENGTH, K, MAX_N
    )


def token_strip(impl: Implementation) -> plt.Figure:
    """Which run wrote which token of a code-like text: one colour per run."""
    tokens, runs = decode(impl, texts()["code-like"])
    owner = np.repeat(np.arange(len(runs)), runs)
    rows = -(-len(tokens) // PER_ROW)
    figure, axes = plt.subplots(figsize=(10, 0.55 * rows + 0.8))
    for i, (token, run) in enumerate(zip(tokens, owner, strict=True)):
        x, y = i % PER_ROW, -(i // PER_ROW)
        own = i + 1 == len(owner) or owner[i + 1] != run
        colour = RUNS[run % len(RUNS)]
        axes.add_patch(Rectangle((x, y), 0.94, 0.84, color=colour, alpha=1.0 if own else 0.45))
        axes.text(x + 0.47, y + 0.4, str(token), ha="center", va="center", color="white" if own else INK, fontsize=9)
    axes.set(xlim=(0, PER_ROW), ylim=(1 - rows, 1.0))
    axes.set_title(f"{len(tokens)} tokens in {len(runs)} runs: pale tokens were drafts, the dark one ends its run")
    axes.axis("off")
    return figure


def by_text(impl: Implementation) -> plt.Figure:
    """Tokens per run by kind of text, with the ceiling k + 1."""
    rates = {name: impl.tokens_per_run(decode(impl, text)[1]) for name, text in texts().items()}
    figure, axes = plt.subplots(figsize=(8, 3.8))
    bars = axes.barh(list(rates), list(rates.values()), color=RUNS[0], height=0.62)
    axes.bar_label(bars, fmt="%.2f", padding=4)
    axes.axvline(K + 1, color=GREY, lw=1.2, ls="--")
    axes.text(K + 1, -0.6, " ceiling k + 1", color=GREY, va="bottom")
    axes.axvline(1, color=GREY, lw=1, ls=":")
    axes.invert_yaxis()
    axes.set(xlabel="tokens per run (plain decoding: 1)", xlim=(0, K + 2))
    axes.set_title("The speed-up is a property of the text", pad=26)
    return figure

"""The pictures of lab 02, drawn from the captures by an implementation: `python -m labkit plot lab-02`."""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from labkit.contract import Implementation, load_file
from labkit.sealing import Predictions
from labkit.tables import BadFile

INK, GREY = "#22303c", "#8a97a3"
BLUE, GREEN, ORANGE = "#2f6fb0", "#4c9f8a", "#d9793d"
STYLE = {
    "figure.facecolor": "white", "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK, "font.size": 11,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 13, "axes.titlelocation": "left", "axes.titlepad": 12, "legend.frameon": False,
    "savefig.dpi": 150, "savefig.bbox": "tight", "savefig.pad_inches": 0.2,
}  # fmt: skip
HERE = Path(__file__).parent


def captured(name: str) -> dict[str, Any]:
    """One of captures/."""
    found: dict[str, Any] = json.loads((HERE / "captures" / f"{name}.json").read_text(encoding="utf-8"))
    return found


ISSUE, TABLE, STORY = (
    captured(name) for name in ("published-vllm-20780", "published-eagle3-table-5", "illustrative-llama-3-8b")
)
VANILLA_MS = ISSUE["baseline_tpot_ms"]
ROWS = {row["k"]: row for row in ISSUE["rows"] if row["method"] == "eagle"}
SHALLOW, DEEPER = captured("measured-prose-k1"), captured("measured-prose-k2")
#: The weights' c of EAGLE on Llama-3-8B, see the README's section 3.
WEIGHTS_C = 0.1035


def draw(impl: Implementation, out: Path) -> list[Path]:
    """Draw every picture into `out`; returns the files. Intervals are drawn of predictions that can be read."""
    pictures = {
        "waterfall": waterfall, "cost-line": cost_line, "depth": depth, "decay": decay, "timeline": timeline,
        "batch": batch, "intervals": intervals,
    }  # fmt: skip
    files = []
    with plt.rc_context(STYLE):
        for name, picture in pictures.items():
            figure = picture(impl)
            if figure is None:
                continue
            files.append(out / f"lab-02-{name}.png")
            figure.savefig(files[-1])
            plt.close(figure)
    return files


def waterfall(impl: Implementation) -> plt.Figure:
    """From 18.2 to 9.6 ms: shared among 2.8 tokens, times what a cycle costs."""
    plain, [run] = STORY["baseline_tpot_ms"], STORY["rows"]
    length = run["acceptance_length"]
    cost = impl.cycle_cost(plain, run["tpot_ms"], length)
    shared = plain / length
    labels = ["plain step", f"÷ {length} tokens", f"× {cost:.3f} for the cycle"]
    figure, axes = plt.subplots(figsize=(8, 3.4))
    for row, (value, colour) in enumerate([(plain, GREY), (shared, GREEN), (shared * cost, BLUE)]):
        axes.barh(row, value, color=colour, height=0.6)
        axes.annotate(f"{value:.1f} ms", (value, row), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    title = "18.2 → 9.6 ms (illustrative): more tokens a cycle, and a dearer cycle"
    axes.set(xlabel="time per token, ms", title=title, xlim=(0, 21))
    return figure


def cost_line(impl: Implementation) -> plt.Figure:
    """Cycle cost over k: the slope is c, the height at 0 is v."""
    ks = list(ROWS)
    lengths, tpots = ([ROWS[k][name] for k in ks] for name in ("acceptance_length", "tpot_ms"))
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
    flat = [impl.predict(VANILLA_MS, int(k), [0.662] * 8, WEIGHTS_C, 1.09, 0.0)["tau"] for k in ks]
    falling = [0.70 * 0.86**i for i in range(8)]
    falls = [impl.predict(VANILLA_MS, int(k), falling, WEIGHTS_C, 1.09, 0.0)["tau"] for k in ks]
    axes.plot(ks, flat, color=GREY, lw=2, label="one flat rate, .662")
    axes.plot(ks, falls, color=BLUE, lw=2, label="from .70, falling by .86 a position (a model)")
    lengths = [row["acceptance_length"] for row in ROWS.values()]
    axes.plot(list(ROWS), lengths, "o", color=ORANGE, ms=9, label="published (vLLM issue 20780)")
    axes.legend()
    axes.set(xlabel="k, drafts per cycle", ylabel="tokens a cycle", title="acceptance falls with depth")
    return figure


def counted(impl: Implementation, capture: dict[str, Any]) -> dict[str, Any]:
    """The counters of a capture's speculative run."""
    run = capture["speculative"]
    found: dict[str, Any] = impl.counters_delta(run["counters_before"], run["counters_after"])
    return found


def decay(impl: Implementation) -> plt.Figure:
    """Per-position acceptance, measured, against the geometric fall of one flat rate."""
    log = captured("published-llama-cpp-24536")["counters"]
    runs = [
        ("our pair on prose, k = 2 (measured)", counted(impl, DEEPER), BLUE, "o"),
        ("llama.cpp, EAGLE-3, k = 3 (published)", log, ORANGE, "s"),
    ]
    figure, axes = plt.subplots(figsize=(8, 4.4))
    for name, counters, colour, mark in runs:
        rates = impl.per_position_rates(counters)
        places = np.arange(1, len(rates) + 1)
        flat = rates[0] ** np.arange(1, 7)
        axes.plot(np.arange(1, 7), flat, color=colour, lw=1, ls=":")
        axes.plot(places, rates, mark, color=colour, ms=9, ls="-", label=name)
    axes.plot([], [], color=GREY, lw=1, ls=":", label="geometric: every position as good as the first")
    axes.legend()
    axes.set(xlabel="position", ylabel="accepted, of all cycles", ylim=(0, 1), title="acceptance by position")
    return figure


def timeline(impl: Implementation) -> plt.Figure:
    """Chunks of one request on a clock, plain and speculative, as they were measured: why ITL goes up."""
    figure, axes = plt.subplots(figsize=(8, 2.8))
    rows = [(1, DEEPER["baseline"], GREY), (0, DEEPER["speculative"], BLUE)]
    gaps = []
    for row, run, colour in rows:
        request = run["requests"][0]
        times = np.cumsum(request["chunk_gaps_ms"])
        axes.plot(times, np.full(len(times), row), "|", color=colour, ms=22, mew=2)
        gaps.append((impl.mean_itl_ms(request["chunk_gaps_ms"]), impl.tpot_ms(
            request["ttft_ms"], request["e2e_ms"], request["n_out"])))  # fmt: skip
    axes.set_yticks([1, 0], ["plain: a token a chunk", "EAGLE, k = 2: up to 3"])
    (plain_itl, plain_tpot), (itl, tpot) = gaps
    title = f"ITL {plain_itl:.1f} → {itl:.1f} ms, TPOT {plain_tpot:.1f} → {tpot:.1f} ms: one request of 48 tokens"
    axes.set(xlabel="ms after the first token", ylim=(-0.6, 1.6), title=title)
    return figure


def batch(impl: Implementation) -> plt.Figure:
    """Speed-up by batch size: the published rows, where they stop winning, and what a verified token then costs."""
    figure, axes = plt.subplots(figsize=(8, 4.4))
    for method, name, colour, mark in (("eagle", "EAGLE", BLUE, "o"), ("eagle3", "EAGLE-3", GREEN, "s")):
        rows = [row for row in TABLE["rows"] if row["method"] == method]
        batches, speedups = ([row[key] for row in rows] for key in ("batch", "speedup"))
        axes.plot(batches, speedups, mark, color=colour, ms=9, ls="-", label=f"{name}, k = 2 (published)")
        lost = impl.crossing(batches, speedups)
        if lost:
            axes.axvspan(*lost, color=colour, alpha=0.15, lw=0)
            axes.annotate(f"{name} stops winning\nbetween {lost[0]} and {lost[1]}", (lost[0], 0.78), (-8, 0),
                          textcoords="offset points", ha="right")  # fmt: skip
    axes.plot([0, 60], [1, 1], color=GREY, lw=1, ls=":")
    axes.legend()
    tokens, fixed, drafts = ROWS[2]["acceptance_length"], 1.09, 2
    implied = axes.secondary_yaxis("right", functions=(
        lambda fast: (tokens / fast - fixed) / drafts - WEIGHTS_C,
        lambda s: tokens / (fixed + drafts * (WEIGHTS_C + s)),
    ))  # fmt: skip
    implied.set_ylabel(f"s that explains it, at {tokens} tokens a cycle")
    axes.set(xlabel="batch size", ylabel="times as fast", title="the win fades where verification is compute-bound")
    return figure


def intervals(impl: Implementation) -> plt.Figure | None:
    """Your intervals, and what your own code says from the captures at k = 1 and 2; None where there are none."""
    predictions = read_predictions()
    if predictions is None:
        return None
    said = modelled(impl)
    figure, axes = plt.subplots(figsize=(8, 2.6))
    names = {"speedup": "times as fast, k = 3", "acceptance_length": "tokens a cycle, k = 3"}
    for row, name in enumerate(names):
        one = predictions.of[name]
        axes.plot([one.lo, one.hi], [row, row], color=BLUE, lw=6, solid_capstyle="butt", alpha=0.5)
        axes.plot(one.value, row, "|", color=BLUE, ms=22, mew=3)
        axes.plot(said[name], row, "o", color=ORANGE, ms=10, mfc="white", mew=2)
    axes.plot([], [], color=BLUE, lw=6, alpha=0.5, label="your interval")
    axes.plot([], [], "o", color=ORANGE, ms=10, mfc="white", mew=2, label="your code, from the captures")
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.legend(loc="upper left")
    axes.set(ylim=(-0.7, 1.9), title="your predictions: the result page adds what was measured")
    return figure


def read_predictions() -> Predictions | None:
    """The lab's predictions.toml, or the example where that is not filled in; None where neither can be read."""
    form = load_file(HERE / "test_lab.py").FORM
    for file in (HERE / "predictions.toml", HERE / "examples/predictions.toml"):
        try:
            read: Predictions = form.read(file.read_text(encoding="utf-8"))
        except (OSError, BadFile):
            continue
        return read
    return None


def modelled(impl: Implementation) -> dict[str, float]:
    """k = 3 by the model: v and c of the line through k = 1 and 2 (processor time), the third rate falling on."""
    costs = []
    for capture in (SHALLOW, DEEPER):
        cpu, plain = capture["speculative"]["cpu_s"], capture["baseline"]["cpu_s"]
        costs.append(impl.cycle_cost(plain, cpu, impl.mean_acceptance_length(counted(impl, capture))))
    c = costs[1] - costs[0]
    rates = impl.conditional_rates(counted(impl, DEEPER))
    third = rates[1] * min(1.0, rates[1] / rates[0])
    found = impl.predict(1.0, 3, [*rates, third], c, costs[0] - c, 0.0)
    return {"speedup": found["speedup"], "acceptance_length": found["tau"]}

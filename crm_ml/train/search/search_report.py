"""What a run says of its search: tables, counts and a picture."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm_ml.plots.plot_style import BASELINES, GREY, MODEL, blank_figure, tidy
from crm_ml.train.search.confirmation import FOUND, START, Confirmed, SearchVerdict
from crm_ml.train.search.study_plan import SearchPlan
from crm_ml.train.search.trials import SearchTrial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3


def states(tried: Sequence[SearchTrial]) -> dict[str, int]:
    """Return how many trials ended how."""
    return dict(sorted(Counter(trial.state for trial in tried).items()))


def tables(
    tried: Sequence[SearchTrial], verdict: SearchVerdict, tested: Confirmed | None = None
) -> dict[str, pd.DataFrame]:
    """Return all trials, and the settings found beside the others on the validation and on the test."""
    trials: list[dict[str, Any]] = [
        {"number": trial.number, "state": trial.state, "value": trial.value, "gain": trial.gain}
        | {f"after_fold_{step}": value for step, value in enumerate(trial.steps, 1)}
        | dict(trial.params)
        for trial in tried
    ]
    return {"trials": pd.DataFrame(trials), "tuning": _comparison(verdict, tested)}


def _comparison(verdict: SearchVerdict, tested: Confirmed | None) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {"part": "search", "settings": START, "value": verdict.start.value},
        {"part": "search", "settings": FOUND, "value": verdict.best.value},
        {"part": "search", "settings": "gain", "value": verdict.best.gain},
    ]
    for part, result in (("confirm", verdict.confirmed), ("test", tested)):
        if result is None:
            continue
        for name, interval in ((START, result.start), (FOUND, result.tuned), ("gain", result.gain)):
            rows.append(
                {
                    "part": part,
                    "settings": name,
                    "value": interval.value,
                    "low": interval.low,
                    "high": interval.high,
                }
                | {"rows": result.rows, "customers": result.customers}
            )
    columns = ["part", "settings", "value", "low", "high", "rows", "customers"]
    table = pd.DataFrame(rows, columns=columns).assign(metric=verdict.metric, taken=verdict.taken)
    return table.astype({"rows": "Int64", "customers": "Int64"})


def figure(plan: SearchPlan, tried: Sequence[SearchTrial], verdict: SearchVerdict) -> "Figure":
    """Return the values of the trials in their order, and against each setting."""
    names = list(plan.tuning.space)
    rows = 1 + -(-len(names) // _COLUMNS)
    drawn = blank_figure(9, 3.2 * rows)
    grid = drawn.add_gridspec(rows, _COLUMNS)
    history = drawn.add_subplot(grid[0, :])
    _history(history, tried, verdict)
    for place, name in enumerate(names):
        _slice(drawn.add_subplot(grid[1 + place // _COLUMNS, place % _COLUMNS]), plan, tried, name)
    drawn.suptitle(verdict.reason.partition(":")[0].capitalize(), fontsize=11)
    return drawn


def _history(axes: "Axes", tried: Sequence[SearchTrial], verdict: SearchVerdict) -> None:
    complete, pruned = _of(tried, "complete"), _of(tried, "pruned")
    best = np.maximum.accumulate(_gains(complete))
    axes.axhline(0, color=GREY, linestyle="--", linewidth=1, label="without a search")
    numbers = [trial.number for trial in complete]
    axes.step(numbers, best, where="post", color=MODEL, linewidth=1.2, label="best so far")
    axes.scatter(numbers, _gains(complete), s=22, color=MODEL, label="complete")
    if pruned:
        places = [trial.number for trial in pruned]
        label = "given up (gain until then)"
        axes.scatter(places, _gains(pruned), s=22, marker="x", color=BASELINES[0], label=label)
    axes.set_xlabel("trial")
    axes.set_ylabel(f"gain in {verdict.metric}, search")
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    tidy(axes)


def _slice(axes: "Axes", plan: SearchPlan, tried: Sequence[SearchTrial], name: str) -> None:
    values = plan.tuning.space[name]
    axes.axhline(0, color=GREY, linestyle="--", linewidth=1)
    for state, marker, color in (("pruned", "x", BASELINES[0]), ("complete", "o", MODEL)):
        ours = _of(tried, state)
        taken = [_shown(trial.params[name], values.choices is not None) for trial in ours]
        axes.scatter(taken, _gains(ours), s=18, marker=marker, color=color)
    if values.log:
        axes.set_xscale("log")
    if values.choices is None:
        axes.axvline(float(plan.start[name]), color=GREY, linestyle="--", linewidth=1)
    axes.set_xlabel(name)
    tidy(axes)


def _shown(value: Any, choice: bool) -> Any:
    return str(value) if choice else value


def _gains(tried: Sequence[SearchTrial]) -> list[float]:
    return [trial.gain for trial in tried if trial.gain is not None]


def _of(tried: Sequence[SearchTrial], state: str) -> list[SearchTrial]:
    return [trial for trial in tried if trial.state == state]

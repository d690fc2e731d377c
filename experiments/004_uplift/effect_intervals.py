"""How many intervals of single effects hold the truth, where it is known.

``python experiments/004_uplift/effect_intervals.py`` writes effect_intervals.json and the table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
from effect_study import rows_of, settings
from nie_wager_settings import Draw, simulate, two_steps
from rich.progress import Progress
from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.config.parts import Part
from crm_ml.datasets import simulated
from crm_ml.evaluation.wilson import Z95
from crm_ml.models.logistic import Floats
from crm_ml.train.families.uplift.fitting import fit
from crm_ml.uplift.effect_forest import EffectForest
from crm_ml.uplift.x_learner import XLearner

TESTED, HALVES, SEED = 1_000, 40, 11
SMALL_LEAVES = {"outcome_options": {"min_data_in_leaf": 20, "lambda_l2": 5.0}, "num_threads": 1}
Judged = tuple[Floats, Floats, Floats, Floats]  # effect, low, high and truth of the tested rows


SETTINGS: dict[str, tuple[Draw, int]] = {
    "two steps, 4 features (chosen on)": (two_steps(4), 5_000),
    "two steps, 2 features": (two_steps(2), 5_000),
    "two steps, 8 features": (two_steps(8), 5_000),
    "two steps, 4 features, 1,000 rows": (two_steps(4), 1_000),
    "Nie and Wager A": (lambda rows, rng: simulate("A", rows, rng), 5_000),
    "Nie and Wager B": (lambda rows, rng: simulate("B", rows, rng), 5_000),
    "Nie and Wager C": (lambda rows, rng: simulate("C", rows, rng), 5_000),
}
RESAMPLED = ("two steps, 4 features (chosen on)", "Nie and Wager B")


def main(argv: Sequence[str] | None = None) -> int:
    """Count the intervals that hold the truth; return the exit code."""
    command = parser(__file__, "Coverage of intervals of single effects.", "effect_intervals.json")
    command.add_argument("--draws", type=int, default=20, help="of each simulated setting")
    command.add_argument("--shops", type=int, default=3, help="simulated shops")
    return run(_judge, command.parse_args(argv))


def _judge(arguments: argparse.Namespace) -> None:
    with shown_progress() as progress:
        found: dict[str, list[Judged]] = {}
        for name, (draw, rows) in SETTINGS.items():
            seeds = [[SEED, number] for number in range(arguments.draws)]
            found[f"{name} | forest"] = [
                _forest(draw, rows, seed) for seed in progress.track(seeds, description=name)
            ]
        for name in RESAMPLED:
            seeds = [[SEED, number] for number in range(max(arguments.draws // 4, 1))]
            draw, rows = SETTINGS[name]
            label = f"{name} | X learner, {HALVES} half-samples"
            found[label] = [_resampled(draw, rows, seed) for seed in progress.track(seeds, description=label)]
        for seed in range(arguments.shops):
            for arm, judged in _shop(seed, progress).items():
                found.setdefault(f"simulated shop, {arm} | forest", []).append(judged)
    _report(found, arguments)


def _forest(draw: Draw, rows: int, seed: list[int]) -> Judged:
    rng = np.random.default_rng(seed)
    past, now = draw(rows, rng), draw(TESTED, rng)
    learner = EffectForest(**SMALL_LEAVES).fit(
        past.X, past.y, treatment=past.treatment, treatment_probability=past.probability
    )
    ends = learner.predict_interval(now.X)
    return (*(ends[name].to_numpy() for name in ("effect", "low", "high")), now.effect)


def _resampled(draw: Draw, rows: int, seed: list[int]) -> Judged:
    """Judge a learner of trees with intervals from refits on random halves of the rows."""
    rng = np.random.default_rng(seed)
    past, now = draw(rows, rng), draw(TESTED, rng)
    leaves = SMALL_LEAVES | {"effect_options": {"min_data_in_leaf": 40, "lambda_l2": 20.0}}

    def effect(keep: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Floats:
        learner = XLearner(**leaves).fit(
            past.X[keep], past.y[keep], treatment=past.treatment[keep],
            treatment_probability=past.probability[keep],
        )  # fmt: skip
        return np.asarray(learner.predict(now.X))

    middle = effect(np.arange(rows))
    halves = np.stack([effect(rng.permutation(rows)[: rows // 2]) for _ in range(HALVES)])
    half = Z95 * halves.std(axis=0, ddof=1)
    return middle, middle - half, middle + half, now.effect


def _shop(seed: int, progress: Progress) -> dict[str, Judged]:
    """Judge both arms of the last campaign of a shop."""
    config = settings("uplift/simulated", [f"data.options.seed={seed}"])
    rows, folds, _ = rows_of(config, progress)
    fold = folds[-1]
    now = rows.where(fold.test)
    learner = fit(config, Part(name="effect_forest"), rows.where(fold.training))
    assert isinstance(learner, EffectForest)
    effects = simulated.truth(config.data.path, **config.data.options).effects
    inside = effects.loc[fold.name.rpartition(" ")[2]].reindex(now.customer_id)
    judged = {}
    for arm in learner.arms_:
        ends = learner.predict_interval(now.X, arm)
        truth = (inside[f"p_{arm}"] - inside["p_control"]).to_numpy()
        judged[arm] = (*(ends[name].to_numpy() for name in ("effect", "low", "high")), truth)
    return judged


def _report(found: dict[str, list[Judged]], arguments: argparse.Namespace) -> None:
    header = ["setting", "intervals", "draws", "hold the truth", "mean width", "spread of the truth", "RMSE"]
    rows, content = [], {}
    for name, draws in found.items():
        setting, _, kind = name.partition(" | ")
        shares = np.array([np.mean((low <= truth) & (truth <= high)) for _, low, high, truth in draws])
        width = np.mean([np.mean(high - low) for _, low, high, _ in draws])
        spread = np.mean([truth.std() for *_, truth in draws])
        error = np.mean([np.sqrt(np.mean((effect - truth) ** 2)) for effect, _, _, truth in draws])
        half = Z95 * shares.std(ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else np.nan
        figures = (shares.mean(), half, width, spread, error)
        content[name] = dict(zip(("coverage", "half", "width", "spread", "rmse"), figures, strict=True))
        share, *rest = f"{shares.mean():.3f} ± {half:.3f}", *(f"{each:.3f}" for each in figures[2:])
        rows.append((setting, kind, str(len(draws)), share, *rest))
    save(arguments.folder / "effect_intervals.json", pd.DataFrame(content).round(6).to_dict())
    write_between(arguments.folder / "README.md", "effect intervals", markdown(header, rows))
    show("Intervals of single effects", header, rows)


if __name__ == "__main__":
    sys.exit(main())

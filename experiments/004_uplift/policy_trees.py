"""Trees of depth two that say who gets what, beside the rule that treats where the predicted effect pays.

``python experiments/004_uplift/policy_trees.py`` writes policy_trees.json and the tables of README.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from effect_study import rows_of, settings
from rich.progress import Progress
from study import Table, parser, run, save, shown_progress, write_tables

from crm_ml.config import UpliftRun
from crm_ml.evaluation.policy_value import LoggedExperiment
from crm_ml.models.encoding import Encoding
from crm_ml.models.logistic import Floats
from crm_ml.train.families.uplift.fitting import TrialFold, fit
from crm_ml.uplift.learner import cross_fitted
from crm_ml.uplift.randomised_trial import check_experiment
from crm_ml.uplift.t_learner import TLearner
from crm_ml.uplift.trial_rows import TrialRows

RUNS = ("hillstrom_spend", "starbucks", "simulated")
BINS = 16
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """A feature, the last bin that goes left, and the arms or the splits of both sides."""

    feature: int
    cut: int
    left: "Split | int"
    right: "Split | int"

    def choose(self, bins: Places) -> Places:
        """Return the arm of each row, shape (n,)."""
        sides = [
            np.full(len(bins), side) if isinstance(side, int) else side.choose(bins)
            for side in (self.left, self.right)
        ]
        return np.where(bins[:, self.feature] <= self.cut, *sides)

    def named(self, features: Sequence[str], edges: Sequence[Floats], arms: Sequence[str]) -> str:
        """Return the tree as one line."""
        sides = [
            arms[s] if isinstance(s, int) else s.named(features, edges, arms) for s in (self.left, self.right)
        ]
        return f"{features[self.feature]} <= {edges[self.feature][self.cut]:g} ? {sides[0]} : {sides[1]}"


def best_tree(bins: Places, scores: Floats, depth: int) -> Split:
    """Return the tree of depth one or two whose arms have the greatest sum of scores, found exactly.

    Parameters
    ----------
    bins : numpy.ndarray of int, shape (n, k)
        Bin of each feature.
    scores : numpy.ndarray, shape (n, a)
        Doubly robust score of each arm, net of its cost.

    References
    ----------
    .. [1] Zhou, Athey and Wager (2023). Offline multi-action policy learning: generalization and
       optimization. Operations Research 71, algorithm 2 (exact search).
    """
    if depth == 1:
        sums = np.stack([_sums(bins[:, feature], scores) for feature in range(bins.shape[1])])
        return _leaf(sums)[1]
    best: tuple[float, Split] | None = None
    for feature in range(bins.shape[1]):
        pairs = np.stack([_sums(bins[:, feature] * BINS + bins[:, other], scores, BINS**2)
                          for other in range(bins.shape[1])])  # fmt: skip
        by_bin = pairs.reshape(bins.shape[1], BINS, BINS, -1).cumsum(axis=1)
        for cut in range(BINS - 1):
            left, right = by_bin[:, cut], by_bin[:, -1] - by_bin[:, cut]
            (first, one), (second, two) = _leaf(left), _leaf(right)
            if best is None or first + second > best[0]:
                best = first + second, Split(feature, cut, one, two)
    assert best is not None
    return best[1]


def _sums(place: Places, scores: Floats, places: int = BINS) -> Floats:
    return np.stack([np.bincount(place, arm, places) for arm in scores.T], axis=1)


def _leaf(sums: Floats) -> tuple[float, Split]:
    """Return the greatest sum of scores by one split, and the split; sums of features, bins and arms."""
    left = sums.cumsum(axis=1)[:, :-1]
    right = sums.sum(axis=1)[:, None] - left
    value = left.max(axis=2) + right.max(axis=2)
    feature, cut = divmod(int(value.argmax()), value.shape[1])
    sides = (int(side[feature, cut].argmax()) for side in (left, right))
    return float(value[feature, cut]), Split(feature, cut, *sides)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the rules on the test rows of the runs; return the exit code."""
    command = parser(__file__, "Policy trees beside predicted effects.", "policy_trees.json", RUNS)
    return run(_compare_all, command.parse_args(argv))


def _compare_all(arguments: argparse.Namespace) -> None:
    content: dict[str, Any] = {}
    rows: list[tuple[str, ...]] = []
    with shown_progress() as progress:
        for name in arguments.only or RUNS:
            content[name], more = _compare(name, settings(f"uplift/{name}"), progress)
            rows += more
    save(arguments.folder / "policy_trees.json", content)
    header = ["run", "rule", "treated", "cents a customer", "more than by predicted effect"]
    tables: dict[str, Table] = {"policy trees": (header, rows)}
    write_tables(arguments.folder, tables)


def _compare(
    name: str, config: UpliftRun, progress: Progress
) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    rows, folds, _ = rows_of(config, progress)
    parts = [_judged(config, rows, fold) for fold in progress.track(folds, description=name)]
    logged = {
        key: np.concatenate([getattr(each, key) for each, _, _ in parts])
        for key in ("arm", "y", "probability", "outcome", "customer_id")
    }
    experiment = LoggedExperiment(cost=parts[0][0].cost, **logged)
    rules = {rule: np.concatenate([each[rule] for _, each, _ in parts]) for rule in parts[0][1]}
    base = rules["by predicted effect"]
    content: dict[str, Any] = {"trees": [tree for _, _, tree in parts]}
    table = []
    for rule, policy in rules.items():
        value, more = experiment.value(policy), experiment.value(policy, base)
        content[rule] = {"value": asdict(value), "difference": asdict(more)}
        table.append(
            (name, rule, f"{(policy > 0).mean():.1%}", str(value), "" if policy is base else str(more))
        )
    return content, table


def _judged(
    config: UpliftRun, rows: TrialRows, fold: TrialFold
) -> tuple[LoggedExperiment, Mapping[str, Places], str]:
    """Learn both rules on the training rows of a fold and return what they choose for its test rows."""
    past, now = rows.where(fold.training), rows.where(fold.test)
    learner = fit(config, config.model, past)
    names = [str(config.target.control), *learner.arms_]
    outcomes = TLearner(**{key: getattr(learner, key) for key in ("base", "outcome_options", "control")})
    logged = _logged(config, now, names, _expected(outcomes, past, now))
    gain = np.column_stack([learner.predict(now.X, arm) for arm in names[1:]]) * _worth(config)
    gain -= logged.cost[1:]
    rules = {"by predicted effect": np.where(gain.max(axis=1) > 0, 1 + gain.argmax(axis=1), 0)}
    scores = _logged(config, past, names, _cross_fitted(outcomes, past, names)).scores
    encoding = Encoding.learn(past.X)
    edges = [_edges(column) for column in encoding.encode(past.X).T]
    bins, new = (_bins(encoding.encode(each.X), edges) for each in (past, now))
    everywhere = int(scores.mean(axis=0).argmax())
    rules["one arm for all"] = np.full(len(new), everywhere)
    for depth in (1, 2):
        tree = best_tree(bins, scores, depth)
        rules[f"tree of depth {depth}"] = tree.choose(new)
    return logged, rules, tree.named(encoding.columns, edges, names)


def _worth(config: UpliftRun) -> float:
    return 1.0 if config.worth is None else float(config.worth.outcome_cents)


def _logged(config: UpliftRun, rows: TrialRows, names: Sequence[str], outcome: Floats) -> LoggedExperiment:
    declared = rows.probabilities()
    assert declared is not None
    p = declared[list(names)].to_numpy()
    paid = {} if config.worth is None else config.worth.cost_cents
    return LoggedExperiment(
        arm=pd.Index(names).get_indexer(pd.Index(rows.arm)),
        y=rows.y.to_numpy() * _worth(config),
        probability=p / p.sum(axis=1, keepdims=True),
        outcome=outcome * _worth(config),
        cost=np.array([float(paid.get(name, 0.0)) for name in names]),
        customer_id=np.asarray(rows.customer_id),
    )


def _expected(model: TLearner, past: TrialRows, now: TrialRows) -> Floats:
    fitted = model.fit(past.X, past.y, treatment=past.arm)
    return np.asarray(fitted.predict_outcomes(now.X))


def _cross_fitted(model: TLearner, past: TrialRows, names: Sequence[str]) -> Floats:
    checked = check_experiment(past.X, past.arm, past.y, names[0])
    fold = checked.folds(model.folds, model.seed)
    each = [
        cross_fitted(model._outcome_model, checked.X, checked.y, fold, checked.arm == number)
        for number in range(len(names))
    ]
    return np.column_stack(each)


def _edges(column: Floats) -> Floats:
    """Return the upper ends of bins with about the same number of rows, without the last one's."""
    known = column[np.isfinite(column)]
    return np.unique(np.quantile(known, np.arange(1, BINS - 1) / (BINS - 1)))


def _bins(matrix: Floats, edges: Sequence[Floats]) -> Places:
    """Return the bin of each value; missing ones have the last."""
    placed = [
        np.where(np.isfinite(column), np.searchsorted(ends, column), BINS - 1)
        for column, ends in zip(matrix.T, edges, strict=True)
    ]
    return np.column_stack(placed)


if __name__ == "__main__":
    sys.exit(main())

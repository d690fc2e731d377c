"""Metrics of several runs on the rows they share, and their paired differences to the first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.evaluation.recommendation import evaluate_lists
from crm_ml.evaluation.significance import LEVEL, Evaluation, Interval, evaluate
from crm_ml.storage.pseudonyms import KEY
from crm_ml.train.compare.logged_rows import KEYS, Logged
from crm_ml.train.compare.scored_rows import LISTS, MODEL, predictions_of

if TYPE_CHECKING:
    import pandas as pd

LESS_IS_BETTER = frozenset({"log_loss", "brier", "ece", "rmse", "mae", "msle"})
NEITHER = frozenset({"total_error"})


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs on common rows.

    Parameters
    ----------
    family : str
    runs : tuple of str
        Labels; differences are to the first.
    parts : mapping of str to mapping of str to int
        Common rows, customers, folds and outcomes above zero of each part.
    table : pandas.DataFrame
        A row for each part, metric and run: part, metric, over, run, value, low, high, difference,
        difference_low, difference_high, verdict.
    """

    family: str
    runs: tuple[str, ...]
    parts: Mapping[str, Mapping[str, int]]
    table: "pd.DataFrame"

    def difference(self, part: str, metric: str, run: str) -> Interval:
        """Return the paired difference of a run to the first one."""
        rows = self.table
        row = rows[(rows["part"] == part) & (rows["metric"] == metric) & (rows["run"] == run)].iloc[0]
        names = ("difference", "difference_low", "difference_high")
        return Interval(*(float(row[name]) for name in names))


def compare_rows(
    runs: Mapping[str, Logged], metrics: Iterable[str] | None = None, level: float = LEVEL
) -> Comparison:
    """Judge runs on the rows that all of them have, with seed and replicates of the first.

    Parameters
    ----------
    runs : mapping of str to Logged
        At least two, by label.
    metrics : iterable of str, optional
        All of the first run without it.
    level : float
        Of the intervals of differences.

    Raises
    ------
    InputError
        If they are of several families, name customers by different keys, differ in their terms, share no
        rows, or disagree about the outcomes of common rows.
    """
    import pandas as pd

    first = next(iter(runs.values()))
    common = common_parts(runs)
    table_rows, counts = [], {}
    views = {m: over for m, over in first.about["views"].items() if metrics is None or m in set(metrics)}
    for part, frames in common.items():
        counts[part] = _counts(next(iter(frames.values())))
        judged = _judge(first, part, frames, views)
        table_rows += _rows(part, judged, views, tuple(runs), level)
    return Comparison(first.family, tuple(runs), counts, pd.DataFrame(table_rows))


def common_parts(runs: Mapping[str, Logged]) -> "dict[str, dict[str, pd.DataFrame]]":
    """Return the common rows of each common part by run, ordered as the first; raises as `compare_rows`."""
    first = next(iter(runs.values()))
    _check_alike(runs)
    shared = [name for name in first.frames if all(name in run.frames for run in runs.values())]
    joined = {name: _join({label: run.frames[name] for label, run in runs.items()}) for name in shared}
    common = {name: frames for name, frames in joined.items() if len(next(iter(frames.values())))}
    if not common:
        folds = "; ".join(f"{label}: {_shown(run)}" for label, run in runs.items())
        keys = {run.about["key"] for run in runs.values()}
        hint = f" (their customers are named by different keys: set {KEY} for all)" if len(keys) > 1 else ""
        raise InputError(
            f"the runs share no test row{hint}: {folds}; "
            "train them with the same test windows on the same data"
        )
    wrong = {
        name: count for name, frames in common.items() if (count := _disagreements(list(frames.values())))
    }
    if wrong:
        counts = ", ".join(f"{name} in {n:,} of {_length(common[name]):,} rows" for name, n in wrong.items())
        raise InputError(
            f"the runs disagree about outcomes of common rows: {counts}; compare runs of one target"
        )
    return common


def _check_alike(runs: Mapping[str, Logged]) -> None:
    if len({run.family for run in runs.values()}) > 1:
        families = ", ".join(f"{label} of {run.family}" for label, run in runs.items())
        raise InputError(f"runs of different families can't be compared: {families}; name runs of one family")
    terms = {label: run.about["terms"] for label, run in runs.items()}
    if any(run != next(iter(terms.values())) for run in terms.values()):
        raise InputError(f"the runs differ in what must be the same: {terms}; compare runs of one target")


def _join(frames: "Mapping[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    indexed = {label: frame.set_index(KEYS) for label, frame in frames.items()}
    keys = next(iter(indexed.values())).index
    for frame in indexed.values():
        keys = keys[keys.isin(frame.index)]
    return {label: frame.loc[keys] for label, frame in indexed.items()}


def _disagreements(frames: "list[pd.DataFrame]") -> int:
    first, *others = frames
    names = [name for name in ("y", "treatment") if name in first]
    differs = [(other[names].to_numpy() != first[names].to_numpy()).any(axis=1) for other in others]
    return int(np.any(differs, axis=0).sum()) if differs else 0


def _judge(
    first: Logged, part: str, frames: "Mapping[str, pd.DataFrame]", views: Mapping[str, Any]
) -> Evaluation:
    rng, replicates = np.random.default_rng(first.about["seed"]), first.about["replicates"]
    rows = next(iter(frames.values()))
    ids, kind = _ids(rows), first.kinds[part]
    if kind == LISTS:
        values = {
            label: {m: frame[f"{m}.{MODEL}"].to_numpy() for m in views} for label, frame in frames.items()
        }
        return evaluate_lists(ids, values, rng, replicates, tuple(views))
    p = {label: frame[f"p.{MODEL}"].to_numpy() for label, frame in frames.items()}
    cls = predictions_of(kind)
    p |= {name: rows[f"p.{name}"].to_numpy() for name in cls.controls}
    columns = {name: rows[name].to_numpy() for name in cls.columns if name in rows}
    folds = rows.index.get_level_values("fold").to_numpy(dtype=str)
    predictions = cls(**{"customer_id": ids, "fold": folds, **columns}, p=p)
    over = tuple(name for name in ("pooled", "folds") if name in set(views.values()))
    return evaluate(predictions, rng, tuple(views), replicates, over)  # type: ignore[arg-type]


def _ids(rows: "pd.DataFrame") -> Any:
    """Return numbers of customers by the order of rows."""
    numbers = rows.index.get_level_values("customer").factorize()[0]
    return np.array([f"{number:010d}" for number in numbers])


def _rows(
    part: str, judged: Evaluation, views: Mapping[str, Any], labels: tuple[str, ...], level: float
) -> "list[dict[str, Any]]":
    table_rows = []
    for metric, over in views.items():
        for label in labels:
            own = judged.interval(label, metric, over)
            row = {"part": part, "metric": metric, "over": over, "run": label}
            row |= {"value": own.value, "low": own.low, "high": own.high}
            paired = Interval(np.nan, np.nan, np.nan)
            if label != labels[0]:
                paired = judged.difference(label, labels[0], metric, over, level)
            ends = {"difference_low": paired.low, "difference_high": paired.high}
            table_rows.append(
                row | {"difference": paired.value} | ends | {"verdict": _verdict(metric, paired)}
            )
    return table_rows


def _verdict(metric: str, paired: Interval) -> str:
    if np.isnan(paired.value):
        return "first"
    if not paired.clear:
        return "no clear difference"
    if metric in NEITHER:
        return "higher" if paired.low > 0 else "lower"
    return "better" if (paired.low > 0) != (metric in LESS_IS_BETTER) else "worse"


def _counts(rows: "pd.DataFrame") -> dict[str, int]:
    names = rows.index.get_level_values
    return {
        "rows": len(rows),
        "customers": names("customer").nunique(),
        "folds": names("fold").nunique(),
        "outcomes_above_zero": int((rows["y"] > 0).sum()),
    }


def _length(frames: "Mapping[str, pd.DataFrame]") -> int:
    return len(next(iter(frames.values())))


def _shown(run: Logged) -> str:
    folds = sorted({fold for frame in run.frames.values() for fold in frame["fold"]})
    return f"{len(folds)} folds from {folds[0]} to {folds[-1]}" if folds else "no rows"

"""Which rows of an experiment are drawn, where there are more than its config holds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from crm_ml.config.probability import SampledRun
from crm_ml.models.customer_matrix import customer_count
from crm_ml.models.row_draw import Counts, RowDraw
from crm_ml.tables import Tables
from crm_ml.train.families.probability.study import Fold

if TYPE_CHECKING:
    import pandas as pd


def row_draw(
    config: SampledRun,
    tables: Tables,
    folds: Sequence[Fold[Any]],
    final: Fold[Any],
    label: "Callable[[Any], pd.Series[int]]",
) -> RowDraw | None:
    """Return the draw that keeps an experiment to `config.sampling`, or None where all rows do.

    Rows are counted by their labels, before any feature is computed; tables with so few customers that no
    count could pass a limit are not asked.

    Parameters
    ----------
    config : SampledRun
    tables : Tables
    folds : sequence of Fold
        All that are tested or validated.
    final : Fold
        Of the model that is registered; its test is none.
    label : callable
        Returns the labels of a fold's occasion.
    """
    models = [each.training for each in (*folds, final)]
    calibrating = config.calibration.snapshots if config.calibration.methods else 0
    judging = {str(each.test): each.test for each in folds}
    judging |= {str(each): each for training in models for each in training[len(training) - calibrating :]}
    limits = config.sampling.training_rows, config.sampling.judging_rows
    most = customer_count(tables)
    bounds = most * max(map(len, models)), most * len(judging)
    if all(limit is None or bound <= limit for limit, bound in zip(limits, bounds, strict=True)):
        return None
    occasions = {str(each): each for training in models for each in training} | judging
    counts = {name: _classes(label(each)) for name, each in occasions.items()}
    names = [[str(each) for each in training] for training in models]
    return RowDraw.within(limits, config.seed, counts, names, judging)


def _classes(y: "pd.Series[int]") -> Counts:
    positives = int(y.sum())
    return len(y) - positives, positives

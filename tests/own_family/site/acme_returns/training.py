"""The experiment of returns, judged by what the experiments of probabilities share."""

import pandas as pd

from acme_returns import returns_pyfunc
from acme_returns.target import sent_back
from crm_ml.features import matrix
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import MODELS
from crm_ml.snapshots import check_labels_end_before
from crm_ml.train.families import Card
from crm_ml.train.families.probability import search
from crm_ml.train.families.probability.study import Fold, Study
from crm_ml.train.search.validation_folds import Parts

__all__ = ["CARD", "MODELS", "execute"]
CARD = Card("the probability that a customer sends the next order back")
VIEWS = dict.fromkeys(("auc", "average_precision", "log_loss", "brier", "ece"), "pooled")


def execute(config, tables, progress, studies=None):
    """Run the experiment of one config."""
    folds = tuple(_fold(config, as_of) for as_of in config.split.test)
    final = _fold(config, config.register_as.as_of)
    snapshots = {one.as_of: one for each in folds for one in (each.test, *each.training)}
    snapshots |= {one.as_of: one for one in final.training}
    rows = _rows(config, tables, [snapshots[as_of] for as_of in sorted(snapshots)])
    details = {
        "horizon_days": config.target.horizon_days,
        "labels_end": f"{final.training[-1].label_ends_at:%Y-%m-%d}",
        "features": config.features or {},
    }
    study = Study(config, rows, folds, final, VIEWS, returns_pyfunc, details)
    return search.run(study, Parts((), ()), studies, progress)


def _fold(config, as_of):
    test = config.target.snapshot(as_of)
    training = test.training(config.split.training_snapshots, config.split.every_days)
    check_labels_end_before(training, test)
    return Fold(test, tuple(training))


def _rows(config, tables, snapshots):
    X, y = {}, {}
    groups = None if config.features is None else {"lifecycle": {}, **config.features}
    for snapshot in snapshots:
        features, labels = matrix(tables, snapshot, groups), sent_back(tables, snapshot)
        known = features.index.intersection(labels.index).sort_values()
        X[str(snapshot)], y[str(snapshot)] = features.loc[known], labels.loc[known]
    names = ["as_of", "customer_id"]
    return LabelledRows(pd.concat(X, names=names), pd.concat(y, names=names))

"""Score tables: what a model says of each customer at a snapshot, streamed from the feature table."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.monitoring.training_profile import Profile
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.score_tables.score_rows import (
    Groups,
    Progress,
    Reasons,
    chunks,
    probabilities,
    score_rows,
    score_schema,
)
from crm_ml.storage import parquet
from crm_ml.storage.stage_cache import code_sum, stage

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scorer:
    """A churn model as scoring needs it.

    Parameters
    ----------
    name : str
        Name of the model, such as ``"churn"``.
    sums : str
        Hash of the model's files, at least 12 hexadecimal digits.
    predict : callable
        Features, indexed by customer_id, to p_churn in [0, 1], one a row.
    where : str
        Rule of `crm_ml.rules.grammar` over the features: whom the model is about, such as
        ``"rfm_days_since_order < 56"``. The others get no score.
    reasons : callable, optional
        Features to reason codes such as ``"rfm_days_since_order=41 (+0.83)"``, one sequence a row.
    groups : mapping or sequence, optional
        Feature groups of the model with their options.
    profile : Profile, optional
        What the data of a day are compared with.
    """

    name: str
    sums: str
    predict: "Callable[[pd.DataFrame], np.ndarray[Any, Any]]"
    where: str
    reasons: Reasons | None = None
    groups: Groups = field(default_factory=dict)
    profile: Profile | None = None


def write_scores(features: Path, scorer: Scorer, path: Path, progress: Progress | None = None) -> int:
    """Score a feature table chunk by chunk and return the number of scored customers.

    Parameters
    ----------
    features : Path
        Parquet with customer_id and the feature columns.
    scorer : Scorer
    path : Path
        The score table: customer_id, p_churn (float64) and model, in the order of the features.
    progress : callable, optional
        Called with rows done and rows in all.

    Raises
    ------
    ConfigError
        If the scorer's rule does not fit the features.
    InputError
        If a prediction is missing, not finite or outside [0, 1].
    """
    schema = score_schema("p_churn")

    def scored(chunk: "pa.Table") -> "pa.Table":
        frame = nw.from_native(chunk, eager_only=True)
        rows = frame.filter(compile_rule(scorer.where, frame.schema)).to_native()
        if not rows.num_rows:
            return schema.empty_table()
        p = probabilities(scorer.name, scorer.predict(rows.to_pandas().set_index("customer_id")), len(rows))
        return score_rows(schema, rows["customer_id"], {"p_churn": p}, f"{scorer.name}@{scorer.sums[:12]}")

    return parquet.write(chunks(features, scored, progress), schema, path)


_SCORE_CODE = ("crm_ml.models", "crm_ml.score_tables.churn")


def scores_of(work: Path, features: Path, scorer: Scorer, progress: Progress | None = None) -> Path:
    """Return the score table (Parquet) of a feature table whose sums were checked."""
    ingredients = {
        "code": code_sum(*_SCORE_CODE),
        "features": features.parent.name,
        "model": scorer.sums,
        "where": scorer.where,
    }

    def fill(path: Path) -> None:
        rows = write_scores(features, scorer, path, progress)
        log.info("scored %s customers with %s", f"{rows:,}", scorer.name)

    return stage(work, scorer.name, ingredients, fill)

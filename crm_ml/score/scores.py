"""Score tables: what a model says of each customer at a snapshot, streamed from the feature table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.score.eligibility import compile_rule
from crm_ml.score.sinks import parquet

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

CHUNK_ROWS = 50_000
Progress = Callable[[int, int], None]


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
        Rule of `crm_ml.score.grammar` over the features: whom the model is about, such as
        ``"rfm_days_since_order < 56"``. The others get no score.
    reasons : callable, optional
        Features to reason codes such as ``"rfm_days_since_order=41 (+0.83)"``, one sequence a row.
    groups : mapping or sequence, optional
        Feature groups of the model with their options.
    """

    name: str
    sums: str
    predict: "Callable[[pd.DataFrame], np.ndarray[Any, Any]]"
    where: str
    reasons: "Callable[[pd.DataFrame], Sequence[Sequence[str]]] | None" = None
    groups: Mapping[str, Mapping[str, Any]] | Sequence[str] = field(default_factory=dict)


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
    import pyarrow as pa

    schema = pa.schema({"customer_id": pa.string(), "p_churn": pa.float64(), "model": pa.string()})
    return parquet.write(_scored(features, scorer, schema, progress), schema, path)


def _scored(
    features: Path, scorer: Scorer, schema: "pa.Schema", progress: Progress | None
) -> "Iterator[pa.Table]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(features) as file:
        done, rows = 0, file.metadata.num_rows
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            frame = nw.from_native(pa.Table.from_batches([batch]), eager_only=True)
            chunk = frame.filter(compile_rule(scorer.where, frame.schema)).to_native()
            done += batch.num_rows
            if progress:
                progress(done, rows)
            if not chunk.num_rows:
                continue
            p = _checked(scorer, chunk.to_pandas().set_index("customer_id"))
            model = pa.repeat(f"{scorer.name}@{scorer.sums[:12]}", chunk.num_rows)
            yield pa.table([chunk["customer_id"].cast(pa.string()), pa.array(p), model], schema=schema)


def _checked(scorer: Scorer, features: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    import numpy as np

    p = np.asarray(scorer.predict(features), dtype=np.float64)
    if p.shape != (len(features),):
        raise InputError(f"{scorer.name}: predictions have shape {p.shape} for {len(features):,} customers")
    wrong = int((~((p >= 0) & (p <= 1))).sum())
    if wrong:
        raise InputError(f"{scorer.name}: {wrong:,} of {len(p):,} predictions are no probability in [0, 1]")
    return p

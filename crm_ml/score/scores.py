"""Score tables: what a model says of each customer at a snapshot, streamed from the feature table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.monitoring.profile import Profile
from crm_ml.score.eligibility import compile_rule
from crm_ml.score.sinks import parquet

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

CHUNK_ROWS = 50_000
Progress = Callable[[int, int], None]
Reasons = Callable[["pd.DataFrame"], Sequence[Sequence[str]]]
Groups = Mapping[str, Mapping[str, Any]] | Sequence[str]


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


def score_schema(*columns: str) -> "pa.Schema":
    """Return the columns of a score table: customer_id, those given (float64), and model."""
    import pyarrow as pa

    reals = {name: pa.float64() for name in columns}
    return pa.schema({"customer_id": pa.string(), **reals, "model": pa.string()})


def score_rows(
    schema: "pa.Schema", customers: "pa.ChunkedArray", columns: Mapping[str, Any], model: str
) -> "pa.Table":
    """Put scores beside customers and the name of their model."""
    import pyarrow as pa

    ids, named = customers.cast(pa.string()), pa.repeat(model, len(customers))
    return pa.table([ids, *(pa.array(values) for values in columns.values()), named], schema=schema)


def chunks(
    features: Path, scored: "Callable[[pa.Table], pa.Table]", progress: Progress | None = None
) -> "Iterator[pa.Table]":
    """Read a feature table piece by piece and give what `scored` makes of each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(features) as file:
        done, rows = 0, file.metadata.num_rows
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            yield scored(pa.Table.from_batches([batch]))
            done += batch.num_rows
            if progress:
                progress(done, rows)


def probabilities(name: str, found: Any, rows: int) -> "np.ndarray[Any, Any]":
    """Return predictions as float64 after a check.

    Raises
    ------
    InputError
        If one is missing, not finite or outside [0, 1], or there is not one for each row.
    """
    import numpy as np

    p = np.asarray(found, dtype=np.float64)
    if p.shape != (rows,):
        raise InputError(f"{name}: predictions have shape {p.shape} for {rows:,} customers")
    wrong = int((~((p >= 0) & (p <= 1))).sum())
    if wrong:
        raise InputError(f"{name}: {wrong:,} of {rows:,} predictions are no probability in [0, 1]")
    return p

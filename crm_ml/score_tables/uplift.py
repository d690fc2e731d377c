"""The score table of effects: what each arm of a randomised campaign would change for each customer."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.score_tables.score_rows import Groups, Progress, chunks, score_rows, score_schema
from crm_ml.storage import parquet
from crm_ml.storage.stage_cache import code_sum, stage
from crm_ml.uplift.artefact import column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)
_CODE = ("crm_ml.models", "crm_ml.score_tables.uplift", "crm_ml.score_tables.churn", "crm_ml.uplift")


@dataclass(frozen=True, eq=False)
class UpliftScorer:
    """An uplift model as scoring needs it.

    Parameters
    ----------
    name, sums : str
        See `crm_ml.score_tables.churn.Scorer`.
    predict : callable
        Features, indexed by customer_id, to a frame with a column ``uplift_<arm>`` for each arm.
    arms : sequence of str
        Treated arms that the model has learned from.
    verified : collection of str
        Those for which targeting by uplift has stood its test; they alone value actions.
    groups : mapping or sequence, optional
        Feature groups of the model with their options.
    profile : Profile, optional
        What the data of a day are compared with.
    """

    name: str
    sums: str
    predict: "Callable[[pd.DataFrame], pd.DataFrame]"
    arms: Sequence[str]
    verified: Collection[str] = ()
    groups: Groups = field(default_factory=dict)
    profile: Profile | None = None


def unknown_arms(actions: Sequence[Action], scorer: UpliftScorer) -> list[str]:
    """Name the actions whose arm the model has never seen; empty where there is none."""
    return [
        f"{action.action_id}: {scorer.name} never saw arm {action.uplift.arm}, only {', '.join(scorer.arms)}"
        for action in actions
        if action.uplift is not None and action.uplift.arm not in scorer.arms
    ]


def effects_of(work: Path, features: Path, scorer: UpliftScorer, progress: Progress | None = None) -> Path:
    """Return the score table (Parquet), made now or found whole.

    One row for each customer of the feature table, in its order: customer_id, uplift_<arm> for each arm in
    the unit of the model's outcome, and model.
    """
    ingredients = {"code": code_sum(*_CODE), "features": features.parent.name, "model": scorer.sums}

    def fill(path: Path) -> None:
        rows = write_effects(features, scorer, path, progress)
        log.info("predicted the effects on %s customers with %s", f"{rows:,}", scorer.name)

    return stage(work, scorer.name, ingredients, fill)


def write_effects(features: Path, scorer: UpliftScorer, path: Path, progress: Progress | None = None) -> int:
    """Predict the effects of all arms and return the number of customers; see `effects_of`.

    Raises
    ------
    InputError
        If an effect is missing or not finite.
    """
    columns = [column(arm) for arm in scorer.arms]
    schema = score_schema(*columns)

    def rows(chunk: "pa.Table") -> "pa.Table":
        found = _checked(scorer, scorer.predict(chunk.to_pandas().set_index("customer_id")), columns)
        named = f"{scorer.name}@{scorer.sums[:12]}"
        return score_rows(schema, chunk["customer_id"], {name: found[name] for name in columns}, named)

    return parquet.write(chunks(features, rows, progress), schema, path)


def _checked(scorer: UpliftScorer, found: "pd.DataFrame", columns: list[str]) -> "pd.DataFrame":
    import numpy as np

    effects = found[columns].astype("float64")
    wrong = {name: int((~np.isfinite(values)).sum()) for name, values in effects.items()}
    breaches = [f"{name} in {count:,}" for name, count in wrong.items() if count]
    if breaches:
        raise InputError(
            f"{scorer.name}: missing or infinite: {', '.join(breaches)} of {len(found):,} predicted effects"
        )
    return effects

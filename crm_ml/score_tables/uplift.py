"""The score table of effects: what each arm of a randomised campaign would change for each customer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.score_tables.score_rows import chunks, score_rows, score_schema
from crm_ml.score_tables.source import Label, Output, ScoringDay, Source
from crm_ml.storage import parquet
from crm_ml.uplift.uplift_pyfunc import column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from crm_ml.tables.bundle import Tables
    from crm_ml.tracking import ModelVersion

SCORES = ("uplift",)
NEEDS = ("arms", "verified_arms", "features")


@dataclass(frozen=True, eq=False, kw_only=True)
class UpliftSource(Source):
    """An uplift model as scoring needs it; its `verified` arms have stood the test of targeting by uplift.

    Parameters
    ----------
    predict : callable
        Features, indexed by customer_id, to a frame with a column ``uplift_<arm>`` for each arm.
    arms : sequence of str
        Treated arms that the model has learned from.
    outcome : str
        What an effect is counted in: ``"response"``, ``"order"`` or ``"spend_cents"``; empty where the
        model does not say it.
    """

    family: ClassVar[str] = "uplift"

    predict: "Callable[[pd.DataFrame], pd.DataFrame]"
    arms: Sequence[str]
    outcome: str = ""

    @property
    def columns(self) -> Sequence[str]:
        """``uplift_<arm>`` of each arm."""
        return [column(arm) for arm in self.arms]

    def breaches(self, actions: Sequence[Action], tables: "Tables") -> list[str]:  # noqa: ARG002
        """Return the actions whose arm was never seen, or whose worth is not that of the outcome."""
        breaches = []
        for action in actions:
            uplift = action.value.uplift
            if uplift is None:
                continue
            if uplift.arm not in self.arms:
                seen = ", ".join(self.arms)
                breaches.append(f"{action.action_id}: {self.name} never saw arm {uplift.arm}, only {seen}")
            elif self.outcome == "spend_cents" and uplift.worth_cents > 1:
                breaches.append(
                    f"{action.action_id}: {self.name} predicts spend, of which a cent can't earn "
                    f"{uplift.worth_cents:g}; uplift.worth_cents is the margin of a cent, such as 0.3"
                )
        return breaches

    def write(self, day: ScoringDay, action: Action | None, output: Output) -> int:  # noqa: ARG002
        """Write customer_id, the effect of each arm in the unit of the model's outcome, and model.

        Raises
        ------
        InputError
            If an effect is missing or not finite.
        """
        schema = score_schema(*self.columns)

        def rows(chunk: "pa.Table") -> "pa.Table":
            effects = self._checked(self.predict(chunk.to_pandas().set_index("customer_id")))
            columns = {name: effects[name] for name in self.columns}
            return score_rows(schema, chunk["customer_id"], columns, self.versioned_name)

        return parquet.write(chunks(day.features, rows, output.progress), schema, output.path)

    def _checked(self, predicted: "pd.DataFrame") -> "pd.DataFrame":
        import numpy as np

        effects = predicted[[*self.columns]].astype("float64")
        wrong = {name: int((~np.isfinite(values)).sum()) for name, values in effects.items()}
        breaches = [f"{name} in {count:,}" for name, count in wrong.items() if count]
        if breaches:
            raise InputError(
                f"{self.name}: missing or infinite: {', '.join(breaches)} "
                f"of {len(predicted):,} predicted effects"
            )
        return effects


def load(version: "ModelVersion") -> UpliftSource:
    """Return the source of a registered model, whose manifest names its arms and those that are verified."""
    from crm_ml.models import model_folder
    from crm_ml.uplift import uplift_pyfunc

    model = model_folder.load(version.folder)
    return UpliftSource(
        name=version.name,
        sums=version.content,
        predict=model_folder.PyfuncModel(model, uplift_pyfunc.score).predict,
        arms=version.details["arms"],
        verified=version.details["verified_arms"],
        groups=version.details["features"],
        outcome=str(version.details.get("target", {}).get("outcome", "")),
        profile=Profile.read(version.folder),
    )


def label(version: "ModelVersion", stage: Mapping[str, Any], as_of: datetime) -> Label | str:  # noqa: ARG001
    """Return why effects have no label of a single customer."""
    return (
        "no customer shows both outcomes that an effect is the difference of; "
        "python -m crm_ml.score.evaluate LIST compares those who were contacted with those held out"
    )

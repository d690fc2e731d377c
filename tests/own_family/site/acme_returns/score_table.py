"""The score table of returns: of every known customer, should they order again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from acme_returns.returns_pyfunc import COLUMN
from acme_returns.target import sent_back
from crm_ml.models import model_folder
from crm_ml.monitoring.training_profile import Profile
from crm_ml.score_tables.score_rows import chunks, probabilities, score_rows, score_schema
from crm_ml.score_tables.source import Label, Source
from crm_ml.snapshots import Snapshot
from crm_ml.storage import parquet

SCORES = (COLUMN,)
NEEDS = ("horizon_days", "features")


@dataclass(frozen=True, eq=False, kw_only=True)
class ReturnsSource(Source):
    """A model of returns as scoring needs it."""

    family: ClassVar[str] = "returns"
    scores: ClassVar[tuple[str, ...]] = SCORES

    model: Any

    def write(self, day, action, output):
        """Write customer_id, p_return and model."""
        schema = score_schema(COLUMN)

        def rows(chunk):
            p = self.model.predict_proba(chunk.to_pandas().set_index("customer_id"))[:, 1]
            checked = probabilities(self.name, p, chunk.num_rows)
            return score_rows(schema, chunk["customer_id"], {COLUMN: checked}, self.versioned_name)

        return parquet.write(chunks(day.features, rows, output.progress), schema, output.path)


def load(version):
    """Return the source of a registered model."""
    return ReturnsSource(
        name=version.name,
        sums=version.content,
        model=model_folder.load(version.folder),
        groups=version.details["features"],
        profile=Profile.read(version.folder),
    )


def label(version, stage, as_of):
    """Return who of those who ordered has sent the order back."""
    window = Snapshot(as_of, timedelta(days=int(version.details["horizon_days"])))
    return Label(window, lambda tables: sent_back(tables, window), COLUMN, promised="test.")

"""Score tables with the labels that are available for them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.learning.realised.published_scores import PublishedScores
from crm_ml.score_tables.families import score_table_families
from crm_ml.score_tables.source import Label
from crm_ml.storage.stage_cache import stage_files

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.tables.bundle import Tables
    from crm_ml.tracking import ModelVersion


@dataclass(frozen=True, eq=False)
class LabelledScores:
    """A score table and what its labels are.

    Parameters
    ----------
    version : ModelVersion
        That gave the scores.
    published : PublishedScores
    stage : str
        Name of the stage: the model, with the action that the table is about.
    label : Label
    """

    version: "ModelVersion"
    published: PublishedScores
    stage: str
    label: Label

    @property
    def day(self) -> str:
        """Day of the scores."""
        return f"{self.label.window.as_of:%Y-%m-%d}"

    @property
    def what(self) -> str:
        """What was scored, such as ``"churn"`` or ``"propensity-tasting"``: a name for logged metrics."""
        return self.stage if self.published.action else self.version.name

    def rows(self, tables: "Tables") -> "pd.DataFrame":
        """Return score and outcome by customer, of those who have both, in ascending order of ids."""
        import pandas as pd

        name = self.label.score
        files = [
            pd.read_parquet(file, columns=["customer_id", name])
            for file in stage_files(self.published.folder)
        ]
        scores = pd.concat(files).set_index("customer_id")[name]
        outcomes = self.label.outcome(tables).rename("outcome")
        return pd.DataFrame({"score": scores}).join(outcomes, how="inner").sort_index().dropna()


def labelled(published: PublishedScores, version: "ModelVersion") -> LabelledScores | str:
    """Return a score table with its labels, or why it has none.

    Parameters
    ----------
    published : PublishedScores
    version : ModelVersion
        That gave the scores.

    Raises
    ------
    IntegrityError
        If the manifest of the stage can't be read.
    """
    family = score_table_families().get(published.family)
    if family is None:
        return f"no family {published.family} has score tables; the list was made by another version"
    manifest = published.manifest()
    label: Label | str = family.label(version, manifest, published.as_of)
    if isinstance(label, str):
        return label
    return LabelledScores(version, published, str(manifest["stage"]), label)

"""A rule on any one feature, as a baseline of what this feature knows alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from crm_ml.models.feature_rule import FeatureRule


@dataclass(kw_only=True, eq=False)
class OneFeatureRule(FeatureRule):
    """Probability given one feature.

    Parameters
    ----------
    column : str
        Name of the feature.
    """

    column: str = "rfm_days_since_order"

    @property
    def feature(self) -> str:
        """Name of the feature."""
        return self.column

    def save(self, folder: Path) -> None:
        """Write name and curve into an existing folder."""
        super().save(folder)
        (folder / "column.txt").write_text(self.column + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a rule that `save` wrote."""
        rule = super().load(folder)
        rule.column = (folder / "column.txt").read_text(encoding="utf-8").removesuffix("\n")
        return rule

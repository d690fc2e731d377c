"""A model and the calibrator that was fitted to its scores of a later snapshot."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crm_ml.evaluation import calibrators
from crm_ml.models.checks import Floats
from crm_ml.models.model_folder import read_model, write_model

if TYPE_CHECKING:
    import pandas as pd

_CALIBRATOR, _MODEL = "calibrator.json", "model"


@dataclass(frozen=True, eq=False)
class CalibratedModel:
    """Probabilities of a fitted model, calibrated.

    Parameters
    ----------
    model : Model
        Fitted.
    calibrator : crm_ml.evaluation.calibrators.Calibrator
        From `crm_ml.evaluation.calibration.fit_calibrator`.
    """

    model: Any
    calibrator: calibrators.Calibrator

    def predict(self, X: "pd.DataFrame") -> Floats:
        """Return the calibrated probability of each row, shape (n,)."""
        return self.calibrator.predict(self.model.predict(X))

    def reasons(self, X: "pd.DataFrame", top: int = 3, raising: bool = False) -> "pd.DataFrame":
        """Return the reasons of the model, in log-odds before calibration."""
        reasons: pd.DataFrame = self.model.reasons(X, top, raising)
        return reasons

    def save(self, folder: Path) -> None:
        """Write model and calibrator into an existing folder."""
        calibrators.save(self.calibrator, folder / _CALIBRATOR)
        write_model(self.model, folder / _MODEL)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(read_model(folder / _MODEL), calibrators.load(folder / _CALIBRATOR))

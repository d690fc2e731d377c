"""A model and the calibrator that was fitted to its scores of a later snapshot."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation import calibrators
from crm_ml.models.checks import Floats
from crm_ml.models.model_folder import read_model, write_model
from crm_ml.models.predictor import HAPPENED, Predictor

if TYPE_CHECKING:
    import pandas as pd

_CALIBRATOR, _MODEL = "calibrator.json", "model"


@dataclass(eq=False)
class CalibratedModel(Predictor):
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

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The labels of the model, shape (2,)."""
        return np.asarray(getattr(self.model, "classes_", HAPPENED))

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the calibrated probability of each row, shape (n,)."""
        return self.calibrator.predict(self.model.predict_proba(X)[:, 1])

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

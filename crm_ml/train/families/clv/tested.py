"""The chosen pair of value models, and what it predicted for the test window."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_ml.clv import model_selection
from crm_ml.clv.cautions import Caution
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.totals import Total
from crm_ml.clv.validation_windows import ValidationWindow
from crm_ml.clv.value_calibration import Tilt
from crm_ml.evaluation.significance import Evaluation
from crm_ml.evaluation.value_predictions import ValuePredictions


@dataclass(frozen=True, eq=False)
class Chosen:
    """What validation chose, with what was learned for it there; see `model_selection.level_errors`."""

    choice: model_selection.Choice
    judged: Evaluation
    tilt: Tilt
    level_errors: Sequence[float] = ()
    is_seasonal: bool = False


@dataclass(frozen=True, eq=False)
class Tested:
    """The test window with what the model and the baselines said of it; `total` may say why there is none."""

    window: ValidationWindow
    model: ClvModel
    value: ValuePredictions
    purchases: ValuePredictions
    total: Total | str
    cautions: Sequence[Caution]

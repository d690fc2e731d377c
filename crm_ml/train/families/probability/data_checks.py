"""What a run says of its data beside its metrics: signs of leaks, and shifts from training to test."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crm_ml.evaluation import leakage
from crm_ml.evaluation.leak_frame import LeakLook
from crm_ml.evaluation.leak_looks import look_for_leaks
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.row_draw import evenly
from crm_ml.monitoring.window_shift import feature_shifts, rate_shifts, shift_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_ml.train.families.probability.study import Study


@dataclass(frozen=True, eq=False)
class DataChecks:
    """Checks of the rows of a run, none of which fails a gate.

    Parameters
    ----------
    single_auc : mapping of str to float
        Of each feature alone.
    looks : tuple of LeakLook
    rates, features : pandas.DataFrame
        Shifts between training and test, see `crm_ml.monitoring.window_shift`.
    """

    single_auc: "Mapping[str, float]"
    looks: tuple[LeakLook, ...]
    rates: pd.DataFrame
    features: pd.DataFrame

    @classmethod
    def of(cls, study: "Study", rows: LabelledRows) -> "DataChecks":
        """Check the used rows of a study.

        Features of all tests are compared with what trains for the first, rates fold by fold.

        Raises
        ------
        LeakError
            If a feature gives the label away.
        """
        allow = study.config.allow_leaks
        judged = rows.to_judge()
        single_auc = leakage.check_leaks(judged.X, judged.y, allow)
        rows_by_fold = {
            str(each.test): (rows.to_train(each.training), rows.to_judge([each.test])) for each in study.folds
        }
        parts = (
            evenly(rows.to_train(study.folds[0].training)),
            rows.to_judge([each.test for each in study.folds]),
        )
        customers = parts[0].customer_id.nunique(), parts[1].customer_id.nunique()
        return cls(
            single_auc,
            look_for_leaks(judged.X, judged.y, single_auc, allow),
            rate_shifts(
                {fold: (then.y.to_numpy(), now.y.to_numpy()) for fold, (then, now) in rows_by_fold.items()},
                {fold: then.weights for fold, (then, _) in rows_by_fold.items()},
            ),
            feature_shifts(parts[0].X, parts[1].X, customers),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the end of a run and for its card."""
        return (*map(str, self.looks), *shift_texts(self.rates, self.features))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return looks, rates and movements of features."""
        columns = [field for field in LeakLook.__dataclass_fields__]
        looks = pd.DataFrame([vars(look) for look in self.looks], columns=columns)
        return {"looks": looks, "rate_shifts": self.rates, "feature_shifts": self.features}

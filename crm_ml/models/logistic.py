"""The linear baseline: logistic regression on transformed features."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from crm_ml.models.encoding import Encoding
from crm_ml.models.estimator import as_table
from crm_ml.models.feature_reasons import top_reasons
from crm_ml.models.linear_terms import LIMIT, LinearTerms, bent, number_places, widths
from crm_ml.models.predictor import Predictor
from crm_ml.models.training_rows import TrainingRows
from crm_ml.tables.part_file import check_shapes, read_arrays, read_options

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_ARRAYS, _ENCODING, _PARAMETERS = "coefficients.npz", "encoding.json", "parameters.json"


@dataclass(kw_only=True, eq=False)
class Logistic(Predictor):
    """Logistic regression with an L2 penalty.

    Numbers become ``sign(x) * log(1 + |x|)``, are standardised and cut at 5 standard deviations, so that one
    extreme amount can't dominate; a missing number becomes the mean and sets an indicator. Categories are
    one-hot, with one level for what is missing or unseen.

    Parameters
    ----------
    strength : float
        Weight of the data against the penalty (scikit-learn's C).
    max_iterations : int
    signed_logs : bool
        Whether numbers become signed logs; otherwise they are standardised and cut as they are.
    """

    strength: float = 0.1
    max_iterations: int = 2000
    signed_logs: bool = True

    def fit(
        self,
        X: "pd.DataFrame | npt.ArrayLike",
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn the coefficients; parameters and errors as `crm_ml.models.gradient_boosting`."""
        return self.fit_rows(TrainingRows.of(self.objective, *self._to_fit(X, y, sample_weight)))

    def fit_rows(self, rows: TrainingRows) -> Self:
        """Learn the coefficients from encoded rows."""
        from threadpoolctl import threadpool_limits

        self.encoding_ = rows.encoding
        matrix = self._bend(rows.matrix)
        known = np.isfinite(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        self.mean_ = np.where(known, matrix, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, matrix - self.mean_, 0.0) ** 2).sum(axis=0) / count)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        design = self._design(matrix)
        with threadpool_limits(1, "blas"):
            self.coefficients_, self.intercept_ = self._solve(design, rows.y, rows.weights)
        self.centre_ = design.mean(axis=0)
        return self._learned()

    def _solve(self, design: Floats, y: Floats, weights: Floats) -> tuple[Floats, float]:
        """Return coefficients and intercept for the columns of the design."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=self.strength, max_iter=self.max_iterations)
        model.fit(design, y, sample_weight=weights)
        return np.asarray(model.coef_[0]), float(model.intercept_[0])

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the probability of each row, shape (n,); raises as gradient boosting."""
        from scipy.special import expit

        return np.asarray(expit(self.margin(X)))

    def margin(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the log-odds of each row, shape (n,); raises as `expected`."""
        chunks = self._fitted_encoding().chunks(as_table(X, self))
        return np.concatenate([self.margin_of(matrix) for matrix in chunks])

    def margin_of(self, matrix: Floats) -> Floats:
        """Return the margin of each row of an encoded matrix, shape (n,)."""
        return self.terms_.margin(matrix)

    def contributions(self, X: "pd.DataFrame") -> "pd.DataFrame":
        """Return the contribution of each feature to the margin, relative to its mean over the training rows.

        Returns
        -------
        pandas.DataFrame, shape (n, k + 1)
            Indexed like X; columns are the used features and ``base``. Each row sums to the margin.
        """
        import pandas as pd

        X = as_table(X, self)
        terms = (self._rows(X) - self.centre_) * self.coefficients_
        starts = np.cumsum([0, *widths(self.encoding_)])[:-1]
        sums = np.add.reduceat(terms, starts, axis=1)
        table = pd.DataFrame(sums, index=X.index, columns=list(self.encoding_.columns))
        return table.assign(base=self.intercept_ + float(self.centre_ @ self.coefficients_))

    def reasons(self, X: "pd.DataFrame", top: int = 3, raising: bool = False) -> "pd.DataFrame":
        """Return the features that move the margin of each row most; see `crm_ml.models.feature_reasons`."""
        return top_reasons(self.contributions(X), top, raising)

    def save(self, folder: Path) -> None:
        """Write coefficients as npz, encoding and parameters as JSON, into an existing folder."""
        self.encoding_.save(folder / _ENCODING)
        np.savez(
            folder / _ARRAYS,
            mean=self.mean_,
            scale=self.scale_,
            centre=self.centre_,
            coefficients=self.coefficients_,
            intercept=np.array([self.intercept_]),
        )
        parameters = {name: getattr(self, name) for name in ("strength", "max_iterations", "signed_logs")}
        (folder / _PARAMETERS).write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote."""
        model = cls(**read_options(folder / _PARAMETERS, cls))
        model.encoding_ = Encoding.load(folder / _ENCODING)
        model._features_of(model.encoding_)
        arrays, design = read_arrays(folder / _ARRAYS), widths(model.encoding_)
        features, columns = (len(design),), (sum(design),)
        check_shapes(folder / _ARRAYS, arrays, {
            "mean": features, "scale": features, "centre": columns, "coefficients": columns, "intercept": (1,)
        })  # fmt: skip
        model.mean_, model.scale_, model.centre_ = arrays["mean"], arrays["scale"], arrays["centre"]
        model.coefficients_, model.intercept_ = arrays["coefficients"], float(arrays["intercept"][0])
        return model._learned()

    def _rows(self, X: "pd.DataFrame") -> Floats:
        encoding = self._fitted_encoding()
        return self._design(self._bend(encoding.encode(X)))

    def _fitted_encoding(self) -> Encoding:
        if not hasattr(self, "coefficients_"):
            raise self._not_fitted()
        return self.encoding_

    def _learned(self) -> Self:
        coefficients = self.coefficients_, self.intercept_
        self.terms_ = LinearTerms.of(self.encoding_, self.mean_, self.scale_, *coefficients, self.signed_logs)
        return self

    def _bend(self, matrix: Floats) -> Floats:
        result = matrix.copy()
        for place in number_places(self.encoding_) if self.signed_logs else ():
            result[:, place] = bent(np.ascontiguousarray(matrix[:, place]))
        return result

    def _design(self, matrix: Floats) -> Floats:
        """Return the columns of the regression from bent numbers and category codes."""
        parts = []
        for position, name in enumerate(self.encoding_.columns):
            values = np.ascontiguousarray(matrix[:, position])
            missing = np.isnan(values)
            if name in self.encoding_.categories:
                levels = len(self.encoding_.categories[name].levels) + self.encoding_.categories[name].bucket
                parts += [*(values == code for code in range(levels)), missing]
            else:
                scaled = (
                    np.where(missing, self.mean_[position], values) - self.mean_[position]
                ) / self.scale_[position]
                parts += [np.clip(scaled, -LIMIT, LIMIT), missing]
        return np.array(parts, dtype=np.float64).T

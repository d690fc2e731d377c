"""What scikit-learn asks of every estimator, without importing it: parameters, tags, named features."""

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.outside_frames import as_features

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Tags


class Estimator:
    """Base of classes that store the parameters of their ``__init__`` under the same names.

    `sklearn.base.clone`, pipelines and searches take them. scikit-learn is imported when it asks for tags or
    an array comes in, not before.
    """

    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]
    _by_name: bool = False  # whether it learned from a frame, so that an array is refused

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; with `deep` those of estimators in them as ``name__parameter``."""
        own = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        inner = {
            f"{name}__{key}": value
            for name, part in own.items()
            if deep and isinstance(part, Estimator)
            for key, value in part.get_params().items()
        }
        return own | inner

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters, all or none.

        Raises
        ------
        InputError
            If there is no such parameter, or the class refuses a value.
        """
        own = self.get_params(deep=False)
        inner: dict[str, dict[str, Any]] = {}
        for key, value in parameters.items():
            name, _, rest = key.partition("__")
            if name not in own or (rest and not isinstance(own[name], Estimator)):
                raise InputError(f"{type(self).__name__} has no parameter {key}; it has {', '.join(own)}")
            if rest:
                inner.setdefault(name, {})[rest] = value
            else:
                own[name] = value
        try:
            type(self)(**own)  # refuses what the class refuses, before anything is set
        except ConfigError as error:
            raise InputError(str(error)) from error
        for name, value in own.items():
            setattr(self, name, value)
        for name, values in inner.items():
            own[name].set_params(**values)
        return self

    def __sklearn_tags__(self) -> "Tags":
        from sklearn.utils import InputTags, Tags, TargetTags

        inputs = InputTags(string=True, categorical=True, allow_nan=True)
        return Tags(estimator_type=None, target_tags=TargetTags(required=True), input_tags=inputs)

    def _not_fitted(self) -> InputError:
        """Return the error of a model that has learned nothing, which is scikit-learn's too."""
        return _not_fitted(f"{type(self).__name__} is not fitted; call fit first")

    def _frame_to_fit(self, X: Any) -> "pd.DataFrame":
        """Return features as a frame and learn how many there are, and their names where they have some."""
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
        self._by_name = False
        table = as_table(X, self)
        self.n_features_in_ = table.shape[1]
        self._by_name = is_frame(X)
        if self._by_name:
            self.feature_names_in_ = np.asarray(table.columns, dtype=object)
        return table


def as_table(X: Any, estimator: Any = None) -> "pd.DataFrame":
    """Return features as a frame of pandas; the columns of an array are called x0, x1 and so on.

    Names that are no texts become texts.

    Parameters
    ----------
    X : frame of pandas, Polars or Arrow, or array-like, shape (n, k)
    estimator : Estimator, optional
        Who asks; one that learned from a frame takes no array, and an array must have as many columns as
        that of its fit.

    Raises
    ------
    InputError
        If it is no frame in memory, an array of another width, or one where the names of a frame were
        learned.
    ValueError, TypeError
        As `sklearn.utils.check_array`, if an array is not two-dimensional, empty, sparse, or no numbers.
    """
    import pandas as pd

    if is_frame(X) or not _is_array(X):
        table = as_features(X)
        named = all(isinstance(name, str) for name in table.columns)
        return table if named else table.set_axis([str(name) for name in table.columns], axis=1)
    if getattr(estimator, "_by_name", False):
        raise InputError(
            f"X is an array, but {type(estimator).__name__} learned from a frame and finds columns by their "
            "names; give a frame, for in an array columns that changed places score silently"
        )
    from sklearn.utils import check_array

    values = X if hasattr(X, "toarray") else np.asarray(X)  # a sparse one is refused
    plain = hasattr(X, "toarray") or values.dtype.kind in "biufc"
    values = check_array(
        values if plain else numbers(values, "X"), ensure_all_finite="allow-nan", estimator=estimator
    )
    known = getattr(estimator, "n_features_in_", values.shape[1])
    if values.shape[1] != known:
        raise InputError(
            f"X has {values.shape[1]} features, but {type(estimator).__name__} is expecting {known} features "
            "as input"
        )
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(values.shape[1])])


def has_index(X: Any, table: "pd.DataFrame") -> bool:
    """Return whether features had an index before they became a table, which labels may be put into order by.

    An array has none, and neither has a frame of Polars or Arrow without the column customer_id.
    """
    return hasattr(X, "iloc") or table.index.name is not None


def by_position(values: Any) -> Any:
    """Return the values of a Series or frame without their index, and anything else as it is."""
    return values.to_numpy() if hasattr(values, "iloc") else values


def is_frame(X: Any) -> bool:
    """Return whether features are a frame in memory, of pandas, Polars or Arrow."""
    import narwhals as nw

    return nw.dependencies.is_into_dataframe(X)


@cache
def _not_fitted_error() -> type[InputError]:
    from sklearn.exceptions import NotFittedError

    pickled = {"__reduce__": lambda error: (_not_fitted, error.args)}
    return type("NotFitted", (InputError, NotFittedError), pickled)


def _not_fitted(message: str) -> InputError:
    return _not_fitted_error()(message)


def _is_array(X: Any) -> bool:
    return isinstance(X, list | tuple) or hasattr(X, "__array__") or hasattr(X, "toarray")

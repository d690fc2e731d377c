"""The rows of an experiment, and their checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.errors import InputError, LeakError
from crm_ml.evaluation import leakage
from crm_ml.models.estimator import as_table
from crm_ml.models.logistic import Floats
from crm_ml.tables.cell_shape import label
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.outside_frames import aligned

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 30
MOST_NAMED = 10
LARGEST_AUC = 0.99
_TOLERANCE = 1e-6
Probability = float | Mapping[Any, float] | npt.ArrayLike


@dataclass(frozen=True, eq=False)
class Experiment:
    """Checked features, arms and outcomes.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
    arm : numpy.ndarray of int, shape (n,)
        0 = control, then the treated arms in the order of `arms`.
    arms : tuple of str
        Names of the treated arms, in ascending order.
    y : numpy.ndarray, shape (n,)
    binary : bool
        Whether outcomes are 0 and 1.
    probability : numpy.ndarray, shape (n, 1 + len(arms)), optional
        Known probability of each arm; None where it must be estimated.
    outcome_models : dict
        Models of the outcome that learned from the rows of an arm, by the arm, parameters and weights.
    """

    X: "pd.DataFrame"
    arm: npt.NDArray[np.int64]
    arms: tuple[str, ...]
    y: Floats
    binary: bool
    probability: Floats | None = None
    outcome_models: dict[tuple[int, str], Any] = field(default_factory=dict, repr=False)

    def outcome_model(self, arm: int, make: Callable[[int], Any], weighed: bool = False) -> Any:
        """Return a model of the outcome in an arm; learners of equal parameters share one.

        `make` returns an unfitted one for a number of rows; `weighed` rows count by `weights`.
        """
        inside = self.arm == arm
        weights = self.weights(arm) if weighed else None
        unfitted = make(int(inside.sum()))
        key = arm, f"{unfitted!r} {None if weights is None else hash(weights.tobytes())}"
        if key not in self.outcome_models:
            self.outcome_models[key] = unfitted.fit(self.X[inside], self.y[inside], weights)
        return self.outcome_models[key]

    def weights(self, arm: int) -> Floats | None:
        """Return one over the probability of an arm for its rows, 1 on average; None where all are equal."""
        if self.probability is None:
            return None
        inverse = 1 / self.probability[self.arm == arm, arm]
        return None if np.ptp(inverse) == 0 else np.asarray(inverse / inverse.mean())

    def folds(self, count: int, seed: int) -> npt.NDArray[np.int64]:
        """Return a fold for each row; all rows of a customer have the same."""
        named = "customer_id" in self.X.index.names
        ids = self.X.index.get_level_values("customer_id") if named else np.arange(len(self.X)).astype(str)
        return customer_folds(np.asarray(ids, dtype=str), count, key=f"cross-fit {seed}")

    def rows(self, keep: npt.NDArray[np.bool_]) -> "Experiment":
        """Return some of the rows."""
        p = None if self.probability is None else self.probability[keep]
        return Experiment(self.X[keep], self.arm[keep], self.arms, self.y[keep], self.binary, p)


def check_experiment(
    X: "pd.DataFrame | npt.ArrayLike",
    treatment: npt.ArrayLike,
    y: npt.ArrayLike,
    control: object = 0,
    probability: Probability | None = None,
) -> Experiment:
    """Return the rows of an experiment, or refuse them with all breaches in one error.

    Parameters
    ----------
    X : pandas.DataFrame or array-like, shape (n, k)
        Numbers and categories; a frame of Polars or Arrow is taken as well.
    treatment : array-like, shape (n,)
        Names or numbers of arms. Treatment, outcomes and probabilities with an index are put into the order
        of the index of X.
    y : array-like of float, shape (n,)
    control : object
        Which value of `treatment` is the untreated arm.
    probability : float, mapping or array-like, optional
        Known: of the one treated arm, of each arm by name, or (n,) or (n, arms) with the control first.

    Raises
    ------
    InputError
        If lengths or indices differ, a value is NaN, infinite or no number, there is one arm only, the
        control is missing, an arm has fewer than 30 rows, the outcome does not vary within an arm, or a
        probability is not within 0 and 1.
    LeakError
        If a single feature predicts who was treated.
    """
    frame = as_table(X)
    names = _names(aligned(treatment, frame.index, "treatment"))
    outcomes = numbers(aligned(y, frame.index, "y"), "y")
    if outcomes.shape != (len(frame),) or names.shape != (len(frame),):
        raise InputError(
            f"{len(frame):,} rows, treatment of shape {names.shape}, y of shape {outcomes.shape}"
        )
    untreated = arm_name(control)
    arms = tuple(sorted(set(names.tolist()) - {untreated, ""}))
    breaches = _breaches(names, outcomes, arms, untreated)
    if breaches:
        raise InputError(f"experiment: {'; '.join(breaches)}")
    codes = np.zeros(len(names), dtype=np.int64)
    for number, arm in enumerate(arms, 1):
        codes[names == arm] = number
    _refuse_separation(frame, codes, arms)
    p = aligned(probability, frame.index, "probability")
    known = None if p is None else _known(p, arms, untreated, len(frame))
    return Experiment(frame, codes, arms, outcomes, _binary(outcomes), known)


def _names(treatment: npt.ArrayLike) -> npt.NDArray[np.str_]:
    import pandas as pd

    place, arms = pd.factorize(np.asarray(treatment, dtype=object).ravel())  # missing is -1, the last name
    return np.array([*map(arm_name, arms.tolist()), ""], dtype=str)[place]


def arm_name(value: object) -> str:
    """Return the name of an arm: 1, 1.0 and True are one arm, missing values are ""."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool | np.bool_ | int | float | np.number):
        number = float(value)
        return str(int(number)) if number == int(number) else str(number)
    return str(value)


def _binary(y: Floats) -> bool:
    return bool(np.isin(y, (0, 1)).all())


def _breaches(names: npt.NDArray[np.str_], y: Floats, arms: Sequence[str], control: str) -> list[str]:
    rows, breaches = len(y), []
    missing, bad = int((names == "").sum()), int((~np.isfinite(y)).sum())
    breaches += [f"treatment is missing in {missing:,} of {rows:,} rows"] if missing else []
    breaches += [f"y is NaN or infinite in {bad:,} of {rows:,} rows"] if bad else []
    present = [control, *arms] if (names == control).any() else list(arms)
    if control not in present:
        shown = _listed([*map(label, arms)]) or "none"
        breaches.append(f"no row of the control {control!r} among arms {shown}; set control")
    elif not arms:
        breaches.append(f"all {rows:,} rows are of one arm, {control!r}; an effect needs a treated one too")
    small = {arm: int((names == arm).sum()) for arm in present}
    few = [f"{label(arm)} has {n:,}" for arm, n in small.items() if n < FEWEST]
    breaches += [f"an arm needs at least {FEWEST} rows: {_listed(few)}"] if few else []
    if not breaches and _binary(y):
        flat = [arm for arm in present if len(np.unique(y[names == arm])) < 2]
        rates = ", ".join(f"{label(arm)} {y[names == arm].mean():.0%}" for arm in flat)
        if flat:
            breaches.append(f"y is the same for all rows of an arm ({rates} positive); take a longer window")
    elif not breaches and np.ptp(y) == 0:
        breaches.append(f"y is {y[0]:g} in every row; nothing can be learned")
    return breaches


def _listed(names: Sequence[str]) -> str:
    """Return some names, or how many there are: many arms are customers' values by mistake."""
    return ", ".join(names) if len(names) <= MOST_NAMED else f"{len(names):,} different ones"


def _refuse_separation(X: "pd.DataFrame", arm: npt.NDArray[np.int64], arms: Sequence[str]) -> None:
    named = []
    for number, name in enumerate(arms, 1):
        keep = (arm == 0) | (arm == number)
        areas = leakage.check_leaks(X[keep], (arm[keep] == number).astype(float), limit=2.0)
        named += [
            f"{feature} (AUC {area:.4f} for {name})" for feature, area in areas.items() if area > LARGEST_AUC
        ]
    if named:
        raise LeakError(
            f"the arm follows from a feature: {', '.join(named)}; drop what was recorded after the draw or "
            "because of it, or compare customers who could have been in either arm"
        )


def _known(probability: Probability, arms: Sequence[str], control: str, rows: int) -> Floats:
    columns = [control, *arms]
    if isinstance(probability, Mapping):
        named = {arm_name(arm): float(p) for arm, p in probability.items()}
        missing = [arm for arm in columns if arm not in named]
        if missing:
            raise InputError(f"probability: none for {', '.join(missing)}; give one for each arm")
        known = np.tile([named[arm] for arm in columns], (rows, 1))
    else:
        values = numbers(_by_arm(probability, columns), "probability")
        if values.ndim < 2 and len(arms) == 1:
            values = np.broadcast_to(values, (rows,))
            values = np.column_stack([1 - values, values])
        known = values
    if known.shape != (rows, len(columns)):
        raise InputError(f"probability has shape {known.shape}; give one for each of {rows:,} rows and arms")
    wrong = int((~((known > 0) & (known < 1)).all(axis=1)).sum())
    off = int((known.sum(axis=1) > 1 + _TOLERANCE).sum())
    if wrong or off:
        raise InputError(
            f"probability: {wrong:,} of {rows:,} rows are not within 0 and 1, {off:,} sum to more than 1"
        )
    return np.asarray(known)


def _by_arm(probability: Any, columns: Sequence[str]) -> Any:
    """Return the columns of a frame in the order of the arms; anything else as it is."""
    import pandas as pd

    if not isinstance(probability, pd.DataFrame):
        return probability
    named = [arm_name(name) for name in probability.columns]
    if sorted(named) != sorted(columns):
        raise InputError(
            f"probability: its columns are not {_listed([*map(label, columns)])}; give one for each arm"
        )
    return probability.set_axis(named, axis=1)[list(columns)]

"""Value of a policy that sets an amount, such as the depth of a coupon, from logged random amounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import Direct
from crm_ml.evaluation.limit_choice import By, Choice, choice_of
from crm_ml.evaluation.policy_estimators import interval_of_weighted
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.rare_events import deviations
from crm_ml.evaluation.significance import Interval

_CANDIDATES = 10
KERNELS: dict[str, Callable[[Floats], Floats]] = {
    "epanechnikov": lambda u: 0.75 * np.clip(1 - u**2, 0, None),
    "triangular": lambda u: np.clip(1 - np.abs(u), 0, None),
    "cosine": lambda u: np.where(np.abs(u) < 1, np.pi / 4 * np.cos(u * np.pi / 2), 0.0),
    "gaussian": lambda u: np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi),
}


@dataclass(frozen=True, eq=False)
class LoggedAmounts:
    """Rows of a log of amounts, with the amount that a target policy would set.

    Parameters
    ----------
    reward : array-like of float, shape (n,)
        Net of what the amount costs.
    amount, target_amount : array-like of float, shape (n,)
        Of the log and of the target, in one unit.
    density : array-like of float, shape (n,)
        Density of the logged amount under the policy that made the log, above 0: for amounts drawn evenly
        between 5 and 25 % it is 1 / .20 where amounts are shares.
    direct : Direct, optional
        Expected reward at the logged amount and at the target's, for the doubly robust value.

    Raises
    ------
    InputError
        If shapes differ, a value is NaN or infinite, or a density is not above 0; the message lists all.
    """

    reward: Floats
    amount: Floats
    density: Floats
    target_amount: Floats
    direct: Direct | None = None

    def __post_init__(self) -> None:
        names = ("reward", "amount", "density", "target_amount")
        columns = {name: as_floats(name, getattr(self, name)) for name in names}
        if self.direct is not None:
            columns |= {
                "direct.logged": as_floats("direct", self.direct.logged),
                "direct.target": as_floats("direct", self.direct.target),
            }
        shapes = [column.shape for column in columns.values()]
        n = len(columns["reward"]) if columns["reward"].ndim == 1 else 0
        if n < 2 or any(shape != (n,) for shape in shapes):
            raise InputError(f"amounts: columns have shapes {shapes}; give two rows or more in each")
        odd = {f"{name} is NaN or infinite": ~np.isfinite(values) for name, values in columns.items()}
        odd["density is not above 0"] = columns["density"] <= 0
        breaches = [f"{what} in {int(bad.sum()):,} of {n:,} rows" for what, bad in odd.items() if bad.any()]
        if breaches:
            raise InputError(f"amounts: {'; '.join(breaches)}")
        for name in names:
            object.__setattr__(self, name, columns[name])
        model = [columns[name] for name in columns if name.startswith("direct.")]
        object.__setattr__(self, "direct", Direct(*model) if model else None)


def amount_value(
    rows: LoggedAmounts, bandwidth: float, kernel: str = "epanechnikov", self_normalised: bool = True
) -> Interval:
    """Return the mean reward of a row at the amounts of the target, with its 95 % interval.

    Parameters
    ----------
    rows : LoggedAmounts
    bandwidth : float
        How far a logged amount may lie from the target's to count, in its unit, above 0. The wider, the less
        spread and the more bias, which the interval does not count; see `choose_bandwidth`.
    kernel : {"epanechnikov", "triangular", "cosine", "gaussian"}
    self_normalised : bool
        Divide by the mean weight, without which amounts at the edge of those tried count too little.

    Raises
    ------
    InputError
        If the bandwidth or the kernel is none, or no logged amount is within reach of the target's.

    Notes
    -----
    Weights ``K((target - amount) / h) / (h density)`` stand in for those of actions, and the doubly robust
    form for that of DR [1]_.

    References
    ----------
    .. [1] Kallus and Zhou (2018). Policy evaluation and optimization with continuous treatments. AISTATS,
       equations 4 and 8.

    Examples
    --------
    >>> rows = LoggedAmounts([4, 2, 9], [0.10, 0.12, 0.30], [5, 5, 5], [0.11, 0.11, 0.11])
    >>> round(amount_value(rows, bandwidth=0.05).value, 6)
    3.0
    """
    weight = _weight(rows, bandwidth, kernel)
    if not weight.any():
        raise InputError(
            f"none of {len(weight):,} logged amounts is within {bandwidth:g} of the target's; "
            "there is nothing to learn, or take a larger bandwidth"
        )
    zero = np.zeros_like(weight)
    logged, target = (zero, zero) if rows.direct is None else (rows.direct.logged, rows.direct.target)
    event = deviations(rows.reward, zero)
    return interval_of_weighted(rows.reward - logged, target, weight, event, self_normalised)


def choose_bandwidth(
    rows: LoggedAmounts,
    bandwidths: Sequence[float] | None = None,
    by: By = "effective_rows",
    kernel: str = "epanechnikov",
    self_normalised: bool = True,
) -> Choice:
    """Choose the bandwidth from the log itself; see `crm_ml.evaluation.limit_choice.choose_limit`.

    Parameters
    ----------
    rows : LoggedAmounts
    bandwidths : sequence of float, optional
        By default ten, from a hundredth of the range of the logged amounts to its half.
    by : {"effective_rows", "slope"}
    kernel, self_normalised
        As `amount_value`.

    Raises
    ------
    InputError
        As `amount_value`, or if all logged amounts are the same.
    """
    if bandwidths is None:
        reach = float(np.ptp(rows.amount))
        if not reach > 0:
            raise InputError(f"all {len(rows.amount):,} logged amounts are {rows.amount[0]:g}; vary them")
        bandwidths = [float(each) for each in np.geomspace(reach / 100, reach / 2, _CANDIDATES)]
        near = float(np.abs(rows.target_amount - rows.amount).min())
        bandwidths = [each for each in bandwidths if each > near] or [2 * near]

    def judged(bandwidth: float) -> tuple[Interval, Floats]:
        value = amount_value(rows, bandwidth, kernel, self_normalised)
        return value, _weight(rows, bandwidth, kernel)

    return choice_of(sorted(bandwidths), judged, by)


def _weight(rows: LoggedAmounts, bandwidth: float, kernel: str) -> Floats:
    if kernel not in KERNELS or not (np.isfinite(bandwidth) and bandwidth > 0):
        raise InputError(
            f"bandwidth {bandwidth!r} of the kernel {kernel!r}; give a number above 0 and one of "
            f"{', '.join(KERNELS)}"
        )
    near = KERNELS[kernel]((rows.target_amount - rows.amount) / bandwidth)
    return np.asarray(near / (bandwidth * rows.density))

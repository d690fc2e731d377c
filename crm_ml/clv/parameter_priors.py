"""Weak priors of the parameters of purchase and spend models, in the space in which they are searched for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Normal:
    """Mean and standard deviation of a prior."""

    mean: float
    sd: float

    def log_density(self, value: float) -> float:
        """Return the logarithm of the density, up to a constant."""
        return -0.5 * ((value - self.mean) / self.sd) ** 2

    def slope(self, value: float) -> float:
        """Return the derivative of `log_density`."""
        return (self.mean - value) / self.sd**2


SHAPE = Normal(math.log(0.7), 1.2)
MEAN_GAP = Normal(0.0, 2.0)
DROPOUT = Normal(math.log(0.2), 1.3)
COIN_SIZE = Normal(math.log(3.0), 1.2)
LIFETIME = Normal(math.log(3.0), 2.0)
COEFFICIENT = Normal(0.0, 1.0)  # of a covariate's standard deviation
SPEND_SHAPE, SPEND_TAIL, MEAN_SPEND = Normal(math.log(4.0), 1.5), Normal(math.log(2.0), 1.2), Normal(0.0, 1.0)


def prior_of(names: Sequence[str], theta: Floats) -> tuple[float, Floats]:
    """Return the logarithm of the prior of a purchase model's parameters, and its gradient.

    Parameters
    ----------
    names : sequence of str
        Of the parameters; those after the first four are coefficients of covariates.
    theta : numpy.ndarray, shape (d,)
        Logarithms, times in the mean age; coefficients of covariates with a deviation of 1.

    Notes
    -----
    See decision 88: mean gap within a factor of 50 of the mean age; shape of the rates .07 to 7; drop-out at
    a purchase 2 to 72 %; lifetimes .06 to 150 mean ages; a deviation of a covariate changes a rate by a
    factor of .14 to 7.
    """
    shape, gap, third, fourth, *coefficients = theta.tolist()
    value = SHAPE.log_density(shape) + MEAN_GAP.log_density(gap - shape)
    of_gap = MEAN_GAP.slope(gap - shape)
    if "a" in names:
        size, share = float(np.logaddexp(third, fourth)), 1 / (1 + math.exp(fourth - third))
        value += DROPOUT.log_density(third - fourth) + COIN_SIZE.log_density(size)
        of_odds, of_size = DROPOUT.slope(third - fourth), COIN_SIZE.slope(size)
        last = [of_odds + of_size * share, -of_odds + of_size * (1 - share)]
    else:
        value += SHAPE.log_density(third) + LIFETIME.log_density(fourth - third)
        of_life = LIFETIME.slope(fourth - third)
        last = [SHAPE.slope(third) - of_life, of_life]
    value += sum(COEFFICIENT.log_density(each) for each in coefficients)
    slopes = [SHAPE.slope(shape) - of_gap, of_gap, *last, *map(COEFFICIENT.slope, coefficients)]
    return value, np.array(slopes)

"""Simulated settings of Nie and Wager and of Wager and Athey, in which every customer's effect is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crm_ml.errors import ConfigError
from crm_ml.models.logistic import Floats

Setting = Literal["A", "B", "C", "D"]


@dataclass(frozen=True, eq=False)
class Simulated:
    """Rows with known truth: features (n, d), arms, outcomes, probabilities, effects."""

    X: Floats
    treatment: Floats
    y: Floats
    probability: Floats
    effect: Floats


Draw = Callable[[int, np.random.Generator], Simulated]


def simulate(
    setting: Setting, rows: int, rng: np.random.Generator, dimensions: int = 6, noise: float = 1.0
) -> Simulated:
    """Draw rows of a setting.

    Parameters
    ----------
    setting : {"A", "B", "C", "D"}
        A: difficult nuisance, easy effect. B: a randomised trial. C: strong confounding, constant effect.
        D: unrelated arms.
    rows : int
    rng : numpy.random.Generator
    dimensions : int
        At least 5.
    noise : float
        Standard deviation of the outcome around its mean.

    Returns
    -------
    Simulated
        ``y = b(x) + (w - 0.5) tau(x) + noise``.

    Raises
    ------
    ConfigError
        If there is no such setting, or there are fewer than five dimensions.

    References
    ----------
    .. [1] Nie and Wager (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika 108,
       section 4, setups A to D.
    """
    if setting not in ("A", "B", "C", "D") or dimensions < 5:
        raise ConfigError(f"setting {setting!r} with {dimensions} dimensions; there are A to D, from 5 on")
    uniform = setting == "A"
    X = rng.uniform(size=(rows, dimensions)) if uniform else rng.standard_normal((rows, dimensions))
    x = [X[:, column] for column in range(5)]
    probability, base, effect = {"A": _a, "B": _b, "C": _c, "D": _d}[setting](x)
    treatment = (rng.uniform(size=rows) < probability).astype(float)
    y = base + (treatment - 0.5) * effect + noise * rng.standard_normal(rows)
    return Simulated(X, treatment, y, probability, effect)


def two_steps(dimensions: int) -> Draw:
    """Return Wager and Athey's second setting: the effect is a product of two soft steps, the rest noise.

    References
    ----------
    .. [1] Wager and Athey (2018). Estimation and inference of heterogeneous treatment effects using random
       forests. JASA 113, equation 28.
    """

    def draw(rows: int, rng: np.random.Generator) -> Simulated:
        X = rng.uniform(size=(rows, dimensions))
        steps = 1 + 1 / (1 + np.exp(-20 * (X[:, :2] - 1 / 3)))
        effect = steps.prod(axis=1)
        treated = (rng.uniform(size=rows) < 0.5).astype(float)
        y = (treated - 0.5) * effect + rng.standard_normal(rows)
        return Simulated(X, treated, y, np.full(rows, 0.5), effect)

    return draw


def _a(x: list[Floats]) -> tuple[Floats, Floats, Floats]:
    wave = np.sin(np.pi * x[0] * x[1])
    base = wave + 2 * (x[2] - 0.5) ** 2 + x[3] + 0.5 * x[4]
    return np.clip(wave, 0.1, 0.9), base, (x[0] + x[1]) / 2


def _b(x: list[Floats]) -> tuple[Floats, Floats, Floats]:
    base = np.maximum.reduce([x[0] + x[1], x[2], np.zeros_like(x[0])]) + np.maximum(x[3] + x[4], 0)
    return np.full_like(x[0], 0.5), base, x[0] + np.log1p(np.exp(x[1]))


def _c(x: list[Floats]) -> tuple[Floats, Floats, Floats]:
    base = 2 * np.log1p(np.exp(x[0] + x[1] + x[2]))
    return 1 / (1 + np.exp(x[1] + x[2])), base, np.ones_like(x[0])


def _d(x: list[Floats]) -> tuple[Floats, Floats, Floats]:
    first, second = np.maximum(x[0] + x[1] + x[2], 0), np.maximum(x[3] + x[4], 0)
    return 1 / (1 + np.exp(-x[0]) + np.exp(-x[1])), (first + second) / 2, first - second

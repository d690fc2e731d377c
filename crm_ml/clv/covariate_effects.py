"""How covariates move the logarithms of a purchase model's parameters: linearly, by coefficients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crm_ml.clv.covariate_design import Design
from crm_ml.clv.purchase_histories import Floats, Ints


@dataclass(frozen=True)
class Effect:
    """A parameter, by its place, whose logarithm is raised by weight times coefficients times covariates."""

    parameter: int
    weight: float
    covariates: tuple[int, ...]
    coefficients: slice


@dataclass(frozen=True)
class Effects:
    """All effects of covariates on a model.

    Parameters
    ----------
    names : tuple of str
        Of the parameters, then of the coefficients.
    each : tuple of Effect
    """

    names: tuple[str, ...]
    each: tuple[Effect, ...]

    @classmethod
    def of(
        cls,
        parameters: Sequence[str],
        design: Design,
        processes: Mapping[str, tuple[Mapping[str, float], Sequence[str]]],
    ) -> "Effects":
        """Return the effects of some processes.

        Parameters
        ----------
        parameters : sequence of str
            Of the model without covariates.
        design : Design
        processes : mapping of str to (mapping of str to float, sequence of str)
            Of each process the weights of its parameters, and its covariates.
        """
        names, effects = [*parameters], []
        for process, (weights, sources) in processes.items():
            places = tuple(design.places(sources))
            at = slice(len(names), len(names) + len(places))
            effects += [
                Effect(parameters.index(name), weight, places, at) for name, weight in weights.items()
            ]
            names += [f"{process}.{design.columns[place].name}" for place in places]
        return cls(tuple(names), tuple(effects))

    @property
    def parameters(self) -> int:
        """Number of parameters of the model without covariates."""
        return min(int(effect.coefficients.start) for effect in self.each)

    def patterns(self, theta: Floats, patterns: Floats) -> Floats:
        """Return logarithms of the parameters at patterns of covariates, (d, g), from all numbers, (D,)."""
        rows = np.repeat(theta[: self.parameters, None], patterns.shape[1], axis=1)
        for effect in self.each:
            for coefficient, place in zip(theta[effect.coefficients], effect.covariates, strict=True):
                rows[effect.parameter] += (
                    effect.weight * coefficient * patterns[place]
                )  # in order, to the bit
        return np.asarray(rows)

    def along(self, slopes: Floats, patterns: Floats, pattern: Ints) -> Floats:
        """Return gradients by all numbers, (.., D, k), from those by the parameters, (.., d, k)."""
        longer = np.zeros((*slopes.shape[:-2], len(self.names), slopes.shape[-1]))
        longer[..., : self.parameters, :] = slopes
        for effect in self.each:
            known = patterns[list(effect.covariates)][:, pattern]
            longer[..., effect.coefficients, :] += effect.weight * slopes[..., [effect.parameter], :] * known
        return longer

    def gradient(self, slopes: Floats, patterns: Floats) -> Floats:
        """Return the gradient of a sum by all numbers, (D,), from those of each pattern, (d, g)."""
        gradient = np.zeros(len(self.names))
        gradient[: self.parameters] = slopes.sum(axis=1)
        for effect in self.each:
            moved = patterns[list(effect.covariates)] @ slopes[effect.parameter]
            gradient[effect.coefficients] += effect.weight * moved
        return gradient

    def turn(self, mean: Floats, spread: Floats) -> Floats:
        """Return the matrix that leads back from the coefficients of standardised covariates, (D, D)."""
        turn = np.eye(len(self.names))
        for effect in self.each:
            places, at = list(effect.covariates), np.arange(len(self.names))[effect.coefficients]
            turn[at, at] = 1 / spread[places]
            turn[effect.parameter, at] = -effect.weight * mean[places] / spread[places]
        return turn

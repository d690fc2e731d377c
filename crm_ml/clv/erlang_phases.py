"""The phase in which a customer is since the last purchase, if alive, and the odds of having dropped out."""

from dataclasses import dataclass

import numpy as np

from crm_ml.clv.purchase_histories import Floats, Histories


@dataclass(frozen=True, eq=False)
class Phases:
    """Odds and phases of some histories.

    Parameters
    ----------
    odds : numpy.ndarray, shape (m,)
        Log-odds of having dropped out.
    log_alive : numpy.ndarray, shape (m,)
        Logarithm of the sum of `each` over phases.
    log_each : numpy.ndarray, shape (k, m)
        Logarithm of the relative weight of each phase, 0 for phase 0.
    log_age : numpy.ndarray, shape (m,)
        ``log(alpha + T)``.
    of_dropped : numpy.ndarray, shape (4, m)
        Gradient of the logarithm of the weight of having dropped out.
    of_each : numpy.ndarray, shape (k, 4, m)
        Gradient of `log_each`; gradients are by the logarithms of r, alpha, a, b.
    """

    odds: Floats
    log_alive: Floats
    log_each: Floats
    log_age: Floats
    of_dropped: Floats
    of_each: Floats

    @property
    def of_alive(self) -> Floats:
        """Gradient of `log_alive`, shape (4, m)."""
        share = np.exp(self.log_each - self.log_alive)
        return np.asarray((share[:, None] * self.of_each).sum(axis=0))

    def slopes(self) -> Floats:
        """Return the gradient of the logarithm of the weight of all, dropped out or alive, shape (4, m)."""
        from scipy.special import expit

        gone = expit(self.odds)
        return np.asarray(gone * self.of_dropped + (1 - gone) * self.of_alive)

    def alive_with_slopes(self) -> tuple[Floats, Floats]:
        """Return P(alive), shape (m,), and the gradient of its logarithm, shape (4, m)."""
        from scipy.special import expit

        return expit(-self.odds), np.asarray(self.of_alive - self.slopes())

    def phases_with_slopes(self) -> tuple[Floats, Floats]:
        """Return P(alive, phase), shape (k, m), and the gradient of its logarithm, shape (k, 4, m)."""
        from scipy.special import expit

        share = np.exp(self.log_each - self.log_alive)
        return np.asarray(expit(-self.odds) * share), self.of_each - self.slopes()


def log_odds_dropped(theta: Floats, histories: Histories, k: int) -> Phases:
    """Return odds and phases of histories whose gaps are Erlang of shape k.

    With ``R = r + k x`` and ``u = (T - t_x) / (alpha + T)``, the weight of having dropped out at the last
    purchase is ``a / (b + x) ((alpha + T) / (alpha + t_x)) ** R``, and that of phase j ``(R)_j u ** j / j!``:
    j events without a purchase since.

    Parameters
    ----------
    theta : numpy.ndarray, shape (4,)
        Logarithms of r, alpha, a, b.
    histories : Histories
    k : int

    References
    ----------
    .. [1] Reutterer, Platzer and Schroeder (2021). Leveraging purchase regularity for predicting customer
       behavior the easy way. International Journal of Research in Marketing 38, appendix A.
    """
    r, alpha, _, b = np.exp(theta)
    x, T, t_x = histories.x, histories.T, histories.t_x
    at_T, at_t_x, power = np.log(alpha + T), np.log(alpha + t_x), r + k * x
    quiet = T - t_x
    with np.errstate(divide="ignore"):
        log_u = np.log(quiet) - at_T
    log_each, of_each = np.zeros((k, len(x))), np.zeros((k, 4, len(x)))
    for j in range(1, k):
        log_each[j] = log_each[j - 1] + np.log((power + j - 1) / j) + log_u
        of_each[j, 0] = of_each[j - 1, 0] + r / (power + j - 1)
        of_each[j, 1] = -j * alpha / (alpha + T)
    log_alive = np.logaddexp.reduce(log_each, axis=0)
    dropped = theta[2] - np.log(b + x) + power * (at_T - at_t_x)
    of_dropped = np.array(
        [
            r * (at_T - at_t_x),
            -alpha * power * quiet / ((alpha + T) * (alpha + t_x)),
            np.ones(len(x)),
            -b / (b + x),
        ]
    )
    return Phases(dropped - log_alive, log_alive, log_each, at_T, of_dropped, of_each)

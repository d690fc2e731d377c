"""Whether a predicted total may stand: judged against what would be observed if the model were right."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TotalVerdict:
    """Whether a total holds, and the figures behind it."""

    holds: bool
    reason: str


def total_verdict(
    observed: float,
    interval: tuple[float, float] | str,
    error: float,
    limit: float,
    rules: Mapping[str, float],
) -> TotalVerdict:
    """Judge the total of a test window.

    It fails only where three things come together: the observed total lies outside the 95 % prediction
    interval, so chance, unknown parameters and the misses of earlier windows don't explain it; the error is
    beyond `limit`, so it matters; and some rule without a model came closer than that, missed by less than
    half as much, or missed on the other side, so it could have been known.

    Parameters
    ----------
    observed : float
    interval : (float, float) or str
        Prediction interval of the total, or why there is none.
    error : float
        ``predicted / observed - 1``.
    limit : float
        Of `error`, above 0. Within it the order of customers and the choice between actions, whose effects
        are known no better, stay as they are, and the next calibration mends the level.
    rules : mapping of str to float
        By rule that knows the past alone, its error.

    Examples
    --------
    >>> total_verdict(100.0, (90.0, 120.0), 0.04, 0.25, {"past_count": 0.1}).holds
    True
    >>> total_verdict(100.0, (30.0, 60.0), -0.5, 0.25, {"past_count": 0.1}).reason
    'error -0.500: observed 100 outside 30 to 60, beyond the limit 0.25, and past_count came closer (+0.100)'
    >>> total_verdict(100.0, (30.0, 60.0), -0.5, 0.25, {"past_count": -0.4}).holds
    True
    """
    if isinstance(interval, str):
        head, outside = f"error {error:+.3f}: {interval}", True
    else:
        low, high = interval
        outside = not low <= observed <= high
        where = "outside" if outside else "within"
        head = f"error {error:+.3f}: observed {observed:,.0f} {where} {low:,.0f} to {high:,.0f}"
    if not outside:
        return TotalVerdict(True, head)
    if abs(error) <= limit:
        return TotalVerdict(True, f"{head}, within the limit {limit:g}")
    closer = {
        name: miss
        for name, miss in rules.items()
        if miss * error <= 0 or abs(miss) <= limit or 2 * abs(miss) < abs(error)
    }
    if closer or not rules:
        name, miss = min(closer.items(), key=lambda pair: abs(pair[1]), default=("no rule", 0.0))
        known = f"{name} came closer ({miss:+.3f})" if rules else "there is no rule to compare with"
        return TotalVerdict(False, f"{head}, beyond the limit {limit:g}, and {known}")
    missed = ", ".join(f"{name} {miss:+.3f}" for name, miss in rules.items())
    return TotalVerdict(
        True,
        f"{head}, beyond the limit {limit:g}, as every rule ({missed}): a season or drift that no past knew; "
        "test a window of the same months once a whole year is known, and read values as an order until then",
    )

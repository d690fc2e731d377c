"""How often 95 % intervals of incremental and off-policy values hold the truth, on simulated logs.

``python experiments/006_next_best_action/coverage.py`` writes coverage.json and a table of README.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from simulated_shop import COST, EARNED, SPEND_LOG, X, buying, holds, logged, policies
from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.evaluation.direct_outcomes import direct_outcomes
from crm_ml.evaluation.incremental import increment
from crm_ml.evaluation.off_policy import off_policy
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.wilson import Z95
from crm_ml.learning.calibration_of_value import share_interval

Floats = npt.NDArray[np.float64]
EXTRA_SHARE, EXTRA_CENTS = 0.05, 3_000.0  # orders that a treatment brings
FOLDS, SEED, TARGET = 5, 6, 0.93
SIZES = (500, 1_000, 2_000, 8_000)
EXPERIMENTS = ((1_000, 50), (4_000, 200), (19_000, 1_000))  # treated and held out
OFF_POLICY = ("rows", "target", "effective rows", "warned", "IPS", "SNIPS", "DR", "IPS, normal", "wider")
DIFFERENCE = ("treated", "held out", "difference", "with CUPED", "variance less")


def off_policy_draw(rows: int, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Estimate every target from one log: whether each interval holds the truth, and the effective rows."""
    context, action, reward = logged(rows, rng)
    logging, targets = policies()
    mean = EARNED * buying() - COST
    drawn = {}
    for name, target in targets.items():
        truth = float((target * mean).sum(axis=1).mean())
        pi = target[context]
        direct = direct_outcomes(reward, action, pi, X[context][:, None], np.arange(rows) % FOLDS)
        value = off_policy(reward, action, logging[context, action], pi[np.arange(rows), action], direct)
        ends = {"IPS": value.ips, "SNIPS": value.snips, "DR": value.dr}
        drawn[name] = {each: float(holds(end, truth)) for each, end in ends.items() if end is not None}
        drawn[name] |= {"effective": value.effective_rows, "warned": float(bool(value.warnings))}
        plain = _normal(pi[np.arange(rows), action] / logging[context, action] * reward)
        drawn[name]["normal"] = float(holds(plain, truth))
        drawn[name]["wider"] = (value.ips.high - value.ips.low) / (plain.high - plain.low)
    return drawn


def _normal(values: Floats) -> Interval:
    half = Z95 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Interval(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)


def difference_draw(sizes: tuple[int, int], rng: np.random.Generator) -> dict[str, float]:
    """Estimate the effect of one experiment: whether both intervals hold it, and the variance reduction."""
    treatment = np.repeat([1, 0], sizes)
    liking = rng.normal(0, 1, len(treatment))
    before, after = (np.exp(SPEND_LOG - 1 + 0.8 * liking + rng.normal(0, 0.5, len(liking))) for _ in range(2))
    bought = [rng.random(len(liking)) < 1 / (1 + np.exp(0.5 - liking)) for _ in range(2)]
    truth = 150.0
    spend = np.where(bought[1], after, 0) + np.where(
        treatment == 1, rng.binomial(1, 0.05, len(liking)) * 3000, 0
    )
    effect = increment(spend, treatment, np.where(bought[0], before, 0))
    plain, adjusted = (float(holds(each, truth)) for each in (effect.plain, effect.adjusted))
    return {"plain": plain, "adjusted": adjusted, "less": effect.variance_reduction}


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "coverage.json")
    command.add_argument("--draws", type=int, default=1000, help="of each size")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    with shown_progress() as progress:

        def draws(name: str, draw: Callable[[np.random.Generator], object]) -> list[object]:
            numbers: Iterable[int] = progress.track(range(arguments.draws), description=name)
            return [draw(np.random.default_rng([SEED, number])) for number in numbers]

        logs = {n: draws(f"{n:,} rows", lambda rng, n=n: off_policy_draw(n, rng)) for n in SIZES}
        trials = {s: draws(f"{s} customers", lambda rng, s=s: difference_draw(s, rng)) for s in EXPERIMENTS}
    _report(logs, trials, arguments.folder)


def _report(logs: Mapping[int, list], trials: Mapping[tuple[int, int], list], folder: Path) -> None:
    rows, content = [], []
    for n, draws in logs.items():
        for name in draws[0]:
            mean = {key: float(np.mean([draw[name][key] for draw in draws])) for key in draws[0][name]}
            content.append({"rows": n, "target": name, "draws": len(draws), **mean})
            cells = [_share(mean[key], len(draws)) for key in ("IPS", "SNIPS", "DR", "normal")]
            first = (f"{n:,}", name, f"{mean['effective']:,.0f}", f"{mean['warned']:.0%}")
            rows.append((*first, *cells, f"{mean['wider'] - 1:.0%}"))
    more = []
    for (treated, control), draws in trials.items():
        mean = {key: float(np.mean([draw[key] for draw in draws])) for key in draws[0]}
        content.append({"treated": treated, "held_out": control, "draws": len(draws), **mean})
        cells = [_share(mean[key], len(draws)) for key in ("plain", "adjusted")]
        more.append((f"{treated:,}", f"{control:,}", *cells, f"{mean['less']:.0%}"))
    save(folder / "coverage.json", content)
    text = (
        f"Share of {len(next(iter(logs.values()))):,} simulated logs whose 95 % interval holds the truth, "
        "with its own 95 % interval; bold where it is below .93. Warned: effective sample size below 200 or "
        "one row of much weight. Beside it the plain normal interval of IPS, and how much wider ours is.\n\n"
        f"{markdown(OFF_POLICY, rows)}\n\n{markdown(DIFFERENCE, more)}"
    )
    write_between(folder / "README.md", "coverage", text)
    show("off-policy values", OFF_POLICY, rows)
    show("differences to a hold-out", DIFFERENCE, more)


def _share(value: float, draws: int) -> str:
    end = share_interval(round(value * draws), draws)
    shown = f"{value:.3f}" if value >= TARGET else f"**{value:.3f}**"
    return f"{shown} [{end.low:.3f}, {end.high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())

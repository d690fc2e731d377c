"""Errors of off-policy estimators on simulated logs of actions, of lists of items, and of coupon depths.

``python experiments/006_next_best_action/estimators.py`` writes estimators.json and tables of README.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from simulated_shop import COST, EARNED, EXPLORED, X, buying, holds, logged, policies
from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.evaluation.amount_value import LoggedAmounts, amount_value, choose_bandwidth
from crm_ml.evaluation.direct_outcomes import Direct, direct_outcomes
from crm_ml.evaluation.limit_choice import choose_limit
from crm_ml.evaluation.policy_estimators import LIMITED, LoggedRows, estimate
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.slate_value import INTERACTIONS, slate_value

FOLDS, SEED, SIZES, LITTLE = 5, 24, (500, 8_000), 0.02
CHOICES = {"slope": "SLOPE", "effective_rows": "eff. rows"}
PLACES, ITEMS, LISTS = 4, 5, 2_000
DEPTHS = (0.05, 0.30)  # of coupons, drawn evenly between
Drawn = dict[str, tuple[float, float]]  # estimator -> error and whether the interval holds the truth


def of_actions(rows: int, explored: float, target: str, rng: np.random.Generator) -> Drawn:
    """Estimate a target from one log by every estimator."""
    logging, targets = policies(explored)
    context, action, reward = logged(rows, rng, explored)
    truth = float((targets[target] * (EARNED * buying() - COST)).sum(axis=1).mean())
    each, pi = np.arange(rows), targets[target][context]
    direct = direct_outcomes(reward, action, pi, X[context][:, None], each % FOLDS)
    log = LoggedRows(reward, action, logging[context, action], pi[each, action], direct)
    values = {name: estimate(log, name) for name in ("ips", "snips", "direct", "dr", "self_normalised_dr")}
    for name in LIMITED:
        for by, word in CHOICES.items():
            values[f"{name}, {word}"] = choose_limit(log, name, by=by).value
    return _errors(values, truth)


def of_lists(world: str, rng: np.random.Generator) -> Drawn:
    """Estimate a policy of lists whose rewards depend on what the world says."""
    logging, target, truth = _policies_of_lists(world)
    shown = rng.choice(ITEMS, (LISTS, PLACES), p=logging)
    clicks = (rng.random(shown.shape) < _click(shown, world)).astype(float)
    lists, place = np.repeat(np.arange(LISTS), PLACES), np.tile(np.arange(PLACES), LISTS)
    columns = (lists, place, clicks.ravel(), logging[shown].ravel(), target[shown].ravel())
    values = {}
    for name in INTERACTIONS:
        values[name] = slate_value(*columns, name)
        values[f"{name}, self-normalised"] = slate_value(*columns, name, self_normalised=True)
    return _errors(values, truth)


@cache
def _policies_of_lists(world: str) -> tuple[Any, Any, float]:
    """Return the logging and the target policy of each place, and the target's value over all lists."""
    logging, target = _softmax(0.4 * np.arange(ITEMS)), _softmax(-0.4 * np.arange(ITEMS))
    lists = np.array(list(product(range(ITEMS), repeat=PLACES)))
    return logging, target, float(target[lists].prod(axis=1) @ _click(lists, world).sum(axis=1))


def of_amounts(rows: int, rng: np.random.Generator) -> Drawn:
    """Estimate a policy that sets the depth of a coupon by context."""
    x, depth = rng.choice(X, rows), rng.uniform(*DEPTHS, rows)
    wanted = 0.15 + 0.05 * x / 2
    reward = (rng.random(rows) < _bought(x, depth)) * (25.0 - 100 * depth)
    truth = float((_bought(X, 0.15 + 0.05 * X / 2) * (25.0 - 100 * (0.15 + 0.05 * X / 2))).mean())
    density = np.full(rows, 1 / (DEPTHS[1] - DEPTHS[0]))
    direct = _direct(np.column_stack([x, depth]), np.column_stack([x, wanted]), reward)
    plain, robust = (LoggedAmounts(reward, depth, density, wanted, each) for each in (None, direct))
    values = {}
    for name, log in (("IPS", plain), ("DR", robust)):
        values |= {f"{name}, bandwidth {h}": amount_value(log, h) for h in (0.005, 0.02, 0.1)}
        for by, word in CHOICES.items():
            values[f"{name}, {word}"] = choose_bandwidth(log, by=by).value
    return _errors(values, truth)


def _direct(at: Any, wanted: Any, reward: Any) -> Direct:
    """Fit a line on rows of other folds."""
    fold, logged_, target = np.arange(len(reward)) % FOLDS, np.empty(len(reward)), np.empty(len(reward))
    lines = [np.column_stack([np.ones(len(reward)), each]) for each in (at, wanted)]
    for number in range(FOLDS):
        inside = fold == number
        slope = np.linalg.lstsq(lines[0][~inside], reward[~inside], rcond=None)[0]
        logged_[inside], target[inside] = (line[inside] @ slope for line in lines)
    return Direct(logged_, target)


def _bought(x: Any, depth: Any) -> Any:
    return 1 / (1 + np.exp(2.5 - 0.5 * x - (14 + 3 * x) * depth + 20 * depth**2))


def _click(shown: Any, world: str) -> Any:
    own = 0.5 - 0.08 * shown
    if world == "independent":
        return own
    if world == "cascade":
        above = np.column_stack([np.zeros(len(shown)), np.cumsum(own, axis=1)[:, :-1]])
        return own * np.exp(-0.5 * above)
    return own * (0.5 + 0.5 * np.array([len(set(row)) for row in shown]) / PLACES)[:, None]


def _errors(values: Mapping[str, Interval], truth: float) -> Drawn:
    return {name: (end.value - truth, float(holds(end, truth))) for name, end in values.items()}


def _softmax(value: Any) -> Any:
    odds = np.exp(value)
    return odds / odds.sum()


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, measure errors and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "estimators.json")
    command.add_argument("--draws", type=int, default=400, help="of each log")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    actions = {
        f"{rows:,} rows, {explored:.0%} explored, {target.split()[0]}": (of_actions, rows, explored, target)
        for rows in SIZES
        for explored in (EXPLORED, LITTLE)
        for target in ("best action", "worst action")
    }
    lists = {f"{LISTS:,} lists, clicks {world}": (of_lists, world) for world in INTERACTIONS}
    amounts = {f"{rows:,} rows": (of_amounts, rows) for rows in SIZES}
    content: dict[str, Any] = {"draws": arguments.draws}
    texts = []
    with shown_progress() as progress:
        for title, logs in (("actions", actions), ("lists", lists), ("depths", amounts)):
            content[title] = {}
            for name, (draw, *given) in logs.items():
                numbers: Iterable[int] = progress.track(range(arguments.draws), description=name)
                content[title][name] = _measured(draw, given, numbers)
            header, rows = _table(content[title])
            show(title, header, rows)
            texts.append(markdown(header, rows))
    save(arguments.folder / "estimators.json", content)
    first = (
        f"Root mean squared error over {arguments.draws:,} logs, the lowest of each log in bold, "
        "and beside it the share of 95 % intervals that hold the truth. "
        "Actions and depths in cents a row, lists in clicks."
    )
    write_between(arguments.folder / "README.md", "estimators", "\n\n".join([first, *texts]))


def _measured(draw: Callable[..., Drawn], given: Sequence[Any], numbers: Iterable[int]) -> Any:
    draws = [draw(*given, np.random.default_rng([SEED, number])) for number in numbers]
    found = {}
    for name in draws[0]:
        errors, held = np.array([each[name] for each in draws]).T
        found[name] = {
            "rmse": float(np.sqrt((errors**2).mean())),
            "bias": float(errors.mean()),
            "held": float(held.mean()),
        }
    return found


def _table(
    logs: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> tuple[tuple[str, ...], list[Sequence[str]]]:
    """Return a row for each estimator and a column for each log."""
    names = list(next(iter(logs.values())))
    best = {log: min(each["rmse"] for each in found.values()) for log, found in logs.items()}
    rows = []
    for name in names:
        cells = []
        for log, found in logs.items():
            rmse = f"{found[name]['rmse']:.3g}"
            shown = f"**{rmse}**" if found[name]["rmse"] == best[log] else rmse
            cells.append(f"{shown} ({found[name]['held']:.0%})")
        rows.append((name.replace("_", " "), *cells))
    return ("estimator", *logs), rows


if __name__ == "__main__":
    sys.exit(main())

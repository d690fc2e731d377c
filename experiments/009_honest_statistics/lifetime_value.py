"""Lifetime value where data say little: coverage of totals, cautions, and regular purchasers.

``python experiments/009_honest_statistics/lifetime_value.py`` writes JSON and its tables of README.md.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from simulated_shops import Shop, World, simulate
from study import parser, run, save, saved, shown_progress, write_tables

from crm_ml.clv import BetaGeo, MbgCnbdK, ModifiedBetaGeo, ParetoNBD, with_gaps
from crm_ml.clv.cautions import cautions
from crm_ml.clv.observed_outcomes import outcomes
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.season import season
from crm_ml.clv.summary import summarize
from crm_ml.clv.totals import HorizonRefused, total_purchases
from crm_ml.datasets import complete_journey
from crm_ml.snapshots import Snapshot, as_utc

SEED = 19
YOUNG = Shop(customers=200, known=60, ahead=365)
PLAIN = Shop()
SEASON = (0.15,) * 10 + (1.0, 1.0)
PANEL = Shop(customers=1500, known=364, ahead=364, r=1.5, gap=28.0, coin=(0.12, 4.0), all_at_once=True)
FAULTS = {
    "plain, BG/NBD fitted": (PLAIN, BetaGeo),
    "plain, 300 customers, 500 days": (replace(PLAIN, customers=300, known=500), BetaGeo),
    "sells in November and December, 150 days known": (
        replace(PLAIN, known=150, gap=8.0, months=SEASON),
        BetaGeo,
    ),
    "the same, 420 days known": (replace(PLAIN, known=420, gap=8.0, months=SEASON), BetaGeo),
    "Gamma shape 2": (replace(PLAIN, shape=2.0), BetaGeo),
    "Gamma shape 4": (replace(PLAIN, shape=4.0), BetaGeo),
    "newer customers buy twice as often": (replace(PLAIN, newer=2.0), BetaGeo),
}
CASES: dict[str, tuple[bool, type[PurchaseModel]]] = {
    "BG/NBD by BG/NBD": (False, BetaGeo),
    "Pareto/NBD by Pareto/NBD": (True, ParetoNBD),
    "BG/NBD by Pareto/NBD": (False, ParetoNBD),
    "Pareto/NBD by BG/NBD": (True, BetaGeo),
}
KINDS = ("season", "regularity", "cohorts")


def young_shop(lifetimes: bool, rng: np.random.Generator) -> Shop:
    """Return one of many shops: rates, spread and drop-out over what shops of the literature show."""
    rates = {"r": float(np.exp(rng.uniform(np.log(0.25), np.log(2))))}
    rates["gap"] = float(np.exp(rng.uniform(np.log(10), np.log(90))))
    if lifetimes:
        spread = float(np.exp(rng.uniform(np.log(0.5), np.log(3))))
        return replace(
            YOUNG, **rates, lifetime=(spread, float(np.exp(rng.uniform(np.log(60), np.log(1000)))))
        )
    size = float(np.exp(rng.uniform(0, np.log(8))))
    return replace(YOUNG, **rates, coin=(float(rng.uniform(0.03, 0.4)), size))


def covered(case: str, worlds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Count how often the total of 365 days lies in its prediction interval, 60 days known."""
    lifetimes, kind = CASES[case]
    counts: Counter[str] = Counter()
    widths = []
    for number in range(worlds):
        rng = np.random.default_rng([SEED, number, lifetimes])
        world = simulate(young_shop(lifetimes, rng), rng)
        model = kind().fit(world.summary)
        bound = bool(model.record_.at_bound)
        tick()
        try:
            total = total_purchases(model, world.summary, 365.0, rng)
        except HorizonRefused:
            counts["refused"] += 1
            continue
        inside = total.prediction_low <= world.later.sum() <= total.prediction_high
        counts["inside"] += inside
        counts["at a bound"] += bound
        counts["inside at a bound"] += inside and bound
        widths.append(total.prediction_high / max(total.prediction_low, 1.0))
    return {"worlds": worlds, **counts, "width": float(np.median(widths))}


def far_horizon(worlds: int, tick: Callable[[], None]) -> dict[str, int]:
    """Count refusals and cautions of 60 months ahead of 30 days."""
    counts: Counter[str] = Counter(worlds=worlds)
    for number in range(worlds):
        rng = np.random.default_rng([SEED, number, 5])
        shop = replace(young_shop(False, rng), known=30, ahead=1)
        world = simulate(shop, rng)
        model = ParetoNBD().fit(world.summary)
        horizon = timedelta(days=1826)
        counts["warned"] += any(item.kind == "horizon" for item in cautions(model, world.summary, horizon))
        try:
            total_purchases(model, world.summary, horizon, rng)
        except HorizonRefused:
            counts["refused"] += 1
        tick()
    return dict(counts)


def alarms(worlds: int, tick: Callable[[], None]) -> dict[str, dict[str, int]]:
    """Count cautions of season, regularity and cohorts in plain and in faulty worlds."""
    table = {}
    for name, (shop, kind) in FAULTS.items():
        draws = worlds if name.startswith("plain") else max(worlds // 5, 2)
        counts: Counter[str] = Counter(worlds=draws)
        for number in range(draws):
            world = simulate(shop, np.random.default_rng([SEED, number, 7]))
            every = cautions(kind().fit(world.summary), world.summary, timedelta(days=91), world.calendar)
            kinds = {item.kind for item in every} & set(KINDS)
            counts.update(kinds)
            counts["any"] += bool(kinds)
            tick()
        table[name] = dict(counts)
    return table


def mae_ratio(
    summary: pd.DataFrame, later: np.ndarray, horizon: float, rng: np.random.Generator
) -> dict[str, float]:
    """Return MAE of purchases over that of Pareto/NBD, with a paired bootstrap over customers, and k."""
    models: dict[str, PurchaseModel] = {
        "pareto": ParetoNBD().fit(summary),
        "mbg": ModifiedBetaGeo().fit(summary),
    }
    regular = MbgCnbdK().fit(summary)
    models["mbg_k"] = regular
    errors = {
        name: np.abs(model.expected_purchases(summary, horizon).to_numpy() - later)
        for name, model in models.items()
    }
    weights = rng.multinomial(len(later), np.full(len(later), 1 / len(later)), 400)
    ratios = (weights @ errors["mbg_k"]) / (weights @ errors["pareto"])
    low, high = np.quantile(ratios, (0.025, 0.975))
    means = {name: float(error.mean()) for name, error in errors.items()}
    return {
        "k": regular.k_,
        "mae_pareto": means["pareto"],
        "mbg": means["mbg"] / means["pareto"],
        "mbg_k": means["mbg_k"] / means["pareto"],
        "low": float(low),
        "high": float(high),
    }


def panels(tick: Callable[[], None]) -> dict[str, dict[str, float]]:
    """Compare models on panels of regular purchasers, and on Complete Journey."""
    table = {}
    for shape in (1.0, 2.0, 3.0, 4.0, 6.0):
        rng = np.random.default_rng([SEED, int(10 * shape), 9])
        world = simulate(replace(PANEL, shape=shape), rng)
        table[f"Gamma shape {shape:g}, 52 weeks known, 52 ahead"] = mae_ratio(
            world.summary, world.later, 364.0, rng
        )
        tick()
    tables, day = complete_journey.load(), "2017-10-02"
    summary = with_gaps(summarize(tables, day, "D"), tables, day)
    window = Snapshot(as_utc(day), timedelta(days=91))
    later = outcomes(tables, window, summary, data_ends_at="2018-01-01").known["purchases"].to_numpy()
    table["Complete Journey, 39 weeks known, 13 ahead"] = mae_ratio(
        summary, later, 91.0, np.random.default_rng(SEED)
    )
    tick()
    return table


def spring(worlds: int, tick: Callable[[], None]) -> dict[str, dict[str, Any]]:
    """Forecast January to March of a shop that sells in November and December, as it is and by the season."""
    table = {}
    for days in (150, 510):
        plain, factored, warned = [], [], 0
        shop = replace(PLAIN, customers=500, known=days, gap=8.0, months=SEASON)
        for number in range(worlds):
            world = simulate(shop, np.random.default_rng([SEED, number, 13]))
            model, horizon = BetaGeo().fit(world.summary), timedelta(days=91)
            expected = float(model.expected_purchases(world.summary, horizon).sum())
            known = season(model, world.summary, world.calendar, horizon)
            factor = known.factor if known is not None and known.whole_year and known.is_clear else 1.0
            every = cautions(model, world.summary, horizon, world.calendar)
            warned += any(item.kind == "season" for item in every)
            plain.append(expected / world.later.sum())
            factored.append(factor * plain[-1])
            tick()
        means = {"plain": float(np.mean(plain)), "factored": float(np.mean(factored))}
        table[f"{days} days known"] = {"worlds": worlds, "warned": warned, **means}
    return table


def subscribers(tick: Callable[[], None]) -> dict[str, float]:
    """Return the mean P(alive) of monthly subscribers who left three months ago or more."""
    shop = replace(PANEL, customers=800, shape=60.0, r=400.0, gap=30.4, lifetime=(50.0, 250.0), known=330)
    world: World = simulate(shop, np.random.default_rng([SEED, 11]))
    gone = world.gone_for > 91
    tick()
    return {
        name: float(model.fit(world.summary).probability_alive(world.summary)[gone].mean())
        for name, model in {
            "BG/NBD": BetaGeo(),
            "Pareto/NBD": ParetoNBD(),
            "MBG/NBD": ModifiedBetaGeo(),
            "MBG/CNBD-k": MbgCnbdK(),
        }.items()
    }


def _share(count: int, of: int) -> str:
    from scipy.stats import binomtest

    ends = binomtest(count, of).proportion_ci(method="wilson")
    return f"{count} of {of} [{ends.low:.2f}, {ends.high:.2f}]"


def tables(found: Mapping[str, Any]) -> dict[str, tuple[Sequence[str], list[list[str]]]]:
    """Return the tables of the README."""
    covered = [
        [
            name,
            _share(row.get("inside", 0), row["worlds"] - row.get("refused", 0)),
            f"{row.get('inside at a bound', 0)} of {row.get('at a bound', 0)}",
            str(row.get("refused", 0)),
            f"{row['width']:.1f}",
        ]
        for name, row in found["coverage"].items()
    ]
    far = found["far"]
    rows = [
        ["60 months ahead of 30 days", f"{far.get('refused', 0)} refused", f"{far['warned']} warned", "", ""]
    ]
    warned = [
        [name, *(_share(row.get(kind, 0), row["worlds"]) for kind in (*KINDS, "any"))]
        for name, row in found["alarms"].items()
    ]
    regular = [
        [
            name,
            f"{row['k']}",
            f"{row['mae_pareto']:.3f}",
            f"{row['mbg']:.3f}",
            f"{row['mbg_k']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
        ]
        for name, row in found["panels"].items()
    ]
    seasons = [
        [name, f"{row['warned']} of {row['worlds']}", f"{row['plain']:.2f}", f"{row['factored']:.2f}"]
        for name, row in found["spring"].items()
    ]
    left = [[name, f"{alive:.3f}"] for name, alive in found["subscribers"].items()]
    return {
        "lifetime value coverage": (
            ("world by model", "total in its interval", "of those at a bound", "refused", "width, median"),
            [*covered, *rows],
        ),
        "lifetime value cautions": (("world", *KINDS, "any"), warned),
        "lifetime value panels": (
            ("panel", "k", "MAE of Pareto/NBD", "MBG/NBD", "MBG/CNBD-k"),
            regular,
        ),
        "lifetime value spring": (
            ("shop", "warned", "forecast over observed", "with the seasonal factor"),
            seasons,
        ),
        "lifetime value subscribers": (("model", "mean P(alive) of those who left"), left),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    parts = ("coverage", "far", "alarms", "panels", "spring", "subscribers")
    command = parser(__file__, __doc__.splitlines()[0], "lifetime_value.json", only=parts)
    command.add_argument("--worlds", type=int, default=60, help="of each case of coverage")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    path, worlds = arguments.folder / "lifetime_value.json", arguments.worlds
    found = saved(path, {})
    with shown_progress() as progress:
        task = progress.add_task("worlds", total=None)

        def tick() -> None:
            progress.advance(task)

        work: dict[str, Callable[[], Any]] = {
            "coverage": lambda: {case: covered(case, worlds, tick) for case in CASES},
            "far": lambda: far_horizon(max(worlds // 3, 1), tick),
            "alarms": lambda: alarms(2 * worlds, tick),
            "panels": lambda: panels(tick),
            "spring": lambda: spring(max(worlds // 6, 1), tick),
            "subscribers": lambda: subscribers(tick),
        }
        for part in arguments.only or work:
            found[part] = work[part]()
            save(path, found)
    if set(work) <= set(found):
        write_tables(arguments.folder, tables(found))


if __name__ == "__main__":
    sys.exit(main())

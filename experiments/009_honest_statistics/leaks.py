"""Sixteen leaks planted into clean customer tables, and fifty clean ones: what is refused or to be looked at.

``python experiments/009_honest_statistics/leaks.py`` writes JSON and its table of README.md.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.errors import LeakError
from crm_ml.evaluation.leak_looks import look_for_leaks
from crm_ml.evaluation.leakage import check_leaks

SEED, ROWS = 97, 4_000
Floats = npt.NDArray[np.float64]
Made = tuple[pd.DataFrame, Floats]
Rng = np.random.Generator


def shop(rng: Rng, rows: int = ROWS) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """Return customers of a shop as they were known on a day, and their orders in spans of days after it.

    Orders are Poisson with a rate and a lifetime of each customer.
    """
    rate, tenure = rng.gamma(1.2, 0.03, rows), rng.uniform(30, 700, rows)
    active = np.minimum(rng.exponential(400, rows), tenure * 1.3)
    orders = 1 + rng.poisson(rate * np.minimum(active, tenure))
    last = np.minimum(active, tenure) * rng.random(rows) ** (1 / orders)
    ahead = np.maximum(active - tenure, 0) + np.where(active >= tenure, rng.exponential(300, rows), 0)
    later = {
        f"{start}-{end}": rng.poisson(rate * np.clip(ahead - start, 0, end - start)).astype(float)
        for start, end in ((0, 10), (10, 30), (30, 40), (40, 365))
    }
    basket = rng.lognormal(3.3, 0.5, rows)
    columns = {
        "orders": orders.astype(float),
        "recency_days": np.round(tenure - last, 1),
        "tenure_days": np.round(tenure, 1),
        "orders_90d": rng.binomial(orders, np.minimum(90 / tenure, 1)).astype(float),
        "paid_cents": np.round(100 * basket * orders * rng.lognormal(0, 0.2, rows)),
        "basket_cents": np.round(100 * basket),
        "coupon_share": np.round(rng.binomial(orders, 0.2) / orders, 4),
        "age": np.where(rng.random(rows) < 0.3, np.nan, np.round(rng.normal(45, 14, rows))),
        "newsletter": rng.random(rows) < 0.4,
        "channel": rng.choice(["web", "app", "store"], rows),
        "city": rng.choice([f"city {number}" for number in range(40)], rows),
        "opened_mails": rng.poisson(2 + 20 * rate).astype(float),
    }
    index = pd.Index([f"c{number:06d}" for number in rng.permutation(rows)], name="customer_id")
    return pd.DataFrame(columns, index), later


def churn(rng: Rng, rows: int = ROWS) -> tuple[pd.DataFrame, Floats, dict[str, Floats]]:
    """Return the customers, whether they order in the next 30 days, and their later orders."""
    X, later = shop(rng, rows)
    return X, (later["0-10"] + later["10-30"] > 0).astype(float), later


def bernoulli(rng: Rng, logit: Floats, rate: float) -> Floats:
    """Return labels of a logit, shifted so that their rate is about `rate`."""
    low, high = -30.0, 30.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-logit - middle))) < rate else (low, middle)
    return (rng.random(len(logit)) < 1 / (1 + np.exp(-logit - low))).astype(float)


def scaled(values: Any) -> Floats:
    """Return values with mean 0 and standard deviation 1."""
    known = np.nan_to_num(np.asarray(values, dtype=float))
    return np.asarray((known - known.mean()) / known.std())


def encoded(rng: Rng, y: Floats, size: int) -> Floats:
    """Return the label rate of groups of `size` rows, the own row among them."""
    group = rng.permutation(len(y)) // size
    return np.asarray((np.bincount(group, weights=y) / np.bincount(group))[group])


def flipped(rng: Rng, y: Floats, share: float) -> Floats:
    """Return labels of which a share is wrong."""
    return np.where(rng.random(len(y)) < share, 1 - y, y)


def _household(rng: Rng, y: Floats) -> Floats:
    group = np.repeat(np.arange(len(y)), rng.integers(1, 6, len(y)))[: len(y)]
    group = rng.permutation(group)
    rows = np.bincount(group)
    return np.asarray((np.bincount(group, weights=y) / np.maximum(rows, 1))[group])


def _corrected(rng: Rng, X: pd.DataFrame, y: Floats) -> npt.NDArray[Any]:
    """Return cities, of which most were set to "unknown" when their customer had left."""
    return np.where(rng.random(len(y)) < np.where(y == 1, 0.6, 0.01), "unknown", X["city"])


def _copies(rng: Rng, X: pd.DataFrame, y: Floats) -> Made:
    """Add a tenth of the customers again under new ids, with a new amount each."""
    rows = rng.choice(len(X), len(X) // 10, replace=False)
    again = X.iloc[rows].assign(basket_cents=np.round(rng.lognormal(8, 0.5, len(rows))))
    again.index = pd.Index([f"n{number}" for number in rng.permutation(len(rows))], name="customer_id")
    order = rng.permutation(len(X) + len(rows))
    return pd.concat([X, again]).iloc[order], np.append(y, y[rows])[order]


def _in_id_order(rng: Rng, X: pd.DataFrame, y: Floats) -> Made:
    """Give customers new numbers: those of class 1 before the others, as two exports give them."""
    rank = np.argsort(np.argsort(1 - y + rng.random(len(y)) / 2))
    return X.set_axis(pd.Index([f"id{number}" for number in rank], name="customer_id")), y


def _two(X: pd.DataFrame, y: Floats, first: Any, second: Any) -> Made:
    return X.assign(planted=first, planted_too=second), y


def _one(plant: Callable[[Rng, pd.DataFrame, Floats, dict[str, Floats]], Any]) -> "Leak":
    return lambda rng, X, y, later: (X.assign(planted=plant(rng, X, y, later)), y)


Leak = Callable[[Rng, pd.DataFrame, Floats, dict[str, Floats]], Made]
LEAKS: dict[str, tuple[Leak, tuple[str, ...]]] = {
    "exact future count": (_one(lambda _r, _X, _y, n: n["0-10"] + n["10-30"]), ("planted",)),
    "future count over a shifted window": (_one(lambda _r, _X, _y, n: n["10-30"] + n["30-40"]), ("planted",)),
    "lifetime orders": (_one(lambda _r, X, _y, n: X["orders"] + sum(n.values())), ("planted",)),
    "target encoding over 4 rows": (_one(lambda r, _X, y, _n: encoded(r, y, 4)), ("planted",)),
    "target encoding over 20 rows": (_one(lambda r, _X, y, _n: encoded(r, y, 20)), ("planted",)),
    "post-outcome flag, 90 % recall": (
        _one(lambda r, _X, y, _n: (y == 1) & (r.random(len(y)) < 0.9)), ("planted",),
    ),
    "status field, 97 % right": (
        _one(lambda r, _X, y, _n: np.where(flipped(r, y, 0.03) == 1, "won", "open")), ("planted",),
    ),
    "noisy row order": (
        _one(lambda r, _X, y, _n: np.argsort(np.argsort(y + r.normal(0, 0.35, len(y))))), ("planted",),
    ),
    "missingness with 2 % noise": (
        _one(lambda r, _X, y, _n: np.where(flipped(r, y, 0.02) == 1, np.nan, r.random(len(y)))), ("planted",),
    ),
    "later-corrected attribute": (_one(lambda r, X, y, _n: _corrected(r, X, y)), ("planted",)),
    "household rate with the own label": (_one(lambda r, _X, y, _n: _household(r, y)), ("planted",)),
    "duplicates under new ids": (lambda r, X, y, _n: _copies(r, X, y), ("copied rows",)),
    "label in id order": (lambda r, X, y, _n: _in_id_order(r, X, y), ("order of ids",)),
    "XOR pair": (
        lambda r, X, y, _n: _two(X, y, a := r.integers(0, 2, len(y)), a ^ (y == 1)),
        ("planted and planted_too",),
    ),
    "a + b = y": (
        lambda r, X, y, _n: _two(X, y, a := r.normal(0, 10, len(y)), y - a), ("planted and planted_too",),
    ),
    "prefix of a unique text": (
        _one(lambda r, _X, y, _n: [f"{'AB'[int(each)]}-{r.integers(10**9)}" for each in y]),
        ("planted",),
    ),
}  # fmt: skip


def _strong(rng: Rng) -> Made:
    """Recency drives the label, with an AUC of about .85 alone; the rest says little."""
    X, _ = shop(rng)
    return X, bernoulli(rng, -1.7 * scaled(np.log1p(X["recency_days"])), 0.35)


def _rare(rng: Rng) -> Made:
    X, _ = shop(rng)
    return X, bernoulli(rng, 1.3 * scaled(np.log1p(X["orders"])) - 0.8 * scaled(X["age"].fillna(45)), 0.01)


def _weak(rng: Rng) -> Made:
    X, _ = shop(rng)
    return X, bernoulli(rng, 0.2 * scaled(X["basket_cents"]), 0.5)


def _panel(rng: Rng) -> Made:
    """Return the same customers on five days, whose rate of labels rises."""
    X, y, _ = churn(rng, 1_200)
    noisy = [X.assign(recency_days=X["recency_days"] * rng.uniform(0.5, 1.5, len(X))) for _ in range(5)]
    labels = [np.where(rng.random(len(y)) < 0.3, rng.random(len(y)) < 0.1 * day, y) for day in range(5)]
    joined = pd.concat({f"2026-0{day + 1}-01": part for day, part in enumerate(noisy)}, names=["fold"])
    return joined, np.concatenate(labels).astype(float)


def _wide(rng: Rng) -> Made:
    X, y, _ = churn(rng)
    more = {f"noise_{number}": rng.normal(size=len(X)) for number in range(40)}
    more |= {f"level_{number}": rng.choice(["a", "b", "c", None], len(X)) for number in range(10)}
    more |= {f"sparse_{number}": rng.poisson(0.05, len(X)).astype(float) for number in range(20)}
    return X.assign(**more), y


def _ordered(rng: Rng) -> Made:
    """Ids follow sign-up, rows follow recency, and both tell of the label what the features tell."""
    X, y, _ = churn(rng)
    ids = [f"c{rank}" for rank in np.argsort(np.argsort(-X["tenure_days"]))]
    X = X.set_axis(pd.Index(ids, name="customer_id"))
    order = np.argsort(X["recency_days"].to_numpy())
    return X.iloc[order], y[order]


def _known_rates(rng: Rng) -> Made:
    """Add a calibrated score of an earlier model, and rates of earlier labels of households and cities."""
    X, _ = shop(rng)
    p = 1 / (1 + np.exp(0.7 - 1.2 * scaled(np.log1p(X["orders"]))))
    before, y = ((rng.random(len(X)) < p).astype(float) for _ in range(2))
    city = pd.Series(before, X.index).groupby(X["city"]).transform("mean")
    return X.assign(old_score=np.round(p, 2), household_before=_household(rng, before), city_before=city), y


def _interaction(rng: Rng) -> Made:
    """Coupons work on customers of the app and harm others: an honest pair."""
    X, _ = shop(rng)
    sign = np.where(X["channel"] == "app", 1.0, -1.0)
    return X, bernoulli(rng, 1.5 * sign * scaled(X["coupon_share"]) - scaled(X["recency_days"]), 0.3)


def _small(rng: Rng) -> Made:
    X, y, _ = churn(rng, 300)
    return X, y


def _twins(rng: Rng) -> Made:
    """Most customers bought one article at one price, so that many rows are equal."""
    X, y, _ = churn(rng)
    columns = {"orders": np.minimum(X["orders"], 3), "month": X["recency_days"] // 30}
    columns |= {name: X[name] for name in ("newsletter", "channel", "city")}
    return pd.DataFrame(columns).assign(
        paid=1900 * np.minimum(X["orders"], 3), weekday=rng.integers(0, 7, len(X))
    ), y


CLEAN: dict[str, Callable[[Rng], Made]] = {
    "recency of AUC .85 alone": _strong, "one label in a hundred": _rare, "hardly any signal": _weak,
    "five days of the same customers": _panel, "70 columns more": _wide,
    "ids by sign-up, rows by recency": _ordered, "rates of earlier labels": _known_rates,
    "an honest pair": _interaction, "300 customers": _small, "rows that many customers share": _twins,
}  # fmt: skip


def judge(X: pd.DataFrame, y: Floats) -> tuple[str, list[str], float]:
    """Return ``refused``, ``look`` or nothing, the subjects, and the largest AUC of a feature alone."""
    areas = check_leaks(X, y, limit=2.0)
    try:
        check_leaks(X, y)
    except LeakError:
        return "refused", [name for name, area in areas.items() if area > 0.99], max(areas.values())
    looks = look_for_leaks(X, y, areas)
    return "look" if looks else "", [look.subject for look in looks], max(areas.values())


def main(argv: Sequence[str] | None = None) -> int:
    """Plant, judge and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "leaks.json")
    command.add_argument("--draws", type=int, default=10, help="of each leak")
    command.add_argument("--clean", type=int, default=5, help="of each kind of clean table")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    content: dict[str, Any] = {"leaks": {}, "clean": {}}
    with shown_progress() as progress:
        task = progress.add_task("tables", total=len(LEAKS) * arguments.draws + len(CLEAN) * arguments.clean)
        for place, (leak, (plant, subjects)) in enumerate(LEAKS.items()):
            rows = []
            for number in range(arguments.draws):
                rng = np.random.default_rng([SEED, place, number])
                X, y, later = churn(rng)
                rows.append(judge(*plant(rng, X, y, later)))
                progress.advance(task)
            content["leaks"][leak] = _counted(rows, subjects)
        for place, (kind, make) in enumerate(CLEAN.items()):
            rows = []
            for number in range(arguments.clean):
                rows.append(judge(*make(np.random.default_rng([SEED + 1, place, number]))))
                progress.advance(task)
            content["clean"][kind] = _counted(rows, ())
    save(arguments.folder / "leaks.json", content)
    _report(content, arguments.folder)


def _counted(rows: list[tuple[str, list[str], float]], subjects: tuple[str, ...]) -> dict[str, Any]:
    """Return how many tables were refused or to be looked at, by the right subject where there is one."""
    named = [
        verdict
        for verdict, names, _ in rows
        if not subjects or any(subject in name for subject in subjects for name in names)
    ]
    names = sorted({name for _, names, _ in rows for name in names})
    return {
        "draws": len(rows),
        "refused": named.count("refused"),
        "look": named.count("look"),
        "auc": round(float(np.mean([area for *_, area in rows])), 3),
        "subjects": names,
    }


def _report(content: dict[str, Any], folder: Path) -> None:
    header = ("table", "draws", "largest AUC alone", "refused", "look at this")
    leaks, clean = (
        [
            (name, str(cell["draws"]), f"{cell['auc']:.3f}", str(cell["refused"]), str(cell["look"]))
            for name, cell in content[part].items()
        ]
        for part in ("leaks", "clean")
    )
    caught = sum(cell["refused"] + cell["look"] >= 0.9 * cell["draws"] for cell in content["leaks"].values())
    before = sum(cell["refused"] >= 0.9 * cell["draws"] for cell in content["leaks"].values())
    sets, refused, looks = (
        sum(cell[key] for cell in content["clean"].values()) for key in ("draws", "refused", "look")
    )
    tables = f"{markdown(header, leaks)}\n\n{markdown(('clean table', *header[1:]), clean)}"
    text = (
        f"{caught} of {len(leaks)} leaks are caught in at least nine of ten tables ({before} before, when "
        f"the gate only refused an AUC above .99 alone); of {sets} clean tables {refused} are refused, and "
        f"{looks} are to be looked at.\n\n{tables}"
    )
    write_between(folder / "README.md", "leaks", text)
    show("leaks", header, [*leaks, *clean])


if __name__ == "__main__":
    sys.exit(main())

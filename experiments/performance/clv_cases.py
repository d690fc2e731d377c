"""The data and the operations that clv.py measures, each contender in a process of its own.

``clv_cases.py prepare FOLDER COPIES DRAWS CUSTOMERS`` makes the data. ``clv_cases.py CONTENDER FOLDER``
writes to the folder ``CONTENDER.json`` (CPU and wall seconds of the fastest repetition, and the results)
and, for what is a table, ``CONTENDER.parquet``. Reading data and importing the package are not counted.
"""

import contextlib
import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Operation = Callable[[], Any]
SEED = 2_026
AS_OF, ENDS_AT = "1997-10-01", "1998-07-01"
RATE, WEEKS_A_MONTH = 0.1, 4.345
MONTHLY = (1 + RATE) ** (1 / 12) - 1
LINES, DRAWN, SOME, SIMULATED = "lines.parquet", "drawn.parquet", "some.parquet", "simulated.parquet"
SPENDING = "spending.parquet"
PURCHASES = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
COLUMNS = ["frequency", "recency", "T"]


@dataclass(frozen=True)
class Sizes:
    """How often the order lines are repeated, the customers drawn, and how many are valued and simulated."""

    copies: int = 10
    draws: int = 100
    customers: int = 1_000_000


def prepare(folder: Path, sizes: Sizes) -> None:
    """Write the data of all cases to a folder."""
    from crm_ml.clv import BetaGeo, GammaGamma, summarize
    from crm_ml.datasets import cdnow

    folder.mkdir(parents=True, exist_ok=True)
    tables, rng = cdnow.load(part="master"), np.random.default_rng(SEED)
    lines = tables.order_lines.select("customer_id, ordered_at, paid_cents").df()
    ids = [lines.assign(customer_id=lines["customer_id"] + f"-{copy}") for copy in range(sizes.copies)]
    pd.concat(ids, ignore_index=True).to_parquet(folder / LINES)
    summary = summarize(tables, AS_OF, "W")
    drawn = summary.iloc[rng.integers(0, len(summary), sizes.draws * len(summary))].reset_index(drop=True)
    drawn.to_parquet(folder / DRAWN)
    drawn.head(sizes.customers).to_parquet(folder / SOME)
    simulate(sizes.customers, rng).to_parquet(folder / SIMULATED)
    spending(pd.read_parquet(folder / SIMULATED), rng).to_parquet(folder / SPENDING)
    models = {"purchases": BetaGeo().fit(summary), "spend": GammaGamma().fit(summary)}
    text = json.dumps({name: model.as_dict() for name, model in models.items()})
    (folder / "models.json").write_text(text, encoding="utf-8")


def simulate(customers: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return histories of BG/NBD with continuous times, so that no two are equal.

    A customer who never dropped out would buy n ~ Poisson times, at uniform moments; the coin stops that at a
    geometric number x, and the x-th of n uniform moments is Beta(x, n + 1 - x).
    """
    age = rng.uniform(27.0, 39.0, customers)
    rate = rng.gamma(PURCHASES["r"], 1 / PURCHASES["alpha"], customers)
    coin = np.maximum(rng.beta(PURCHASES["a"], PURCHASES["b"], customers), 1e-9)
    n = rng.poisson(rate * age)
    x = np.minimum(n, rng.geometric(coin))
    last = np.where(x > 0, age * rng.beta(np.maximum(x, 1), np.maximum(n + 1 - x, 1)), 0.0)
    return pd.DataFrame({"frequency": x, "recency": last, "T": age})


def spending(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return histories with a spend for customers who repeat."""
    mean = rng.gamma(6.0, 1.0, len(rows)) * 15.0 / rng.gamma(4.0, 1.0, len(rows))
    valued = rows.assign(monetary_value=np.where(rows["frequency"] > 0, mean, 0.0))
    valued.attrs["time_unit"] = "W"
    return valued


def summarize_table(folder: Path) -> Operation:
    """Summarize a table of DuckDB."""
    from crm_ml.clv import summarize
    from crm_ml.tables.engine import connect

    connection = connect()
    connection.execute(f"CREATE TABLE lines AS FROM '{folder / LINES}'")
    return lambda: summarize(connection.table("lines"), ENDS_AT)


def summarize_frame(folder: Path) -> Operation:
    """Summarize a frame of pandas."""
    from crm_ml.clv import summarize

    lines = pd.read_parquet(folder / LINES)
    return lambda: summarize(lines, ENDS_AT)


def lifetimes_summary(folder: Path, *, numbers: bool = False) -> Operation:
    """Summarize a frame of pandas by lifetimes; customers that are `numbers` are grouped faster than text."""
    from lifetimes.utils import summary_data_from_transaction_data

    lines = pd.read_parquet(folder / LINES)
    lines["paid"] = lines.pop("paid_cents") / 100
    if numbers:
        lines["customer_id"] = pd.factorize(lines["customer_id"])[0]
    last_day = pd.Timestamp(ENDS_AT) - pd.Timedelta(days=1)
    return lambda: summary_data_from_transaction_data(
        lines, "customer_id", "ordered_at", "paid", observation_period_end=last_day
    )


def fit(name: str, data: str) -> Callable[[Path], Operation]:
    """Fit a model of crm_ml.clv."""

    def load(folder: Path) -> Operation:
        from crm_ml import clv

        rows, model = pd.read_parquet(folder / data), getattr(clv, name)
        return lambda: {"theta": model().fit(rows).theta_.tolist()}

    return load


def lifetimes_fit(name: str, data: str) -> Callable[[Path], Operation]:
    """Fit a model of lifetimes to the rows as they stand; its own likelihood is noted outside the clock."""

    def load(folder: Path) -> Operation:
        import lifetimes

        rows, model = pd.read_parquet(folder / data), getattr(lifetimes, name)()
        columns = [rows[column] for column in COLUMNS]

        def own(theta: np.ndarray) -> float:
            ones = np.ones(len(rows))
            values = [column.to_numpy() for column in columns]
            return float(-model._negative_log_likelihood(theta, *values, ones, 0.0) * len(rows))

        def operation() -> Any:
            theta = np.log(model.fit(*columns).params_.to_numpy())
            return lambda: {"theta": theta.tolist(), "log_likelihood": own(theta)}

        return operation

    return load


def value(folder: Path) -> Operation:
    """Value customers over 12 months."""
    from crm_ml.clv import BetaGeo, GammaGamma, lifetime_value, months

    models = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    purchases, spend = BetaGeo.from_dict(models["purchases"]), GammaGamma.from_dict(models["spend"])
    rows = pd.read_parquet(folder / SOME)
    return lambda: lifetime_value(purchases, spend, rows, months(12), RATE).to_frame()


def value_with_interval(folder: Path) -> Operation:
    """Value customers over 12 months, with intervals."""
    from crm_ml.clv import BetaGeo, GammaGamma, months
    from crm_ml.clv import value_with_interval as valued

    models = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    purchases, spend = BetaGeo.from_dict(models["purchases"]), GammaGamma.from_dict(models["spend"])
    rows = pd.read_parquet(folder / SPENDING)
    return lambda: valued(purchases, spend, rows, months(12), RATE)


def lifetimes_value(folder: Path) -> Operation:
    """Value them by lifetimes, with the same parameters."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    purchases, spend = BetaGeoFitter(), GammaGammaFitter()
    models = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    p, above, v = np.exp(models["spend"]["theta"])
    purchases.params_ = pd.Series(np.exp(models["purchases"]["theta"]), index=["r", "alpha", "a", "b"])
    purchases.predict = purchases.conditional_expected_number_of_purchases_up_to_time
    spend.params_ = pd.Series([p, 1 + above, v], index=["p", "q", "v"])
    rows = pd.read_parquet(folder / SOME)
    columns = [rows[name] for name in (*COLUMNS, "monetary_value")]
    return lambda: spend.customer_lifetime_value(
        purchases, *columns, time=12, discount_rate=MONTHLY, freq="W"
    ).to_frame()


CONTENDERS: dict[str, tuple[Callable[[Path], Operation], int]] = {
    "summarize_table": (summarize_table, 9),
    "summarize_frame": (summarize_frame, 9),
    "lifetimes_summary": (lifetimes_summary, 7),
    "lifetimes_summary_numbers": (partial(lifetimes_summary, numbers=True), 7),
    "fit_drawn": (fit("BetaGeo", DRAWN), 5),
    "lifetimes_fit_drawn": (lifetimes_fit("BetaGeoFitter", DRAWN), 1),
    "value": (value, 5),
    "lifetimes_value": (lifetimes_value, 1),
    "value_with_interval": (value_with_interval, 3),
    "fit_simulated": (fit("BetaGeo", SIMULATED), 3),
    "lifetimes_fit_simulated": (lifetimes_fit("BetaGeoFitter", SIMULATED), 1),
    "fit_modified": (fit("ModifiedBetaGeo", SIMULATED), 3),
    "lifetimes_fit_modified": (lifetimes_fit("ModifiedBetaGeoFitter", SIMULATED), 1),
}


def main(name: str, folder: Path) -> None:
    """Repeat an operation and note the fastest repetition; what a library prints or warns of is lost."""
    load, repetitions = CONTENDERS[name]
    with warnings.catch_warnings(), Path(os.devnull).open("w") as hole, contextlib.redirect_stdout(hole):
        warnings.simplefilter("ignore")
        operation = load(folder)
        runs = []
        for _ in range(repetitions):
            gc.collect()
            cpu, wall = time.process_time(), time.perf_counter()
            result = operation()
            runs.append((time.process_time() - cpu, time.perf_counter() - wall))
        result = result() if callable(result) else result
    seconds = {"cpu_s": min(run[0] for run in runs), "wall_s": min(run[1] for run in runs)}
    if isinstance(result, pd.DataFrame):
        result.to_parquet(folder / f"{name}.parquet")
        result = {}
    (folder / f"{name}.json").write_text(json.dumps({**seconds, **result}), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]), Sizes(*map(int, sys.argv[3:])))
    else:
        main(sys.argv[1], Path(sys.argv[2]))

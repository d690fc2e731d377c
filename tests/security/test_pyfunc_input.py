"""Bad input of a served model is refused in one sentence that has no cell of it."""

import io
import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import value_shop

from crm_ml import models, recommend, uplift
from crm_ml.clv import clv_pyfunc
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import CrmError
from crm_ml.models.model_folder import PyfuncModel, probability
from crm_ml.recommend import recommend_pyfunc
from crm_ml.uplift import uplift_pyfunc

CANARY = "Canary"
ROWS = 300
RNG = np.random.default_rng(0)
X = pd.DataFrame(
    {"a": RNG.normal(size=ROWS), "b": RNG.normal(size=ROWS), "c": RNG.choice(["x", "y"], ROWS)},
    index=pd.Index([f"c{n}" for n in range(ROWS)], name="customer_id"),
)
Y = (X["a"] + RNG.normal(size=ROWS) > 0).to_numpy().astype(int)
CELLS: dict[str, Callable[[int], Any]] = {
    "text": lambda n: f"{CANARY}{n}@x.com",
    "bytes": lambda n: f"{CANARY}{n}".encode(),
    "list": lambda n: [f"{CANARY}{n}"],
    "dict": lambda n: {f"{CANARY}": n},
    "mixed": lambda n: f"{CANARY}{n}" if n % 2 else n,
    "complex": lambda n: complex(n, 1),
    "decimal": lambda n: Decimal("NaN") if n else f"{CANARY}",
    "time": lambda n: datetime(2024, 1, 1, tzinfo=UTC) if n else f"{CANARY}",
    "day": lambda n: date(2024, 1, 1) if n else f"{CANARY}",
    "set": lambda n: {f"{CANARY}{n}"},
    "tuple": lambda n: (f"{CANARY}{n}", n),
    "object": lambda n: type(f"{CANARY}{n}", (), {"__repr__": lambda _: CANARY})(),
}


def attacks(right: pd.DataFrame) -> Iterator[Any]:
    """Yield inputs that are wrong in one place, with canaries in what is wrong."""
    few = right.iloc[:6]
    for name in few.columns:
        for make in CELLS.values():
            yield few.assign(
                **{name: pd.Series([make(n) for n in range(len(few))], index=few.index, dtype=object)}
            )
        yield few.drop(columns=name).assign(**{f"{CANARY}@x.com": f"{CANARY}"})
        yield few.rename(columns={name: f"{CANARY} {CANARY}"})
        yield pl.from_pandas(few.reset_index(drop=True)).with_columns(pl.lit(f"{CANARY}@x.com").alias(name))
        yield pa.Table.from_pandas(few.assign(**{name: [[CANARY]] * len(few)}))
        yield few.assign(**{name: pd.Categorical([f"{CANARY}{n}" for n in range(len(few))])})
    yield from (
        [CANARY],
        [[CANARY, 1], [CANARY]],
        {CANARY: CANARY},
        {"a": [CANARY], "b": [1, 2]},
        CANARY,
        None,
        3,
    )
    yield from ({"a": {CANARY: [CANARY]}}, [{"a": CANARY}, CANARY], pd.Series([CANARY]), np.array([[CANARY]]))
    yield few.assign(customer_id=[[CANARY]] * len(few)).reset_index(drop=True)
    yield pd.concat([few, few.add_prefix("")], axis=1)
    yield few.iloc[:0].assign(**{CANARY: []})


def told_by(predict: Callable[[Any], Any], data: Any) -> tuple[str, bool]:
    """Return all that a prediction printed, logged, warned or raised, and whether what it raised is ours."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    ours = True
    try:
        with redirect_stdout(stream), redirect_stderr(stream), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                predict(data)
            except Exception as error:
                ours = isinstance(error, CrmError)
                stream.write(
                    "".join(line for line in traceback.format_exception(error) if "File" not in line)
                )
        stream.write("".join(str(warning.message) for warning in warned))
    finally:
        logging.getLogger().removeHandler(handler)
    return stream.getvalue(), ours


def probability_model() -> tuple[PyfuncModel, pd.DataFrame]:
    return PyfuncModel(models.create("logistic").fit(X, Y), probability("p")), X


def uplift_model() -> tuple[PyfuncModel, pd.DataFrame]:
    arm = RNG.choice(["control", "mail"], ROWS)
    fitted = uplift.create("t_learner", base="logistic", control="control").fit(X, Y, treatment=arm)
    return PyfuncModel(fitted, uplift_pyfunc.score), X


def clv_model() -> tuple[PyfuncModel, pd.DataFrame]:
    from datetime import timedelta

    summary = value_shop.summary(value_shop.lines(200, seed=6))
    terms = Terms(timedelta(days=365), 0.1, 0.3)
    return PyfuncModel(ClvModel(Valuer.fit("beta_geo", summary), terms, "D"), clv_pyfunc.score), summary


def recommend_model() -> tuple[PyfuncModel, pd.DataFrame]:
    events = {"customer_id": RNG.integers(1, 30, 400), "item_id": RNG.integers(1, 15, 400)}
    times = {"occurred_at": RNG.integers(1_700_000_000, 1_710_000_000, 400)}
    frame = pd.DataFrame(events | times).astype({"customer_id": str, "item_id": str})
    return PyfuncModel(recommend.ItemKNN().fit(frame), recommend_pyfunc.score), frame[["customer_id"]]


MAKERS = (probability_model, uplift_model, clv_model, recommend_model)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_no_cell_of_bad_input_is_told(make: Callable[[], Any], tried: Callable[[int], None]) -> None:
    served, right = make()
    served.predict(right.iloc[:6])
    told = [told_by(served.predict, data) for data in attacks(right)]
    tried(len(told))
    assert [text for text, ours in told if CANARY in text.replace(f"{CANARY} {CANARY}", "") or not ours] == []

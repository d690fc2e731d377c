"""An id is one id however it is stored, frames may be of any kind, and no message shows a cell."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from crm_ml.errors import InputError
from crm_ml.models.model_folder import PyfuncModel
from crm_ml.recommend import ItemKNN, recommend_pyfunc
from crm_ml.recommend.audience import audience

SECRET = "ada@example.com"
RNG = np.random.default_rng(0)
NUMBERED = pd.DataFrame(
    {
        "customer_id": RNG.integers(1, 30, 400),
        "item_id": RNG.integers(1, 15, 400),
        "occurred_at": RNG.integers(1_700_000_000, 1_710_000_000, 400),
        "quantity": RNG.integers(1, 3, 400),
    }
)
IDS = ["customer_id", "item_id"]
EVENTS = NUMBERED.astype(dict.fromkeys(IDS, "str"))
KINDS = {
    "int64": NUMBERED,
    "float64": NUMBERED.astype("float64"),
    "Int64": NUMBERED.astype("Int64"),
    "object": NUMBERED.astype(object),
    "category": NUMBERED.astype(dict.fromkeys(IDS, "category")),
    "times": EVENTS.assign(occurred_at=pd.to_datetime(NUMBERED["occurred_at"], unit="s")),
    "Polars": pl.from_pandas(NUMBERED),
    "Polars Categorical": pl.from_pandas(EVENTS).with_columns(pl.col(*IDS).cast(pl.Categorical)),
    "Arrow": pa.Table.from_pandas(EVENTS),
}
ASKED = {
    "int": [3, 5, 999],
    "float": [3.0, 5.0, 999.0],
    "Int64": pd.array([3, 5, 999], dtype="Int64"),
    "category": pd.Categorical([3, 5, 999]),
    "Polars": pl.Series([3, 5, 999]),
    "Arrow": pa.array(["3", "5", "999"]),
}


@pytest.fixture(scope="module")
def fitted():
    return ItemKNN().fit(EVENTS)


@pytest.mark.parametrize("kind", KINDS)
def test_events_are_the_same_however_they_are_stored(fitted, kind):
    assert ItemKNN().fit(KINDS[kind]).learned_from_ == fitted.learned_from_


@pytest.mark.parametrize("kind", ASKED)
def test_lists_do_not_depend_on_how_ids_are_stored(fitted, kind):
    ids, texts = ASKED[kind], ["3", "5", "999"]
    wanted = fitted.recommend(texts, 4)
    pd.testing.assert_frame_equal(fitted.recommend(ids, 4), wanted, check_exact=True)
    served = PyfuncModel(fitted, recommend_pyfunc.score).predict(pd.DataFrame({"customer_id": ids}), {"k": 4})
    pd.testing.assert_frame_equal(served, wanted, check_exact=True)
    allowed = fitted.recommend(["8"], 4, allowed_items=ids)
    pd.testing.assert_frame_equal(allowed, fitted.recommend(["8"], 4, allowed_items=texts), check_exact=True)
    among = audience(fitted, 7, customers=ids)
    pd.testing.assert_frame_equal(among, audience(fitted, "7", customers=texts), check_exact=True)


@pytest.mark.parametrize(
    "frame", [pl.DataFrame({"customer_id": [3, 5]}), pa.table({"customer_id": ["3", "5"]})]
)
def test_the_pyfunc_takes_frames_of_any_kind(fitted, frame):
    served = PyfuncModel(fitted, recommend_pyfunc.score).predict(frame, {"k": 4})
    pd.testing.assert_frame_equal(served, fitted.recommend(["3", "5"], 4), check_exact=True)
    with pytest.raises(InputError, match="the frame has no column customer_id"):
        PyfuncModel(fitted, recommend_pyfunc.score).predict(pl.DataFrame({"id": [3]}))


@pytest.mark.filterwarnings("ignore:Could not infer format")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"occurred_at": SECRET}, "occurred_at holds str values that are no times in 400 rows"),
        ({"occurred_at": None}, "occurred_at is missing in 400 of 400 rows"),
        ({"quantity": SECRET}, r"quantity holds texts \(str\) in 400 rows; give numbers"),
    ],
)
def test_no_message_shows_a_cell(change, message):
    with pytest.raises(InputError, match=message) as told:
        ItemKNN().fit(EVENTS.assign(**change))
    assert SECRET not in str(told.value)
    assert told.value.__cause__ is None

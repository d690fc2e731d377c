"""Which kept score tables have matured, and their outcomes, of answers and of lifetime value."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import value_shop

from crm_ml.artefacts import fingerprint, verify
from crm_ml.clv import artefact
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.terms import Terms
from crm_ml.clv.tilt import NO_TILT
from crm_ml.score.matured import MOST_CUSTOMERS, matured, realised
from crm_ml.score.stages import stage
from crm_ml.score.value import Valuation, values_of
from crm_ml.snapshots import DAY_S, Snapshot, as_utc
from crm_ml.tables import Tables
from crm_ml.tracking import ModelVersion

AS_OF = date(2024, 8, 1)
START_S = value_shop.second(AS_OF)


@pytest.fixture(scope="module")
def lines():
    return value_shop.lines(300, seed=2, days=330)


def kept_values(folder, lines):
    """Values of a day by a model whose horizon is sixty days, kept as a scoring run keeps them."""
    summary = value_shop.summary(lines)
    model = ClvModel.of(
        value_shop.valuer(lines), Terms(timedelta(days=60), 0.1, 0.25), summary, NO_TILT, None
    )
    artefact.save(model, folder / "model", labels_end="2024-08-01", time_unit="D")
    version = ModelVersion(
        "clv", "1", folder / "model", fingerprint(folder / "model"), verify(folder / "model")
    )
    tables = value_shop.shop(lines).identified("ab" * 32)
    snapshot = Snapshot(as_utc(AS_OF), timedelta(days=1))
    values_of(folder / "work", tables, snapshot, Valuation("clv", version.content, model))
    return version, tables


def test_expected_purchases_are_judged_by_the_days_with_a_purchase(tmp_path, lines):
    version, tables = kept_values(tmp_path, lines)
    known = {version.content: version}
    assert matured(tmp_path / "work", known, date(2024, 9, 29), None, tables) == []
    [one] = matured(tmp_path / "work", known, date(2024, 9, 30), None, tables)
    assert (one.day, one.what, one.is_probability) == ("2024-08-01", "clv", False)
    inside = lines[lines["ordered_at_epoch_s"].between(START_S, START_S + 60 * DAY_S - 1)]
    days = (inside["ordered_at_epoch_s"] // DAY_S).groupby(inside["customer_id"]).nunique()
    rows = one.rows(tables)
    past = set(lines.loc[lines["ordered_at_epoch_s"] < START_S, "customer_id"])
    assert set(rows.index) == past
    pd.testing.assert_series_equal(
        rows["outcome"], days.reindex(rows.index, fill_value=0), check_names=False, check_dtype=False
    )
    found = realised(one, tables)
    expected = rows["score"].sum() / days.reindex(rows.index, fill_value=0).sum() - 1
    assert found["total_error"] == pytest.approx(expected)
    assert found["normalised_gini.low"] < found["normalised_gini"] < found["normalised_gini.high"]
    assert "base_rate" not in found


def of_categories(folder, **target):
    details = {"family": "propensity", "target": {"of": "purchases", "active_within_days": 30} | target}
    return ModelVersion("propensity", "1", folder, "cd" * 32, details)


def kept_answers(work, ids, p, by="category", names=("beer",)):
    def features(path):
        pq.write_table(pa.table({"customer_id": ids}), path)

    def fill(path):
        pq.write_table(pa.table({"customer_id": ids, "p_response": p}), path)

    made = stage(work, "features", {"as_of": "2024-08-01T00:00:00+00:00"}, features)
    action = {"kind": "beer", "days": 14, "by": by, "names": list(names)}
    return stage(
        work, "propensity-tasting", {"action": action, "features": made.parent.name, "model": "cd" * 32}, fill
    )


def test_answers_of_categories_are_purchases_of_active_customers(tmp_path):
    draw = np.random.default_rng(0)
    ids = [f"c{number:03d}" for number in range(120)]
    bought, active = draw.random(120) < 0.4, draw.random(120) < 0.8
    rows = [
        (name, "wine", START_S - (5 if was else 50) * DAY_S) for name, was in zip(ids, active, strict=True)
    ]
    rows += [
        (name, "ale" if did else "wine", START_S + 3 * DAY_S) for name, did in zip(ids, bought, strict=True)
    ]
    rows += [(name, "ale", START_S + 14 * DAY_S) for name in ids]  # a day too late
    lines = pd.DataFrame(rows, columns=["customer_id", "item_id", "ordered_at_epoch_s"])
    lines["order_id"] = [f"o{number}" for number in range(len(lines))]
    lines = lines.assign(quantity=1, paid_cents=100, discount_cents=0, coupon_cents=0)
    items = pd.DataFrame({"item_id": ["ale", "wine"], "category": ["beer", "wine"], "department": "drinks"})
    tables = Tables(customers=pd.DataFrame({"customer_id": ids}), order_lines=lines, items=items)
    kept_answers(tmp_path / "work", ids, draw.random(120))
    version = of_categories(tmp_path)
    [one] = matured(tmp_path / "work", {version.content: version}, date(2024, 8, 15), None, tables)
    assert (one.what, one.is_probability) == ("propensity-tasting", True)
    judged = one.rows(tables)
    assert list(judged.index) == [name for name, was in zip(ids, active, strict=True) if was]
    assert judged["outcome"].tolist() == bought[active].astype(int).tolist()
    assert realised(one, tables)["base_rate"] == pytest.approx(bought[active].mean())


def test_coupons_and_unknown_models_have_no_labels_of_their_own(tmp_path, lines):
    work, ids = tmp_path / "work", ["c1", "c2"]
    kept_answers(work, ids, [0.1, 0.2], by="campaign", names=("18",))
    version = of_categories(tmp_path)
    tables = value_shop.shop(lines)
    assert matured(work, {version.content: version}, date(2024, 10, 1), None, tables) == []
    assert matured(work, {}, date(2024, 10, 1), None, tables) == []
    assert matured(tmp_path / "nowhere", {version.content: version}, date(2024, 10, 1), None, tables) == []


def test_of_many_customers_a_part_is_judged_that_a_hash_has_drawn(tmp_path, lines, monkeypatch):
    from crm_ml.score import matured as module

    version, tables = kept_values(tmp_path, lines)
    assert MOST_CUSTOMERS >= 10_000
    [one] = matured(tmp_path / "work", {version.content: version}, date(2024, 9, 30), None, tables)
    whole = realised(one, tables)
    monkeypatch.setattr(module, "MOST_CUSTOMERS", 100)
    part = realised(one, tables)
    assert 60 < part["rows"] < 150 < whole["rows"]
    assert realised(one, tables) == part

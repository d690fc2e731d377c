"""Hold-outs: keyed, stable, of the right size, and never listed."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from crm_ml.customer_hash import uniform
from crm_ml.decision.holdouts import HoldOut, Power, held, write_held

IDS = [f"c{i:06d}" for i in range(40_000)]


def test_draws_are_uniform_and_independent_of_each_other():
    one, other, third = (uniform(IDS, salt, what) for salt, what in (("s", "x"), ("s", "y"), ("t", "x")))
    for draws in (one, other, third):
        assert np.abs(np.sort(draws) - (np.arange(len(IDS)) + 0.5) / len(IDS)).max() < 1.95 / math.sqrt(
            len(IDS)
        )
    for a, b in ((one, other), (one, third), (other, third)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / math.sqrt(len(IDS))


def test_a_customer_stays_in_its_arm_whatever_else_is_asked():
    rules = HoldOut(salt="spring", universal=0.1, actions={"a": 0.2})
    larger = HoldOut(salt="spring", universal=0.15, actions={"a": 0.2, "b": 0.3})
    first = dict(zip(IDS, held(IDS, rules), strict=True))
    again = dict(zip(IDS[::-7], held(IDS[::-7], larger), strict=True))
    assert all(again[one] for one in again if first[one])  # a larger control holds the smaller one
    assert held(IDS, rules, "a").tolist() == held(IDS, larger, "a").tolist()
    assert held(IDS, HoldOut(salt="summer", universal=0.1)).tolist() != held(IDS, rules).tolist()
    assert abs(held(IDS, rules).mean() - 0.1) < 4 * math.sqrt(0.09 / len(IDS))
    both = held(IDS, rules) & held(IDS, rules, "a")
    assert abs(both.mean() - 0.02) < 4 * math.sqrt(0.0196 / len(IDS))


def test_arms_are_written_for_each_channel_of_an_action(tmp_path):
    pq.write_table(pa.table({"customer_id": IDS[:500]}), tmp_path / "features.parquet")
    rules = HoldOut(salt="spring", universal=0.1, actions={"a": 0.2})
    write_held(tmp_path / "features.parquet", ["a", "a", "b"], rules, tmp_path / "held.parquet")
    found = pq.read_table(tmp_path / "held.parquet").to_pandas()
    everything, of_a = held(IDS[:500], rules), held(IDS[:500], rules, "a")
    assert found["universal"].tolist() == everything.tolist() == found["held_2"].tolist()
    assert found["held_0"].tolist() == found["held_1"].tolist() == (everything | of_a).tolist()


def test_the_share_finds_the_effect_as_often_as_stated():
    wanted = Power(customers=4_000, smallest_effect=0.4, sd=2.0, power=0.9)
    controls = round(wanted.share * 4_000)
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(1_000):
        control, treated = rng.normal(0, 2, controls), rng.normal(0.4, 2, 4_000 - controls)
        error = math.sqrt(control.var(ddof=1) / len(control) + treated.var(ddof=1) / len(treated))
        found += abs(treated.mean() - control.mean()) > 1.959964 * error
    assert abs(found / 1_000 - 0.9) < 0.03


def test_too_few_customers_are_refused_with_the_number_that_is_needed():
    with pytest.raises(
        ValidationError, match=r"needs 282,560 customers, half of them in control; there are 1,000"
    ):
        HoldOut(salt="spring", universal=Power(customers=1_000, smallest_effect=0.01, sd=0.9486833))

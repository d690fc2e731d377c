"""A list allocated in parts: who gets what, propensities and certificate are those of one part."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from score_world import action

from crm_ml.decision.allocation_limits import Budget, limits_of
from crm_ml.decision.allocator import allocate_list
from crm_ml.decision.exploration import Explore
from crm_ml.decision.open_actions import HELD_OUT

ACTIONS = [action("a", daily_cap=60), action("b", channel="push", cost_cents=40), action("c", minimum=30)]
LIMITS = limits_of(ACTIONS, 200, {"push": 90}, [Budget(name="all", cents=3_000)])
N = 700


def allocated(folder, part_of):
    """Allocate customers in parts; return action and propensity of each, and what is said of all."""
    rng = np.random.default_rng(3)
    columns = {"customer_id": [f"c{i:04d}" for i in range(N)]}
    for number in range(3):
        is_open = rng.random(N) < 0.7
        columns[f"value_{number}"] = pa.array(np.round(rng.lognormal(4, 1, N), -1), mask=~is_open)
        columns[f"status_{number}"] = np.where(is_open, HELD_OUT + 1, 0).astype(np.int8)
    table, files = pa.table(columns), []
    for number in range(int(part_of.max()) + 1):
        files.append(folder / str(number) / "weighed.parquet")
        files[-1].parent.mkdir(parents=True)
        pq.write_table(table.filter(pa.array(part_of == number)), files[-1])
    explore = Explore(share=0.2, salt="salt of the list")
    found = allocate_list(files, [0, 40, 0], LIMITS, explore, "2024-06-01")
    who, likely = np.full(N, -9), np.zeros(N)
    for number in range(len(files)):
        of_part = found.of_part(number)
        who[part_of == number], likely[part_of == number] = of_part.action, of_part.propensity
    said = (found.certificate.facts, found.outcomes, found.explored_rows, found.rule.row_prices.tolist())
    return who, likely, (*said, {key: share.tolist() for key, share in found.rule.served.items()})


def test_any_parts_give_the_same_list(tmp_path):
    who, likely, said = allocated(tmp_path / "one", np.zeros(N, int))
    assert said[2] > 10
    assert (who == 2).sum() >= 30
    at_random = np.random.default_rng(0).choice([0, 2], N)  # and nobody in part 1
    for name, part_of in {"8": np.arange(N) % 8, "random": at_random}.items():
        again, as_likely, told = allocated(tmp_path / name, part_of)
        np.testing.assert_array_equal(again, who)
        np.testing.assert_array_equal(as_likely, likely)
        assert told == said

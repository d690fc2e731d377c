"""Every column of every group agrees with a brute-force oracle on 200 random histories."""

import oracle
import pandas as pd
import pytest
from histories import DAY, MIDNIGHT, World, random_world

from crm_ml import features

# five worlds of 40 customers, seen from midnight, the second before it, and the middle of a day
WORLDS = {
    "midnight": (1, MIDNIGHT),
    "another": (2, MIDNIGHT + 100 * DAY),
    "late": (3, MIDNIGHT - 1),
    "noon": (4, MIDNIGHT + 43_211),
    "early": (5, MIDNIGHT + 1),
}


@pytest.fixture(scope="module", params=list(WORLDS))
def judged(request) -> tuple[World, pd.DataFrame, dict]:
    seed, as_of = WORLDS[request.param]
    world = random_world(seed, 40, as_of)
    return (
        world,
        features.matrix(world.tables(), world.snapshot(), list(features.groups())),
        oracle.features(world),
    )


def test_the_oracle_knows_every_group():
    assert {group.__name__ for group in oracle.GROUPS} == set(features.groups())


@pytest.mark.parametrize("group", [group.__name__ for group in oracle.GROUPS])
def test_agrees_with_the_oracle(judged, group):
    _, matrix, expected = judged
    rows = expected[group]
    assert matrix.index.tolist() == list(rows)
    columns = list(next(iter(rows.values())))
    assert sorted(columns) == sorted(delivered(matrix, group))
    wrong = [
        f"{customer} {column}: {matrix.loc[customer, column]} instead of {value}"
        for customer, values in rows.items()
        for column, value in values.items()
        if not oracle.agrees(matrix.loc[customer, column], value)
    ]
    assert not wrong, f"{len(wrong)} values differ, first: {wrong[:5]}"


def delivered(matrix: pd.DataFrame, group: str) -> list[str]:
    prefix = "attribute_" if group == "attributes" else f"{group}_"
    return [column for column in matrix.columns if column.startswith(prefix)]


def test_the_worlds_hold_the_cases_that_matter(judged):
    world, matrix, _ = judged
    times = [line["ordered_at"] for line in world.rows["order_lines"]]
    assert world.as_of in times
    assert any(time < world.as_of and (world.as_of - time) % DAY == 0 for time in times)
    assert any(time % DAY == 0 for time in times)
    assert len(matrix) < len(world.rows["customers"])  # some are only known later
    assert (matrix["rfm_orders"] == 0).any()
    assert (matrix["cadence_order_days"] == 1).any()
    assert any(line["paid_cents"] < 0 for line in world.rows["order_lines"])
    assert any(line["paid_cents"] == 0 for line in world.rows["order_lines"])
    assert {"potential", "active", "dormant"} < set(matrix["lifecycle_stage"])
